//! One life of the daemon in a run: what goes wrong beside it, and how it ends.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::daemon::{ready, start, was_killed};
use super::oracle::TRY_AGAIN;
use super::plan::{Ending, Round, Trouble};
use super::process::Process;
use super::record::{emptied_journal, held};
use super::run::Play;
use super::stage::Break;

/// So many senders try in vain while a daemon is started without room.
const IN_VAIN: u64 = 4;

/// A trouble is over after so many answers.
const TROUBLE: u64 = 12;

/// A moment that does not come by itself is waited for so long.
const MOMENT: Duration = Duration::from_secs(6);

/// A place in the code that is not reached when nothing is left to do is waited for so long.
const IDLE: Duration = Duration::from_secs(1);

/// A daemon that is asked to end has so long.
const STOP: Duration = Duration::from_secs(40);

impl Play<'_> {
    /// One life of the daemon. Answers how it ended.
    pub(super) fn round(&mut self, round: &Round) -> io::Result<String> {
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
        let waiting = match round.trouble {
            Trouble::FullAtStart => self.started_without_room()?,
            _ => None,
        };
        let mut daemon = match waiting {
            Some(daemon) => daemon,
            None => start(self.stage, failpoint.as_deref())?,
        };
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

    /// A daemon is started while there is no room, then there is room again.
    ///
    /// It may wait for that, and then goes on. Or it ends and says that it should be started
    /// again, as its service manager does. Meanwhile senders try in vain.
    fn started_without_room(&mut self) -> io::Result<Option<Process>> {
        if !self.disk.can_be_full() {
            return Ok(None);
        }
        let answers = self.ledger.answers();
        let mut daemon = start(self.stage, None)?;
        let ended = ready(&mut daemon, &self.stage.socket())?;
        self.ledger.issue(2 * IN_VAIN);
        self.ledger
            .wait(MOMENT, |ledger| ledger.answers() >= answers + IN_VAIN);
        self.over(Trouble::FullAtStart)?;
        match ended {
            None => Ok(Some(daemon)),
            Some(status) if status.code() == Some(TRY_AGAIN) => Ok(None),
            Some(status) => {
                self.found(
                    "crashed",
                    format!("started on a full disk, it ended: {status}"),
                );
                Ok(None)
            }
        }
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
    pub(super) fn end(
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
            Trouble::DiskFull | Trouble::FullAtStart => {
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
            Trouble::DiskFull | Trouble::FullAtStart => self.disk.empty(),
            Trouble::Configuration(_) => {
                self.stage.heal()?;
                self.ledger.set_rubbish(false);
                Ok(())
            }
            // What was set stays set, and the lock is gone.
            Trouble::None | Trouble::Locked(_) | Trouble::Clock(_) => Ok(()),
        }
    }
}

/// In words.
pub(super) fn trouble_name(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::None => "no trouble",
        Trouble::DiskFull => "the disk full",
        Trouble::FullAtStart => "the disk full at the start",
        Trouble::Locked(_) => "the database locked",
        Trouble::Clock(_) => "the clock set",
        Trouble::Configuration(Break::Unusable(_)) => "a target unusable",
        Trouble::Configuration(Break::Missing(_)) => "a target missing",
        Trouble::Configuration(Break::Garbage) => "the configuration rubbish",
    }
}
