//! The three texts of a template, and the files that hold them.

/// One of the texts that a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// One line.
    Subject,
    /// Plain text.
    Text,
    /// A whole HTML document.
    Html,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 3] = [Part::Subject, Part::Text, Part::Html];

    /// `subject`, `text` or `html`.
    pub const fn name(self) -> &'static str {
        match self {
            Part::Subject => "subject",
            Part::Text => "text",
            Part::Html => "html",
        }
    }

    /// The part of this name.
    ///
    /// ```
    /// assert_eq!(notify_render::Part::named("html"), Some(notify_render::Part::Html));
    /// ```
    pub fn named(name: &str) -> Option<Part> {
        Part::ALL.into_iter().find(|part| part.name() == name)
    }

    /// The file of this part of a template, as Proxmox VE names it.
    ///
    /// ```
    /// assert_eq!(notify_render::Part::Text.file_name("test"), "test-body.txt.hbs");
    /// ```
    pub fn file_name(self, template: &str) -> String {
        format!("{template}{}", self.suffix())
    }

    /// The template and the part that a file name stands for.
    pub(crate) fn of_file(file_name: &str) -> Option<(&str, Part)> {
        Part::ALL.into_iter().find_map(|part| {
            let template = file_name.strip_suffix(part.suffix())?;
            is_template_name(template).then_some((template, part))
        })
    }

    const fn suffix(self) -> &'static str {
        match self {
            Part::Subject => "-subject.txt.hbs",
            Part::Text => "-body.txt.hbs",
            Part::Html => "-body.html.hbs",
        }
    }
}

/// Whether a name can be that of a template: `[A-Za-z0-9_][A-Za-z0-9_-]*`.
///
/// A name may come from a command line and becomes part of a path, so it holds
/// neither dot nor slash.
pub(crate) fn is_template_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn a_file_name_reads_back() {
        for part in Part::ALL {
            assert_eq!(
                Part::of_file(&part.file_name("package-updates")),
                Some(("package-updates", part))
            );
        }
    }

    #[test]
    fn other_files_are_no_templates() {
        for stray in [
            "test.hbs",
            "-body.txt.hbs",
            "test-body.txt.hbs~",
            "../test-body.txt.hbs",
            "a.b-body.txt.hbs",
        ] {
            assert_eq!(Part::of_file(stray), None, "{stray}");
        }
    }
}
