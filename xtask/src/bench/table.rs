//! Figures for people and for programs.

use serde_json::{Value, json};

use super::figure::{Dimension, Figure};
use super::goals::verdicts;
use super::machine::Machine;

/// A Markdown table with the machine above it.
pub(super) fn markdown(figures: &[Figure], machine: &Machine) -> String {
    let mut text = format!("{}\n\n", machine.text());
    text.push_str("| figure | median | aim | |\n|---|---|---|---|\n");
    for figure in figures {
        let (aims, verdict) = row(figure, figures);
        text.push_str(&format!(
            "| {} | {} | {aims} | {verdict} |\n",
            figure.name,
            figure.text()
        ));
    }
    text
}

/// The aims of a figure, and `ok`, `over` or nothing.
fn row(figure: &Figure, figures: &[Figure]) -> (String, &'static str) {
    let verdicts = verdicts(figure, figures);
    let word = match (
        verdicts.is_empty(),
        verdicts.iter().all(|verdict| verdict.kept),
    ) {
        (true, _) => "",
        (false, true) => "ok",
        (false, false) => "over",
    };
    let aims: Vec<_> = verdicts.into_iter().map(|verdict| verdict.aim).collect();
    (aims.join("; "), word)
}

/// One object with machine and figures, in base units.
pub(super) fn json(figures: &[Figure], machine: &Machine) -> String {
    let figure = |figure: &Figure| -> Value {
        let (aim, verdict) = row(figure, figures);
        json!({
            "name": figure.name,
            "value": figure.value,
            "unit": unit(figure.dimension),
            "aim": aim,
            "verdict": verdict,
        })
    };
    let all = json!({
        "machine": {
            "processor": machine.processor,
            "cores": machine.cores,
            "kernel": machine.kernel,
            "rustc": machine.rustc,
            "date": machine.date,
        },
        "figures": figures.iter().map(figure).collect::<Vec<_>>(),
    });
    format!("{all:#}")
}

fn unit(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Time => "ns",
        Dimension::Size => "B",
        Dimension::Number => "x",
        Dimension::Rate => "/s",
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Machine, json, markdown};

    fn sample() -> (Vec<Figure>, Machine) {
        let figure = |name, value, unit| Figure::new(name, value, unit).expect("a unit");
        let figures = vec![
            figure("corpus-a/router/10", 0.7, "us"),
            figure("other", 2.0, "x"),
            figure("program/size", 11.9, "MB"),
        ];
        let machine = Machine {
            processor: "A".into(),
            cores: 2,
            kernel: "6.1".into(),
            rustc: "rustc 1".into(),
            date: "2026-01-02".into(),
        };
        (figures, machine)
    }

    #[test]
    fn people_get_a_table() {
        let (figures, machine) = sample();
        assert_eq!(
            markdown(&figures, &machine),
            "A, 2 cores, Linux 6.1, rustc 1, 2026-01-02\n\n\
             | figure | median | aim | |\n|---|---|---|---|\n\
             | corpus-a/router/10 | 700 ns | <= 600 ns | over |\n\
             | other | 2.00 x |  |  |\n\
             | program/size | 11.9 MB | <= 12.0 MB | ok |\n"
        );
    }

    #[test]
    fn programs_get_json() {
        let (figures, machine) = sample();
        let all: serde_json::Value =
            serde_json::from_str(&json(&figures, &machine)).expect("it is JSON");
        assert_eq!(all["machine"]["cores"], 2);
        assert_eq!(all["figures"][0]["value"], 700.0);
        assert_eq!(all["figures"][0]["verdict"], "over");
        assert_eq!(all["figures"][1]["verdict"], "");
    }
}
