//! Sets of matchers, one bit each.

/// A set of small numbers. Up to 64 of them take no memory of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bits {
    Few(u64),
    Many(Box<[u64]>),
}

impl Bits {
    /// No number, of those below `length`.
    pub(crate) fn zeros(length: usize) -> Self {
        match words(length) {
            0 | 1 => Bits::Few(0),
            words => Bits::Many(vec![0; words].into()),
        }
    }

    pub(crate) fn set(&mut self, index: usize) {
        self.words_mut()[index / 64] |= 1 << (index % 64);
    }

    pub(crate) fn clear(&mut self, index: usize) {
        self.words_mut()[index / 64] &= !(1 << (index % 64));
    }

    /// Takes away what is in another set of the same length.
    pub(crate) fn remove(&mut self, others: &Bits) {
        for (word, other) in self.words_mut().iter_mut().zip(others.words()) {
            *word &= !other;
        }
    }

    pub(crate) fn words(&self) -> &[u64] {
        match self {
            Bits::Few(word) => std::slice::from_ref(word),
            Bits::Many(words) => words,
        }
    }

    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        match self {
            Bits::Few(word) => std::slice::from_mut(word),
            Bits::Many(words) => words,
        }
    }

    pub(crate) fn has(&self, index: usize) -> bool {
        self.words()[index / 64] & (1 << (index % 64)) != 0
    }

    pub(crate) fn count(&self) -> usize {
        let counts = self.words().iter().map(|word| word.count_ones() as usize);
        counts.sum()
    }

    /// The numbers in it, ascending.
    pub(crate) fn ones(&self) -> impl Iterator<Item = usize> {
        self.words().iter().enumerate().flat_map(|(word, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(word * 64 + bit)
            })
        })
    }
}

/// How many words hold one bit for each of `length` numbers; at least one.
pub(crate) fn words(length: usize) -> usize {
    length.div_ceil(64).max(1)
}
