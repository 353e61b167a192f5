//! `notify backup-report`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use notify_bus::{Decision as Routed, Report};
use notify_config::{BackupJob, BackupOptions, JobsCfg, VzdumpConf, mailto};
use notify_core::{Host as _, LegacyMail, Notification, Severity, Zone};
use notify_events::{
    Chosen, Circumstances, Decision, Event, EventError, LEGACY_AUTHOR, Overrides, ReportOptions,
    VZDUMP, Way, vzdump_log,
};
use notify_host::HostFacts;
use notify_schema::{Fault, Level};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::{self, Global};
use crate::console::{Console, table};
use crate::event::{block_on, moment, notification, now};
use crate::exit::{Answer, Exit, Stop};
use crate::handover::Finished;
use crate::route::out_of_reach;
use crate::send::{Outgoing, answer, exit_of, remarks};
use crate::setup::Setup;
use crate::shapes::printable;
use crate::{input, time};

/// The backup jobs, in the configuration folder.
const JOBS: &str = "jobs.cfg";

/// The defaults of a host's backups, unless another file is named.
const VZDUMP_CONF: &str = "/etc/vzdump.conf";

/// The variable that names another file.
const VZDUMP_CONF_VARIABLE: &str = "NOTIFY_VZDUMP_CONF";

/// `notify backup-report`.
pub(crate) fn backup_report(
    global: &Global,
    args: &args::BackupReport,
    console: &Console,
) -> Answer {
    let timestamp = match &args.timestamp {
        Some(text) => time::parse(text, Zone::Local)
            .map_err(|error| Stop::usage(format!("--timestamp: {error}")))?,
        None => now(),
    };
    let setup = Setup::to_hand_over(global)?;
    let (options, faults) = options(&setup, args)?;
    let (host, host_faults) = setup.host();
    let event = event(args, host.name(), timestamp)?;
    for fault in faults {
        console.fault(&fault);
    }
    let failed = event.severity == Severity::Error;
    let report = BackupReport {
        failed,
        decision: options.decide(failed),
        options,
    };
    if args.explain && !args.json {
        console.raw(report.explanation().as_bytes());
    }
    let event = notification(event.severity, timestamp, event.fields, event.content)?;
    let outgoing = Outgoing {
        global,
        setup: &setup,
        way: &args.way,
        as_json: args.json,
    };
    report.carry_out(args, &outgoing, (host, host_faults), &event, console)
}

/// A report that is to go its way.
struct BackupReport {
    failed: bool,
    options: ReportOptions,
    decision: Decision,
}

impl BackupReport {
    fn carry_out(
        &self,
        args: &args::BackupReport,
        outgoing: &Outgoing<'_>,
        host: (HostFacts, Vec<Fault>),
        event: &Notification,
        console: &Console,
    ) -> Answer {
        let setup = outgoing.setup;
        match self.decision.way {
            Way::Nothing => Ok(self.tell_unsent(args, None, console)),
            Way::NotificationSystem => {
                if !args.dry_run
                    && let Some(finished) = outgoing.hand_over(&host, event, console)?
                {
                    return Ok(self.tell_handed(args, &finished, console));
                }
                let ready = setup.ready_on(host, Zone::Local)?;
                ready.tell_faults(console);
                if args.dry_run {
                    let routed = ready.engine.decide(event);
                    return Ok(self.tell_unsent(args, Some(&routed), console));
                }
                let sent = block_on(ready.engine.send(event, moment()))?;
                Ok(self.tell_sent(args, &sent, console))
            }
            Way::LegacyMail => {
                let (host, host_faults) = host;
                for fault in &host_faults {
                    console.fault(fault);
                }
                if args.dry_run {
                    return Ok(self.tell_unsent(args, None, console));
                }
                let mail = self.mail();
                if let Some(finished) = outgoing.hand_over_legacy(&host, &mail, event, console)? {
                    return Ok(self.tell_handed(args, &finished, console));
                }
                let sent = send_mail(setup, host, mail, event)?;
                Ok(self.tell_sent(args, &sent, console))
            }
        }
    }

    fn mail(&self) -> LegacyMail {
        LegacyMail {
            recipients: self.options.mailto.value.clone(),
            author: LEGACY_AUTHOR.to_owned(),
        }
    }

    fn tell_handed(
        &self,
        args: &args::BackupReport,
        finished: &Finished,
        console: &Console,
    ) -> Exit {
        if args.json {
            console.json(&self.json(None, Some(&finished.json())));
        } else {
            finished.tell(false, console);
        }
        finished.exit
    }

    fn tell_sent(
        &self,
        args: &args::BackupReport,
        (report, faults): &(Report, Vec<Fault>),
        console: &Console,
    ) -> Exit {
        if !args.json {
            return answer(report, faults, false, console);
        }
        remarks(report, faults, console);
        console.json(&self.json(None, Some(&json!(report))));
        exit_of(report)
    }

    /// Says that nothing was sent; in a dry run what would be, and where the matchers are asked, to whom.
    fn tell_unsent(
        &self,
        args: &args::BackupReport,
        routed: Option<&Routed>,
        console: &Console,
    ) -> Exit {
        if args.json {
            console.json(&self.json(routed, None));
        } else if args.dry_run {
            console.note(self.intention(routed));
            for line in routed.into_iter().flat_map(out_of_reach) {
                console.note(line);
            }
        } else {
            console.note(format!("nothing was sent: {}", self.decision.reason));
        }
        Exit::Done
    }

    /// What would be done.
    fn intention(&self, routed: Option<&Routed>) -> String {
        let reason = self.decision.reason;
        match self.decision.way {
            Way::Nothing => format!("nothing would be sent: {reason}"),
            Way::LegacyMail => {
                let recipients = printable(&self.options.mailto.value.join(", "));
                format!("a legacy mail would go to {recipients}: {reason}")
            }
            Way::NotificationSystem => {
                let targets = routed.map(reached).unwrap_or_default();
                let targets = match targets.as_slice() {
                    [] => "no target".to_owned(),
                    targets => printable(&targets.join(", ")),
                };
                format!("the notification system would send to {targets}: {reason}")
            }
        }
    }

    /// The way, and every value with its origin.
    fn explanation(&self) -> String {
        let ReportOptions {
            mode,
            mailto,
            mailnotification,
        } = &self.options;
        let list = match mailto.value.as_slice() {
            [] => "no address".to_owned(),
            list => printable(&list.join(", ")),
        };
        let rows = [
            vec!["  backup".to_owned(), self.outcome().to_owned()],
            row("notification-mode", mode.value.name(), mode),
            row("mailto", &list, mailto),
            row(
                "mailnotification",
                mailnotification.value.name(),
                mailnotification,
            ),
        ];
        let way = self.decision.way.name();
        format!("{way}: {}\n{}", self.decision.reason, table(&rows))
    }

    const fn outcome(&self) -> &'static str {
        if self.failed { "failed" } else { "successful" }
    }

    fn json(&self, routed: Option<&Routed>, report: Option<&Value>) -> Value {
        json!({
            "way": self.decision.way.name(),
            "reason": self.decision.reason,
            "failed": self.failed,
            "options": {
                "notification-mode": origin(&self.options.mode, self.options.mode.value.name()),
                "mailto": origin(&self.options.mailto, &self.options.mailto.value),
                "mailnotification":
                    origin(&self.options.mailnotification, self.options.mailnotification.value.name()),
            },
            "targets": routed.map(|routed| &routed.targets),
            "missing": routed.map(|routed| &routed.missing),
            "disabled": routed.map(|routed| &routed.disabled),
            "unusable": routed.map(|routed| &routed.unusable),
            "report": report,
        })
    }
}

/// At once, by the first target type that can.
fn send_mail(
    setup: &Setup,
    host: HostFacts,
    mail: LegacyMail,
    event: &Notification,
) -> Result<(Report, Vec<Fault>), Stop> {
    let engine = setup.engine_past_configuration(host);
    let sent = engine.deliver_legacy(&setup.registry, mail, event, moment());
    block_on(sent)?.ok_or_else(|| {
        Stop::failed("no target type of this program can send a legacy mail")
            .with_hint("`notify --version --verbose` lists the types")
    })
}

/// The targets that would get it.
fn reached(routed: &Routed) -> Vec<&str> {
    let lost = [&routed.missing, &routed.disabled, &routed.unusable];
    let is_lost = |name| lost.iter().any(|names| names.contains(name));
    let targets = routed.targets.iter().filter(|name| !is_lost(name));
    targets.map(String::as_str).collect()
}

fn row<T>(name: &str, value: &str, chosen: &Chosen<T>) -> Vec<String> {
    vec![
        format!("  {name}"),
        value.to_owned(),
        chosen.origin.to_string(),
    ]
}

fn origin<T>(chosen: &Chosen<T>, value: impl Serialize) -> Value {
    json!({ "value": value, "from": chosen.origin.to_string() })
}

/// What counts for this report, with the faults of the files that it comes from.
fn options(setup: &Setup, args: &args::BackupReport) -> Result<(ReportOptions, Vec<Fault>), Stop> {
    let overrides = Overrides {
        mode: args.mode,
        mailto: (!args.mailto.is_empty())
            .then(|| args.mailto.iter().flat_map(|list| mailto(list)).collect()),
        mailnotification: args.mailnotification,
    };
    let (defaults, mut faults) = defaults(args.vzdump_conf.as_deref())?;
    let job = match &args.job {
        Some(id) => {
            let (job, found) = job(&setup.folder.join(JOBS), id)?;
            faults.extend(found);
            Some(job)
        }
        None => None,
    };
    let job = job.as_ref().map(|job| &job.options);
    Ok((ReportOptions::choose(&overrides, job, &defaults), faults))
}

/// What is wrong with the files that say how reports of backups go.
pub(crate) fn faults(folder: &Path) -> Result<Vec<Fault>, Stop> {
    let (_, mut faults) = defaults(None)?;
    match std::fs::read(folder.join(JOBS)) {
        Ok(bytes) => faults.extend_from_slice(JobsCfg::parse(&bytes).faults()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            let message = format!("cannot be read: {error}");
            faults.push(Fault::in_file(JOBS, Level::Error, message));
        }
    }
    Ok(faults)
}

/// The job of this id. Exit 2 when there is none.
fn job(file: &Path, id: &str) -> Result<(BackupJob, Vec<Fault>), Stop> {
    let shown = file.display();
    let bytes = match file.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let stop = Stop::usage(format!("there is no backup job {}", quoted(id)));
            return Err(stop.with_hint(format!("{shown} is not there")));
        }
        _ => input::bytes(file)?,
    };
    let jobs = JobsCfg::parse(&bytes);
    match jobs.job(id) {
        Some(job) => Ok((job.clone(), jobs.faults().to_vec())),
        None => {
            let known: Vec<_> = jobs.jobs().iter().map(|job| quoted(&job.id)).collect();
            let hint = match known.as_slice() {
                [] => format!("{shown} has no backup job"),
                known => format!("{shown} has {}", known.join(", ")),
            };
            // One of them may be why the job is not there.
            let faults = jobs.faults().iter().map(ToString::to_string);
            let hint: Vec<_> = std::iter::once(hint).chain(faults).collect();
            let stop = Stop::usage(format!("there is no backup job {}", quoted(id)));
            Err(stop.with_hint(hint.join("\n  ")))
        }
    }
}

fn quoted(id: &str) -> String {
    format!("`{}`", printable(id))
}

/// The defaults of the host: of the file that is named, which must be there, or of the usual one.
fn defaults(named: Option<&Path>) -> Result<(BackupOptions, Vec<Fault>), Stop> {
    let variable = std::env::var_os(VZDUMP_CONF_VARIABLE).filter(|path| !path.is_empty());
    let named = named.map(Path::to_owned).or(variable.map(PathBuf::from));
    let (file, bytes) = match named {
        Some(file) => {
            let bytes = input::bytes(&file)?;
            (file, bytes)
        }
        None => match std::fs::read(VZDUMP_CONF) {
            Ok(bytes) => (VZDUMP_CONF.into(), bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok((BackupOptions::default(), Vec::new()));
            }
            // The report matters more than the defaults of those who hear of it.
            Err(error) => {
                let message = format!("cannot be read: {error}");
                let fault = Fault::in_file(VZDUMP_CONF, Level::Error, message);
                return Ok((BackupOptions::default(), vec![fault]));
            }
        },
    };
    let conf = VzdumpConf::parse(&file.to_string_lossy(), &bytes);
    Ok((conf.options().clone(), conf.faults().to_vec()))
}

/// The event of the data, or of the log.
fn event(args: &args::BackupReport, hostname: &str, timestamp: i64) -> Result<Event, Stop> {
    let mut circumstances = Circumstances::new(hostname, timestamp);
    if let Some(id) = &args.job {
        circumstances = circumstances.with_job_id(id);
    }
    let (file, data) = match (&args.data, &args.from_log) {
        (Some(file), _) => (file, input::json(file)?),
        (None, Some(file)) => (file, of_log(file)?),
        (None, None) => return Err(Stop::usage("expected --data or --from-log")),
    };
    VZDUMP
        .event(data, &circumstances)
        .map_err(|error| faulty(file, &error))
}

/// What the log of a backup says. Guests may print what is not UTF-8 into it.
fn of_log(file: &Path) -> Result<Value, Stop> {
    let bytes = input::bytes(file)?;
    let data =
        vzdump_log::read(&String::from_utf8_lossy(&bytes)).map_err(|error| faulty(file, &error))?;
    Ok(serde_json::to_value(data).expect("keys are strings, and numbers are whole"))
}

/// Exit 2, with every fault of the data.
fn faulty(file: &Path, error: &EventError) -> Stop {
    let stop = Stop::usage(format!("{}: {error}", input::shown(file)));
    let faults: Vec<String> = error.faults().iter().map(ToString::to_string).collect();
    if faults.is_empty() {
        return stop;
    }
    stop.with_hint(faults.join("\n  "))
}
