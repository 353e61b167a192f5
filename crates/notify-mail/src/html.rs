//! HTML as plain text.
//!
//! `html5gum` reads the tags; what is made of them is decided here. There is no
//! tree, so that a million open tags cost no more than a million words.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

/// What stands between two cells of a table.
const BETWEEN_CELLS: &str = " | ";

/// The text of an HTML document.
///
/// Cells of a row are kept apart, items of a list have a dash, a link is
/// followed by its address. Head, styles and scripts are left out.
pub(crate) fn to_text(html: &str) -> String {
    let mut page = Page::default();
    let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| {
        page.see(&event);
        None::<Infallible>
    });
    emitter.naively_switch_states(true);
    match Tokenizer::new_with_emitter(html, emitter).finish() {
        Ok(()) => page.end(),
        Err(never) => match never {},
    }
}

/// Where in a row of a table the next word stands.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Cell {
    #[default]
    Outside,
    /// In a cell that says nothing yet.
    Empty,
    Filled,
}

/// The text so far, and where in the document we are.
#[derive(Default)]
struct Page {
    text: String,
    /// What is left out until its end tag.
    skipped: Option<Vec<u8>>,
    /// How many `<pre>` are open.
    pre: usize,
    /// A blank is due before the next word.
    blank: bool,
    /// So many line breaks are due before the next word.
    breaks: usize,
    /// How many cells of the row have ended since its last word.
    cells_ended: usize,
    /// Whether there are words in the row.
    row_has_words: bool,
    /// Whether we are in a cell.
    cell: Cell,
    /// What stands at the beginning of the next line.
    mark: &'static str,
    /// The address of the open link, and where its words begin.
    link: Option<(String, usize)>,
    /// The tag whose attributes are being read, and the attribute.
    tag: Vec<u8>,
    attribute: Vec<u8>,
    href: String,
    alt: String,
}

impl Page {
    fn see(&mut self, event: &CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = name.to_vec();
                self.href.clear();
                self.alt.clear();
            }
            CallbackEvent::AttributeName { name } => self.attribute = name.to_vec(),
            CallbackEvent::AttributeValue { value } => {
                let value = String::from_utf8_lossy(value);
                match self.attribute.as_slice() {
                    b"href" => self.href = value.trim().to_owned(),
                    b"alt" => self.alt = value.trim().to_owned(),
                    _ => {}
                }
            }
            CallbackEvent::CloseStartTag { .. } => {
                let tag = std::mem::take(&mut self.tag);
                self.begin(&tag);
            }
            CallbackEvent::EndTag { name } => self.finish(name),
            CallbackEvent::String { value } if self.skipped.is_none() => {
                self.words(&String::from_utf8_lossy(value));
            }
            _ => {}
        }
    }

    fn begin(&mut self, tag: &[u8]) {
        if let Some(skipped) = &self.skipped {
            // Few mails close their head.
            if skipped == b"head" && tag == b"body" {
                self.skipped = None;
            }
            return;
        }
        match tag {
            b"head" | b"title" | b"style" | b"script" | b"noscript" | b"template" | b"iframe" => {
                self.skipped = Some(tag.to_vec());
            }
            b"br" => self.new_line(1),
            b"hr" => {
                self.new_line(1);
                self.put("---");
                self.new_line(1);
            }
            b"li" => {
                self.new_line(1);
                self.mark = "- ";
            }
            b"pre" => {
                self.pre += 1;
                self.new_line(2);
            }
            b"td" | b"th" => {
                // Few mails close their cells.
                self.end_cell();
                self.cell = Cell::Empty;
                // Those are of a paragraph in the cell before.
                if self.row_has_words && self.cells_ended > 0 {
                    self.breaks = 0;
                }
            }
            b"tr" | b"table" | b"thead" | b"tbody" | b"tfoot" => self.end_row(tag),
            b"a" => self.link = Some((self.href.clone(), self.text.len())),
            b"img" if !self.alt.is_empty() => {
                let alt = format!("[{}]", self.alt);
                self.words(&alt);
            }
            _ => self.new_line(lines_around(tag)),
        }
    }

    fn finish(&mut self, tag: &[u8]) {
        if let Some(skipped) = &self.skipped {
            if skipped == tag {
                self.skipped = None;
            }
            return;
        }
        match tag {
            b"pre" => {
                self.pre = self.pre.saturating_sub(1);
                self.new_line(2);
            }
            b"td" | b"th" => self.end_cell(),
            b"tr" | b"table" | b"thead" | b"tbody" | b"tfoot" => self.end_row(tag),
            b"a" => self.end_link(),
            _ => self.new_line(lines_around(tag)),
        }
    }

    /// The address of a link, unless its words say the same.
    fn end_link(&mut self) {
        let Some((address, begin)) = self.link.take() else {
            return;
        };
        let words = self.text.get(begin..).unwrap_or_default().trim();
        let bare = address.strip_prefix("mailto:").unwrap_or(&address);
        let worth_it = !address.is_empty() && !address.starts_with('#') && !is_content(&address);
        if worth_it && words != bare && words.trim_end_matches('/') != bare.trim_end_matches('/') {
            self.words(&format!(" <{bare}>"));
        }
    }

    fn at_line_begin(&self) -> bool {
        self.breaks > 0 || self.text.is_empty() || self.text.ends_with('\n')
    }

    fn end_cell(&mut self) {
        if self.cell != Cell::Outside {
            self.cells_ended += 1;
        }
        self.cell = Cell::Outside;
    }

    /// Cells without words at the end of a row are not shown.
    fn end_row(&mut self, tag: &[u8]) {
        self.cell = Cell::Outside;
        self.cells_ended = 0;
        self.row_has_words = false;
        self.new_line(lines_around(tag));
    }

    fn new_line(&mut self, count: usize) {
        // A paragraph at the beginning of a cell stays in the line of its row.
        let in_row = self.cell == Cell::Empty && self.row_has_words;
        if count == 0 || in_row {
            return;
        }
        self.breaks = self.breaks.max(count);
        self.blank = false;
        if self.cell == Cell::Outside {
            self.cells_ended = 0;
        }
    }

    fn words(&mut self, text: &str) {
        if self.pre > 0 {
            return self.verbatim(text);
        }
        for piece in text.split_inclusive(is_blank) {
            let word = piece.trim_end_matches(is_blank);
            if !word.is_empty() {
                self.put(word);
            }
            self.blank |= word.len() < piece.len();
        }
    }

    fn verbatim(&mut self, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.settle();
                self.text.push('\n');
            }
            if !line.is_empty() {
                self.put(line.trim_end_matches('\r'));
            }
        }
    }

    /// A word, after the line breaks, the blank or the ends of cells that are due.
    fn put(&mut self, word: &str) {
        self.settle();
        self.text.push_str(word);
    }

    fn settle(&mut self) {
        if self.breaks > 0 {
            if !self.text.is_empty() {
                let there = breaks_first(self.text.bytes().rev(), self.breaks);
                let missing = self.breaks - there;
                self.text.extend(std::iter::repeat_n('\n', missing));
            }
            self.breaks = 0;
            self.blank = false;
        }
        if self.cells_ended > 0 {
            let ends = BETWEEN_CELLS.repeat(self.cells_ended);
            let begin = self.at_line_begin();
            self.text
                .push_str(if begin { ends.trim_start() } else { &ends });
        } else if self.blank && !self.at_line_begin() {
            self.text.push(' ');
        }
        self.text.push_str(std::mem::take(&mut self.mark));
        self.blank = false;
        self.cells_ended = 0;
        if self.cell != Cell::Outside {
            self.cell = Cell::Filled;
            self.row_has_words = true;
        }
    }

    fn end(mut self) -> String {
        let length = self.text.trim_end().len();
        self.text.truncate(length);
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text
    }
}

/// The blanks of HTML; a no-break space is not one of them.
fn is_blank(character: char) -> bool {
    character.is_ascii_whitespace()
}

/// How many line breaks come first, `most` at most.
///
/// No more are looked at: in a `<pre>` there may be a million, and this is asked for each word.
fn breaks_first(bytes: impl Iterator<Item = u8>, most: usize) -> usize {
    bytes.take(most).take_while(|byte| *byte == b'\n').count()
}

/// Whether an address is none but a program or a picture: nobody can go there.
fn is_content(address: &str) -> bool {
    // Browsers pass over blanks and control characters, too.
    let mut shown = address.chars().filter(|character| *character > ' ');
    let scheme: String = shown.by_ref().take_while(|c| *c != ':').take(20).collect();
    ["javascript", "vbscript", "data"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
}

/// How many line breaks there are before and after an element: two make an empty line.
fn lines_around(tag: &[u8]) -> usize {
    match tag {
        b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"blockquote" | b"table" | b"ul"
        | b"ol" | b"dl" => 2,
        b"div" | b"tr" | b"section" | b"article" | b"header" | b"footer" | b"center"
        | b"address" | b"dt" | b"dd" | b"caption" | b"body" | b"thead" | b"tbody" | b"tfoot"
        | b"figure" | b"form" | b"main" | b"nav" | b"aside" | b"fieldset" | b"select"
        | b"optgroup" | b"option" => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{breaks_first, to_text};

    fn check(html: &str, expected: &str) {
        assert_eq!(to_text(html), expected, "{html}");
    }

    #[test]
    fn cells_of_a_table_are_kept_apart() {
        check(
            "<table><tr><th>VMID</th><th>Status</th></tr>\n<tr>\n<td>100</td>\n<td>ok</td>\n</tr></table>",
            "VMID | Status\n100 | ok\n",
        );
        check(
            "<table><tr><td>a<td>b<tr><td>c<td>d</table>",
            "a | b\nc | d\n",
        );
    }

    #[test]
    fn an_empty_cell_keeps_its_column() {
        check("<td>a</td><td></td><td>b</td>", "a |  | b\n");
        check(
            "<table><tr><th></th><th>CPU</th><th>Memory</th></tr><tr><td>vm</td><td> </td><td>2</td></tr></table>",
            "| CPU | Memory\nvm |  | 2\n",
        );
        check("<tr><td>a<td><td>b<tr><td><td>c", "a |  | b\n| c\n");
        check(
            "<tr><td>a</td><td></td><td></td></tr><tr><td>b</td></tr>",
            "a\nb\n",
        );
        check("<tr><td></td><td></td></tr>b", "b\n");
        check("<td>a</td></td></td><td>b</td>", "a | b\n");
    }

    #[test]
    fn paragraphs_in_cells_do_not_part_a_row() {
        check(
            "<tr><td><p>a</p></td><td><br></td><td><p>b</p><p>c</p></td></tr><tr><td><p>d</p></td></tr>",
            "a |  | b\n\nc\n\nd\n",
        );
        check(
            "<tr><td><table><tr><td>a</td></tr></table></td><td>b</td></tr>",
            "a\n\nb\n",
        );
        check("<tr><td></td><td><p>a</p></td></tr>", "| a\n");
    }

    #[test]
    fn options_are_kept_apart() {
        check(
            "Pool <select><option>a<option selected>b</select> c",
            "Pool\na\nb\nc\n",
        );
    }

    #[test]
    fn an_address_that_is_a_program_is_left_out() {
        for address in [
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "java&#10;script:x",
            "&#1;javascript:x",
            "vbscript:x",
            "data:text/html,x",
        ] {
            check(&format!("<a href=\"{address}\">go</a>"), "go\n");
        }
        check("<a href='/data:x'>go</a>", "go </data:x>\n");
    }

    #[test]
    fn no_more_line_breaks_are_counted_than_are_due() {
        let endless = std::iter::repeat(b'\n');
        assert_eq!(breaks_first(endless, 2), 2);
        assert_eq!(breaks_first("\na\n".bytes(), 2), 1);
        // Counted all of them each time, this takes some 10^10 steps.
        let html = format!("w{}end", "<pre>\n</pre>".repeat(150_000));
        let text = to_text(&html);
        assert!(text.starts_with("w\n\n\n") && text.ends_with("\nend\n"));
    }

    #[test]
    fn lists_and_links_stay_readable() {
        check(
            "<p>Two:<ul><li>one</li><li>two</ul>",
            "Two:\n\n- one\n- two\n",
        );
        check(
            "See <a href=\"https://x.example/?a=1&amp;b=2\">the log</a>.",
            "See the log <https://x.example/?a=1&b=2>.\n",
        );
        check(
            "<a href='https://x.example/'>https://x.example</a>",
            "https://x.example\n",
        );
        check(
            "<a href='mailto:a@b'>a@b</a> <a href='#top'>up</a>",
            "a@b up\n",
        );
        check("<img src=x alt='Logo'> <img src=y>text", "[Logo] text\n");
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        check(
            "<html><head><title>T</title><style>p{}</style></head><body>a<script>if (a<b) {}</script><!-- c --> b</body></html>",
            "a b\n",
        );
        check(
            "<head><meta charset=utf-8><body>unclosed head",
            "unclosed head\n",
        );
        check("<style>never closed <p>text", "");
    }

    #[test]
    fn blanks_are_as_in_a_browser() {
        check("a\n  b\t<b>c</b>d", "a b cd\n");
        check(
            "<p>a</p>\n\n<p>b</p><div>c</div>d<br>e",
            "a\n\nb\n\nc\nd\ne\n",
        );
        check("<pre>a\n  b\r\n\nc</pre>d", "a\n  b\n\nc\n\nd\n");
        check(
            "1&nbsp;&lt;&nbsp;2 &amp; &#8364; &bogus;",
            "1\u{a0}<\u{a0}2 & € &bogus;\n",
        );
        check("", "");
    }

    #[test]
    fn many_open_tags_cost_no_stack() {
        let html = format!("{}end", "<div><b><table><td>".repeat(50_000));
        check(&html, "end\n");
    }
}
