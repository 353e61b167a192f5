//! What one backup report costs, from data to text and to HTML, with the built-in templates.
//!
//! Each measurement makes a message of its own from the same data, as an event
//! does, with the templates already parsed. What the message holds is freed
//! outside of the measurement.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use notify_core::{Content, PlainHost, Severity, Zone};
use notify_events::{Circumstances, EventData as _, Guest, GuestStatus, Vzdump};
use notify_render::{Part, Templates, with_common_variables};
use serde_json::Value;

/// One guest in ten failed; each has a line of logs.
fn report(guests: u64) -> Value {
    let rows = (0..guests).map(|at| {
        let failed = at % 10 == 9;
        let mut guest = match failed {
            true => Guest::new(100 + at, GuestStatus::Err),
            false => Guest::new(100 + at, GuestStatus::Ok),
        };
        guest.name = Some(format!("guest-{at}"));
        guest.time = Some(11 + at * 7);
        guest.size = (!failed).then_some(1_048_576 * (at + 1) + 12_345);
        guest.filename = (!failed).then(|| {
            format!(
                "/var/lib/vz/dump/vzdump-qemu-{}-2024_01_08-01_00_00.vma.zst",
                100 + at
            )
        });
        guest
    });
    let line = |at| {
        format!(
            "{}: 2024-01-08 01:00:00 INFO: Finished Backup of VM (00:00:11)\n",
            100 + at
        )
    };
    let mut report = Vzdump::finished(rows);
    report.total_time = Some(3661);
    report.logs = Some((0..guests).map(line).collect());
    let event = report.event(&Circumstances::new("pve1", 0));
    let Content::Template { data, .. } = event.content else {
        unreachable!("a report has a template");
    };
    with_common_variables(data, &PlainHost::named("pve1"), Some(Severity::Error))
}

fn render(criterion: &mut Criterion) {
    let templates = Templates::linked();
    let mut group = criterion.benchmark_group("render");
    for guests in [10, 1_000] {
        let data = report(guests);
        for part in [Part::Text, Part::Html] {
            let id = BenchmarkId::new(part.name(), guests);
            group.bench_function(id, |bencher| {
                bencher.iter_batched(
                    || data.clone(),
                    |data| {
                        let message = templates.message("vzdump", data, Zone::Local);
                        message.part(part).expect("built in");
                        message
                    },
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.bench_function("parse and text/10", |bencher| {
        let data = report(10);
        bencher.iter_batched(
            || data.clone(),
            |data| {
                let message = Templates::linked().message("vzdump", data, Zone::Local);
                message.part(Part::Text).expect("built in");
                message
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
