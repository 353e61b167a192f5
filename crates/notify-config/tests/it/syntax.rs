//! The lines of section-config, one case a line of its grammar.

use notify_config::Document;
use notify_schema::Source;

use crate::pve_types::lines;

/// Sections as `kind/name{key=value;…}`, `!` before a faulty header, `~` before
/// bad UTF-8; then the faults; then, after `pve:`, what only Proxmox VE refuses.
fn read(input: &[u8]) -> String {
    let document = Document::parse(Source::Public, input);
    assert_eq!(document.to_bytes(), input);
    let mut out = String::new();
    for section in document.sections() {
        let mark = if !section.is_sound() {
            "!"
        } else if section.is_broken_text() {
            "~"
        } else {
            ""
        };
        let properties: Vec<_> = section
            .properties()
            .map(|line| format!("{}={}", line.key, line.value))
            .collect();
        out += &format!(
            "{mark}{}/{}{{{}}}\n",
            section.kind(),
            section.name(),
            properties.join(";")
        );
    }
    out += &lines(document.faults()).replace("notifications.cfg:", "");
    let refusals = lines(&document.refusals()).replace("notifications.cfg:", "pve: ");
    out + &refusals
}

fn check(input: &str, expected: &str) {
    assert_eq!(
        read(input.as_bytes()).trim_end(),
        expected.trim_end(),
        "{input:?}"
    );
}

#[test]
fn what_proxmox_ve_reads_is_read_the_same() {
    check("", "");
    check("\n  \n\t\n", "");
    check("smtp: ops", "smtp/ops{}");
    check("smtp : ops  \n", "smtp/ops{}");
    check("smtp:ops\n\tport 25\n", "smtp/ops{port=25}");
    check("smtp: ops\n    port   25  \n", "smtp/ops{port=25}");
    check(
        "smtp: ops\n\tpassword p w  x \n",
        "smtp/ops{password=p w  x}",
    );
    check("smtp: ops\n\tmailto a@b # x\n", "smtp/ops{mailto=a@b # x}");
    check("smtp: ops\n\tcomment \n", "smtp/ops{comment=}");
    check(
        "smtp: ops\n\n\nsmtp: dev\n\tport 1\n",
        "smtp/ops{}\nsmtp/dev{port=1}",
    );
    check(
        "smtp: ops\r\n\tport 25\r\n\r\nsmtp: dev",
        "smtp/ops{port=25}\nsmtp/dev{}",
    );
    check("smtp: 0_a.b-c\n", "smtp/0_a.b-c{}");
    check("über: x1\n", "über/x1{}");
    check(
        "smtp: ops\n\tmailto a@b\n\tmailto a@b\n",
        "smtp/ops{mailto=a@b;mailto=a@b}",
    );
}

#[test]
fn what_only_proxmox_ve_refuses_is_said_for_it_alone() {
    check(
        "# top\nsmtp: ops\n\t# in\n\tport 1\n# between\n\tport 2\n# after\n\nsmtp: dev\n",
        "smtp/ops{port=1;port=2}\nsmtp/dev{}\n\
         pve: 1:1: error: Proxmox VE knows no comments and refuses the whole file -> write the remark as a `comment` property\n\
         pve: 3:2: error: smtp `ops`: Proxmox VE knows no comments and refuses the whole file -> write the remark as a `comment` property\n\
         pve: 5:1: error: smtp `ops`: Proxmox VE knows no comments and refuses the whole file -> write the remark as a `comment` property\n\
         pve: 7:1: error: Proxmox VE knows no comments and refuses the whole file -> write the remark as a `comment` property",
    );
    check(
        "smtp: ops\n\tport 1\nsmtp: dev\n",
        "smtp/ops{port=1}\nsmtp/dev{}\n\
         pve: 3:1: error: smtp `dev`: Proxmox VE refuses a header without a blank line before it -> put a blank line before it",
    );
    check(
        "smtp: ops\n\n\tport 1\n\tmode tls\n",
        "smtp/ops{port=1;mode=tls}\n\
         pve: 3:2: error: smtp `ops`: Proxmox VE ends a section at a blank line and refuses what follows -> remove the blank line",
    );
}

#[test]
fn a_faulty_header_takes_its_lines_with_it() {
    check(
        "smtp ops\n\tport 1\n\nsmtp: dev\n\tport 2\n",
        "!smtp ops/{port=1}\nsmtp/dev{port=2}\n\
         1:1: error: expected a header `TYPE: NAME`, not `smtp …` -> a property must be indented; the lines up to the next header are not used",
    );
    check(
        "smtp:\n\tport 1\n",
        "!smtp/{port=1}\n\
         1:6: error: smtp ``: section name: a name has 2 to 32 characters, this has 0 -> the lines up to the next header are not used",
    );
    check(
        "smtp: x\n",
        "!smtp/x{}\n\
         1:7: error: smtp `x`: section name: a name has 2 to 32 characters, this has 1 -> the lines up to the next header are not used",
    );
    check(
        "smtp: a b\n",
        "!smtp/a b{}\n\
         1:7: error: smtp `a b`: section name: expected a name of letters, digits, `_`, and after the first `.` or `-`, not `a b` -> the lines up to the next header are not used",
    );
    check(
        "9smtp: ops\n",
        "!9smtp/ops{}\n\
         1:1: error: expected a header `TYPE: NAME`, not `9smtp …` -> a property must be indented; the lines up to the next header are not used",
    );
    check(
        "\u{feff}smtp: ops\n",
        "!\u{feff}smtp/ops{}\n\
         1:1: error: expected a header `TYPE: NAME`, not `\\u{feff}smtp …` -> remove the byte order mark at the start of the file",
    );
}

#[test]
fn garbage_in_a_row_is_one_fault_and_after_a_blank_line_another() {
    check(
        "garbage\nmore\n\tstill\nsmtp: ops\n\njunk\n",
        "!garbage/{}\nsmtp/ops{}\n!junk/{}\n\
         1:1: error: expected a header `TYPE: NAME`, not `garbage` -> a property must be indented; the lines up to the next header are not used\n\
         6:1: error: expected a header `TYPE: NAME`, not `junk` -> a property must be indented; the lines up to the next header are not used\n\
         pve: 4:1: error: smtp `ops`: Proxmox VE refuses a header without a blank line before it -> put a blank line before it",
    );
}

#[test]
fn a_line_that_cannot_be_used_is_named_with_its_section() {
    check(
        "smtp: ops\n   port\n",
        "smtp/ops{}\n2:4: error: smtp `ops`: property `port` has no value -> write a blank and the value after it, or remove the line",
    );
    check(
        "\n\tport 1\n\tport 2\nsmtp: ops\n",
        "smtp/ops{}\n2:2: error: an indented line before any section -> a header starts at the first column",
    );
}

#[test]
fn bytes_that_are_not_utf8_cost_their_section() {
    let read = read(b"smtp: ops\n\tcomment a\xc3\xa4\xff b\n\tport 1\n\nsmtp: dev\n\tport 2\n\nsm\xfetp: x1\n\tport 3\n\n# caf\xe9\n");
    assert_eq!(
        read,
        "~smtp/ops{port=1}\nsmtp/dev{port=2}\n!/{port=3}\n\
         2:12: error: smtp `ops`: byte 0xff is not UTF-8 -> this section is not used until the file is UTF-8\n\
         8:3: error: byte 0xfe is not UTF-8 -> the lines up to the next header are not used\n\
         11:6: error: byte 0xe9 is not UTF-8\n\
         pve: 11:1: error: Proxmox VE knows no comments and refuses the whole file -> write the remark as a `comment` property\n"
    );
}

#[test]
fn columns_count_characters() {
    check(
        "smtp: ops\n\u{3000}é\n",
        "smtp/ops{}\n2:2: error: smtp `ops`: property `é` has no value -> write a blank and the value after it, or remove the line",
    );
}
