//! A run from the first start to the verdict.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify_core::{EventId, JobState};

use super::daemon::{ready, start};
use super::dice::Dice;
use super::disk::Disk;
use super::ledger::{Answer, Ledger};
use super::life::trouble_name;
use super::mails;
use super::mood::Mood;
use super::oracle;
use super::plan::{Ending, Plan};
use super::process::{Said, said};
use super::record::Record;
use super::report::Report;
use super::sink::{Arrivals, HttpSink, MailSink};
use super::stage::{HELD, RECIPIENTS, Stage, TARGETS};
use super::verdict::{Broken, Evidence};

/// Senders of events of each kind; who brings mails is alone.
const SENDERS: usize = 2;

/// An audit of a spool of any size here has so long.
const AUDIT: Duration = Duration::from_secs(120);

/// In the end everything is delivered in this time.
const DRAIN: Duration = Duration::from_secs(120);

/// What is to be run.
#[derive(Debug)]
pub struct Options {
    /// The program, built with failpoints.
    pub program: PathBuf,
    /// An empty folder.
    pub folder: PathBuf,
    /// What chance follows from.
    pub seed: u64,
    /// What is done.
    pub plan: Plan,
    /// Variables in the environment of the program.
    pub variables: Vec<(&'static str, String)>,
}

/// Runs it all and judges. `say` is told how far it is.
///
/// # Errors
/// When the harness itself cannot work; a broken law is in the report.
pub fn run(options: &Options, say: &(dyn Fn(&str) + Sync)) -> io::Result<Report> {
    let began = Instant::now();
    let ledger = Arc::new(Ledger::default());
    let sinks = Sinks::start(options.seed, &ledger);
    let state = options.folder.join("state");
    fs::create_dir_all(&state)?;
    let disk = Disk::over(&state);
    let mut stage = sinks.stage(options)?;
    for (name, value) in &options.variables {
        stage = stage.variable(name, value);
    }
    let mut play = Play {
        record: Record::of(&stage.spool())?,
        stage: &stage,
        disk: &disk,
        sinks: &sinks,
        ledger: &ledger,
        say,
        report: Report::default(),
    };
    if !disk.can_be_full() {
        let what = "the disk full: no mount is granted here";
        play.report.left_out.push(what.to_owned());
    }
    let socket = stage.socket();
    std::thread::scope(|scope| {
        for number in 0..SENDERS {
            let dice = |kind| Dice::of(options.seed, &format!("{kind} {number}"));
            let (programs, clients) = (dice("program"), dice("client"));
            scope.spawn(|| oracle::run_programs(&stage, &ledger, programs));
            scope.spawn(|| oracle::speak(&socket, &ledger, clients));
        }
        let dice = |kind| Dice::of(options.seed, kind);
        let (brought, dropped) = (dice("mail"), dice("mail drop"));
        scope.spawn(|| mails::bring(&stage, &ledger, brought));
        scope.spawn(|| mails::drop_off(&stage, &ledger, dropped));
        let played = play.all(&options.plan);
        // Whatever happened: nobody waits for a daemon that does not come any more.
        ledger.close();
        played
    })?;
    play.judge()?;
    let mut report = play.report;
    report.took = began.elapsed();
    Ok(report)
}

/// The receivers.
pub(super) struct Sinks {
    mail: MailSink,
    push: HttpSink,
    hook: HttpSink,
    arrivals: Arc<Arrivals>,
}

impl Sinks {
    fn start(seed: u64, ledger: &Arc<Ledger>) -> Self {
        let arrivals = Arc::new(Arrivals::default());
        let [mail, push, hook] = TARGETS;
        Sinks {
            mail: MailSink::start(mail, seed, &arrivals, ledger),
            push: HttpSink::start(push, seed, &arrivals, ledger),
            hook: HttpSink::start(hook, seed, &arrivals, ledger),
            arrivals,
        }
    }

    fn stage(&self, options: &Options) -> io::Result<Stage> {
        let (mail, push, hook) = (&self.mail, &self.push, &self.hook);
        Stage::set(&options.folder, &options.program, mail, push, hook)
    }

    pub(super) fn set(&self, [mail, push, hook]: [Mood; TARGETS.len()]) {
        self.mail.set(mail);
        self.push.set(push);
        self.hook.set(hook);
    }

    fn violations(&self) -> Vec<String> {
        let mut all = self.mail.violations();
        all.extend(self.push.violations());
        all.extend(self.hook.violations());
        all
    }
}

/// A run under way.
pub(super) struct Play<'a> {
    pub(super) stage: &'a Stage,
    pub(super) disk: &'a Disk,
    pub(super) sinks: &'a Sinks,
    pub(super) ledger: &'a Ledger,
    record: Record,
    say: &'a (dyn Fn(&str) + Sync),
    pub(super) report: Report,
}

impl Play<'_> {
    fn all(&mut self, plan: &Plan) -> io::Result<()> {
        for (number, round) in plan.rounds.iter().enumerate() {
            let ending = self.round(round)?;
            let moods = round.moods.map(Mood::name).join(", ");
            let (answers, arrivals) = (self.ledger.answers(), self.ledger.arrivals());
            (self.say)(&format!(
                "{:>4}/{}  {ending}; receivers {moods}; {}; {answers} answers, {arrivals} arrivals",
                number + 1,
                plan.rounds.len(),
                trouble_name(round.trouble),
            ));
            *self.report.endings.entry(ending).or_default() += 1;
            *self
                .report
                .troubles
                .entry(trouble_name(round.trouble))
                .or_default() += 1;
        }
        self.finish()
    }

    /// Everything is well again, and everything arrives.
    fn finish(&mut self) -> io::Result<()> {
        self.sinks.set([Mood::Well; TARGETS.len()]);
        let mut daemon = start(self.stage, None)?;
        if let Some(status) = ready(&mut daemon, &self.stage.socket())? {
            self.found("crashed", format!("the last daemon ended: {status}"));
            return Ok(());
        }
        self.audit("after the last start")?;
        self.ledger.wait(DRAIN, Ledger::is_idle);
        self.ledger.close();
        let began = Instant::now();
        // A mail that leaves its folder is pending by then.
        let waiting =
            |play: &Self| Ok::<_, io::Error>((play.stage.mails()?, play.record.pending()?));
        let mut left = waiting(self)?;
        while left != (0, 0) && began.elapsed() < DRAIN {
            if let Some(status) = daemon.ended_within(Duration::from_millis(50))? {
                self.found("crashed", format!("the last daemon ended: {status}"));
                return Ok(());
            }
            left = waiting(self)?;
        }
        let (mails, pending) = left;
        (self.say)(&format!(
            "all is well again; {mails} mails and {pending} deliveries wait after {:.1} s",
            began.elapsed().as_secs_f64()
        ));
        let ended = self.end(Ending::Asked(0), daemon, None)?;
        (self.say)(&ended);
        self.audit("in the end")
    }

    /// The law of conservation, and what else the spool promises of itself, as `notify audit` sees it.
    pub(super) fn audit(&mut self, when: &str) -> io::Result<()> {
        let Said {
            status,
            stdout,
            stderr,
        } = said(&mut self.stage.command(&["audit"]), b"", AUDIT)?;
        if !status.is_some_and(|status| status.success()) {
            self.found("conservation", format!("{when}: {stdout}{stderr}"));
        }
        Ok(())
    }

    fn judge(&mut self) -> io::Result<()> {
        let (events, deliveries) = self.record.all()?;
        let is_dead = |state| state == JobState::Dead;
        self.report.dead = deliveries.iter().filter(|job| is_dead(job.state)).count();
        let [mail, push, hook] = TARGETS;
        let evidence = Evidence {
            sent: self.ledger.sent(),
            events,
            deliveries,
            arrivals: self.sinks.arrivals.all(),
            targets: BTreeMap::from([
                (mail, RECIPIENTS.map(str::to_owned).to_vec()),
                (push, vec![push.to_owned()]),
                (hook, vec![hook.to_owned()]),
            ]),
            held: HELD,
        };
        for sent in &evidence.sent {
            match &sent.answer {
                Answer::Accepted(_) => self.report.accepted += 1,
                Answer::Stored(_) => self.report.stored += 1,
                Answer::Kept(_) => self.report.kept += 1,
                Answer::Dropped => self.report.dropped += 1,
                Answer::Refused(why) => {
                    self.report.refused += 1;
                    *self
                        .report
                        .remarks
                        .entry(short("refused", why))
                        .or_default() += 1;
                }
                Answer::Open(why) | Answer::Wrong(why) => {
                    self.report.open += 1;
                    *self.report.remarks.entry(short("open", why)).or_default() += 1;
                }
            }
        }
        self.report.arrivals = evidence.arrivals.len();
        (self.report.doubles, self.report.unclear) = evidence.doubles();
        self.report.broken.extend(evidence.broken());
        for violation in self.sinks.violations() {
            self.found("protocol", violation);
        }
        Ok(())
    }

    pub(super) fn found(&mut self, law: &'static str, detail: String) {
        (self.say)(&format!("BROKEN {law}: {detail}"));
        self.report.broken.push(Broken::new(law, detail));
    }
}

/// The last line of what was said that is no advice, without what differs from one event to the next.
fn short(what: &str, why: &str) -> String {
    let mut lines = why.lines().filter(|line| !line.starts_with(' '));
    let words = lines.next_back().unwrap_or_default().split(' ');
    let same = words.map(|word| match word.parse::<EventId>() {
        Ok(_) => "ID".to_owned(),
        Err(_) => word.replace(|letter: char| letter.is_ascii_digit(), ""),
    });
    let same: String = same.collect::<Vec<_>>().join(" ");
    format!("{what}: {}", same.chars().take(150).collect::<String>())
}
