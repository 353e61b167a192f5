//! What comes after an attempt: nothing, another one, or the end.
//!
//! A pure function of the attempt's result, its number, the age of the
//! delivery, the time and a seed. Whoever has these five can say what the
//! worker will do.

use std::time::Duration;

use notify_core::{Failure, FailureKind, Millis, Next, Outcome, Receipt};
use notify_schema::duration_text;

/// How failed deliveries to one target are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The ceiling of the first wait. It doubles with each failed attempt.
    pub min_interval: Duration,
    /// The ceiling of all waits.
    pub max_interval: Duration,
    /// A delivery that fails at this age is given up.
    pub max_age: Duration,
    /// What becomes of a delivery that may have arrived.
    pub uncertain: WhenUncertain,
}

/// What becomes of a delivery that may have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUncertain {
    /// It is sent again under the same key.
    Resend,
    /// It is given up until a person decides.
    Hold,
}

/// Where a delivery stood when an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// The number of the attempt: 1 for the first.
    pub attempt: u32,
    /// When the age began to count.
    pub since: Millis,
    /// When the attempt ended.
    pub now: Millis,
    /// What the jitter is made of.
    pub seed: u64,
}

/// Why a delivery is held.
pub(crate) const HELD: &str = "it may have arrived, and `retry-uncertain` is `hold`";

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            min_interval: Duration::from_secs(10),
            max_interval: Duration::from_secs(3_600),
            max_age: Duration::from_secs(3 * 86_400),
            uncertain: WhenUncertain::Resend,
        }
    }
}

impl RetryPolicy {
    /// The longest wait after so many failed attempts: doubled from one to the next, and bounded.
    pub fn ceiling(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(63);
        let factor = 1_u64 << doublings;
        let millis = u64::try_from(self.min_interval.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(millis.saturating_mul(factor)).min(self.max_interval)
    }

    /// What an attempt is recorded as, and what comes next.
    ///
    /// Of refused recipients only those are tried again who were not rejected for good.
    pub fn next(&self, result: &Result<Receipt, Failure>, situation: Situation) -> (Outcome, Next) {
        match result {
            Ok(receipt) if receipt.refused.is_empty() => (Outcome::Delivered, Next::Delivered),
            Ok(receipt) => (
                Outcome::Partial,
                self.after_refusals(&receipt.refused, situation),
            ),
            Err(failure) => (
                Outcome::Failed(failure.kind()),
                self.after(failure, situation),
            ),
        }
    }

    /// How long the target asks to be left alone by all deliveries, as with `Retry-After`: at most
    /// the longest interval.
    ///
    /// What is said of single recipients is about them and not about the target.
    pub fn rest(&self, result: &Result<Receipt, Failure>) -> Option<Duration> {
        let failure = result.as_ref().err()?;
        let is_whole = failure.refused().is_empty();
        let asked = failure.asked_delay()?.min(self.max_interval);
        let asks = failure.kind() == FailureKind::Unavailable && is_whole && !asked.is_zero();
        asks.then_some(asked)
    }

    /// What comes after an attempt that was cut off: it may have arrived.
    pub fn after_cut_off(&self, situation: Situation) -> Next {
        self.again(FailureKind::Uncertain, None, None, situation)
    }

    /// Some took it. What is left is for those who may take it later.
    fn after_refusals(&self, refused: &[(String, Failure)], situation: Situation) -> Next {
        let Some(left) = Left::of(refused) else {
            return Next::Delivered;
        };
        match self.again(left.kind, left.asked, Some(left.recipients), situation) {
            // The others have it, and nobody else is going to.
            Next::Dead { .. } => Next::Delivered,
            next => next,
        }
    }

    /// Nobody took it.
    fn after(&self, failure: &Failure, situation: Situation) -> Next {
        let kind = failure.kind();
        let refused = failure.refused();
        let by_recipient = !refused.is_empty() && kind != FailureKind::Uncertain;
        let left = by_recipient.then(|| Left::of(refused));
        match left {
            None => self.again(kind, failure.asked_delay(), None, situation),
            Some(None) => self.again(FailureKind::Rejected, None, None, situation),
            Some(Some(left)) => {
                let asked = left.asked.max(failure.asked_delay());
                // All of them are those of before.
                let some = left.recipients.len() < refused.len();
                self.again(left.kind, asked, some.then_some(left.recipients), situation)
            }
        }
    }

    fn again(
        &self,
        kind: FailureKind,
        asked: Option<Duration>,
        recipients: Option<Vec<String>>,
        situation: Situation,
    ) -> Next {
        let age = situation.now.since(situation.since);
        let reason = match kind {
            FailureKind::Rejected => Some("it was rejected for good".to_owned()),
            FailureKind::Uncertain if self.uncertain == WhenUncertain::Hold => {
                Some(HELD.to_owned())
            }
            _ if age >= self.max_age => Some(format!(
                "it was {kind} for longer than `retry-max-age`, {}",
                duration_text(self.max_age)
            )),
            _ => None,
        };
        if let Some(reason) = reason {
            return Next::Dead { reason };
        }
        let wait = self
            .wait(kind, situation)
            .max(asked.unwrap_or_default().min(self.max_age));
        Next::Retry {
            due: situation.now.plus(wait),
            recipients,
        }
    }

    fn wait(&self, kind: FailureKind, situation: Situation) -> Duration {
        let ceiling = self.ceiling(situation.attempt);
        match kind {
            // Only a changed configuration helps, and a change makes it due at once.
            FailureKind::Misconfigured => self.max_interval,
            // Sent again soon, the far side may not yet know that it has it.
            FailureKind::Uncertain => ceiling,
            _ => share(ceiling, situation.seed),
        }
    }
}

/// The recipients that may take it later.
struct Left {
    recipients: Vec<String>,
    kind: FailureKind,
    asked: Option<Duration>,
}

impl Left {
    fn of(refused: &[(String, Failure)]) -> Option<Left> {
        let hopeful = || {
            refused
                .iter()
                .filter(|(_, failure)| failure.kind() != FailureKind::Rejected)
        };
        let of_kind = |kind| hopeful().any(|(_, failure)| failure.kind() == kind);
        // The kind of which the next attempt comes soonest, but for what may have arrived.
        let kind = [
            FailureKind::Uncertain,
            FailureKind::Unavailable,
            FailureKind::Misconfigured,
        ]
        .into_iter()
        .find(|kind| of_kind(*kind))?;
        Some(Left {
            recipients: hopeful().map(|(recipient, _)| recipient.clone()).collect(),
            kind,
            asked: hopeful()
                .filter_map(|(_, failure)| failure.asked_delay())
                .max(),
        })
    }
}

/// A part of a span, evenly spread over all seeds: full jitter.
fn share(span: Duration, seed: u64) -> Duration {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let part = (u128::from(mixed(seed)) * (u128::from(millis) + 1)) >> 64;
    Duration::from_millis(u64::try_from(part).unwrap_or(millis))
}

/// Neighbouring seeds become numbers that have nothing in common: the finaliser of `SplitMix64`.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The seed of an attempt: other deliveries and other attempts have other ones.
pub(crate) fn seed(key: &str, attempt: u32) -> u64 {
    // FNV-1a: the same in every build, so that a run can be told again.
    let bytes = key.bytes().chain(attempt.to_le_bytes());
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests;
