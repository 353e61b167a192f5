//! How long it takes to choose the targets of an event.
//!
//! `plain` asks every matcher. `router` chooses matchers and targets, cycling
//! through 4,096 distinct events, so that most of their values have been seen
//! before; `unseen` is the router when host and job of each event are new.
//! `names` lists the names of the matchers as well.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use notify_core::Zone;
use notify_match::{Compiler, Event, MatcherSet, Router, schema};
use notify_schema::{Fields, Position, RawProperty};
use notify_testkit::corpus::{self, Happening, MatcherLines};

fn checked(matchers: &[MatcherLines]) -> Vec<Fields> {
    let schema = schema();
    let section = |matcher: &MatcherLines| {
        let lines = matcher.lines.iter();
        let raw: Vec<_> = lines
            .map(|(key, value)| RawProperty::new(key, value, Position::NOWHERE))
            .collect();
        let checked = schema.check(&matcher.name, Position::NOWHERE, &raw);
        checked.fields.expect("the corpus has no fault")
    };
    matchers.iter().map(section).collect()
}

fn compiled(sections: &[Fields]) -> (MatcherSet, Router) {
    let mut compiler = Compiler::new();
    let matchers = sections.iter().map(|fields| {
        let matcher = compiler.matcher(fields).expect("the corpus has no fault");
        (fields.name().to_owned(), Ok(matcher))
    });
    let set = MatcherSet::new(matchers);
    let router = Router::new(&set);
    (set, router)
}

fn event(happening: &Happening) -> Event<'_> {
    Event {
        severity: happening.severity,
        timestamp: happening.timestamp,
        fields: &happening.fields,
    }
}

fn vienna() -> Zone {
    Zone::Named(chrono_tz::Europe::Vienna)
}

fn measure(criterion: &mut Criterion, name: &str, matchers: &[MatcherLines]) {
    let sections = checked(matchers);
    let (set, router) = compiled(&sections);
    let events = corpus::events(4096);
    let mut cycle = events.iter().cycle();
    let mut next = || event(cycle.next().expect("it has no end"));
    let mut group = criterion.benchmark_group(name);
    let id = |what| BenchmarkId::new(what, matchers.len());

    group.bench_function(id("compile"), |bench| bench.iter(|| compiled(&sections)));
    group.bench_function(id("plain"), |bench| {
        bench.iter(|| set.route(black_box(&next()), vienna()));
    });
    for happening in &events {
        let event = event(happening);
        assert_eq!(router.route(&event, vienna()), set.route(&event, vienna()));
    }
    group.bench_function(id("router"), |bench| {
        bench.iter(|| router.route(black_box(&next()), vienna()));
    });
    group.bench_function(id("names"), |bench| {
        bench.iter(|| {
            let routing = router.route(black_box(&next()), vienna());
            routing.matchers().collect::<Vec<_>>()
        });
    });
    let mut number = 0;
    let mut unseen = || {
        number += 1;
        corpus::unseen_event(number)
    };
    group.bench_function(id("unseen"), |bench| {
        let route = |happening: Happening| {
            router
                .route(black_box(&event(&happening)), vienna())
                .targets()
                .len()
        };
        bench.iter_batched(&mut unseen, route, BatchSize::SmallInput);
    });
    group.finish();
}

fn corpus_a(criterion: &mut Criterion) {
    for count in [10, 100, 1_000, 10_000] {
        measure(criterion, "corpus-a", &corpus::matchers(count));
    }
}

fn corpus_b(criterion: &mut Criterion) {
    measure(criterion, "corpus-b", &corpus::distinct_patterns(2_500));
}

fn combined(criterion: &mut Criterion) {
    for count in [100, 10_000] {
        measure(criterion, "combined", &corpus::combined(count));
    }
}

criterion_group!(benches, corpus_a, corpus_b, combined);
criterion_main!(benches);
