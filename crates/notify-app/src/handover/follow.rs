//! Waits until an event is settled.

use std::thread::sleep;
use std::time::{Duration, Instant};

use notify_api::ApiErrorKind;
use notify_api::client::Client;
use notify_api::protocol::{ErrorKind, EventState};
use notify_bus::Report;
use notify_core::{OpenFor, Opened};

use super::answer::followed;
use super::{By, Handed, PATIENCE};
use crate::event::block_on;
use crate::exit::Stop;
use crate::spools;

/// How often it is looked whether something has changed.
const LOOK: Duration = Duration::from_millis(500);

impl Handed {
    /// The report when everything is settled, or as it is at `end`, and whether it is settled.
    pub(super) fn follow(
        self,
        report: Report,
        end: Option<Instant>,
    ) -> Result<(Report, bool), Stop> {
        let mut last = None;
        let Handed {
            id, place, mut by, ..
        } = self;
        loop {
            let state = match &mut by {
                By::Daemon(client) => {
                    let end = end.map(|end| end.max(Instant::now()));
                    match client.follow(id, end, |state| last = Some(state.clone())) {
                        Ok(state) => Some(state),
                        Err(error) if error.kind() == ApiErrorKind::TimedOut => break,
                        Err(error) => {
                            let why = error.answer().map(|answer| answer.kind);
                            if matches!(why, Some(ErrorKind::Denied | ErrorKind::UnknownEvent)) {
                                return Err(Stop::failed(format!(
                                    "{id} cannot be followed: {error}"
                                )));
                            }
                            // It is started anew, or has ended: the event waits for it, and so do we.
                            None
                        }
                    }
                }
                By::Spool(opened) => look(opened, id)?,
            };
            let settled = state.as_ref().is_some_and(|state| state.settled);
            last = state.or(last);
            if settled {
                break;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                break;
            }
            sleep(left.map_or(LOOK, |left| left.min(LOOK)));
            by = again(by, &place);
        }
        let settled = last.as_ref().is_some_and(|last| last.settled);
        let report = match &last {
            Some(state) => followed(report, state),
            None => report,
        };
        Ok((report, settled))
    }
}

/// The daemon, if it answers by now; else the spool, if it may be read; else what there was.
fn again(by: By, place: &crate::folders::Meeting) -> By {
    if let Ok(client) = Client::connect(&place.socket, PATIENCE) {
        return By::Daemon(client);
    }
    if matches!(by, By::Spool(_)) {
        return by;
    }
    let read = spools::linked()
        .ok()
        .and_then(|kind| spools::open(kind, &place.spool(), OpenFor::Read).ok());
    read.map_or(by, By::Spool)
}

fn look(opened: &Opened, id: notify_core::EventId) -> Result<Option<EventState>, Stop> {
    let record = block_on(opened.history.event(id))?;
    let record = record.map_err(|error| spools::stop(&error))?;
    Ok(record.as_ref().map(EventState::from))
}
