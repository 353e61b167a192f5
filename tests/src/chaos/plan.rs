//! What is done to the daemon, and when: all of it follows from the seed.
//!
//! The kinds of endings, troubles and moods are dealt like cards, so that a run
//! of a few dozen kills has seen each of them, and none twice in a row for long.

use std::time::Duration;

use super::dice::Dice;
use super::mood::Mood;
use super::stage::{Break, TARGETS};

/// The named places in the code at which the daemon ends itself.
pub(super) const FAILPOINTS: [&str; 5] = [
    "before-commit",
    "after-commit",
    "before-send",
    "after-send",
    "before-settle",
];

/// All rounds of a run. In each a daemon is started, works, and ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub(super) rounds: Vec<Round>,
}

/// One life of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// How the receivers behave, in the order of [`TARGETS`].
    pub(super) moods: [Mood; TARGETS.len()],
    /// What goes wrong meanwhile.
    pub(super) trouble: Trouble,
    /// After so many answers it begins, and before the start when there are none.
    pub(super) trouble_at: u64,
    /// How the daemon ends.
    pub(super) ending: Ending,
    /// Events to send, some of which find no daemon any more.
    pub(super) events: u64,
}

/// What goes wrong beside the receivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing.
    None,
    /// The disk of the state folder has no room.
    DiskFull,
    /// It has none when the daemon is started.
    FullAtStart,
    /// Another process holds the database for so long.
    Locked(Duration),
    /// The wall clock is set: by so many seconds it is now ahead of the real one.
    Clock(i64),
    /// The configuration is broken.
    Configuration(Break),
}

/// How a daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// SIGKILL after so many answers to senders.
    AfterAnswers(u64),
    /// SIGKILL after so many messages have reached a receiver.
    AfterArrivals(u64),
    /// It kills itself when it comes to a place for the nth time, after a while there.
    At {
        /// One of [`FAILPOINTS`].
        place: &'static str,
        /// 1 for the first time.
        time: u64,
        /// How long it stands there first.
        stall: Duration,
    },
    /// SIGTERM after so many answers: it is asked to end.
    Asked(u64),
}

impl Ending {
    /// Whether it is a kill.
    pub(super) fn is_kill(self) -> bool {
        !matches!(self, Ending::Asked(_))
    }
}

/// Once in so many kills the daemon is asked to end instead.
const KILLS_PER_STOP: usize = 10;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

impl Plan {
    /// The plan of a seed with so many kills.
    pub fn of(seed: u64, kills: usize) -> Self {
        let mut dice = Dice::of(seed, "plan");
        let endings = endings(kills, &mut dice);
        let mut troubles = Deck::new(vec![
            Card::None,
            Card::DiskFull,
            Card::FullAtStart,
            Card::Locked,
            Card::Forward,
            Card::Back,
            Card::Unusable,
            Card::Missing,
            Card::Garbage,
        ]);
        let mut moods = TARGETS.map(|_| {
            let mut cards = Mood::ALL.to_vec();
            // Half of the time there is somebody to deliver to.
            cards.extend([Mood::Well; 3]);
            cards.extend([Mood::Flaky; 2]);
            Deck::new(cards)
        });
        let (mut offset, mut stops) = (0, 0);
        let rounds = endings.into_iter().map(|ending| {
            let mut moods = moods.each_mut().map(|deck| deck.deal(&mut dice));
            stops += usize::from(!ending.is_kill());
            // A stop waits for deliveries that hang, which takes long: every other one has none.
            if !ending.is_kill() && stops % 2 == 1 {
                moods = [Mood::Well; TARGETS.len()];
            }
            let trouble = trouble(troubles.deal(&mut dice), &mut offset, &mut dice);
            Round {
                moods,
                trouble,
                trouble_at: trouble_at(trouble, &mut dice),
                ending,
                events: events(ending) + dice.within(6..14),
            }
        });
        Plan {
            rounds: rounds.collect(),
        }
    }

    /// A plan that ends every daemon in the middle of a commit of new events, and nothing else goes
    /// wrong: all receivers hang, so after the first events there is nothing else to commit.
    pub fn of_commits(seed: u64, kills: usize) -> Self {
        let mut dice = Dice::of(seed, "commits");
        let rounds = (0..kills).map(|_| Round {
            moods: [Mood::Hung; TARGETS.len()],
            trouble: Trouble::None,
            trouble_at: 0,
            ending: Ending::At {
                place: "before-commit",
                time: dice.within(40..50),
                stall: Duration::from_millis(100),
            },
            events: 80,
        });
        Plan {
            rounds: rounds.collect(),
        }
    }

    /// How many of its rounds end by a kill.
    pub fn kills(&self) -> usize {
        let kills = self.rounds.iter().filter(|round| round.ending.is_kill());
        kills.count()
    }
}

/// Endings with exactly so many kills, half of them at the named places.
fn endings(kills: usize, dice: &mut Dice) -> Vec<Ending> {
    let mut places: Deck<Option<&'static str>> = Deck::new(
        FAILPOINTS
            .into_iter()
            .map(Some)
            .chain([None; FAILPOINTS.len()])
            .collect(),
    );
    let mut endings = Vec::new();
    for kill in 1..=kills {
        endings.push(match places.deal(dice) {
            Some(place) => at(place, dice),
            None if dice.percent(50) => Ending::AfterAnswers(dice.within(4..40)),
            None => Ending::AfterArrivals(dice.within(2..60)),
        });
        if kill % KILLS_PER_STOP == 0 {
            endings.push(Ending::Asked(dice.within(4..30)));
        }
    }
    endings
}

fn at(place: &'static str, dice: &mut Dice) -> Ending {
    // A commit joins many calls; a delivery passes its places alone.
    let time = if place.ends_with("commit") {
        dice.within(2..40)
    } else {
        dice.within(1..25)
    };
    Ending::At {
        place,
        time,
        stall: Duration::from_millis(dice.one_of(&[0, 0, 5, 30])),
    }
}

/// After how many answers a trouble begins; what may be there at the start is there sometimes.
fn trouble_at(trouble: Trouble, dice: &mut Dice) -> u64 {
    match trouble {
        Trouble::FullAtStart => 0,
        Trouble::Clock(_) | Trouble::Configuration(Break::Unusable(_) | Break::Missing(_)) => {
            dice.within(0..6)
        }
        _ => dice.within(1..7),
    }
}

fn events(ending: Ending) -> u64 {
    match ending {
        Ending::AfterAnswers(answers) | Ending::Asked(answers) => answers,
        Ending::AfterArrivals(arrivals) => arrivals / 3 + 8,
        Ending::At { time, .. } => time + 8,
    }
}

/// What is on a card of the deck of troubles.
#[derive(Clone, Copy, Debug)]
enum Card {
    None,
    DiskFull,
    FullAtStart,
    Locked,
    Forward,
    Back,
    Unusable,
    Missing,
    Garbage,
}

fn trouble(card: Card, offset: &mut i64, dice: &mut Dice) -> Trouble {
    let mut set = |by: i64| {
        *offset += by;
        Trouble::Clock(*offset)
    };
    match card {
        Card::None => Trouble::None,
        Card::DiskFull => Trouble::DiskFull,
        Card::FullAtStart => Trouble::FullAtStart,
        // Seldom longer than anybody waits for a lock.
        Card::Locked if dice.percent(10) => Trouble::Locked(Duration::from_millis(5_500)),
        Card::Locked => Trouble::Locked(Duration::from_millis(dice.within(100..900))),
        Card::Forward => set(dice.one_of(&[10, 90, 2 * HOUR, 5 * DAY, 400 * DAY])),
        Card::Back => set(-dice.one_of(&[10, 90, 2 * HOUR, 5 * DAY, 400 * DAY])),
        Card::Unusable => Trouble::Configuration(Break::Unusable(dice.one_of(&TARGETS))),
        Card::Missing => Trouble::Configuration(Break::Missing(dice.one_of(&TARGETS))),
        Card::Garbage => Trouble::Configuration(Break::Garbage),
    }
}

/// Cards that are dealt until none is left, then mixed anew.
#[derive(Debug)]
struct Deck<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl<T: Clone> Deck<T> {
    fn new(all: Vec<T>) -> Self {
        let left = Vec::new();
        Deck { all, left }
    }

    fn deal(&mut self, dice: &mut Dice) -> T {
        if self.left.is_empty() {
            self.left = self.all.clone();
            dice.shuffle(&mut self.left);
        }
        self.left.pop().expect("a deck has cards")
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, FAILPOINTS, Plan, Trouble};
    use crate::chaos::mood::Mood;
    use crate::chaos::stage::Break;

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(Plan::of(1, 30), Plan::of(1, 30));
        assert_ne!(Plan::of(1, 30), Plan::of(2, 30));
        for kills in [1, 30, 500] {
            assert_eq!(Plan::of(9, kills).kills(), kills);
        }
    }

    #[test]
    fn thirty_kills_have_seen_everything() {
        for seed in 0..200 {
            let rounds = Plan::of(seed, 30).rounds;
            let has = |seen: fn(Trouble) -> bool| rounds.iter().any(|round| seen(round.trouble));
            for place in FAILPOINTS {
                let here = |ending| matches!(ending, Ending::At { place: at, .. } if at == place);
                assert!(
                    rounds.iter().any(|round| here(round.ending)),
                    "{seed} {place}"
                );
            }
            assert!(rounds.iter().any(|round| !round.ending.is_kill()));
            assert!(has(|trouble| trouble == Trouble::DiskFull));
            assert!(has(|trouble| trouble == Trouble::FullAtStart));
            assert!(has(|trouble| matches!(trouble, Trouble::Locked(_))));
            let offsets: Vec<i64> = rounds
                .iter()
                .filter_map(|round| match round.trouble {
                    Trouble::Clock(offset) => Some(offset),
                    _ => None,
                })
                .collect();
            let leaps = std::iter::once(&0).chain(&offsets).zip(&offsets);
            assert!(
                leaps.clone().any(|(before, now)| now > before),
                "{offsets:?}"
            );
            assert!(
                leaps.clone().any(|(before, now)| now < before),
                "{offsets:?}"
            );
            for broken in [
                has(|it| matches!(it, Trouble::Configuration(Break::Unusable(_)))),
                has(|it| matches!(it, Trouble::Configuration(Break::Missing(_)))),
                has(|it| matches!(it, Trouble::Configuration(Break::Garbage))),
            ] {
                assert!(broken, "{seed}");
            }
            for target in 0..3 {
                for mood in Mood::ALL {
                    let seen = rounds.iter().any(|round| round.moods[target] == mood);
                    assert!(seen, "{seed} {target} {mood:?}");
                }
            }
        }
    }
}
