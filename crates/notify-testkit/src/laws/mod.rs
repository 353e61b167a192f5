//! The laws that every target obeys, checked against a far side that its test brings.
//!
//! A target's `tests/laws.rs` implements [`Peer`] over the fakes of this crate
//! and calls [`check`]. The laws speak of outcomes: what arrived, how often, what
//! the target said of it and what it did not say. They know no protocol.

mod limits;
mod mails;
mod manual;
mod outcome;
mod peer;
mod schema;
mod texts;
mod trial;

use notify_core::TargetType;

pub use peer::{Arrival, Nowhere, Peer, Probe, Situation, Stage, Staged, Unbuildable};

use trial::Findings;

/// What the laws found.
#[derive(Debug, Default)]
pub struct Report {
    /// The situations that were arranged, in order.
    pub arranged: Vec<String>,
    /// The situations that the transport cannot have, with the reason.
    pub declared: Vec<String>,
    /// The laws that were broken, each with the situation and what was seen.
    pub violations: Vec<String>,
}

/// Checks all laws.
///
/// # Panics
/// When one is broken; the message lists all that are.
pub async fn check(kind: &'static TargetType, peer: &dyn Peer) -> Report {
    let report = examine(kind, peer).await;
    assert!(
        report.violations.is_empty(),
        "target type `{}` breaks {} laws:\n- {}",
        kind.name,
        report.violations.len(),
        report.violations.join("\n- ")
    );
    report
}

/// Checks all laws and says what was found.
pub async fn examine(kind: &'static TargetType, peer: &dyn Peer) -> Report {
    let mut findings = Findings::new(kind, peer);
    schema::laws(&mut findings);
    outcome::laws(&mut findings).await;
    limits::laws(&mut findings).await;
    texts::laws(&mut findings).await;
    mails::laws(&mut findings).await;
    manual::laws(&mut findings);
    findings.report()
}
