//! Whether a target that a person names is one: of the configuration, or of the spool.

use std::collections::BTreeSet;

use notify_bus::{LEGACY_MAIL, UNDECIDED};
use notify_core::{HistoryQuery, Opened, SpoolError};
use notify_match::{MATCHER, TARGET};

use crate::args::Global;
use crate::exit::Stop;
use crate::meant::unknown_target;
use crate::seeing::store;
use crate::setup::Setup;

/// Refuses a name that neither the spool nor the configuration knows.
///
/// One that a target had once, or that a matcher leads to, is known. Where the configuration
/// cannot be read, nobody can say that a name is wrong, and none is.
pub(crate) async fn require(
    global: &Global,
    opened: &Opened,
    target: Option<&str>,
) -> Result<(), Stop> {
    let Some(target) = target else { return Ok(()) };
    let failed = |error| store::stop(&error);
    if has_history(opened, target).await.map_err(failed)? {
        return Ok(());
    }
    let Ok(mut known) = configured(global) else {
        return Ok(());
    };
    if known.contains(target) {
        return Ok(());
    }
    known.extend(in_spool(opened).await.map_err(failed)?);
    Err(unknown_target(target, known.iter().map(String::as_str)))
}

/// Whether an event that is kept has a delivery to it, or the spool remembers an attempt.
async fn has_history(opened: &Opened, target: &str) -> Result<bool, SpoolError> {
    if in_spool(opened).await?.contains(target) {
        return Ok(true);
    }
    let any = HistoryQuery {
        target: Some(target.to_owned()),
        most: 1,
        ..HistoryQuery::default()
    };
    Ok(!opened.history.events(&any).await?.is_empty())
}

/// The targets with deliveries that wait or are dead, and those that ever had an attempt.
async fn in_spool(opened: &Opened) -> Result<BTreeSet<String>, SpoolError> {
    let queues = opened.spool.targets().await?.into_iter();
    let queued = queues.map(|queue| queue.target);
    let attempted = opened.history.last_attempts().await?.into_iter();
    Ok(queued.chain(attempted.map(|(name, ..)| name)).collect())
}

/// The targets of the configuration, those that its matchers name, and the two of our own.
fn configured(global: &Global) -> Result<BTreeSet<String>, Stop> {
    let (_, configuration) = Setup::new(global)?.read()?;
    let mut known = BTreeSet::from([LEGACY_MAIL, UNDECIDED].map(str::to_owned));
    for section in configuration.sections() {
        if section.kind == MATCHER {
            let lines = configuration.lines(section);
            let named = lines.iter().filter(|line| line.key == TARGET);
            known.extend(named.map(|line| line.value.to_owned()));
        } else {
            known.insert(section.name.clone());
        }
    }
    Ok(known)
}
