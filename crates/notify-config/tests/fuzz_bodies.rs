//! What must hold for any bytes at all. Property tests and fuzz targets call these.

use std::sync::LazyLock;

use notify_config::{Changes, Configuration, Document, Files, Schemas, Setting, UserCfg, format};
use notify_schema::{Kind, Property, Schema, Source};

static SERVER: Property = Property::required("server", Kind::text(), "Host.").example("a");
static PORT: Property = Property::fallback("port", Kind::PORT, "25", "Port.").example("25");
static MAILTO: Property = Property::repeated("mailto", Kind::RECIPIENT, "To.").example("a@b");
static USER: Property = Property::optional("username", Kind::text(), "Who.").example("max");
static CA_FILE: Property = Property::optional("ca-file", Kind::text(), "Roots.")
    .example("/a")
    .ours();
static TOKEN: Property = Property::required("token", Kind::text(), "Key.").secret();
static COMMENT: Property = Property::default("comment", Kind::COMMENT, "", "Remark.").example("x");
static RULE: Property = Property::repeated("match-field", Kind::text(), "Rule.").example("x");
static TARGET: Property = Property::repeated("target", Kind::Name, "Target.").example("ops");

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    Schemas::new([
        Schema::new("smtp", [&COMMENT, &SERVER, &PORT, &MAILTO, &USER, &CA_FILE])
            .with_ignored(&["filter"]),
        Schema::new("gotify", [&COMMENT, &SERVER, &TOKEN]),
        Schema::new("matcher", [&COMMENT, &RULE, &TARGET]).strict(),
    ])
});

/// Section-config text: nothing panics, nothing is lost, places exist, writing is stable.
pub(crate) fn section_config(bytes: &[u8]) {
    for source in [Source::Public, Source::Private, Source::Overlay] {
        let document = Document::parse(source, bytes);
        assert_eq!(document.to_bytes(), bytes, "a byte was lost");
        places_exist(&document);
    }
    for source in [Source::Public, Source::Private] {
        formatting_is_stable(source, bytes);
    }
    let files = Files {
        public: bytes.to_vec().into(),
        private: bytes.to_vec().into(),
        overlay: bytes.to_vec().into(),
        private_is_exposed: false,
    };
    let configuration = Configuration::assemble(&files, &SCHEMAS);
    for section in configuration.sections() {
        assert_ne!(
            section.fields.is_some(),
            section.unusable.is_some(),
            "{section:?}"
        );
        assert!(configuration.section(&section.name).is_some());
    }
    edits_stay_inside(bytes);
}

/// `user.cfg`: nothing panics, every fault has a place, no address has a control character.
pub(crate) fn user_cfg(bytes: &[u8]) {
    let parsed = UserCfg::parse(bytes);
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    for fault in parsed.faults() {
        place_exists(&lines, fault.line, fault.column);
    }
    for user in parsed.users() {
        let first = parsed.user(&user.id).expect("it was listed");
        assert!(first.line <= user.line, "the first of an id counts");
        let email = user.email.as_deref().unwrap_or("-");
        assert!(
            !email.is_empty() && !email.chars().any(char::is_control),
            "{email:?}"
        );
    }
}

fn places_exist(document: &Document) {
    let lines: Vec<&[u8]> = document.to_bytes().split(|byte| *byte == b'\n').collect();
    for fault in document.faults().iter().chain(&document.refusals()) {
        place_exists(&lines, fault.line, fault.column);
    }
    for section in document.sections() {
        for line in section.properties() {
            let number = line.at.line as usize;
            let text = std::str::from_utf8(lines[number - 1]).expect("a property is text");
            let from: String = text.chars().skip(line.at.column as usize - 1).collect();
            assert!(from.starts_with(line.key), "{from:?} is not {:?}", line.key);
            assert_eq!(line.value.trim(), line.value);
        }
    }
}

fn place_exists(lines: &[&[u8]], line: Option<u32>, column: Option<u32>) {
    let (Some(line), Some(column)) = (line, column) else {
        return;
    };
    assert!(
        line >= 1 && line as usize <= lines.len(),
        "line {line} of {}",
        lines.len()
    );
    let length = lines[line as usize - 1].len();
    assert!(
        column >= 1 && column as usize <= length + 1,
        "column {column} of {length}"
    );
}

/// What was formatted once is in form, and Proxmox VE refuses none of it.
fn formatting_is_stable(source: Source, bytes: &[u8]) {
    let once = format(&Document::parse(source, bytes), &SCHEMAS).text;
    let document = Document::parse(source, once.as_bytes());
    assert!(document.faults().is_empty(), "{:?}", document.faults());
    assert!(document.refusals().is_empty(), "{:?}", document.refusals());
    let twice = format(&document, &SCHEMAS);
    assert_eq!(twice.text, once);
    assert!(
        twice.left_out.is_empty() && twice.superseded.is_empty(),
        "{twice:?}"
    );
}

/// Setting and removing one section leaves every other as it was, byte for byte.
fn edits_stay_inside(bytes: &[u8]) {
    let files = Files {
        public: bytes.to_vec().into(),
        ..Files::default()
    };
    let before = Document::parse(Source::Public, bytes);
    let known = |kind: &str| SCHEMAS.get(kind).is_some();
    let Some(name) = before
        .sections()
        .find(|one| one.is_sound() && known(one.kind()))
        .map(|one| one.name())
    else {
        return;
    };
    let (head, tail) = outside(&before, name);
    let set = Changes::new().set(
        name,
        vec![Setting::text("comment", "new # one")],
        Vec::new(),
    );
    if let Ok(after) = set.apply(&files, &SCHEMAS) {
        assert!(
            after.public.bytes().starts_with(head),
            "the bytes before were changed"
        );
        assert!(
            after.public.bytes().ends_with(tail),
            "the bytes after were changed"
        );
        let again = set.apply(&after, &SCHEMAS).expect("it was good before");
        assert_eq!(again, after, "the same change again changes nothing");
        assert_eq!(others(&after, name), others(&files, name));
    }
    let after = Changes::new()
        .remove(name)
        .apply(&files, &SCHEMAS)
        .expect("it is there");
    assert!(
        after.public.bytes().starts_with(head.trim_ascii_end()),
        "the bytes before were changed"
    );
    assert!(
        after.public.bytes().ends_with(tail),
        "the bytes after were changed"
    );
    assert_eq!(others(&after, name), others(&files, name));
}

/// The bytes before the first section of a name, and those from the section after the last.
fn outside<'d>(document: &'d Document, name: &str) -> (&'d [u8], &'d [u8]) {
    let sections: Vec<_> = document.sections().collect();
    let same = |index: &usize| sections[*index].is_sound() && sections[*index].name() == name;
    let first = (0..sections.len()).find(same).expect("it is there");
    let last = (0..sections.len()).rfind(same).expect("it is there");
    let bytes = document.to_bytes();
    let start = |index: usize| line_start(bytes, sections[index].header().line);
    let tail = sections
        .get(last + 1)
        .map_or(bytes.len(), |_| start(last + 1));
    (&bytes[..start(first)], &bytes[tail..])
}

fn line_start(bytes: &[u8], line: u32) -> usize {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.take(line as usize - 1).map(<[u8]>::len).sum()
}

/// All sections with a good header but those of a name, with their lines.
fn others(files: &Files, name: &str) -> Vec<String> {
    let document = Document::parse(Source::Public, files.public.bytes());
    let others = document
        .sections()
        .filter(|one| one.is_sound() && one.name() != name);
    others
        .map(|one| {
            let lines: Vec<_> = one
                .properties()
                .map(|line| (line.key, line.value))
                .collect();
            format!("{}: {} {lines:?}", one.kind(), one.name())
        })
        .collect()
}
