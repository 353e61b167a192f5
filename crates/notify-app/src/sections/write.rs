//! Writes a change when its outcome is good and nobody changed the files meanwhile.

use notify_config::{Changes, Configuration, Snapshot, StoreError, StoreErrorKind};
use notify_core::report;
use notify_schema::Fault;

use super::inspect::{Outcome, refuse_while_named};
use crate::args::Guard;
use crate::console::Console;
use crate::exit::{Exit, Stop};
use crate::setup::Setup;

/// How often a change is tried again when somebody else was faster.
const TRIES: u32 = 5;

/// A change to one section.
pub(super) struct Edit<'a> {
    setup: &'a Setup,
    name: &'a str,
    guard: &'a Guard,
    unless_named: bool,
}

impl<'a> Edit<'a> {
    pub(super) fn of(setup: &'a Setup, name: &'a str, guard: &'a Guard) -> Self {
        Edit {
            setup,
            name,
            guard,
            unless_named: false,
        }
    }

    /// Refused while a matcher names the section as a target.
    pub(super) fn unless_named(mut self, unless_named: bool) -> Self {
        self.unless_named = unless_named;
        self
    }

    /// Makes the change, and then tells what is doubtful about the section.
    pub(super) fn make(
        &self,
        changes: impl Fn() -> Changes,
        console: &Console,
    ) -> Result<(), Stop> {
        for _ in 1..TRIES {
            match self.once(&changes) {
                Err(Once::Overtaken(_)) if self.guard.digest.is_none() => {}
                other => return told(other, console),
            }
        }
        told(self.once(&changes), console)
    }

    /// One try: everything is judged by the files that are then replaced.
    fn once(&self, changes: impl Fn() -> Changes) -> Result<Vec<Fault>, Once> {
        let (snapshot, before) = self.setup.read()?;
        compare(self.guard, &snapshot)?;
        if self.unless_named {
            refuse_while_named(&before, self.name)?;
        }
        let changes = if self.guard.not_for_pve {
            changes().not_for_pve()
        } else {
            changes()
        };
        let faults = self.judged(&changes, &snapshot, &before)?;
        let written =
            self.setup
                .store
                .update(Some(&snapshot.revision), &self.setup.schemas, &changes);
        match written {
            Ok(_) => Ok(faults),
            Err(error) if error.kind() == StoreErrorKind::Changed => {
                Err(Once::Overtaken(refused(&error)))
            }
            Err(error) => Err(Once::Refused(refused(&error))),
        }
    }

    fn judged(
        &self,
        changes: &Changes,
        snapshot: &Snapshot,
        before: &Configuration,
    ) -> Result<Vec<Fault>, Stop> {
        let files = changes.apply(&snapshot.files, &self.setup.schemas);
        let outcome = Outcome::of(
            self.setup,
            &files.map_err(|error| refused(&error))?,
            before,
            self.name,
        );
        let for_pve = self.setup.store.is_pve_folder() && !self.guard.not_for_pve;
        outcome.judged(for_pve)
    }
}

/// Why a try wrote nothing.
enum Once {
    /// Somebody else wrote between reading and writing.
    Overtaken(Stop),
    /// It would not be good.
    Refused(Stop),
}

impl From<Stop> for Once {
    fn from(stop: Stop) -> Self {
        Once::Refused(stop)
    }
}

fn told(result: Result<Vec<Fault>, Once>, console: &Console) -> Result<(), Stop> {
    match result {
        Ok(faults) => {
            for fault in &faults {
                console.fault(fault);
            }
            Ok(())
        }
        Err(Once::Overtaken(stop) | Once::Refused(stop)) => Err(stop),
    }
}

fn compare(guard: &Guard, snapshot: &Snapshot) -> Result<(), Stop> {
    match &guard.digest {
        Some(digest) if *digest != snapshot.digest && *digest != snapshot.revision => Err(
            Stop::failed("the configuration was changed meanwhile, so nothing was written")
                .with_hint("look at it again: `notify config show --json` has the new digest"),
        ),
        _ => Ok(()),
    }
}

fn refused(error: &StoreError) -> Stop {
    let exit = match error.kind() {
        StoreErrorKind::Changed | StoreErrorKind::Locked | StoreErrorKind::Io => Exit::Failed,
        _ => Exit::Usage,
    };
    let mut message = report(error);
    for fault in error.faults() {
        message.push_str(&format!("\n  {fault}"));
    }
    Stop {
        exit,
        message,
        hint: error.hint().map(str::to_owned),
    }
}
