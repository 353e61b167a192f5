//! Reading 10,000 sections (1.2 MB): parsed, and parsed, merged and checked.
//!
//! ```text
//! cargo bench -p notify-config
//! ```

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use notify_config::{Configuration, Document, Files, Schemas};
use notify_schema::{Audience, Fault, Kind, Property, Schema, Source};

static COMMENT: Property = Property::default("comment", Kind::COMMENT, "", "Remark.").example("x");
static DISABLE: Property =
    Property::default("disable", Kind::Boolean, "false", "Off.").example("1");
static SERVER: Property = Property::required("server", Kind::text(), "Where.").example("a");
static PORT: Property = Property::fallback("port", Kind::PORT, "by mode", "Port.").example("25");
static MODE: Property = Property::default(
    "mode",
    Kind::Choice(&["insecure", "starttls", "tls"]),
    "tls",
    "How.",
)
.example("tls");
static FROM: Property = Property::required("from-address", Kind::text(), "From.").example("a@b");
static MAILTO: Property = Property::repeated("mailto", Kind::RECIPIENT, "To.").example("a@b");
static TOKEN: Property = Property::required("token", Kind::text(), "Key.").secret();
static FIELD: Property =
    Property::repeated("match-field", Kind::text(), "Rule.").example("exact:type=a");
static SEVERITY: Property =
    Property::repeated("match-severity", Kind::text(), "Rule.").example("error");
static CALENDAR: Property =
    Property::repeated("match-calendar", Kind::text(), "Rule.").example("8-12");
static TARGET: Property = Property::repeated("target", Kind::Name, "Target.").example("ops");

fn schemas() -> Schemas {
    Schemas::new([
        Schema::new(
            "smtp",
            [&COMMENT, &DISABLE, &SERVER, &PORT, &MODE, &FROM, &MAILTO],
        ),
        Schema::new("gotify", [&COMMENT, &DISABLE, &SERVER, &TOKEN]),
        Schema::new(
            "matcher",
            [&COMMENT, &DISABLE, &FIELD, &SEVERITY, &CALENDAR, &TARGET],
        )
        .strict(),
    ])
}

/// The same text every time: a fifth targets, the rest matchers of a few lines.
fn corpus(sections: u32) -> Files {
    let (mut public, mut private) = (String::new(), String::new());
    for number in 0..sections {
        match number % 10 {
            0 => write!(
                public,
                "smtp: mail-{number}\n\tcomment Mail for team {number}\n\tfrom-address pve{number}@example.com\n\
                 \tmailto ops{number}@example.com\n\tmailto second{number}@example.com\n\tmode starttls\n\
                 \tport 587\n\tserver mail{number}.example.com\n\n"
            ),
            1 => write!(private, "gotify: push-{number}\n\ttoken Abc.{number}\n\n").and_then(|()| {
                write!(public, "gotify: push-{number}\n\tserver https://gotify{number}.example.com\n\n")
            }),
            rule => write!(
                public,
                "matcher: rule-{number}\n\tcomment Rule {rule} of {number}\n\tmatch-field exact:hostname=pve{number},pve{rule}\n\
                 \tmatch-severity warning,error\n\ttarget mail-{}\n\n",
                number - rule
            ),
        }
        .expect("a String takes all text");
    }
    Files::of(&public, &private, "")
}

fn read(criterion: &mut Criterion) {
    let (files, schemas) = (corpus(10_000), schemas());
    let bytes = files.public.bytes();
    let mut group = criterion.benchmark_group("config");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("parse/10000", |bencher| {
        bencher.iter(|| Document::parse(Source::Public, black_box(bytes)));
    });
    group.bench_function("parse-check/10000", |bencher| {
        bencher.iter(|| Configuration::assemble(black_box(&files), &schemas));
    });
    group.finish();
    let configuration = Configuration::assemble(&files, &schemas);
    let ours = |fault: &&Fault| fault.audience == Audience::Everyone;
    assert_eq!(configuration.faults().iter().find(ours), None);
    assert_eq!(configuration.sections().len(), 10_000);
}

criterion_group!(benches, read);
criterion_main!(benches);
