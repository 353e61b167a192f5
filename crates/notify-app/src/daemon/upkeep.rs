//! Removes old settled events from the spool, a little at a time.

use std::sync::Arc;
use std::time::Duration;

use notify_bus::{Bus, Clock};
use notify_core::{Upkeep, report};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether there is something old.
const LOOK: Duration = Duration::from_secs(5 * 60);
/// Between two steps, so that deliveries go first.
const BREATH: Duration = Duration::from_millis(50);

/// Sweeps until it is stopped.
pub(super) async fn work(
    upkeep: Arc<dyn Upkeep>,
    bus: Bus,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut pause = BREATH;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
        let retention = bus.settings().retention;
        pause = match upkeep.sweep(&retention, clock.now()).await {
            Ok(swept) => {
                if swept.events > 0 {
                    tracing::debug!(events = swept.events, "old events were removed");
                }
                if swept.dead_early > 0 {
                    tracing::warn!(
                        events = swept.dead_early,
                        "events with a delivery that was given up were removed before their time: \
                         there are more than `spool: local` lets stay"
                    );
                }
                if swept.more { BREATH } else { LOOK }
            }
            Err(error) => {
                tracing::warn!("old events cannot be removed: {}", report(&error));
                LOOK
            }
        };
    }
}
