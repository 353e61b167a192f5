//! Man pages, read by groff.

use std::io::Write as _;
use std::process::{Command, Stdio};

use notify_docs::ManPage;

const PAGE: ManPage<'_> = ManPage {
    name: "notify-relay",
    section: 7,
    summary: "the target type relay",
    source: "notify 1.2.3",
};

const MARKDOWN: &str = "\
# relay

Sends mail to a [relay](https://example.com/a-b).
.dots and 'quotes' begin lines; so do `.code` and *emphasis*.

## What it \"cannot\" do — naïve

- One `item`.
  A second sentence.

  Another paragraph.
- Two
  - nested \\ backslash

1. first
2. second

```text
relay: NAME
\tserver HOST    ~ ^ ` \" \\
.TH no command
'nor this
```

| exit | what it *says* | what to do |
|---|---|---|
| 75 | `temporary failure`, for a rather long time | Nothing. |
| .1 | x | _under_ |

### Deeper

See [below](#below) and <https://example.com>.
";

/// What groff prints, and its complaints.
fn groff(page: &str) -> (String, String) {
    let mut child = Command::new("groff")
        .args(["-t", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=78n"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("groff is installed: `cargo xtask test` sees to it");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(page.as_bytes()).expect("groff reads");
    drop(input);
    let output = child.wait_with_output().expect("groff ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn roff_of_a_manual() {
    insta::assert_snapshot!(PAGE.of_markdown(MARKDOWN));
}

#[test]
fn groff_shows_what_was_written() {
    let (shown, complaints) = groff(&PAGE.of_markdown(MARKDOWN));
    assert_eq!(complaints, "");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_page_is_ascii_and_no_line_is_a_command_by_accident() {
    let page = PAGE.of_markdown("# x\n\ntext — „ü“ 🔥\n\n```text\n.ä\n\u{7}\n```\n");
    assert!(page.is_ascii() && !page.contains('\u{7}'), "{page}");
    let (shown, complaints) = groff(&page);
    assert_eq!(complaints, "");
    assert!(shown.contains("text — „ü“ 🔥"), "{shown}");
}

#[test]
fn an_empty_manual_is_a_page_with_a_name() {
    let (shown, complaints) = groff(&PAGE.of_markdown(""));
    assert_eq!(complaints, "");
    assert!(
        shown.contains("notify-relay - the target type relay"),
        "{shown}"
    );
}
