//! `notify event`: events of the kinds that the system knows.

use std::collections::BTreeMap;
use std::path::Path;

use notify_bus::{Report, State};
use notify_core::{Host as _, Zone};
use notify_events::apt::Apt;
use notify_events::{
    Circumstances, Emission, Event, EventError, EventErrorKind, EventKind, PACKAGE_UPDATES, Rules,
    VZDUMP, vzdump_log,
};
use notify_host::HostFacts;
use notify_schema::Fault;
use serde_json::{Value, json};

use crate::args::{Global, KindOfEvent};
use crate::console::{Console, table};
use crate::event::{block_on, moment, notification, now};
use crate::exit::{Answer, Exit, Stop};
use crate::send::{Outgoing, answer};
use crate::setup::Setup;
use crate::{input, time};

/// Whether this sends something.
pub(crate) fn sends(args: &KindOfEvent) -> bool {
    !(args.list || args.example || args.schema)
}

/// `notify event`.
pub(crate) fn event(global: &Global, args: &KindOfEvent, console: &Console) -> Answer {
    let Some(kind) = args.kind else {
        list(args.json, console);
        return Ok(Exit::Done);
    };
    let (Some(example), Some(schema)) = (kind.example(), kind.schema()) else {
        let stop = Stop::usage(format!("`{}` is made of mails, not of data", kind.name));
        return Err(stop.with_hint("pipe the mail into `notify forward-mail`"));
    };
    if args.example {
        console.raw(example.as_bytes());
        return Ok(Exit::Done);
    }
    if args.schema {
        console.line(format!("{schema:#}"));
        return Ok(Exit::Done);
    }
    send(kind, global, args, console)
}

fn send(kind: &EventKind, global: &Global, args: &KindOfEvent, console: &Console) -> Answer {
    let timestamp = match &args.timestamp {
        Some(text) => time::parse(text, Zone::Local)
            .map_err(|error| Stop::usage(format!("--timestamp: {error}")))?,
        None => now(),
    };
    let fields = given_fields(kind, args)?;
    let setup = Setup::to_hand_over(global)?;
    let host = setup.host();
    let package_updates = host.0.package_updates();
    let circumstances = Circumstances {
        job_id: args.job_id.as_deref(),
        ..Circumstances::new(host.0.name(), timestamp)
    };
    let rules = Rules {
        state: &setup.state,
        package_updates,
    };
    if !args.force
        && let Some(reason) = kind.switched_off(&rules)
    {
        return Ok(hold(reason, args.json, console));
    }
    let (data, shown) = data(kind, args)?;
    let sender = Sender {
        global,
        setup: &setup,
        host: &host,
        timestamp,
        fields: &fields,
        args,
        console,
    };
    if args.force {
        let event = kind
            .event(data, &circumstances)
            .map_err(|error| refused(&shown, &error))?;
        let (_, exit) = sender.send(event)?;
        return Ok(exit);
    }
    let emission = kind
        .emission(data, &circumstances, &rules)
        .map_err(|error| refused(&shown, &error))?;
    carry_out(emission, &sender)
}

fn carry_out(emission: Emission, sender: &Sender<'_>) -> Answer {
    let console = sender.console;
    for remark in &emission.remarks {
        console.remark(format!("warning: {remark}"));
    }
    let event = match &emission.verdict {
        Ok(event) => event.clone(),
        Err(reason) => return Ok(hold(reason, sender.args.json, console)),
    };
    let (report, exit) = sender.send(event)?;
    if was_taken(&report)
        && let Err(error) = emission.taken()
    {
        // What was delivered stays delivered: to repeat the command would double it.
        console.problem(notify_core::report(&error));
        return Ok(Exit::Failed);
    }
    Ok(exit)
}

/// Says why nothing is sent, which is as it should be.
fn hold(reason: &str, as_json: bool, console: &Console) -> Exit {
    if as_json {
        console.json(&json!({ "sent": false, "reason": reason }));
    } else {
        console.note(format!("nothing was sent: {reason}"));
    }
    Exit::Done
}

/// Everything that an event needs besides itself.
struct Sender<'a> {
    global: &'a Global,
    setup: &'a Setup,
    host: &'a (HostFacts, Vec<Fault>),
    timestamp: i64,
    /// Those that were given.
    fields: &'a BTreeMap<String, String>,
    args: &'a KindOfEvent,
    console: &'a Console,
}

impl Sender<'_> {
    /// Through the matchers, with the fields that were given.
    fn send(&self, event: Event) -> Result<(Report, Exit), Stop> {
        let mut all = event.fields;
        all.extend(self.fields.clone());
        let event = notification(event.severity, self.timestamp, all, event.content)?;
        let (as_json, console) = (self.args.json, self.console);
        let outgoing = Outgoing {
            global: self.global,
            setup: self.setup,
            way: &self.args.way,
            as_json,
        };
        if let Some(finished) = outgoing.hand_over(self.host, &event, console)? {
            finished.tell(as_json, console);
            return Ok((finished.report, finished.exit));
        }
        let ready = self.setup.ready_on(self.host.clone(), Zone::Local)?;
        ready.tell_faults(console);
        let (report, faults) = block_on(ready.engine.send(&event, moment()))?;
        let exit = answer(&report, &faults, as_json, console);
        Ok((report, exit))
    }
}

/// Whether somebody has it, or nobody wants it. What nobody has is told again,
/// also when all who want it are switched off.
fn was_taken(report: &Report) -> bool {
    let has = |state| matches!(state, State::Delivered | State::Partial | State::Pending);
    report.targets.is_empty() || report.targets.iter().any(|target| has(target.state))
}

/// The fields of the command line.
fn given_fields(kind: &EventKind, args: &KindOfEvent) -> Result<BTreeMap<String, String>, Stop> {
    let optional = |field: &notify_events::FieldDoc| field.name == "job-id" && !field.always;
    if args.job_id.is_some() && !kind.fields.iter().any(optional) {
        let stop = Stop::usage(format!("--job-id is not for `{}`", kind.name));
        return Err(stop.with_hint("a field of your own: --field job-id=ID"));
    }
    let mut fields = BTreeMap::new();
    for (name, value) in &args.fields {
        if name == "type" {
            return Err(Stop::usage("the field `type` is the kind of the event"));
        }
        if fields.insert(name.clone(), value.clone()).is_some() {
            let stop = Stop::usage(format!("the field `{name}` is given twice"));
            return Err(stop.with_hint("give it once"));
        }
    }
    Ok(fields)
}

/// The data of the event, and where they come from.
fn data(kind: &EventKind, args: &KindOfEvent) -> Result<(Value, String), Stop> {
    let only_for = |flag: &str, other: &EventKind| {
        if kind.name == other.name {
            return Ok(());
        }
        let stop = Stop::usage(format!(
            "{flag} is for `{}`, not `{}`",
            other.name, kind.name
        ));
        Err(stop.with_hint("give the data with --data; --example shows their form"))
    };
    if args.from_apt {
        only_for("--from-apt", &PACKAGE_UPDATES)?;
        let updates = Apt::default()
            .updates()
            .map_err(|error| Stop::failed(notify_core::report(&error)))?;
        return Ok((value(&updates), "apt".to_owned()));
    }
    if let Some(log) = &args.from_log {
        only_for("--from-log", &VZDUMP)?;
        let shown = input::shown(log);
        let bytes = input::bytes(log)?;
        let report = vzdump_log::read(&String::from_utf8_lossy(&bytes))
            .map_err(|error| refused(&shown, &error))?;
        return Ok((value(&report), shown));
    }
    let file = args.data.as_deref().unwrap_or(Path::new("-"));
    Ok((input::json(file)?, input::shown(file)))
}

fn value(data: &impl serde::Serialize) -> Value {
    serde_json::to_value(data).expect("keys are strings, and numbers are whole")
}

/// Data that cannot be used: exit 2, with every fault; else the machine's fault.
fn refused(shown: &str, error: &EventError) -> Stop {
    let message = notify_core::report(error);
    match error.kind() {
        EventErrorKind::State => Stop::failed(message),
        _ => {
            let faults: Vec<String> = error.faults().iter().map(ToString::to_string).collect();
            let stop = Stop::usage(format!("{shown}: {message}"));
            if faults.is_empty() {
                stop
            } else {
                stop.with_hint(faults.join("\n  "))
            }
        }
    }
}

fn list(as_json: bool, console: &Console) {
    if as_json {
        console.json(&EventKind::all().map(described).to_vec());
        return;
    }
    let heading = ["kind", "severity", "fields", "what"].map(str::to_owned);
    let rows = EventKind::all().map(|kind| {
        let severities = kind.severities.iter().map(ToString::to_string);
        let fields = kind.fields.iter().map(|field| field.name);
        vec![
            kind.name.to_owned(),
            severities.collect::<Vec<_>>().join(", "),
            fields.collect::<Vec<_>>().join(", "),
            kind.title.to_owned(),
        ]
    });
    let all: Vec<_> = std::iter::once(heading.to_vec()).chain(rows).collect();
    console.raw(table(&all).as_bytes());
}

fn described(kind: &EventKind) -> Value {
    let field = |field: &notify_events::FieldDoc| json!({ "name": field.name, "description": field.doc, "always": field.always });
    json!({
        "name": kind.name,
        "title": kind.title,
        "description": kind.doc,
        "severities": kind.severities,
        "fields": kind.fields.iter().map(field).collect::<Vec<_>>(),
        "data": kind.has_data(),
    })
}
