//! Markdown as a man page, for `man` of groff and of mandoc.
//!
//! The page is ASCII: every other character, and every character that roff or
//! its macros could mistake, is written by its name.

use std::fmt::Write as _;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use table::Table;

mod table;

/// The head of a man page.
#[derive(Clone, Copy, Debug)]
pub struct ManPage<'a> {
    /// As `notify-gotify`.
    pub name: &'a str,
    /// As `7`, where formats and conventions are.
    pub section: u8,
    /// What it is, in half a line, without full stop.
    pub summary: &'a str,
    /// The program and its version.
    pub source: &'a str,
}

impl ManPage<'_> {
    /// The page with a Markdown text as its body.
    ///
    /// The title of the text makes way for the name. What stands before the
    /// first heading is the description. The page has no date, so that the same
    /// sources give the same page.
    pub fn of_markdown(&self, markdown: &str) -> String {
        let ManPage { name, section, .. } = *self;
        let mut page = Page::default();
        // Tells `man` that there may be tables.
        page.out.push_str("'\\\" t\n");
        let (upper, source) = (quoted(&name.to_uppercase()), quoted(self.source));
        let _ = writeln!(page.out, ".TH {upper} {section} \"\" {source} \"\"");
        page.out.push_str(".nh\n.ad l\n");
        let (name, summary) = (escaped(name), escaped(self.summary));
        let _ = writeln!(page.out, ".SH NAME\n{name} \\- {summary}");
        for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
            page.event(event);
        }
        page.finished()
    }
}

/// A page that is being written.
#[derive(Default)]
struct Page {
    out: String,
    /// Text that has no line of its own yet: a heading, a cell.
    held: Option<String>,
    /// Whether something stands below the name.
    begun: bool,
    /// The fonts around here, the innermost last.
    fonts: Vec<char>,
    /// The next number of each list around here; none for bullets.
    lists: Vec<Option<u64>>,
    /// Whether an item has just begun, and its first paragraph needs no macro.
    at_item: bool,
    /// Whether the lines are shown as they are.
    verbatim: bool,
    /// Where the links around here lead.
    links: Vec<String>,
    table: Option<Table>,
}

impl Page {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(text) => {
                self.font('B');
                self.text(&text);
                self.font_end();
            }
            Event::SoftBreak => self.put(match self.held {
                Some(_) => " ",
                None => "\n",
            }),
            Event::HardBreak => self.line(".br"),
            Event::Rule => self.line(".sp"),
            // HTML has no place in a manual, and the other parts of Markdown are not turned on.
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } | Tag::TableCell => self.held = Some(String::new()),
            Tag::Paragraph => self.paragraph(),
            Tag::BlockQuote(_) => self.line(".RS 4"),
            Tag::CodeBlock(kind) => self.code_block(&kind),
            Tag::List(first) => {
                self.describe();
                if !self.lists.is_empty() {
                    self.line(".RS 4");
                }
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Emphasis => self.font('I'),
            Tag::Strong => self.font('B'),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.links.push(dest_url.into_string());
            }
            Tag::Table(_) => {
                self.describe();
                self.table = Some(Table::default());
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => self.heading(level as usize),
            TagEnd::BlockQuote(_) => self.line(".RE"),
            TagEnd::CodeBlock => {
                self.verbatim = false;
                self.line(".fi\n.RE");
            }
            TagEnd::List(_) => {
                self.lists.pop();
                if !self.lists.is_empty() {
                    self.line(".RE");
                }
            }
            TagEnd::Emphasis | TagEnd::Strong => self.font_end(),
            TagEnd::Link | TagEnd::Image => self.link_end(),
            TagEnd::TableCell => {
                let cell = self.held.take().unwrap_or_default();
                if let Some(table) = &mut self.table {
                    table.cell(cell);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.row();
                }
            }
            TagEnd::Table => {
                let table = self.table.take().unwrap_or_default();
                self.line(".PP");
                self.put(&table.roff());
            }
            _ => {}
        }
    }

    /// The title of the text is the page's own name.
    fn heading(&mut self, level: usize) {
        let text = self.held.take().unwrap_or_default();
        match level {
            1 => {}
            2 => self.line(&format!(".SH \"{}\"", capitals(&text))),
            _ => self.line(&format!(".SS \"{text}\"")),
        }
        self.begun |= level > 1;
    }

    /// What stands before the first heading needs one.
    fn describe(&mut self) {
        if !self.begun {
            self.line(".SH DESCRIPTION");
            self.begun = true;
        }
    }

    fn paragraph(&mut self) {
        self.describe();
        if std::mem::take(&mut self.at_item) {
            return;
        }
        match self.lists.is_empty() {
            true => self.line(".PP"),
            false => self.line(".IP"),
        }
    }

    fn item(&mut self) {
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!(".IP {}. 4", *number - 1)
            }
            _ => ".IP \\(bu 2".to_owned(),
        };
        self.line(&mark);
        self.at_item = true;
    }

    fn code_block(&mut self, kind: &CodeBlockKind<'_>) {
        debug_assert!(matches!(
            kind,
            CodeBlockKind::Fenced(_) | CodeBlockKind::Indented
        ));
        self.describe();
        self.line(".PP\n.RS 4\n.nf");
        self.verbatim = true;
    }

    fn link_end(&mut self) {
        let target = self.links.pop().unwrap_or_default();
        // A relative link leads nowhere from a man page.
        let is_shown = self.out.ends_with(&escaped(&target));
        if target.contains("://") && !is_shown {
            self.put(&format!(" ({})", escaped(&target)));
        }
    }

    fn text(&mut self, text: &str) {
        let text = escaped(text);
        if self.held.is_some() {
            return self.put(&text);
        }
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.put("\n");
            }
            // A blank at its begin would end the line above; a mark would be a command.
            let line = if self.at_line_start() && !self.verbatim {
                line.trim_start()
            } else {
                line
            };
            if self.at_line_start() && line.starts_with(['.', '\'']) {
                self.put("\\&");
            }
            self.put(line);
        }
    }

    fn font(&mut self, font: char) {
        if self.at_line_start() {
            // A font change hides a mark that would be a command.
            self.put("\\&");
        }
        self.fonts.push(font);
        self.put(&format!("\\f{font}"));
    }

    fn font_end(&mut self) {
        self.fonts.pop();
        let around = self.fonts.last().copied().unwrap_or('R');
        self.put(&format!("\\f{around}"));
    }

    fn at_line_start(&self) -> bool {
        self.held.is_none() && self.out.ends_with('\n')
    }

    /// A line of its own.
    fn line(&mut self, line: &str) {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn put(&mut self, text: &str) {
        self.at_item &= text.is_empty();
        self.held.as_mut().unwrap_or(&mut self.out).push_str(text);
    }

    fn finished(mut self) -> String {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.out
    }
}

/// Headings of man pages are in capitals, but not the names of characters in them.
fn capitals(escaped: &str) -> String {
    let mut upper = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((plain, escape)) = rest.split_once('\\') {
        let (name, after) = escape.split_at(escape_length(escape));
        upper.push_str(&plain.to_uppercase());
        upper.push('\\');
        upper.push_str(name);
        rest = after;
    }
    upper + &rest.to_uppercase()
}

/// The length of an escape after its backslash: `(bu`, `[u2026]`, `fB` or one character.
fn escape_length(escape: &str) -> usize {
    match escape.as_bytes() {
        [b'(', _, _, ..] => 3,
        [b'[', ..] => escape.find(']').map_or(escape.len(), |end| end + 1),
        [b'f', _, ..] => 2,
        _ => escape.len().min(1),
    }
}

/// Text that roff prints as it is, also when somebody copies it from the terminal.
pub(super) fn escaped(text: &str) -> String {
    let mut roff = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => roff.push_str("\\(rs"),
            '-' => roff.push_str("\\-"),
            '\'' => roff.push_str("\\(aq"),
            '`' => roff.push_str("\\(ga"),
            '^' => roff.push_str("\\(ha"),
            '~' => roff.push_str("\\(ti"),
            '"' => roff.push_str("\\(dq"),
            '\n' | '\t' | ' '..='}' => roff.push(character),
            other if other.is_control() => {}
            other => {
                let _ = write!(roff, "\\[u{:04X}]", other as u32);
            }
        }
    }
    roff
}

/// An argument of a macro.
fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}
