//! A calendar as a rule of a matcher.

use chrono::Datelike as _;
use notify_core::Zone;

use super::Calendar;
use crate::{Event, Finding, Index, PveRefusal, Rule};

impl Rule for Calendar {
    fn evaluate(&self, event: &Event<'_>, zone: Zone) -> Finding {
        let clock = self.zone(zone).at(event.timestamp);
        Finding {
            saw: Some(format!("{} {clock}", clock.weekday())),
            verdict: self.matches(event.timestamp, zone),
        }
    }

    fn holds(&self, event: &Event<'_>, zone: Zone) -> bool {
        self.matches(event.timestamp, zone)
    }

    fn normalized(&self) -> String {
        self.to_string()
    }

    fn index(&self) -> Index<'_> {
        Index::Calendar(self)
    }

    fn is_never(&self) -> bool {
        Calendar::is_never(self)
    }

    fn is_always(&self) -> bool {
        Calendar::is_always(self)
    }

    fn pve_refusal(&self) -> Option<PveRefusal> {
        (!self.pve_accepts()).then(|| PveRefusal {
            strict: self.strict_form(),
        })
    }
}
