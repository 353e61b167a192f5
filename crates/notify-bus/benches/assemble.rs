//! From the text of 10,000 sections to an engine that has decided on one event: what a `send` pays.
//!
//! ```text
//! cargo bench -p notify-bus
//! ```

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use notify_bus::Engine;
use notify_config::{Configuration, Files};
use notify_core::{
    Attempt, Failure, Notification, PlainHost, Receipt, Registry, Target, TargetType, Zone,
    async_trait,
};
use notify_match::Event;
use notify_render::Templates;
use notify_schema::{Fault, Fields, Kind, Property};
use notify_testkit::corpus;

static SERVER: Property = Property::required("server", Kind::text(), "Where.").example("a");
static PORT: Property = Property::fallback("port", Kind::PORT, "25", "Port.").example("25");
static MAILTO: Property = Property::repeated("mailto", Kind::RECIPIENT, "To.").example("a@b");
static RELAY: TargetType =
    TargetType::new("relay", "Relay", build).properties(&[&SERVER, &PORT, &MAILTO]);

/// Nothing is delivered here.
#[derive(Debug)]
struct Relay;

#[async_trait]
impl Target for Relay {
    async fn deliver(&self, _: &Notification, _: &Attempt<'_>) -> Result<Receipt, Failure> {
        Ok(Receipt::default())
    }
}

fn build(_: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    Ok(Arc::new(Relay))
}

/// A fifth targets, the rest matchers.
fn files(sections: usize) -> Files {
    let mut public = corpus::text(&corpus::matchers(sections / 5 * 4));
    for number in 0..sections / 5 {
        write!(
            public,
            "\nrelay: relay-{number}\n\tcomment Mail for team {number}\n\tmailto ops{number}@example.com\n\
             \tmailto second{number}@example.com\n\tport 587\n\tserver mail{number}.example.com\n"
        )
        .expect("a String takes all text");
    }
    Files::of(&public, "", "")
}

fn engine(files: &Files, registry: &Registry) -> Engine {
    let configuration = Configuration::assemble(files, &notify_bus::schemas(registry));
    assert!(
        configuration.faults().is_empty(),
        "the corpus has no fault: {:?}",
        configuration.faults().first()
    );
    let host = Arc::new(PlainHost::named("pve1"));
    let zone = Zone::Named(chrono_tz::Europe::Vienna);
    Engine::assemble(&configuration, registry, host, Templates::linked(), zone)
}

fn assemble(criterion: &mut Criterion) {
    let registry = Registry::of([&RELAY]).expect("one type");
    let files = files(10_000);
    let happening = corpus::unseen_event(1);
    let event = Event {
        severity: happening.severity,
        timestamp: happening.timestamp,
        fields: &happening.fields,
    };
    criterion.bench_function("config/parse-check-compile/10000", |bencher| {
        bencher.iter_with_large_drop(|| {
            let engine = engine(black_box(&files), &registry);
            let decision = engine.decide_about(&event);
            (engine, decision)
        });
    });
}

criterion_group!(benches, assemble);
criterion_main!(benches);
