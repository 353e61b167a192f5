//! Where an event goes.

use std::fmt;

use crate::bits::Bits;
use crate::set::Entry;

/// Which matchers match an event, and which targets they choose.
#[derive(Clone)]
pub struct Routing<'a> {
    entries: &'a [Entry],
    matched: Bits,
    targets: Vec<&'a str>,
}

impl<'a> Routing<'a> {
    pub(crate) fn new(entries: &'a [Entry], matched: Bits, targets: Vec<&'a str>) -> Self {
        Routing {
            entries,
            matched,
            targets,
        }
    }

    /// The chosen targets, sorted bytewise, each once, whether or not they exist.
    pub fn targets(&self) -> &[&'a str] {
        &self.targets
    }

    /// The names of the matchers that match, in file order.
    pub fn matchers(&self) -> impl Iterator<Item = &'a str> {
        let entries = self.entries;
        self.matched.ones().map(move |index| &*entries[index].name)
    }

    /// Their places in the set, counted from 0.
    pub fn indices(&self) -> impl Iterator<Item = usize> {
        self.matched.ones()
    }
}

impl PartialEq for Routing<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.targets == other.targets && self.matchers().eq(other.matchers())
    }
}

impl fmt::Debug for Routing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routing")
            .field("matchers", &self.matchers().collect::<Vec<_>>())
            .field("targets", &self.targets)
            .finish()
    }
}
