//! How a receiver behaves: well, or as badly as receivers do.

use super::dice::Dice;

/// How a receiver behaves for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mood {
    /// Takes everything and says so.
    Well,
    /// Turns everybody away.
    Down,
    /// Accepts connections and says nothing.
    Hung,
    /// Takes everything and resets the connection instead of saying so.
    Resetting,
    /// Takes everything and says nothing.
    Mute,
    /// Now this, now that.
    Flaky,
}

impl Mood {
    /// All of them.
    pub(super) const ALL: [Mood; 6] = [
        Mood::Well,
        Mood::Down,
        Mood::Hung,
        Mood::Resetting,
        Mood::Mute,
        Mood::Flaky,
    ];

    /// A word for the log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Mood::Well => "well",
            Mood::Down => "down",
            Mood::Hung => "hung",
            Mood::Resetting => "resetting",
            Mood::Mute => "mute",
            Mood::Flaky => "flaky",
        }
    }

    /// What it does with somebody who has said nothing yet.
    pub(super) fn at_the_door(self, dice: &mut Dice) -> Door {
        match self {
            Mood::Down if dice.percent(50) => Door::Busy,
            Mood::Down => Door::Reset,
            Mood::Hung => Door::Hang,
            Mood::Flaky if dice.percent(10) => dice.one_of(&[Door::Busy, Door::Reset]),
            Mood::Well | Mood::Resetting | Mood::Mute | Mood::Flaky => Door::Open,
        }
    }

    /// What it does with a message that came whole.
    pub(super) fn fate(self, dice: &mut Dice) -> Fate {
        match self {
            Mood::Well => Fate::Take,
            Mood::Down => Fate::Defer,
            Mood::Hung => Fate::Hang,
            Mood::Resetting => Fate::Reset,
            Mood::Mute => Fate::Silent,
            Mood::Flaky => match dice.within(0..100) {
                0..50 => Fate::Take,
                50..65 => Fate::Defer,
                65..80 => Fate::Reset,
                80..85 => Fate::Silent,
                85..90 => Fate::Hang,
                90..95 => Fate::HangUp,
                _ => Fate::Reject,
            },
        }
    }

    /// Whether it puts off one recipient of several.
    pub(super) fn puts_off(self, dice: &mut Dice) -> bool {
        self == Mood::Flaky && dice.percent(20)
    }
}

/// What a receiver does at the beginning of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Lets the client speak.
    Open,
    /// Says that it has no time.
    Busy,
    /// Resets the connection.
    Reset,
    /// Says nothing.
    Hang,
}

/// What becomes of a message that came whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Taken, and said so.
    Take,
    /// Not taken now.
    Defer,
    /// Not taken, and never will be.
    Reject,
    /// Not taken, and nothing is said.
    Hang,
    /// Not taken, and the connection is reset.
    HangUp,
    /// Taken, and nothing is said.
    Silent,
    /// Taken, and the connection is reset.
    Reset,
}

impl Fate {
    /// Whether the receiver has the message now.
    pub(super) const fn takes(self) -> bool {
        matches!(self, Fate::Take | Fate::Silent | Fate::Reset)
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, Mood};
    use crate::chaos::dice::Dice;

    #[test]
    fn a_flaky_receiver_does_everything() {
        let mut dice = Dice::of(3, "mood");
        let fates: Vec<Fate> = (0..1000).map(|_| Mood::Flaky.fate(&mut dice)).collect();
        for fate in [
            Fate::Take,
            Fate::Defer,
            Fate::Reject,
            Fate::Hang,
            Fate::HangUp,
            Fate::Silent,
            Fate::Reset,
        ] {
            assert!(fates.contains(&fate), "{fate:?}");
        }
        assert!((0..100).all(|_| Mood::Well.fate(&mut dice) == Fate::Take));
    }
}
