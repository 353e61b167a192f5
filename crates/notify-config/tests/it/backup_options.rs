//! `jobs.cfg` and `vzdump.conf`.

use notify_config::{
    BackupOptions, JobsCfg, MailNotification, NotificationMode, VzdumpConf, mailto,
};
use proptest::prelude::*;

use crate::pve_types::lines;

/// What options say, on one line: `OPTION@LINE=VALUE`.
fn shown(options: &BackupOptions) -> String {
    let mode = options.mode.as_ref();
    let list = options.mailto.as_ref();
    let policy = options.mailnotification.as_ref();
    [
        mode.map(|given| format!("mode@{}={}", given.line, given.value)),
        list.map(|given| format!("mailto@{}={}", given.line, given.value.join("|"))),
        policy.map(|given| format!("mailnotification@{}={}", given.line, given.value)),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}

fn check_jobs(text: &[u8], expected: &[(&str, &str)], faults: &str) {
    let parsed = JobsCfg::parse(text);
    let found: Vec<(&str, String)> = parsed
        .jobs()
        .iter()
        .map(|job| (job.id.as_str(), shown(&job.options)))
        .collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(id, said)| (*id, &**said)).collect();
    assert_eq!(found, expected);
    assert_eq!(lines(parsed.faults()), faults);
}

fn check_defaults(text: &[u8], expected: &str, faults: &str) {
    let parsed = VzdumpConf::parse("vzdump.conf", text);
    assert_eq!(shown(parsed.options()), expected);
    assert_eq!(lines(parsed.faults()), faults);
}

#[test]
fn a_job_says_who_hears_of_it() {
    check_jobs(
        b"vzdump: backup-1a2b\n\tschedule mon..fri 21:00\n\tstorage local\n\tall 1\n\tenabled 1\n\tmode snapshot\n\
          \tnotification-mode legacy-sendmail\n\tmailto a@x.org,b@x.org\n\tmailnotification failure\n\
          \n\
          vzdump: nightly\n  enabled 0\n",
        &[
            (
                "backup-1a2b",
                "mode@7=legacy-sendmail mailto@8=a@x.org|b@x.org mailnotification@9=failure",
            ),
            ("nightly", ""),
        ],
        "",
    );
}

#[test]
fn comments_and_sections_of_other_types_are_passed_over() {
    check_jobs(
        b"# all jobs\nrealm-sync: ldap\n\tmailto a@x.org\n\tcomment \xff\n\n\
          vzdump: a\n\t# mailto b@x.org\n\t mailto  c@x.org \r\n#\n\tmailnotification always\n",
        &[("a", "mailto@8=c@x.org mailnotification@10=always")],
        "",
    );
}

#[test]
fn options_of_older_versions_mean_nothing() {
    check_jobs(
        b"vzdump: a\n\tnotification-policy never\n\tnotification-target ops\n",
        &[("a", "")],
        "",
    );
    check_defaults(
        b"notification-policy: never\nnotification-target: ops\n",
        "",
        "",
    );
}

#[test]
fn an_id_is_any_word_of_50_characters() {
    let longest = "ü".repeat(50);
    check_jobs(
        format!("vzdump: {longest}\nvzdump:a:b/c\nvzdump: {longest}x\n\tmailto a@x.org\nvzdump:\n\tmailto a@x.org\nvzdump: a b\n")
            .as_bytes(),
        &[(&longest, ""), ("a:b/c", "")],
        &format!(
            "jobs.cfg:3:9: warning: expected an id of 1 to 50 characters without blanks, not `{longest}x`\n\
             jobs.cfg:5:8: warning: expected an id of 1 to 50 characters without blanks, not ``\n\
             jobs.cfg:7:9: warning: expected an id of 1 to 50 characters without blanks, not `a b`\n"
        ),
    );
}

#[test]
fn what_is_wrong_costs_its_line() {
    check_jobs(
        b"\tmailto early@x.org\nvzdump: a\n\tnotification-mode  sendmail\n\tmailto\n\tmailto a@x.org\n\tmailto b@x.org\n\
          \tmailnotification Always\n\tcomment \xff\nno header\n\tmailto c@x.org\n",
        &[("a", "mailto@5=a@x.org")],
        "jobs.cfg:1:2: warning: stands before any section, so the line is not used\n\
         jobs.cfg:3:21: warning: vzdump `a`: `notification-mode`: expected one of auto, legacy-sendmail, notification-system, not `sendmail`, so the line is not used\n\
         jobs.cfg:4:2: warning: vzdump `a`: `mailto` has no value, so the line is not used\n\
         jobs.cfg:6:2: warning: vzdump `a`: `mailto` is already set on line 5, which counts\n\
         jobs.cfg:7:19: warning: vzdump `a`: `mailnotification`: expected one of always, failure, not `Always`, so the line is not used\n\
         jobs.cfg:8:1: warning: vzdump `a`: not UTF-8, so the line is not used\n\
         jobs.cfg:9:1: warning: expected a header `TYPE: ID`, not `no`\n",
    );
}

#[test]
fn of_two_jobs_with_one_id_the_last_counts() {
    check_jobs(
        b"vzdump: a\n\tmailto a@x.org\n\nvzdump: b\n\nvzdump: a\n\tmailnotification failure\n",
        &[("b", ""), ("a", "mailnotification@7=failure")],
        "jobs.cfg:1:1: warning: vzdump `a`: is also on line 6, which counts\n",
    );
}

#[test]
fn a_byte_order_mark_costs_nothing() {
    check_jobs(
        "\u{feff}vzdump: a\n\tmailto a@x.org\n".as_bytes(),
        &[("a", "mailto@2=a@x.org")],
        "",
    );
    check_defaults(
        "\u{feff}mailto: a@x.org\n".as_bytes(),
        "mailto@1=a@x.org",
        "",
    );
}

#[test]
fn a_host_has_defaults() {
    check_defaults(
        b"# vzdump default settings\n\n#mailto: c@x.org\ntmpdir: /tmp\n  mailto: root,admin@x.org \r\nmailnotification:failure\nnotification-mode: auto\n",
        "mode@7=auto mailto@5=root|admin@x.org mailnotification@6=failure",
        "",
    );
}

#[test]
fn of_two_defaults_the_last_counts_and_an_empty_one_is_none() {
    check_defaults(
        b"mailto: a@x.org\nmailto: b@x.org\nmailto:\nnotification-mode: never\nbare\nmail to: x\n\xff\n",
        "mailto@2=b@x.org",
        "vzdump.conf:2:1: warning: `mailto` is also on line 1, which does not count\n\
         vzdump.conf:4:20: warning: `notification-mode`: expected one of auto, legacy-sendmail, notification-system, not `never`, so the line is not used\n\
         vzdump.conf:5:1: warning: expected `KEY: VALUE`, so the line is not used\n\
         vzdump.conf:6:1: warning: expected `KEY: VALUE`, so the line is not used\n\
         vzdump.conf:7:1: warning: not UTF-8, so the line is not used\n",
    );
}

#[test]
fn a_list_is_parted_by_commas_semicolons_blanks_and_nul() {
    assert_eq!(
        mailto(" a@x.org,b@x.org; c@x.org\td@x.org\0root,,"),
        ["a@x.org", "b@x.org", "c@x.org", "d@x.org", "root"]
    );
}

#[test]
fn words_read_back() {
    for mode in NotificationMode::ALL {
        assert_eq!(mode.name().parse(), Ok(mode));
    }
    for policy in MailNotification::ALL {
        assert_eq!(policy.name().parse(), Ok(policy));
    }
}

/// Lines as they stand in these files, and others.
fn line() -> impl Strategy<Value = String> {
    let word = "(vzdump|realm-sync|mailto|notification-mode|mailnotification|auto|failure|a@x|#|:|\u{e9}|\u{0}| |\t|,){0,8}";
    prop_oneof![
        word,
        "\t(mailto|notification-mode|mailnotification) [a-z@,-]{0,12}",
        "vzdump: [a-c]",
        "[^\n]{0,30}"
    ]
}

proptest! {
    #[test]
    fn places_are_in_the_file(text in proptest::collection::vec(line(), 0..12)) {
        let text = text.join("\n");
        let jobs = JobsCfg::parse(text.as_bytes());
        let conf = VzdumpConf::parse("vzdump.conf", text.as_bytes());
        for fault in jobs.faults().iter().chain(conf.faults()) {
            let number = fault.line.expect("a line") as usize;
            let line = text.split('\n').nth(number - 1).expect("a line of the file");
            let column = fault.column.expect("a column") as usize;
            prop_assert!(column >= 1 && column <= line.chars().count() + 1, "{fault}");
            prop_assert!(!fault.to_string().contains(['\n', '\0']), "{fault:?}");
        }
        let mut ids: Vec<_> = jobs.jobs().iter().map(|job| &job.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), jobs.jobs().len());
    }

    #[test]
    fn what_is_written_is_read(
        id in "[!-~]{1,50}",
        mode in proptest::option::of(0..3_usize),
        list in proptest::collection::vec("[a-z]{1,8}@[a-z]{1,8}", 1..4),
        policy in proptest::option::of(0..2_usize),
    ) {
        let mode = mode.map(|index| NotificationMode::ALL[index]);
        let policy = policy.map(|index| MailNotification::ALL[index]);
        let values = [
            mode.map(|mode| ("notification-mode", mode.name().to_owned())),
            Some(("mailto", list.join(","))),
            policy.map(|policy| ("mailnotification", policy.name().to_owned())),
        ];
        let section: String =
            values.iter().flatten().map(|(key, value)| format!("\t{key} {value}\n")).collect();
        let defaults: String =
            values.iter().flatten().map(|(key, value)| format!("{key}: {value}\n")).collect();
        let jobs = JobsCfg::parse(format!("vzdump: {id}\n{section}").as_bytes());
        let conf = VzdumpConf::parse("vzdump.conf", defaults.as_bytes());
        prop_assert_eq!(jobs.faults().len() + conf.faults().len(), 0);
        for options in [&jobs.job(&id).expect("it is there").options, conf.options()] {
            prop_assert_eq!(options.mode.as_ref().map(|given| given.value), mode);
            prop_assert_eq!(options.mailto.as_ref().map(|given| &given.value), Some(&list));
            prop_assert_eq!(options.mailnotification.as_ref().map(|given| given.value), policy);
        }
    }
}
