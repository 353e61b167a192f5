//! `notify route`.

use std::collections::BTreeMap;

use notify_bus::{Decision, Explained};
use notify_core::{Severity, check_field};
use notify_match::Event;
use serde::Deserialize;
use serde_json::json;

use crate::args::{self, Global};
use crate::console::Console;
use crate::event::{fields, now, severity};
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::trace::matcher_text;
use crate::setup::{Ready, Setup};
use crate::{input, time};

/// `notify route`.
pub(crate) fn route(global: &Global, args: &args::Route, console: &Console) -> Answer {
    let zone = args.tz.unwrap_or_default();
    let at = args
        .at
        .as_deref()
        .map(|text| time::parse(text, zone))
        .transpose();
    let at = at.map_err(|error| Stop::usage(format!("--at: {error}")))?;
    let ready = Setup::new(global)?.ready(zone)?;
    ready.tell_faults(console);
    if let Some(file) = &args.events {
        return batch(&ready, input::lines(file)?, at, args.explain, console);
    }
    let fields = fields(&args.event, ready.engine.host().name())?;
    let event = Event {
        severity: severity(&args.event),
        timestamp: at.unwrap_or_else(now),
        fields: &fields,
    };
    match (args.json, args.explain) {
        (true, true) => console.json(&ready.engine.explain(&event)),
        (true, false) => console.json(&ready.engine.decide_about(&event)),
        (false, true) => tell_explained(&ready.engine.explain(&event), console),
        (false, false) => tell(&ready.engine.decide_about(&event), console),
    }
    Ok(Exit::Done)
}

/// One event of the input.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    severity: Severity,
    timestamp: Option<i64>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

/// One answer for each line that is not blank, in order, as soon as the line is there.
fn batch(
    ready: &Ready,
    lines: impl Iterator<Item = Result<Vec<u8>, Stop>>,
    at: Option<i64>,
    explain: bool,
    console: &Console,
) -> Answer {
    ready.engine.prepare_for_many_events();
    let mut exit = Exit::Done;
    for line in lines {
        let line = line?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match parse(&line) {
            Ok(line) => answer(ready, &line, at.or(line.timestamp), explain, console),
            Err(reason) => {
                exit = Exit::Failed;
                console.json(&json!({ "error": reason }));
            }
        }
    }
    Ok(exit)
}

fn answer(ready: &Ready, line: &Line, at: Option<i64>, explain: bool, console: &Console) {
    let event = Event {
        severity: line.severity,
        timestamp: at.unwrap_or_else(now),
        fields: &line.fields,
    };
    if explain {
        console.json(&ready.engine.explain(&event));
    } else {
        console.json(&ready.engine.decide_about(&event));
    }
}

fn parse(line: &[u8]) -> Result<Line, String> {
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err("expected a JSON object".to_owned());
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    line.timestamp.map(time::in_range).transpose()?;
    for (name, value) in &line.fields {
        check_field(name, value).map_err(|error| error.to_string())?;
    }
    Ok(line)
}

fn tell(decision: &Decision, console: &Console) {
    let list = |names: &[String]| {
        if names.is_empty() {
            "-".to_owned()
        } else {
            names.join(", ")
        }
    };
    console.line(format!("matchers: {}", list(&decision.matchers)));
    console.line(format!("targets:  {}", list(&decision.targets)));
    for line in out_of_reach(decision) {
        console.line(line);
    }
}

/// The targets that were chosen and get nothing, a line for each reason.
pub(crate) fn out_of_reach(decision: &Decision) -> impl Iterator<Item = String> {
    [
        ("missing:", &decision.missing),
        ("disabled:", &decision.disabled),
        ("unusable:", &decision.unusable),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(word, names)| format!("{word:<9} {}", names.join(", ")))
}

fn tell_explained(explained: &Explained, console: &Console) {
    for trace in &explained.matchers {
        console.raw(matcher_text(&trace.into(), console).as_bytes());
    }
    let Explained {
        targets,
        missing,
        disabled,
        unusable,
        ..
    } = explained.clone();
    let matched = explained
        .matchers
        .iter()
        .filter(|trace| trace.matched)
        .map(|trace| trace.name.clone())
        .collect();
    tell(
        &Decision {
            targets,
            missing,
            disabled,
            unusable,
            matchers: matched,
        },
        console,
    );
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(line: &str, expected: Result<(), &str>) {
        match (parse(line.as_bytes()), expected) {
            (Ok(_), Ok(())) => {}
            (Err(reason), Err(part)) => assert!(reason.contains(part), "{line}: {reason}"),
            (result, _) => panic!("{line}: {result:?}"),
        }
    }

    #[test]
    fn a_line_is_an_event_and_nothing_else() {
        check(r#"{"severity":"error"}"#, Ok(()));
        check(
            r#"{"severity":"error","timestamp":0,"fields":{"type":"vzdump"}}"#,
            Ok(()),
        );
        check(r#"{"timestamp":0}"#, Err("missing field `severity`"));
        check(r#"{"severity":"Error"}"#, Err("unknown variant"));
        check(r#"{"severity":"error","x":1}"#, Err("unknown field `x`"));
        check(
            r#"{"severity":"error","fields":{"a":1}}"#,
            Err("expected a string"),
        );
        check(
            r#"{"severity":"error","fields":{"-a":"1"}}"#,
            Err("no field name"),
        );
        check(
            r#"{"severity":"error","fields":{"a":"1\n2"}}"#,
            Err("control character"),
        );
        check("nonsense", Err("expected a JSON object"));
        check(r#"["info",0,{}]"#, Err("expected a JSON object"));
    }
}
