//! What one backup report costs, from data to text and to HTML.
//!
//! Each measurement makes a message of its own from the same data, as an event
//! does, with the templates already parsed.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use notify_core::{TemplateSet, Zone};
use notify_render::{Part, Templates};
use serde_json::{Value, json};

static REPORT: TemplateSet = TemplateSet::new(
    "report",
    "backup of {{hostname}}: {{status-text}}",
    "{{#if error}}{{error}}\n\n{{/if}}Guests\n\n{{table guest-table}}\nTotal running time: {{duration total-time}}\n\
     Total size: {{human-bytes total-size}}\n\nLogs\n\n{{logs}}\n",
)
.html(
    "<html>\n<body>\n{{#if error}}<p>{{error}}</p>{{/if}}<h2>Guests</h2>\n{{table guest-table}}\
     <p>Total running time: {{duration total-time}}<br>Total size: {{human-bytes total-size}}</p>\n\
     <h2>Logs</h2>\n<pre>\n{{logs}}\n</pre>\n</body>\n</html>\n",
);

fn report(guests: u64) -> Value {
    let rows: Vec<_> = (0..guests)
        .map(|guest| {
            json!({
                "vmid": 100 + guest,
                "name": format!("guest-{guest}"),
                "status": if guest % 10 == 9 { "err" } else { "ok" },
                "time": 11 + guest * 7,
                "size": 1_048_576 * (guest + 1) + 12_345,
                "filename": if guest % 10 == 9 { Value::Null } else {
                    format!("/var/lib/vz/dump/vzdump-qemu-{}-2024_01_08-01_00_00.vma.zst", 100 + guest).into()
                },
            })
        })
        .collect();
    let logs: String = (0..guests)
        .map(|guest| {
            format!(
                "{}: 2024-01-08 01:00:00 INFO: Finished Backup of VM (00:00:11)\n",
                100 + guest
            )
        })
        .collect();
    json!({
        "hostname": "pve1", "fqdn": "pve1.example.com", "status-text": "backup failed", "error": null,
        "total-size": 1_048_576 * guests, "total-time": 3661, "logs": logs,
        "guest-table": {
            "schema": {"columns": [
                {"label": "VMID", "id": "vmid"}, {"label": "Name", "id": "name"}, {"label": "Status", "id": "status"},
                {"label": "Time", "id": "time", "renderer": "duration"},
                {"label": "Size", "id": "size", "renderer": "human-bytes"},
                {"label": "Filename", "id": "filename"},
            ]},
            "data": rows,
        },
    })
}

fn render(criterion: &mut Criterion) {
    let templates = Templates::new([&REPORT]);
    let mut group = criterion.benchmark_group("render");
    for guests in [10, 1_000] {
        let data = report(guests);
        for part in [Part::Text, Part::Html] {
            let id = BenchmarkId::new(part.name(), guests);
            group.bench_function(id, |bencher| {
                bencher.iter_batched(
                    || data.clone(),
                    |data| {
                        let message = templates.message("report", data, Zone::Local);
                        message.part(part).expect("built in").len()
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
                let message = Templates::new([&REPORT]).message("report", data, Zone::Local);
                message.part(Part::Text).expect("built in").len()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
