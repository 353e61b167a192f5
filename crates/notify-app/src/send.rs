//! `notify send` and `notify test`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify_bus::{Report, Skipped, State, TargetReport, Verdict};
use notify_core::{Content, Host as _, LegacyMail, Millis, Notification, Zone};
use notify_host::HostFacts;
use notify_schema::Fault;
use serde_json::json;

use crate::args::{self, Global, Way};
use crate::console::Console;
use crate::event::{block_on, fields, moment, notification, now, severity};
use crate::exit::{Answer, Exit, Stop};
use crate::folders::Surroundings;
use crate::handover::{Finished, Packed, Parcel};
use crate::meant::unknown_target;
use crate::setup::{Ready, Setup};
use crate::{handover, input, time};

/// `notify send`.
pub(crate) fn send(global: &Global, args: &args::Send, console: &Console) -> Answer {
    let timestamp = match &args.timestamp {
        Some(text) => time::parse(text, Zone::Local)
            .map_err(|error| Stop::usage(format!("--timestamp: {error}")))?,
        None => now(),
    };
    let setup = Setup::to_hand_over(global)?;
    if let Some(template) = &args.template {
        setup.templates_with(template)?;
    }
    let host = setup.host();
    let fields = fields(&args.event, host.0.name())?;
    let content = content(args, &fields)?;
    let event = notification(severity(&args.event), timestamp, fields, content)?;
    let post = Outgoing {
        global,
        setup: &setup,
        way: &args.way,
        as_json: args.json,
    };
    if let Some(finished) = post.hand_over(&host, &event, console)? {
        finished.tell(args.json, console);
        return Ok(finished.exit);
    }
    route(
        &setup.ready_on(host, Zone::Local)?,
        &event,
        args.json,
        console,
    )
}

/// An event that a command sends, before it is known whether a daemon takes it.
pub(crate) struct Outgoing<'a> {
    pub(crate) global: &'a Global,
    pub(crate) setup: &'a Setup,
    pub(crate) way: &'a Way,
    pub(crate) as_json: bool,
}

impl Outgoing<'_> {
    /// To the daemon or its spool; none when this process is to send it.
    pub(crate) fn hand_over(
        &self,
        host: &(HostFacts, Vec<Fault>),
        event: &Notification,
        console: &Console,
    ) -> Result<Option<Finished>, Stop> {
        let pack = |now| {
            let ready = self.setup.ready_on(host.clone(), Zone::Local)?;
            ready.tell_faults(console);
            let entry = notify_bus::entry(&ready.engine, event.clone(), now);
            Ok(Some((ready.engine, entry)))
        };
        self.give(&Parcel::Event(event), pack, event, console)
    }

    /// The same past the matchers, to addresses.
    pub(crate) fn hand_over_legacy(
        &self,
        host: &HostFacts,
        mail: &LegacyMail,
        event: &Notification,
        console: &Console,
    ) -> Result<Option<Finished>, Stop> {
        let pack = |now| {
            let engine = self.setup.engine_past_configuration(host.clone());
            let entry = notify_bus::legacy_entry(event.clone(), mail.clone(), now);
            Ok(Some((Arc::new(engine), entry)))
        };
        self.give(&Parcel::Legacy(mail, event), pack, event, console)
    }

    fn give(
        &self,
        parcel: &Parcel<'_>,
        pack: impl FnOnce(Millis) -> Result<Packed, Stop>,
        event: &Notification,
        console: &Console,
    ) -> Result<Option<Finished>, Stop> {
        let nobody = || self.setup.at_hand().map(|()| None);
        if self.way.direct {
            return nobody();
        }
        let surroundings = Surroundings::of_process(self.global.config_dir.clone());
        let pack = |now| self.setup.at_hand().and_then(|()| pack(now));
        match handover::hand_over(&surroundings, &self.setup.folder, parcel, pack)? {
            Some(handed) => {
                let finished = handed.finish(event, self.way, self.as_json, console)?;
                Ok(Some(finished))
            }
            None => nobody(),
        }
    }
}

/// `notify test`.
pub(crate) fn test(global: &Global, args: &args::Test, console: &Console) -> Answer {
    let ready = Setup::new(global)?.ready(Zone::Local)?;
    let mut event = args.event.clone();
    if event.kind.is_none() && !event.fields.iter().any(|(name, _)| name == "type") {
        event.kind = Some("test".to_owned());
    }
    let fields = fields(&event, ready.engine.host().name())?;
    let name = args.target.clone().unwrap_or_default();
    let content = Content::Template {
        name: "test".to_owned(),
        data: json!({ "target": name }),
    };
    let event = notification(severity(&event), now(), fields, content)?;
    if args.route {
        return route(&ready, &event, args.json, console);
    }
    ready.tell_faults(console);
    let sent = block_on(ready.engine.deliver_to(&name, &event, moment()))?;
    let (report, faults) = sent.ok_or_else(|| {
        let targets = ready.targets();
        unknown_target(&name, targets.map(|section| section.name.as_str()))
    })?;
    Ok(answer(&report, &faults, args.json, console))
}

/// Through the matchers.
fn route(ready: &Ready, event: &Notification, as_json: bool, console: &Console) -> Answer {
    ready.tell_faults(console);
    let (report, faults) = block_on(ready.engine.send(event, moment()))?;
    Ok(answer(&report, &faults, as_json, console))
}

/// The `message` template with what was given, or a template with its data.
fn content(
    args: &args::Send,
    fields: &std::collections::BTreeMap<String, String>,
) -> Result<Content, Stop> {
    if let (Some(template), Some(data)) = (&args.template, &args.data) {
        return Ok(Content::Template {
            name: template.clone(),
            data: input::json(data)?,
        });
    }
    let is_stdin = |file: &Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
    if is_stdin(&args.message_file) && is_stdin(&args.html_file) {
        return Err(Stop::usage("only one file can be standard input"));
    }
    let text = match (&args.message, &args.message_file) {
        (Some(text), _) => text.clone(),
        (None, Some(file)) => input::text(file)?,
        (None, None) => String::new(),
    };
    let mut data = json!({ "title": args.title.as_deref().unwrap_or_default(), "text": text, "fields": fields });
    if let Some(file) = &args.html_file {
        data["html"] = json!(input::text(file)?);
    }
    Ok(Content::Template {
        name: "message".to_owned(),
        data,
    })
}

/// Prints the report and turns it into an exit code.
pub(crate) fn answer(
    report: &Report,
    template_faults: &[Fault],
    as_json: bool,
    console: &Console,
) -> Exit {
    remarks(report, template_faults, console);
    if as_json {
        console.json(report);
    } else {
        tell(report, console);
    }
    exit_of(report)
}

/// Says on standard error what a person should know besides the report.
pub(crate) fn remarks(report: &Report, template_faults: &[Fault], console: &Console) {
    for fault in template_faults {
        console.fault(fault);
    }
    for target in &report.targets {
        for warning in &target.warnings {
            console.remark(format!("warning: target `{}`: {warning}", target.name));
        }
    }
}

/// The exit code that a report means.
pub(crate) fn exit_of(report: &Report) -> Exit {
    match report.verdict() {
        Verdict::Done => Exit::Done,
        Verdict::Failed => Exit::Failed,
        Verdict::TryAgain => Exit::TryAgain,
    }
}

/// The targets, or why there is none.
pub(crate) fn tell(report: &Report, console: &Console) {
    if report.targets.is_empty() {
        let fields: Vec<_> = report
            .fields
            .iter()
            .map(|(name, value)| format!("--field {name}={value}"))
            .collect();
        console.note(format!("no target was chosen for {}", report.id));
        console.note(format!(
            "  see why: notify route --severity {} {} --explain",
            report.severity,
            fields.join(" ")
        ));
    }
    for target in &report.targets {
        tell_target(target, console);
    }
}

pub(crate) fn tell_target(target: &TargetReport, console: &Console) {
    let kind = target
        .kind
        .as_deref()
        .map(|kind| format!(" ({kind})"))
        .unwrap_or_default();
    let name = format!("{}{kind}", target.name);
    let line = |state: String, rest: &str| {
        format!(
            "{state} {name}{}{rest}",
            if rest.is_empty() { "" } else { ": " }
        )
    };
    let reference = target.reference.as_deref().unwrap_or_default();
    match target.state {
        State::Delivered => console.note(line(console.good("delivered"), reference)),
        State::Partial => console.line(line(console.doubtful("partial"), reference)),
        State::Failed => {
            let error = target
                .error
                .as_ref()
                .map(|error| format!("{} ({})", error.message, error.kind));
            console.line(line(console.bad("failed"), &error.unwrap_or_default()));
        }
        State::Skipped => console.line(line(console.doubtful("skipped"), &why_skipped(target))),
        State::Pending => {
            let error = target.error.as_ref().map(|error| error.message.as_str());
            console.note(line("pending".to_owned(), error.unwrap_or_default()));
        }
    }
    for refused in &target.refused {
        console.line(format!(
            "  refused {}: {} ({})",
            refused.recipient, refused.message, refused.kind
        ));
    }
}

fn why_skipped(target: &TargetReport) -> String {
    let detail = target
        .error
        .as_ref()
        .map(|error| format!(": {}", error.message))
        .unwrap_or_default();
    let reason = match target.reason {
        Some(Skipped::Disabled) => "it is disabled",
        Some(Skipped::Missing) => "there is no such target",
        Some(Skipped::Unusable) => "it cannot be used",
        None => "nothing was tried",
    };
    format!("{reason}{detail}")
}
