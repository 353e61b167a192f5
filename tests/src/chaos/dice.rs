//! Chance that can be repeated: the same seed gives the same throws on every machine.

use std::ops::Range;

/// A source of throws.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Dice of their own for each thing that is thrown for, so that one more throw
    /// for one thing changes nothing for the others.
    pub(super) fn of(seed: u64, purpose: &str) -> Self {
        // FNV-1a, then the first throw mixes it well.
        let hashed = purpose.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut dice = Dice(seed);
        Dice(dice.throw() ^ hashed)
    }

    /// Any number. SplitMix64 (Steele, Lea, Flood 2014).
    pub(super) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of a range, which is not empty.
    pub(super) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.throw() % (range.end - range.start)
    }

    /// True so many times of a hundred.
    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.within(0..100) < percent
    }

    /// One of these, of which there is at least one.
    pub(super) fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        let index = self.throw() % things.len() as u64;
        things[index as usize]
    }

    /// These in another order.
    pub(super) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let other = self.within(0..last as u64 + 1);
            things.swap(last, other as usize);
        }
    }

    /// Random bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| (self.throw() >> 56) as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_repeats_itself_and_purposes_do_not_share() {
        let throws = |seed, purpose| {
            let mut dice = Dice::of(seed, purpose);
            [dice.throw(), dice.throw(), dice.throw()]
        };
        assert_eq!(throws(1, "plan"), throws(1, "plan"));
        assert_ne!(throws(1, "plan"), throws(2, "plan"));
        assert_ne!(throws(1, "plan"), throws(1, "sink"));
    }

    #[test]
    fn throws_are_spread() {
        let mut dice = Dice::of(7, "spread");
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[dice.within(0..10) as usize] += 1;
        }
        assert!(
            seen.iter().all(|count| (800..1200).contains(count)),
            "{seen:?}"
        );
        let mut things: Vec<u8> = (0..50).collect();
        dice.shuffle(&mut things);
        assert_ne!(things, (0..50).collect::<Vec<_>>());
        things.sort_unstable();
        assert_eq!(things, (0..50).collect::<Vec<_>>());
    }
}
