//! Files that nobody wrote by hand: broken, binary, huge.

use std::fmt::Write as _;

use notify_config::{Configuration, Document, Files, UserCfg};
use notify_schema::Source;

use crate::pve_types::{report, schemas};

fn parse(bytes: &[u8]) -> Document {
    let document = Document::parse(Source::Public, bytes);
    assert!(document.to_bytes() == bytes, "every byte is kept");
    document
}

#[test]
fn a_truncated_file_keeps_the_sections_before_the_cut() {
    let files = Files::of(
        "smtp: ops\n\tserver a\n\tfrom-address b@c\n\nsmtp: dev\n\tserver b\n\tfrom-addr",
        "",
        "",
    );
    assert_eq!(
        report(&files),
        "smtp ops (user-created): used\n\
         smtp dev (user-created): property `from-address` is missing\n\
         notifications.cfg:5:1: error: smtp `dev`: property `from-address` is missing\n\
         notifications.cfg:7:2: error: smtp `dev`: property `from-addr` has no value -> write a blank and the value after it, or remove the line\n"
    );
}

#[test]
fn a_binary_file_is_faults_and_no_sections() {
    let bytes: Vec<u8> = (0..100_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let document = parse(&bytes);
    assert!(document.sections().all(|section| !section.is_sound()));
    assert!(!document.faults().is_empty());
    let messages: usize = document
        .faults()
        .iter()
        .map(|fault| fault.message.len())
        .sum();
    assert!(messages < 10 * bytes.len(), "{messages}");
}

#[test]
fn a_nul_is_text_like_any_other_and_refused_by_the_kind() {
    assert_eq!(
        report(&Files::of(
            "smtp: ops\n\tserver a\0b\n\tfrom-address b@c\n\nsm\0tp: dev\n",
            "",
            ""
        )),
        "smtp ops (user-created): property `server`: contains the control character U+0000\n\
         notifications.cfg:2:2: error: smtp `ops`: property `server`: contains the control character U+0000\n\
         notifications.cfg:5:1: error: expected a header `TYPE: NAME`, not `sm\\0tp …` -> a property must be indented; the lines up to the next header are not used\n"
    );
}

#[test]
fn a_line_of_ten_megabytes_is_read_and_not_repeated() {
    let long = "x".repeat(10_000_000);
    let shapes = [
        format!("smtp: ops\n\tcomment {long}\n"),
        format!("smtp: ops\n\t{long}\n"),
        format!("smtp: ops\n\t{long} 1\n"),
        format!("smtp: {long}\n"),
        format!("{long}: ops\n"),
        long.clone(),
        format!("smtp: ops\n{}server a\n", " ".repeat(10_000_000)),
    ];
    for text in shapes {
        let configuration = Configuration::assemble(&Files::of(&text, "", ""), &schemas());
        for fault in configuration.faults() {
            assert!(fault.to_string().len() < 500, "{}", fault.to_string().len());
        }
    }
}

#[test]
fn a_hundred_thousand_sections_are_read() {
    let mut text = String::new();
    for number in 0..100_000 {
        write!(text, "sendmail: s{number}\n\tmailto a@b\n\n").expect("text");
    }
    let configuration = Configuration::assemble(&Files::of(&text, "", ""), &schemas());
    assert_eq!(configuration.sections().len(), 100_002);
    assert!(
        configuration
            .section("s99999")
            .is_some_and(|section| section.fields.is_some())
    );
}

#[test]
fn a_hundred_thousand_times_one_name_is_the_last_one() {
    let text = "sendmail: same\n\tmailto a@b\n\n".repeat(100_000);
    let configuration = Configuration::assemble(&Files::of(&text, "", ""), &schemas());
    assert_eq!(
        configuration.section("same").map(|section| section.at.line),
        Some(299_998)
    );
}

#[test]
fn a_section_of_a_hundred_thousand_lines_is_read_in_linear_time() {
    let mut text = String::from("smtp: ops\n\tserver a\n\tfrom-address b@c\n");
    text += &"\tmailto a@b\n".repeat(50_000);
    text += &"\tport 1\n".repeat(50_000);
    let configuration = Configuration::assemble(&Files::of(&text, "", ""), &schemas());
    assert_eq!(configuration.faults().len(), 49_999);
}

#[test]
fn faults_without_number_do_not_fill_the_memory() {
    let document = parse("x\n\n".repeat(300_000).as_bytes());
    assert_eq!(document.faults().len(), 100_001);
    assert_eq!(
        document.faults()[100_000].message,
        "200000 more faults are not listed"
    );
}

#[test]
fn crlf_reads_as_lf() {
    let text = "smtp: ops\n\tserver a\n\tfrom-address b@c\n\ngotify: g1\n\tserver a\n";
    assert_eq!(
        report(&Files::of(text, "", "")),
        report(&Files::of(&text.replace('\n', "\r\n"), "", ""))
    );
}

#[test]
fn a_huge_user_cfg_is_read_too() {
    let users = UserCfg::parse(&b"user:a@pve:1:0:::a@b::\n".repeat(100_000));
    assert_eq!((users.users().len(), users.faults().len()), (100_000, 0));
    let long = UserCfg::parse("x".repeat(10_000_000).as_bytes());
    assert!(long.faults()[0].to_string().len() < 500);
}
