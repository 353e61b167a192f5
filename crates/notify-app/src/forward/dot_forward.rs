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
pub(super) fn removed(now: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = now.split_inclusive(|byte| *byte == b'\n').collect();
    let is_mark = |line: &&[u8]| line.starts_with(MARK.as_bytes());
    let Some(at) = lines.iter().position(is_mark) else {
        return Some(now.to_vec());
    };
    let mark = lines[at].trim_ascii_end();
    let mut text = Vec::with_capacity(now.len());
    for (index, line) in lines.iter().enumerate() {
        if index != at && index != at + 1 {
            text.extend_from_slice(line.strip_prefix(WAS.as_bytes()).unwrap_or(line));
        }
        if index + 1 == at && mark.ends_with(NO_END.as_bytes()) {
            text.pop_if(|end| *end == b'\n');
        }
    }
    (!text.is_empty() || !mark.ends_with(NEW_FILE.as_bytes())).then_some(text)
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
