//! From matchers to their targets.

use std::collections::BTreeMap;

use crate::Matcher;
use crate::bits::Bits;

/// Who notifies whom, in both directions.
#[derive(Debug)]
pub(super) struct Targets {
    /// Sorted bytewise.
    names: Vec<Box<str>>,
    of_matcher: Lists,
    of_target: Lists,
}

impl Targets {
    /// Of matchers that may match; none for a place whose matcher cannot.
    pub(super) fn new<'a>(matchers: impl Iterator<Item = Option<&'a Matcher>> + Clone) -> Self {
        let mut notified_by: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (index, matcher) in (0..).zip(matchers.clone()) {
            for target in matcher.iter().flat_map(|matcher| matcher.targets()) {
                notified_by.entry(target).or_default().push(index);
            }
        }
        let places: BTreeMap<&str, u32> = notified_by.keys().copied().zip(0..).collect();
        let of_matcher = matchers.map(|matcher| {
            let targets = matcher.iter().flat_map(|matcher| matcher.targets());
            targets.map(|target| places[target]).collect::<Vec<_>>()
        });
        Targets {
            of_matcher: Lists::new(of_matcher),
            of_target: Lists::new(notified_by.values().cloned()),
            names: notified_by.into_keys().map(Into::into).collect(),
        }
    }

    /// The targets of these matchers, sorted bytewise, each once.
    pub(super) fn chosen(&self, matched: &Bits) -> Vec<&str> {
        let count = matched.count();
        // Of many matchers the first few of each target's show that it is chosen;
        // of few, their own targets are soon listed.
        if count * count > self.names.len() * self.of_matcher.len() {
            self.by_target(matched)
        } else {
            self.by_matcher(matched)
        }
    }

    fn by_target(&self, matched: &Bits) -> Vec<&str> {
        let chosen = |target: &usize| {
            let matchers = self.of_target.get(*target).iter();
            matchers
                .copied()
                .any(|matcher| matched.has(matcher as usize))
        };
        let mut names = Vec::with_capacity(self.names.len());
        let places = (0..self.names.len()).filter(chosen);
        names.extend(places.map(|target| &*self.names[target]));
        names
    }

    fn by_matcher(&self, matched: &Bits) -> Vec<&str> {
        let mut chosen = Bits::zeros(self.names.len());
        for matcher in matched.ones() {
            for target in self.of_matcher.get(matcher) {
                chosen.set(*target as usize);
            }
        }
        let mut names = Vec::with_capacity(chosen.count());
        names.extend(chosen.ones().map(|target| &*self.names[target]));
        names
    }
}

/// Many lists in two pieces of memory.
#[derive(Debug)]
struct Lists {
    /// Where each begins, and where the last ends.
    begins: Vec<usize>,
    items: Vec<u32>,
}

impl Lists {
    fn new(lists: impl Iterator<Item = Vec<u32>>) -> Self {
        let (mut begins, mut items) = (vec![0], Vec::new());
        for list in lists {
            items.extend(list);
            begins.push(items.len());
        }
        Lists { begins, items }
    }

    fn len(&self) -> usize {
        self.begins.len() - 1
    }

    fn get(&self, index: usize) -> &[u32] {
        &self.items[self.begins[index]..self.begins[index + 1]]
    }
}
