//! Many patterns on one field: which of them find something in a value.
//!
//! Most patterns can only match a value that holds some literal text, as
//! `^pve-17\.` needs `pve-17.`. One pass over the value finds all such texts of all
//! patterns, and only the patterns whose text is there are tried.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Hir, HirKind};

use super::axis::Posting;
use crate::Pattern;

/// The patterns of a field, each once, with the matchers that ask for it.
#[derive(Debug)]
pub(super) struct Patterns {
    list: Vec<(Pattern, Vec<Posting>)>,
    /// Made when first needed. That takes less than the programs of the patterns
    /// that it saves, even for a single event.
    filter: OnceLock<Filter>,
}

/// With fewer patterns than this a filter saves nothing.
const FEW: usize = 8;

impl Patterns {
    pub(super) fn new(list: Vec<(Pattern, Vec<Posting>)>) -> Self {
        Patterns {
            list,
            filter: OnceLock::new(),
        }
    }

    /// Calls back with the matchers of each pattern that finds something.
    pub(super) fn for_each_found(&self, value: &str, mut found: impl FnMut(&[Posting])) {
        let mut attempt = |(pattern, postings): &(Pattern, Vec<Posting>)| {
            if pattern.finds(value) {
                found(postings);
            }
        };
        match self.filter() {
            Some(filter) => filter
                .candidates(value)
                .into_iter()
                .for_each(|index| attempt(&self.list[index])),
            None => self.list.iter().for_each(attempt),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    fn filter(&self) -> Option<&Filter> {
        if self.list.len() < FEW {
            return None;
        }
        let patterns = || self.list.iter().map(|(pattern, _)| pattern.as_str());
        Some(self.filter.get_or_init(|| Filter::new(patterns())))
    }
}

/// Literal texts that lead to patterns.
#[derive(Debug)]
struct Filter {
    /// None when there is no text, or more than it can take: then every pattern is in `always`.
    texts: Option<AhoCorasick>,
    /// The pattern of each text.
    owners: Vec<usize>,
    /// Patterns without a text, which are tried on every value.
    always: Vec<usize>,
    length: usize,
}

impl Filter {
    fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let choices: Vec<Vec<Texts>> = patterns.map(choices).collect();
        let (texts, owners, always) = chosen(&choices);
        let length = choices.len();
        match AhoCorasick::new(texts) {
            Ok(texts) => Filter {
                texts: Some(texts),
                owners,
                always,
                length,
            },
            Err(_) => Filter {
                texts: None,
                owners: Vec::new(),
                always: (0..length).collect(),
                length,
            },
        }
    }

    /// The patterns that may find something in a value, each once.
    fn candidates(&self, value: &str) -> Vec<usize> {
        let mut candidates = self.always.clone();
        let Some(texts) = &self.texts else {
            return candidates;
        };
        let mut seen = vec![false; self.length];
        for found in texts.find_overlapping_iter(value) {
            let owner = self.owners[found.pattern().as_usize()];
            if !std::mem::replace(&mut seen[owner], true) {
                candidates.push(owner);
            }
        }
        candidates
    }
}

/// Texts of which each match of a pattern holds at least one.
type Texts = Vec<Box<[u8]>>;

/// For each pattern the choice whose texts the fewest others share, the longest of those.
fn chosen(choices: &[Vec<Texts>]) -> (Vec<&[u8]>, Vec<usize>, Vec<usize>) {
    let mut shared: HashMap<&[u8], usize> = HashMap::new();
    for pattern in choices {
        let texts: HashSet<&[u8]> = pattern.iter().flatten().map(|text| &**text).collect();
        texts
            .into_iter()
            .for_each(|text| *shared.entry(text).or_insert(0) += 1);
    }
    let cost = |choice: &&Texts| {
        let others: usize = choice.iter().map(|text| shared[&**text]).sum();
        let shortest = choice.iter().map(|text| text.len()).min();
        (others, std::cmp::Reverse(shortest))
    };
    let (mut texts, mut owners, mut always) = (Vec::new(), Vec::new(), Vec::new());
    let mut room = MOST_TEXT_BYTES;
    for (index, pattern) in choices.iter().enumerate() {
        let best = pattern.iter().min_by_key(cost);
        let size = |choice: &Texts| choice.iter().map(|text| text.len()).sum();
        let left = best.and_then(|choice| room.checked_sub(size(choice)));
        match best.zip(left) {
            Some((choice, left)) => {
                room = left;
                texts.extend(choice.iter().map(|text| &**text));
                owners.extend(std::iter::repeat_n(index, choice.len()));
            }
            None => always.push(index),
        }
    }
    (texts, owners, always)
}

/// All texts of a filter together; patterns beyond that are tried on every value.
const MOST_TEXT_BYTES: usize = 256 * 1024;

/// Longer patterns are tried on every value rather than taken apart.
const LONGEST_TAKEN_APART: usize = 1024;
/// More texts than this are no choice.
const MOST_TEXTS: usize = 64;
/// Of longer texts the beginning will do.
const LONGEST_TEXT: usize = 32;

fn choices(pattern: &str) -> Vec<Texts> {
    if pattern.len() > LONGEST_TAKEN_APART {
        return Vec::new();
    }
    let Ok(hir) = regex_syntax::parse(pattern) else {
        return Vec::new();
    };
    let mut choices = Vec::new();
    for kind in [ExtractKind::Prefix, ExtractKind::Suffix] {
        choices.extend(at_end(&hir, kind));
    }
    required_parts(&hir, &mut choices);
    for text in choices.iter_mut().flatten() {
        if text.len() > LONGEST_TEXT {
            *text = text[..LONGEST_TEXT].into();
        }
    }
    choices.retain(|texts| {
        texts.len() <= MOST_TEXTS && !texts.is_empty() && texts.iter().all(|text| !text.is_empty())
    });
    choices
}

/// The texts with which a match begins or ends, when they can be listed.
fn at_end(hir: &Hir, kind: ExtractKind) -> Option<Texts> {
    let mut extractor = Extractor::new();
    extractor.kind(kind).limit_total(MOST_TEXTS);
    let sequence = extractor.extract(hir);
    let texts = sequence.literals()?.iter();
    Some(texts.map(|literal| literal.as_bytes().into()).collect())
}

/// The literals that every match holds, each a choice of its own.
fn required_parts(hir: &Hir, choices: &mut Vec<Texts>) {
    match hir.kind() {
        HirKind::Literal(literal) => choices.push(vec![literal.0.clone()]),
        HirKind::Capture(capture) => required_parts(&capture.sub, choices),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            required_parts(&repetition.sub, choices);
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| required_parts(part, choices)),
        HirKind::Alternation(parts) => choices.extend(one_of(parts)),
        _ => {}
    }
}

/// A match holds what one of the branches requires.
fn one_of(branches: &[Hir]) -> Option<Texts> {
    let mut texts = Texts::new();
    for branch in branches {
        let mut choices = Vec::new();
        required_parts(branch, &mut choices);
        let shortest = |choice: &Texts| choice.iter().map(|text| text.len()).min();
        texts.extend(choices.into_iter().max_by_key(shortest)?);
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::{Filter, LONGEST_TEXT, MOST_TEXT_BYTES, Patterns};
    use crate::Pattern;

    /// The patterns that are tried on a value.
    fn check(patterns: &[&str], value: &str, expected: &[usize]) {
        let filter = Filter::new(patterns.iter().copied());
        let mut found = filter.candidates(value);
        found.sort_unstable();
        assert_eq!(found, expected, "{patterns:?} on {value:?}");
    }

    #[test]
    fn only_patterns_whose_text_is_there_are_tried() {
        let patterns = [
            r"^pve-17\.",
            r"^pve-18\.",
            "(?i)vz",
            "^(replication|fencing)$",
        ];
        check(&patterns, "pve-17.example.com", &[0]);
        check(&patterns, "pve-18.VZ", &[1, 2]);
        check(&patterns, "fencing", &[3]);
        check(&patterns, "", &[]);
    }

    #[test]
    fn the_text_that_others_do_not_share_is_chosen() {
        let patterns = [
            r"^.*-a1-.*\.example\.com$",
            r"^.*-b2-.*\.example\.com$",
            r"^(x|y).*-c3.*\.example\.com$",
        ];
        check(&patterns, "pve-b2-x.example.com", &[1]);
    }

    #[test]
    fn a_pattern_without_text_is_always_tried() {
        check(
            &["", ".*", r"^\d+$", "a|b*", "a?", "abc", "(abc|d)+"],
            "zz",
            &[0, 1, 2, 3, 4],
        );
    }

    #[test]
    fn patterns_beyond_the_bound_are_tried_singly() {
        let patterns: Vec<String> = (0..MOST_TEXT_BYTES / LONGEST_TEXT + 2)
            .map(|number| format!("{number:05}{}", "x".repeat(LONGEST_TEXT)))
            .collect();
        let filter = Filter::new(patterns.iter().map(String::as_str));
        let last = patterns.len() - 1;
        assert_eq!(filter.candidates("none"), [last - 1, last]);
        assert_eq!(filter.candidates(&patterns[7]), [last - 1, last, 7]);
    }

    #[test]
    fn the_filter_changes_no_answer() {
        let texts = [
            "a", "^a", "a$", "^a.c$", "(?i)AB", "ab|cd", "(ab)?c", "[ab]c", "b{2}", "", "é",
            "(?s:.)c", "a.*c", r"\bc",
        ];
        let list = texts
            .iter()
            .map(|text| (Pattern::parse(text).expect("good"), Vec::new()));
        let patterns = Patterns::new(list.collect());
        let filter = Filter::new(texts.iter().copied());
        for value in [
            "", "a", "abc", "AB", "c", "cd", "bb", "a c", "éa", "aXc", "b", "x",
        ] {
            let candidates = filter.candidates(value);
            for (index, (pattern, _)) in patterns.list.iter().enumerate() {
                let tried = candidates.contains(&index);
                assert!(
                    tried || !pattern.finds(value),
                    "{} on {value:?}",
                    texts[index]
                );
            }
        }
    }
}
