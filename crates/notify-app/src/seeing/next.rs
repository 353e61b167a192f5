//! What a person can do next, as `explain` and `status` tell it.

use notify_core::JobRecord;

use crate::seeing::standing::{AtTarget, Standing};
use crate::shapes::printable;

/// What to do about a target that an event did not reach, or what to ask; nothing where nothing
/// is to be done.
pub(crate) fn step(at: &AtTarget<'_>) -> Option<String> {
    let name = printable(at.name);
    let key = at.job.map(|job| printable(&job.key)).unwrap_or_default();
    Some(match at.standing {
        Standing::Unmatched => {
            "`notify matcher set` changes which events go there, for events to come".to_owned()
        }
        Standing::Disabled => {
            format!("`notify target set {name} --unset disable` switches it on, for events to come")
        }
        Standing::Missing => format!(
            "`notify target add TYPE {name}` makes it and the event goes out; or `notify drop {key}`"
        ),
        Standing::Unusable | Standing::Undecided => {
            "`notify check` shows the fault; when it is mended, the event goes out".to_owned()
        }
        Standing::RoutedAnew => format!("`notify explain {}` goes on", anew(at.job)?),
        Standing::Waiting => "`notify status` shows whether the daemon runs".to_owned(),
        Standing::Retrying => format!("`notify retry {key}` does not wait"),
        Standing::Dead => format!("mend the cause, then `notify retry {key}`"),
        Standing::Partial => {
            "correct the addresses; to these it is not sent again by itself".to_owned()
        }
        Standing::Delivered => "the far side took it: ask there".to_owned(),
        Standing::UnderWay | Standing::Cancelled | Standing::Elsewhere => return None,
    })
}

/// The event that a delivery to the matchers became.
pub(crate) fn anew(job: Option<&JobRecord>) -> Option<String> {
    let last = job?.attempts.last()?;
    last.reference.as_deref().map(printable)
}
