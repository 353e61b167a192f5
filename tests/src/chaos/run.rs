//! A run from the first start to the verdict.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify_core::JobState;

use super::daemon::{ready, start, was_killed};
use super::dice::Dice;
use super::disk::Disk;
use super::ledger::{Answer, Ledger};
use super::mood::Mood;
use super::oracle;
use super::plan::{Ending, Plan, Round, Trouble};
use super::process::{Process, Said, said};
use super::record::{Record, emptied_journal, held};
use super::report::Report;
use super::sink::{Arrivals, HttpSink, MailSink};
use super::stage::{Break, HELD, RECIPIENTS, Stage, TARGETS};
use super::verdict::{Broken, Evidence};

/// Senders of each kind.
const SENDERS: usize = 2;

/// A trouble is over after so many answers.
const TROUBLE: u64 = 12;

/// A moment that does not come by itself is waited for so long.
const MOMENT: Duration = Duration::from_secs(6);

/// A place in the code that is not reached when nothing is left to do is waited for so long.
const IDLE: Duration = Duration::from_secs(1);

/// A daemon that is asked to end has so long.
const STOP: Duration = Duration::from_secs(40);

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
struct Sinks {
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

    fn set(&self, [mail, push, hook]: [Mood; TARGETS.len()]) {
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
struct Play<'a> {
    stage: &'a Stage,
    disk: &'a Disk,
    sinks: &'a Sinks,
    ledger: &'a Ledger,
    record: Record,
    say: &'a (dyn Fn(&str) + Sync),
    report: Report,
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

    /// One life of the daemon. Answers how it ended.
    fn round(&mut self, round: &Round) -> io::Result<String> {
        self.sinks.set(round.moods);
        let is_early = round.trouble_at == 0;
        if is_early {
            self.begin(round.trouble)?;
        }
        let failpoint = match round.ending {
            Ending::At { place, time, stall } => {
                Some(format!("{place}:{time}:{}", stall.as_millis()))
            }
            _ => None,
        };
        let mut daemon = start(self.stage, failpoint.as_deref())?;
        let status = match ready(&mut daemon, &self.stage.socket())? {
            Some(status) => Some(status),
            None => {
                self.audit("after a start")?;
                self.ledger.issue(round.events);
                self.live(round, &mut daemon, is_early)?
            }
        };
        let ended = self.end(round.ending, daemon, status);
        self.over(round.trouble)?;
        ended
    }

    /// Trouble comes and goes beside the daemon until its end has come, or the time for it.
    fn live(
        &mut self,
        round: &Round,
        daemon: &mut Process,
        is_early: bool,
    ) -> io::Result<Option<ExitStatus>> {
        let (answers, arrivals) = (self.ledger.answers(), self.ledger.arrivals());
        let rounds = self.ledger.rounds();
        let this = &*self;
        std::thread::scope(|scope| {
            let trouble = scope.spawn(move || -> io::Result<()> {
                let passed = |more: u64| {
                    this.ledger.wait(MOMENT, |ledger| {
                        ledger.rounds() > rounds || ledger.answers() >= answers + more
                    });
                };
                if !is_early {
                    passed(round.trouble_at);
                    if this.ledger.rounds() > rounds {
                        return Ok(());
                    }
                    this.begin(round.trouble)?;
                }
                passed(round.trouble_at + TROUBLE);
                this.over(round.trouble)
            });
            let status = this.await_end(round, daemon, answers, arrivals);
            // The daemon's death does not wait for the end of a trouble.
            let killed = match status {
                Ok(None) if round.ending.is_kill() => daemon.kill().map(|_| ()),
                _ => Ok(()),
            };
            this.ledger.turn();
            let troubled = trouble.join();
            troubled.unwrap_or_else(|_| Err(io::Error::other("the trouble panicked")))?;
            killed.and(status)
        })
    }

    /// Waits for the moment of the end. Answers how it ended when it did so by itself.
    fn await_end(
        &self,
        round: &Round,
        daemon: &mut Process,
        answers: u64,
        arrivals: u64,
    ) -> io::Result<Option<ExitStatus>> {
        let began = Instant::now();
        let mut idle_since = None;
        loop {
            if let Some(status) = daemon.ended_within(Duration::ZERO)? {
                return Ok(Some(status));
            }
            let has_come = match round.ending {
                Ending::AfterAnswers(more) | Ending::Asked(more) => {
                    self.ledger.answers() >= answers + more
                }
                Ending::AfterArrivals(more) => self.ledger.arrivals() >= arrivals + more,
                Ending::At { .. } => false,
            };
            if has_come || began.elapsed() > MOMENT {
                return Ok(None);
            }
            if self.ledger.is_idle() {
                let since = *idle_since.get_or_insert_with(Instant::now);
                if since.elapsed() > IDLE {
                    return Ok(None);
                }
            }
            daemon.ended_within(Duration::from_millis(2))?;
        }
    }

    /// The end of a life, in words.
    fn end(
        &mut self,
        ending: Ending,
        mut daemon: Process,
        status: Option<ExitStatus>,
    ) -> io::Result<String> {
        if let Some(status) = status {
            if let (Ending::At { place, .. }, true) = (ending, was_killed(status)) {
                self.report.kills += 1;
                return Ok(format!("killed at {place}"));
            }
            self.found("crashed", format!("the daemon ended by itself: {status}"));
            return Ok(format!("ended by itself: {status}"));
        }
        if let Ending::Asked(_) = ending {
            let status = daemon.ask(STOP)?;
            return Ok(match status {
                Some(status) if status.success() => "asked to end".to_owned(),
                Some(status) => {
                    self.found("stop", format!("asked to end, it ended with {status}"));
                    format!("asked to end: {status}")
                }
                None => {
                    self.found("stop", format!("asked to end, it goes on after {STOP:?}"));
                    "asked to end, in vain".to_owned()
                }
            });
        }
        self.report.kills += 1;
        Ok(match ending {
            Ending::At { place, .. } => format!("killed while {place} did not come again"),
            Ending::AfterArrivals(_) => "killed after an arrival".to_owned(),
            Ending::AfterAnswers(_) | Ending::Asked(_) => "killed after an answer".to_owned(),
        })
    }

    fn begin(&self, trouble: Trouble) -> io::Result<()> {
        match trouble {
            Trouble::None => Ok(()),
            Trouble::DiskFull => {
                emptied_journal(&self.stage.spool());
                self.disk.fill()
            }
            Trouble::Locked(time) => {
                let held = held(&self.stage.spool())?;
                let rounds = self.ledger.rounds();
                self.ledger.wait(time, |ledger| ledger.rounds() > rounds);
                drop(held);
                Ok(())
            }
            Trouble::Clock(seconds) => self.stage.set_clock(seconds),
            Trouble::Configuration(how) => {
                self.ledger.set_rubbish(how == Break::Garbage);
                self.stage.damage(how)
            }
        }
    }

    fn over(&self, trouble: Trouble) -> io::Result<()> {
        match trouble {
            Trouble::DiskFull => self.disk.empty(),
            Trouble::Configuration(_) => {
                self.stage.heal()?;
                self.ledger.set_rubbish(false);
                Ok(())
            }
            // What was set stays set, and the lock is gone.
            Trouble::None | Trouble::Locked(_) | Trouble::Clock(_) => Ok(()),
        }
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
        let mut pending = self.record.pending()?;
        while pending > 0 && began.elapsed() < DRAIN {
            if let Some(status) = daemon.ended_within(Duration::from_millis(50))? {
                self.found("crashed", format!("the last daemon ended: {status}"));
                return Ok(());
            }
            pending = self.record.pending()?;
        }
        (self.say)(&format!(
            "all is well again; {pending} pending after {:.1} s",
            began.elapsed().as_secs_f64()
        ));
        let ended = self.end(Ending::Asked(0), daemon, None)?;
        (self.say)(&ended);
        self.audit("in the end")
    }

    /// The law of conservation, and what else the spool promises of itself, as `notify audit` sees it.
    fn audit(&mut self, when: &str) -> io::Result<()> {
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

    fn found(&mut self, law: &'static str, detail: String) {
        (self.say)(&format!("BROKEN {law}: {detail}"));
        self.report.broken.push(Broken::new(law, detail));
    }
}

fn trouble_name(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::None => "no trouble",
        Trouble::DiskFull => "the disk full",
        Trouble::Locked(_) => "the database locked",
        Trouble::Clock(_) => "the clock set",
        Trouble::Configuration(Break::Unusable(_)) => "a target unusable",
        Trouble::Configuration(Break::Missing(_)) => "a target missing",
        Trouble::Configuration(Break::Garbage) => "the configuration rubbish",
    }
}

/// The last line of what was said, without what differs from one event to the next.
fn short(what: &str, why: &str) -> String {
    let line = why.lines().last().unwrap_or_default();
    let same: String = line
        .chars()
        .filter(|letter| !letter.is_ascii_digit())
        .take(150)
        .collect();
    format!("{what}: {same}")
}
