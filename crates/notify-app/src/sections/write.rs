//! Writes a change when its outcome is good and nobody changed the files meanwhile.

use notify_config::{Changes, Configuration, Files, Snapshot, StoreError, StoreErrorKind};
use notify_core::report;
use notify_schema::{Fault, FaultCode};

use super::inspect::{Outcome, refuse_while_named};
use crate::args::Guard;
use crate::console::Console;
use crate::exit::{Exit, Stop};
use crate::setup::Setup;

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
    ///
    /// It is judged under the lock, by the files that it replaces.
    pub(super) fn make(
        &self,
        changes: impl FnOnce() -> Changes,
        console: &Console,
    ) -> Result<(), Stop> {
        let changes = if self.guard.not_for_pve {
            changes().not_for_pve()
        } else {
            changes()
        };
        let (digest, schemas) = (self.guard.digest.as_deref(), &self.setup.schemas);
        let mut faults = Vec::new();
        self.setup
            .store
            .update_judged(digest, schemas, &changes, |before, after| {
                faults = self.judged(before, after)?;
                Ok::<_, Stop>(())
            })?;
        for fault in &faults {
            console.fault(fault);
        }
        Ok(())
    }

    fn judged(&self, before: &Snapshot, after: &Files) -> Result<Vec<Fault>, Stop> {
        let before = Configuration::assemble(&before.files, &self.setup.schemas);
        if self.unless_named {
            refuse_while_named(&before, self.name)?;
        }
        let for_pve = self.setup.store.is_pve_folder() && !self.guard.not_for_pve;
        Outcome::of(self.setup, after, &before, self.name).judged(for_pve)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        let exit = match error.kind() {
            StoreErrorKind::Changed | StoreErrorKind::Locked | StoreErrorKind::Io => Exit::Failed,
            _ => Exit::Usage,
        };
        // The places in the faults are those of lines that were not written.
        let faults: Vec<String> = error.faults().iter().map(Fault::statement).collect();
        let message = if faults.is_empty() {
            report(&error)
        } else {
            faults.join("\n")
        };
        let hint = error.hint().map(str::to_owned);
        Stop {
            exit,
            message,
            hint: hint.or_else(|| error.faults().iter().find_map(way_out)),
        }
    }
}

/// The flag that was forgotten.
fn way_out(fault: &Fault) -> Option<String> {
    match fault.code {
        FaultCode::MissingProperty { property, secret } => Some(if secret {
            format!("give it with --{property}-file FILE, or `-` for standard input")
        } else {
            format!("give it with --{property}")
        }),
        _ => None,
    }
}
