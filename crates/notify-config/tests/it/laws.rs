//! Laws over arbitrary bytes and over text that nearly is a configuration.

use proptest::prelude::*;

use crate::fuzz_bodies::{section_config, user_cfg};

/// Lines that occur in files, and their near misses.
const LINES: [&[u8]; 44] = [
    b"smtp: ops",
    b"smtp:ops",
    b"gotify: dev",
    b"matcher: m1",
    b"matcher: ops",
    b"group: old",
    b"smtp: a b",
    b"smtp:",
    b"smtp dev",
    b": x1",
    b"  smtp: in",
    b"\xc3\xbcmlaut: x1",
    b"sm\xfftp: ops",
    b"smtp: \xff\xff",
    b"",
    b"",
    b"",
    b"   ",
    b"\t",
    b"# note",
    b"\t# note",
    b"\t#",
    b"#",
    b"\tserver mail.example.com",
    b"\tserver a",
    b"        server b   ",
    b"\tserver",
    b"\tserver ",
    b"\ttoken x",
    b"\tport 025",
    b"\tport 70000",
    b"\tmailto a@b",
    b"\tmailto c@d # x",
    b"\tusername max",
    b"\tca-file /etc/ca",
    b"\torigin builtin",
    b"\tfilter f",
    b"\tcomment \xc3\xa9t\xc3\xa9",
    b"\tcomment \xff",
    b"\tmatch-field exact:type=x",
    b"match-field exact:type=x",
    b"\ttarget ops",
    b"\tunknown 1",
    b"\xc2\xa0server nbsp",
];

fn nearly_a_configuration() -> impl Strategy<Value = Vec<u8>> {
    let line = (0..LINES.len()).prop_map(|index| LINES[index]);
    let end = prop_oneof![4 => Just(&b"\n"[..]), 1 => Just(&b"\r\n"[..]), 1 => Just(&b"\r"[..])];
    prop::collection::vec((line, end), 0..30).prop_flat_map(|lines| {
        let bytes: Vec<u8> = lines
            .iter()
            .flat_map(|(line, end)| [*line, *end].concat())
            .collect();
        // Truncated anywhere.
        (0..=bytes.len()).prop_map(move |length| bytes[..length].to_vec())
    })
}

fn nearly_users() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        &b"user"[..],
        b"token",
        b"bogus",
        b":",
        b":",
        b":",
        b"root@pam",
        b"a b",
        b"1",
        b"x",
        b"%C3%BC",
        b"%0A",
        b"%",
        b"%zz",
        b"a@b",
        b" ",
        b"\n",
        b"\n",
        b"\r\n",
        b"\xff",
        b"#",
        b"\xc3\xbc",
    ]);
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

/// 1,000 cases, or as many more as `PROPTEST_CASES` asks for.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: asked.cases.max(1000),
        max_shrink_iters: 2000,
        failure_persistence: None,
        ..asked
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_kept(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        section_config(&bytes);
        user_cfg(&bytes);
    }

    #[test]
    fn what_nearly_is_a_configuration_keeps_the_laws(bytes in nearly_a_configuration()) {
        section_config(&bytes);
    }

    #[test]
    fn what_nearly_is_a_user_cfg_keeps_the_laws(bytes in nearly_users()) {
        user_cfg(&bytes);
    }
}
