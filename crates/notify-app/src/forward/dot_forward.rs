//! The text of a `.forward` file with our command in it, and without.
//!
//! Everything that is added or changed can be told from what was there, so that
//! it can be taken back to the byte, also when other lines were changed since.
//! Postfix, Exim and sendmail skip lines that begin with `#` (aliases(5)).

/// Stands above our line.
const MARK: &str = "# The next line was added by `notify forward-mail --install`.";
/// Ends the mark in a file that was not there before.
const NEW_FILE: &str = " So was this file.";
/// Ends the mark where the line before had no end.
const NO_END: &str = " The line before had no end.";
/// Stands before a line that was switched off.
const WAS: &str = "#notify-was# ";

/// The content with the command as a line of its own, once.
///
/// Commands of older forwarders are switched off: with both, each mail would be
/// passed on twice. `before` is none where there is no file.
pub(super) fn installed(before: Option<&[u8]>, line: &str) -> Vec<u8> {
    let clean = before.and_then(removed);
    let Some(clean) = clean else {
        return format!("{MARK}{NEW_FILE}\n{line}\n").into_bytes();
    };
    let mut text = Vec::with_capacity(clean.len() + 200);
    for old in clean.split_inclusive(|byte| *byte == b'\n') {
        if is_older_forwarder(old) {
            text.extend_from_slice(WAS.as_bytes());
        }
        text.extend_from_slice(old);
    }
    let no_end = text.last().is_some_and(|last| *last != b'\n');
    if no_end {
        text.push(b'\n');
    }
    let end = if no_end { NO_END } else { "" };
    text.extend_from_slice(format!("{MARK}{end}\n{line}\n").as_bytes());
    text
}

/// The content as it was before; none where there was no file.
///
/// What goes is our mark and our own line, wherever an editor has moved it, and
/// nothing else: the line below the mark may be somebody's address by now.
pub(super) fn removed(now: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = now.split_inclusive(|byte| *byte == b'\n').collect();
    let is_mark = |line: &&[u8]| line.starts_with(MARK.as_bytes());
    let mark = lines.iter().position(is_mark);
    let below = mark.map(|at| at + 1);
    let is_ours = |(index, line): (usize, &&[u8])| {
        is_mark(line) || is_our_line(line) || (below == Some(index) && is_our_pipe(line))
    };
    if !lines.iter().enumerate().any(is_ours) {
        return Some(now.to_vec());
    }
    let mut text = Vec::with_capacity(now.len());
    for (index, line) in lines.iter().enumerate() {
        if !is_ours((index, line)) {
            text.extend_from_slice(line.strip_prefix(WAS.as_bytes()).unwrap_or(line));
        }
    }
    let said = mark.map_or(&b""[..], |at| lines[at].trim_ascii_end());
    let is_last = lines
        .iter()
        .enumerate()
        .skip(below.unwrap_or(0))
        .all(is_ours);
    if is_last && said.ends_with(NO_END.as_bytes()) {
        text.pop_if(|end| *end == b'\n');
    }
    (!text.is_empty() || !said.ends_with(NEW_FILE.as_bytes())).then_some(text)
}

/// A pipe into some `forward-mail`, alone on a line.
fn is_our_pipe(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let quoted = line
        .strip_prefix(b"\"|")
        .and_then(|line| line.strip_suffix(b"\""));
    let plain = line
        .strip_prefix(b"|")
        .filter(|line| !line.contains(&b',') && !line.contains(&b'"'));
    let command = quoted.or(plain).unwrap_or_default();
    let mut words = command.split(u8::is_ascii_whitespace).skip(1);
    words.any(|word| word == b"forward-mail")
}

/// Such a line of this program, as it is known without the mark above it.
fn is_our_line(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let ours = ["/notify forward-mail", "/notify' forward-mail"];
    is_our_pipe(line) && ours.iter().any(|words| text.contains(words))
}

/// `|/usr/bin/proxmox-mail-forward` and its like, alone on a line.
fn is_older_forwarder(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let inner = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""));
    let Some(command) = inner.unwrap_or(line).strip_prefix(b"|") else {
        return false;
    };
    let command = command.trim_ascii();
    command.starts_with(b"/") && command.ends_with(b"/proxmox-mail-forward")
}

/// A line that pipes mails into this command.
///
/// Within the quotes a backslash takes the next character as it is (aliases(5));
/// the words are for a shell, which Postfix asks where a word has a special
/// character (local(8)). None when a word has a character that ends a line.
pub(super) fn pipe_line(words: &[&str]) -> Option<String> {
    let mut command = String::new();
    for word in words {
        if word.is_empty() || word.contains(char::is_control) {
            return None;
        }
        if !command.is_empty() {
            command.push(' ');
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@".contains(c);
        if word.chars().all(is_plain) {
            command.push_str(word);
        } else {
            command.push_str(&format!("'{}'", word.replace('\'', "'\\''")));
        }
    }
    let quoted = command.replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("\"|{quoted}\""))
}

#[cfg(test)]
mod tests {
    use super::{installed, pipe_line, removed};
    use proptest::prelude::*;

    const LINE: &str = "\"|/usr/bin/notify forward-mail\"";

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[track_caller]
    fn check(before: Option<&str>, expected: &str) {
        let after = installed(before.map(str::as_bytes), LINE);
        assert_eq!(text(&after), expected);
        assert_eq!(
            installed(Some(&after), LINE),
            after,
            "a second time changes nothing"
        );
        assert_eq!(removed(&after).as_deref().map(text).as_deref(), before);
    }

    #[test]
    fn what_was_there_stays() {
        check(
            None,
            "# The next line was added by `notify forward-mail --install`. So was this file.\n\
             \"|/usr/bin/notify forward-mail\"\n",
        );
        check(
            Some(""),
            "# The next line was added by `notify forward-mail --install`.\n\
             \"|/usr/bin/notify forward-mail\"\n",
        );
        check(
            Some("# mine\nadmin@example.com, \\root\n\n"),
            "# mine\nadmin@example.com, \\root\n\n\
             # The next line was added by `notify forward-mail --install`.\n\
             \"|/usr/bin/notify forward-mail\"\n",
        );
        check(
            Some("admin@example.com"),
            "admin@example.com\n# The next line was added by `notify forward-mail --install`. \
             The line before had no end.\n\"|/usr/bin/notify forward-mail\"\n",
        );
    }

    #[test]
    fn older_forwarders_are_switched_off() {
        check(
            Some("|/usr/bin/proxmox-mail-forward\na@b\n \"|/usr/libexec/proxmox-mail-forward\" \n"),
            "#notify-was# |/usr/bin/proxmox-mail-forward\na@b\n\
             #notify-was#  \"|/usr/libexec/proxmox-mail-forward\" \n\
             # The next line was added by `notify forward-mail --install`.\n\
             \"|/usr/bin/notify forward-mail\"\n",
        );
        // Not alone, so not ours to judge.
        for kept in [
            "a@b, |/usr/bin/proxmox-mail-forward\n",
            "|/bin/x /proxmox-mail-forwarder\n",
        ] {
            let after = text(&installed(Some(kept.as_bytes()), LINE));
            assert!(after.starts_with(kept), "{after}");
        }
    }

    #[test]
    fn a_program_that_moved_is_found_at_its_new_place() {
        let before = installed(Some(b"a@b\n"), "\"|/old/notify forward-mail\"");
        let after = text(&installed(Some(&before), LINE));
        assert_eq!(after.matches("forward-mail\"").count(), 1, "{after}");
        assert!(after.ends_with(&format!("{LINE}\n")));
    }

    #[test]
    fn lines_that_were_added_since_stay() {
        let mut changed = installed(Some(b"|/usr/bin/proxmox-mail-forward\n"), LINE);
        changed.extend_from_slice(b"new@example.com\n");
        let after = removed(&changed).expect("a file");
        assert_eq!(
            text(&after),
            "|/usr/bin/proxmox-mail-forward\nnew@example.com\n"
        );
        let mut changed = installed(None, LINE);
        changed.extend_from_slice(b"new@example.com\n");
        assert_eq!(
            removed(&changed).as_deref(),
            Some(&b"new@example.com\n"[..])
        );
        assert_eq!(
            removed(b"a@b").as_deref(),
            Some(&b"a@b"[..]),
            "nothing of ours is there"
        );
    }

    #[test]
    fn an_address_below_the_mark_is_nobodys_to_remove() {
        let ours = text(&installed(Some(b"a@b\n"), LINE));
        let (mark, line) = (ours.lines().nth(1).expect("a mark"), LINE);
        for changed in [
            format!("a@b\n{mark}\nadmin@example.com\n{line}\n"),
            format!("a@b\n{line}\n{mark}\nadmin@example.com\n"),
            format!("a@b\n{mark}\nadmin@example.com\n"),
            format!("a@b\n{line}\nadmin@example.com\n"),
            format!("{mark} The line before had no end.\na@b\nadmin@example.com\n{line}\n"),
        ] {
            let after = removed(changed.as_bytes()).as_deref().map(text);
            assert_eq!(
                after.as_deref(),
                Some("a@b\nadmin@example.com\n"),
                "{changed}"
            );
            let again = text(&installed(Some(changed.as_bytes()), LINE));
            assert!(again.starts_with("a@b\nadmin@example.com\n"), "{again}");
            assert_eq!(again.matches(line).count(), 1, "{again}");
        }
    }

    #[test]
    fn a_line_that_was_added_since_is_not_joined_to_the_one_above() {
        let mut changed = installed(Some(b"a@b"), LINE);
        changed.extend_from_slice(b"new@example.com\n");
        let after = removed(&changed).as_deref().map(text);
        assert_eq!(after.as_deref(), Some("a@b\nnew@example.com\n"));
    }

    #[test]
    fn a_path_is_quoted_for_the_mta_and_for_the_shell() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(pipe_line(&[path, "forward-mail"]).as_deref(), expected);
        };
        check("/usr/bin/notify", Some(LINE));
        check(
            "/opt/my tools/notify",
            Some("\"|'/opt/my tools/notify' forward-mail\""),
        );
        check("/a$b/notify", Some("\"|'/a$b/notify' forward-mail\""));
        check("/it's/\"x\"", Some(r#""|'/it'\\''s/\"x\"' forward-mail""#));
        check("/a\nb", None);
    }

    proptest! {
        #[test]
        fn taking_it_back_gives_every_byte(lines in proptest::collection::vec(
            prop_oneof![
                Just(b"|/usr/bin/proxmox-mail-forward".to_vec()),
                Just(b"\"|/usr/libexec/proxmox-mail-forward\"\r".to_vec()),
                Just(b"# a remark".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..20),
            ], 0..6), end in any::<bool>())
        {
            let mut before = lines.join(&b"\n"[..]);
            if end {
                before.push(b'\n');
            }
            let once = installed(Some(&before), LINE);
            prop_assert_eq!(installed(Some(&once), LINE), once.clone());
            prop_assert_eq!(removed(&once), Some(before));
        }
    }
}
