//! A spool in memory, and the laws that every spool obeys.
//!
//! A spool's `tests/laws.rs` describes it as a [`Subject`] and calls [`check`].
//! The laws know the contracts of `notify-core` and nothing of how a spool is
//! made. What they cannot see from inside one process is apart:
//! [`survives_kill`] ends a process that puts, claims and settles, and
//! [`agrees_with_model`] compares random steps with [`MemorySpool`]. What costs
//! minutes is apart too: [`figures`] measures a spool with a long queue.

mod figures;
mod history;
mod kill;
mod lease;
mod memory;
mod model;
mod order;
mod put;
mod random;
mod sample;
mod stage;
mod states;
mod together;
mod upkeep;

use notify_core::{Opened, SpoolError, SpoolPlace};

pub use figures::{Figures, figures, fill};
pub use kill::{Work, survives_kill, work_until_killed};
pub use memory::{MEMORY_FILE, MemorySpool, MemoryStores};
pub use model::agrees_with_model;
pub use sample::{entry, number_of};

use stage::Findings;

/// A spool as the laws see it.
#[derive(Clone, Copy)]
pub struct Subject<'s> {
    /// Its name, for messages.
    pub name: &'s str,
    /// Opens the spool of a folder, as [`SpoolType::open`](notify_core::SpoolType::open) does.
    pub open: &'s (dyn Fn(&SpoolPlace) -> Result<Opened, SpoolError> + Send + Sync),
    /// The file of a spool's folder that a backup is a copy of.
    pub file: &'s str,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subject({})", self.name)
    }
}

/// What the laws found.
#[derive(Debug, Default)]
pub struct Report {
    /// The laws that were checked, in order.
    pub checked: Vec<&'static str>,
    /// The laws that were broken, each with what was seen.
    pub violations: Vec<(&'static str, String)>,
}

/// Checks all laws. Wants a runtime of several threads, so that claimers really meet.
///
/// # Panics
/// When one is broken; the message lists all that are.
pub async fn check(subject: &Subject<'_>) -> Report {
    let report = examine(subject).await;
    let lines = report.violations.iter();
    let lines: Vec<String> = lines.map(|(law, seen)| format!("{law}: {seen}")).collect();
    assert!(
        lines.is_empty(),
        "spool `{}` breaks {} laws:\n- {}",
        subject.name,
        lines.len(),
        lines.join("\n- ")
    );
    report
}

/// Checks all laws and says what was found.
pub async fn examine(subject: &Subject<'_>) -> Report {
    let mut findings = Findings::new(*subject);
    put::laws(&mut findings).await;
    lease::laws(&mut findings).await;
    states::laws(&mut findings).await;
    history::laws(&mut findings).await;
    upkeep::laws(&mut findings).await;
    together::laws(&mut findings).await;
    order::laws(&mut findings).await;
    findings.report
}
