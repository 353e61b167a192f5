//! A page of documentation as its blocks.

use std::path::Path;

/// The files of a configuration folder; the longer of two names that end alike comes first.
const FILES: [&str; 6] = [
    "priv/notifications.cfg",
    "notifications.cfg",
    "notify.cfg",
    "user.cfg",
    "datacenter.cfg",
    "jobs.cfg",
];

/// A Markdown page.
pub(crate) struct Page {
    /// Relative to the workspace, as `docs/architecture.md`.
    pub(crate) path: String,
    pub(crate) blocks: Vec<Block>,
    /// Code within a line, with its line number.
    pub(crate) inline: Vec<(usize, String)>,
}

/// What stands between two fences.
pub(crate) struct Block {
    /// The word after the opening fence.
    kind: String,
    /// The line of the opening fence, from 1.
    pub(crate) line: usize,
    /// The last line of prose before it.
    intro: String,
    /// How many headings stand above it.
    pub(crate) section: usize,
    pub(crate) lines: Vec<String>,
}

/// What a block is for.
pub(crate) enum Content<'b> {
    /// Commands, one a line, that exit with 0 or as their comment says.
    Commands,
    /// Commands after `$ `, each with what it prints.
    Session,
    /// The content of a file of the configuration folder.
    File(&'static str),
    /// All properties of a section type.
    Shape(&'b str),
    /// Lines of Rust that stand in the workspace.
    Rust,
    /// A Cargo manifest.
    Manifest,
    /// JSON, a value on each line.
    Json,
    /// Text that claims nothing.
    Plain,
    /// None of these, for this reason.
    Unknown(String),
}

impl Page {
    /// The page at this path below the workspace.
    pub(crate) fn read(root: &Path, path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a page");
        let relative = path.strip_prefix(root).expect("a page of the workspace");
        let mut page = Page {
            path: relative.to_string_lossy().into_owned(),
            blocks: Vec::new(),
            inline: Vec::new(),
        };
        let (mut intro, mut section, mut open) = (String::new(), 0, None);
        for (line, number) in text.lines().zip(1..) {
            match (line.strip_prefix("```"), open.take()) {
                (Some(kind), None) => {
                    open = Some(Block::new(kind, number, &intro, section));
                }
                (Some(_), Some(block)) => page.blocks.push(block),
                (None, Some(mut block)) => {
                    block.lines.push(line.to_owned());
                    open = Some(block);
                }
                (None, None) => {
                    section += usize::from(line.starts_with('#'));
                    page.inline.extend(code_of(line).map(|code| (number, code)));
                    if !line.trim().is_empty() {
                        line.clone_into(&mut intro);
                    }
                }
            }
        }
        assert!(open.is_none(), "{}: a block does not end", page.path);
        page
    }
}

impl Block {
    fn new(kind: &str, line: usize, intro: &str, section: usize) -> Self {
        Block {
            kind: kind.trim().to_owned(),
            line,
            intro: intro.to_owned(),
            section,
            lines: Vec::new(),
        }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    pub(crate) fn content(&self) -> Content<'_> {
        match self.kind.as_str() {
            "sh" => Content::Commands,
            "console" => Content::Session,
            "rust" => Content::Rust,
            "toml" => Content::Manifest,
            "json" => Content::Json,
            // What it configures is another program.
            "yaml" => Content::Plain,
            "text" => self.text_content(),
            other => Content::Unknown(format!("a block of the unknown kind `{other}`")),
        }
    }

    fn text_content(&self) -> Content<'_> {
        let header = self.lines.first().map_or("", String::as_str);
        if let (Some(kind), Some(_)) = (type_of(header), header.find(" in notifications.cfg")) {
            return Content::Shape(kind);
        }
        match self.file() {
            Some(file) => Content::File(file),
            None if self.lines.iter().any(|line| is_section_header(line)) => {
                let reason = "a section, and the line above does not name its file and end in `:`";
                Content::Unknown(reason.to_owned())
            }
            None => Content::Plain,
        }
    }

    /// The file that the line above announces.
    fn file(&self) -> Option<&'static str> {
        let announced = self.intro.ends_with(':').then_some(&self.intro)?;
        let named = code_of(announced).find(|code| code.ends_with(".cfg"))?;
        FILES.into_iter().find(|file| named.ends_with(file))
    }
}

/// The type in `TYPE: NAME`.
fn type_of(line: &str) -> Option<&str> {
    let (kind, name) = line.split_once(": ")?;
    let is_word = |c: char| c.is_ascii_lowercase() || c == '-';
    (!kind.is_empty() && kind.chars().all(is_word) && !name.is_empty()).then_some(kind)
}

fn is_section_header(line: &str) -> bool {
    let is_name = |name: &str| !name.trim().contains(' ');
    type_of(line).is_some() && line.split_once(": ").is_some_and(|(_, name)| is_name(name))
}

/// The pieces of a line between backticks.
fn code_of(line: &str) -> impl Iterator<Item = String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned)
}
