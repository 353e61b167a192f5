//! Rust source as words, strings and marks; comments are gone.
//!
//! Enough to tell a string from a comment and code from tests. Not a parser.

/// The tokens of a text.
#[derive(Debug, Default)]
pub(super) struct Tokens<'a>(Vec<Token<'a>>);

/// A piece of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) piece: Piece<'a>,
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// The line it ends on.
    pub(super) last_line: usize,
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// An identifier, a keyword or a number.
    Word(&'a str),
    /// A string of any sort, as written between its quotes.
    Text(&'a str),
    /// A character or a lifetime.
    Quoted,
    /// Any other character.
    Mark(char),
}

impl<'a> Tokens<'a> {
    /// Splits a text. Whatever is broken ends with the text.
    pub(super) fn of(text: &'a str) -> Self {
        let mut reader = Reader {
            text,
            at: 0,
            line: 1,
        };
        let mut tokens = Vec::new();
        while let Some(token) = reader.next() {
            tokens.push(token);
        }
        Tokens(tokens)
    }

    /// Without the items behind `#[cfg(test)]`.
    pub(super) fn without_tests(self) -> Self {
        let mut kept = Vec::with_capacity(self.0.len());
        let mut at = 0;
        while at < self.0.len() {
            match test_attribute(&self.0[at..]) {
                Some(length) => at += length + item_length(&self.0[at + length..]),
                None => {
                    kept.push(self.0[at]);
                    at += 1;
                }
            }
        }
        Tokens(kept)
    }

    /// The tokens in order.
    pub(super) fn as_slice(&self) -> &[Token<'a>] {
        &self.0
    }

    /// The strings with their lines.
    pub(super) fn strings(&self) -> impl Iterator<Item = (usize, &'a str)> {
        self.0.iter().filter_map(|token| match token.piece {
            Piece::Text(text) => Some((token.line, text)),
            _ => None,
        })
    }

    /// The attributes, each as its tokens between the brackets.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &[Token<'a>]> {
        (0..self.0.len()).filter_map(|at| {
            let inner = attribute(&self.0[at..])?;
            Some(&self.0[at..][inner])
        })
    }

    /// How many lines have a token on them.
    pub(super) fn lines_of_code(&self) -> usize {
        let mut counted = 0;
        let mut lines = 0;
        for token in &self.0 {
            let first = token.line.max(counted + 1);
            lines += (token.last_line + 1).saturating_sub(first);
            counted = counted.max(token.last_line);
        }
        lines
    }
}

/// The names of modules in other files that are only compiled for tests.
pub(super) fn tested_modules(text: &str) -> impl Iterator<Item = &str> {
    let tokens = Tokens::of(text).0;
    let after_attributes: Vec<_> = (0..tokens.len())
        .filter_map(|at| Some(at + test_attribute(&tokens[at..])?))
        .collect();
    after_attributes.into_iter().filter_map(move |at| {
        let item = &tokens[at..at + item_length(&tokens[at..])];
        match item.iter().map(|token| token.piece).collect::<Vec<_>>()[..] {
            [.., Piece::Word("mod"), Piece::Word(name), Piece::Mark(';')] => Some(name),
            _ => None,
        }
    })
}

/// The range between the brackets of the attribute that begins here.
fn attribute(tokens: &[Token<'_>]) -> Option<std::ops::Range<usize>> {
    let open = match pieces(tokens) {
        [Some(Piece::Mark('#')), Some(Piece::Mark('[')), _] => 1,
        [
            Some(Piece::Mark('#')),
            Some(Piece::Mark('!')),
            Some(Piece::Mark('[')),
        ] => 2,
        _ => return None,
    };
    Some(open + 1..open + group_length(&tokens[open..]).checked_sub(1)?)
}

fn pieces<'a>(tokens: &[Token<'a>]) -> [Option<Piece<'a>>; 3] {
    [0, 1, 2].map(|at| tokens.get(at).map(|token| token.piece))
}

/// The length of the `#[cfg(test)]` that begins here.
fn test_attribute(tokens: &[Token<'_>]) -> Option<usize> {
    let inner = attribute(tokens)?;
    let words = || tokens[inner.clone()].iter().map(|token| token.piece);
    let is = |word| move |piece| piece == Piece::Word(word);
    let for_tests = words().next() == Some(Piece::Word("cfg"))
        && words().any(is("test"))
        && !words().any(is("not"))
        && !words().any(is("any"));
    for_tests.then_some(inner.end + 1)
}

/// The length of the item that begins here, with the attributes before it.
fn item_length(tokens: &[Token<'_>]) -> usize {
    let mut at = 0;
    while let Some(inner) = attribute(&tokens[at..]) {
        at += inner.end + 1;
    }
    while at < tokens.len() {
        match tokens[at].piece {
            Piece::Mark(';') => return at + 1,
            Piece::Mark('{') => {
                let end = at + group_length(&tokens[at..]);
                // `use a::{b, c};` ends with its semicolon.
                let semicolon = tokens.get(end).map(|token| token.piece) == Some(Piece::Mark(';'));
                return end + usize::from(semicolon);
            }
            Piece::Mark('(' | '[') => at += group_length(&tokens[at..]),
            _ => at += 1,
        }
    }
    at
}

/// The length of the group of brackets that begins here, both brackets counted.
fn group_length(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.piece {
            Piece::Mark('(' | '[' | '{') => depth += 1,
            Piece::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks_and_comments();
        let rest = &self.text[self.at..];
        let (piece, length) = piece(rest)?;
        let line = self.line;
        self.advance(length);
        Some(Token {
            piece,
            line,
            last_line: self.line,
        })
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let length = match rest.as_bytes() {
                [b'/', b'/', ..] => rest.find('\n').unwrap_or(rest.len()),
                [b'/', b'*', ..] => block_comment_length(rest),
                _ => rest.len() - rest.trim_start().len(),
            };
            if length == 0 {
                return;
            }
            self.advance(length);
        }
    }

    fn advance(&mut self, length: usize) {
        let passed = &self.text[self.at..self.at + length];
        self.line += passed.matches('\n').count();
        self.at += length;
    }
}

/// The first token of a text and its length in bytes.
fn piece(rest: &str) -> Option<(Piece<'_>, usize)> {
    let first = rest.chars().next()?;
    if let Some((text, length)) = string(rest) {
        return Some((Piece::Text(text), length));
    }
    if is_word(first) {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        return Some((Piece::Word(&rest[..length]), length));
    }
    if first == '\'' {
        return Some((Piece::Quoted, quoted_length(rest)));
    }
    Some((Piece::Mark(first), first.len_utf8()))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A string literal with its prefix: its content and its whole length.
fn string(rest: &str) -> Option<(&str, usize)> {
    let prefix = ["br", "cr", "b", "c", "r", ""]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix) && rest[prefix.len()..].starts_with(['"', '#']))?;
    let open = &rest[prefix.len()..];
    let hashes = open.len() - open.trim_start_matches('#').len();
    let raw = prefix.ends_with('r');
    if !open[hashes..].starts_with('"') || (hashes > 0 && !raw) {
        return None;
    }
    let start = prefix.len() + hashes + 1;
    let body = &rest[start..];
    let (content, close) = if raw {
        let close = format!("\"{}", "#".repeat(hashes));
        (body.find(&close), close.len())
    } else {
        (closing_quote(body), 1)
    };
    match content {
        Some(length) => Some((&body[..length], start + length + close)),
        None => Some((body, rest.len())),
    }
}

fn closing_quote(body: &str) -> Option<usize> {
    let bytes = body.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// The length of a character in quotes, or of a lifetime.
fn quoted_length(rest: &str) -> usize {
    let mut after = rest.char_indices().skip(1);
    match (after.next(), after.next()) {
        (Some((_, '\\')), Some((escaped, c))) => {
            let from = escaped + c.len_utf8();
            rest[from..]
                .find('\'')
                .map_or(rest.len(), |end| from + end + 1)
        }
        (Some(_), Some((end, '\''))) => end + 1,
        _ => {
            let name = rest[1..].find(|c| !is_word(c));
            name.map_or(rest.len(), |end| end + 1)
        }
    }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::{Piece, Tokens, tested_modules};

    fn check(source: &str, expected: &[Piece<'_>]) {
        let tokens = Tokens::of(source);
        let pieces: Vec<_> = tokens.as_slice().iter().map(|token| token.piece).collect();
        assert_eq!(pieces, expected, "{source}");
    }

    #[test]
    fn comments_are_not_code_and_strings_are_not_comments() {
        use Piece::{Mark, Quoted, Text, Word};
        check("a // \"b\"\n/* /* c */ d */ e", &[Word("a"), Word("e")]);
        check(r#""a // b" x"#, &[Text("a // b"), Word("x")]);
        check(r#""a\"b" x"#, &[Text(r#"a\"b"#), Word("x")]);
        check(r##"r#"a"b"# x"##, &[Text("a\"b"), Word("x")]);
        check(r#"b"a" br"c\" c"d""#, &[Text("a"), Text("c\\"), Text("d")]);
        check("r#type", &[Word("r"), Mark('#'), Word("type")]);
        check(
            "'\"' '\\'' 'a 'é' x",
            &[Quoted, Quoted, Quoted, Quoted, Word("x")],
        );
        check("\"never closed", &[Text("never closed")]);
        check("/* never closed", &[]);
        check("'\\u{1}' \"ä\\\\\" x", &[Quoted, Text("ä\\\\"), Word("x")]);
    }

    #[test]
    fn tests_are_left_out() {
        let words = |source| {
            let tokens = Tokens::of(source).without_tests();
            let word = |token: &super::Token<'_>| match token.piece {
                Piece::Word(word) => Some(word.to_owned()),
                _ => None,
            };
            tokens
                .as_slice()
                .iter()
                .filter_map(word)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(words("a #[cfg(test)] mod t { fn b() {} } c"), "a c");
        assert_eq!(
            words("#[cfg(test)] #[x(y)] fn t(a: [u8; 3]) -> u8 { 1 } c"),
            "c"
        );
        assert_eq!(words("#[cfg(test)] use a::{b, c}; d"), "d");
        assert_eq!(words("#[cfg(all(test, unix))] mod t; d"), "d");
        assert_eq!(words("#[cfg(not(test))] fn d() {}"), "cfg not test fn d");
        assert_eq!(words("#[test] fn d() {}"), "test fn d");
    }

    #[test]
    fn modules_for_tests_are_named() {
        let source =
            "#[cfg(test)] mod a; #[cfg(test)] pub(crate) mod b; #[cfg(test)] mod c {} mod d;";
        assert_eq!(tested_modules(source).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_line_of_code_has_code_on_it() {
        let count = |source| Tokens::of(source).lines_of_code();
        assert_eq!(count("a b\n\n// c\nd\n"), 2);
        assert_eq!(count("\"a\nb\nc\" d\ne"), 4);
    }
}
