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
    /// A cell has ended, and another may follow in the same row.
    cell_ended: bool,
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
                // After the words of another cell that nobody closed.
                self.cell_ended |= !self.at_line_begin();
            }
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
            b"td" | b"th" => self.cell_ended |= !self.at_line_begin(),
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
        let worth_it = !address.is_empty() && !address.starts_with('#');
        if worth_it && words != bare && words.trim_end_matches('/') != bare.trim_end_matches('/') {
            self.words(&format!(" <{bare}>"));
        }
    }

    fn at_line_begin(&self) -> bool {
        self.breaks > 0 || self.text.is_empty() || self.text.ends_with('\n')
    }

    fn new_line(&mut self, count: usize) {
        if count > 0 {
            self.breaks = self.breaks.max(count);
            self.blank = false;
            self.cell_ended = false;
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

    /// A word, after the line breaks, the blank or the end of a cell that are due.
    fn put(&mut self, word: &str) {
        self.settle();
        self.text.push_str(word);
    }

    fn settle(&mut self) {
        if self.breaks > 0 {
            if !self.text.is_empty() {
                let there = self.text.len() - self.text.trim_end_matches('\n').len();
                let missing = self.breaks.saturating_sub(there);
                self.text.extend(std::iter::repeat_n('\n', missing));
            }
        } else if self.cell_ended {
            self.text.push_str(BETWEEN_CELLS);
        } else if self.blank && !self.at_line_begin() {
            self.text.push(' ');
        }
        self.text.push_str(std::mem::take(&mut self.mark));
        self.breaks = 0;
        self.blank = false;
        self.cell_ended = false;
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

/// How many line breaks there are before and after an element: two make an empty line.
fn lines_around(tag: &[u8]) -> usize {
    match tag {
        b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"blockquote" | b"table" | b"ul"
        | b"ol" | b"dl" => 2,
        b"div" | b"tr" | b"section" | b"article" | b"header" | b"footer" | b"center"
        | b"address" | b"dt" | b"dd" | b"caption" | b"body" | b"thead" | b"tbody" | b"tfoot"
        | b"figure" | b"form" | b"main" | b"nav" | b"aside" | b"fieldset" => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::to_text;

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
        check("<td>a</td><td></td><td>b</td>", "a | b\n");
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
