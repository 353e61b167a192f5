//! Where deliveries go that are not for a target of the configuration.

use notify_core::Registry;

use crate::{Engine, LEGACY_MAIL, UNDECIDED};

/// A name under which deliveries wait, and behind which no section stands.
///
/// ```
/// use notify_bus::OwnLane;
///
/// assert_eq!(OwnLane::of("@undecided"), Some(OwnLane::Undecided));
/// assert_eq!(OwnLane::of("ops-mail"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnLane {
    /// Mails of the old way, past matchers and targets.
    LegacyMail,
    /// Events for which no target was chosen while a matcher could not be used.
    Undecided,
}

impl OwnLane {
    /// Both, by name.
    pub const ALL: [OwnLane; 2] = [OwnLane::Undecided, OwnLane::LegacyMail];

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        OwnLane::ALL.into_iter().find(|lane| lane.name() == name)
    }

    /// The same, unless the configuration calls a target so.
    pub fn beside(engine: &Engine, name: &str) -> Option<Self> {
        OwnLane::of(name).filter(|_| !engine.has_target(name))
    }

    /// [`LEGACY_MAIL`] or [`UNDECIDED`].
    pub const fn name(self) -> &'static str {
        match self {
            OwnLane::LegacyMail => LEGACY_MAIL,
            OwnLane::Undecided => UNDECIDED,
        }
    }

    /// What stands where targets have their type: the type of target that sends such mails, and
    /// `undecided`.
    pub fn kind(self, registry: &Registry) -> &'static str {
        let mut types = registry.types().iter();
        match self {
            OwnLane::LegacyMail => types
                .find(|known| known.legacy.is_some())
                .map_or(LEGACY_MAIL, |known| known.name),
            OwnLane::Undecided => "undecided",
        }
    }
}
