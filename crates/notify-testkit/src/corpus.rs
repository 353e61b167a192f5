//! Matchers and events in any number, for benches: the same ones in every run.
//!
//! The mix of [`matchers`] is that of a large site: half the rules name a value
//! of a field, a fifth search with a pattern, a fifth ask for severities, a tenth
//! for a time of the week; one matcher in five is inverted; fifty targets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use notify_core::Severity;

/// A matcher as its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatcherLines {
    /// Its name.
    pub name: String,
    /// Keys and values, in file order.
    pub lines: Vec<(&'static str, String)>,
}

/// An event as a matcher sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// How grave it is.
    pub severity: Severity,
    /// Seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// `type`, `hostname`, often `job-id`.
    pub fields: BTreeMap<String, String>,
}

/// `count` matchers of one rule each, in the mix of the module's text: at most 200
/// values, 200 patterns and 20 calendars, each used again and again.
pub fn matchers(count: usize) -> Vec<MatcherLines> {
    let mut random = Random::new(0xA);
    let matcher = |number: usize| {
        let rule = match number % 10 {
            0..5 => exact(random.below(200)),
            5 | 6 => regex(random.below(200)),
            7 | 8 => severity(&mut random),
            _ => calendar(random.below(20)),
        };
        named(number, vec![rule], &mut random)
    };
    (0..count).map(matcher).collect()
}

/// As [`matchers`], but each asks for a severity, a value or a pattern, and a time, all or any.
pub fn combined(count: usize) -> Vec<MatcherLines> {
    let mut random = Random::new(0xC);
    let matcher = |number: usize| {
        let on_field = if number.is_multiple_of(2) {
            exact(random.below(200))
        } else {
            regex(random.below(200))
        };
        let mut rules = vec![severity(&mut random), on_field, calendar(random.below(20))];
        if random.below(4) == 0 {
            rules.push(("mode", "any".to_owned()));
        }
        named(number, rules, &mut random)
    };
    (0..count).map(matcher).collect()
}

/// `count` matchers, each with a pattern of its own.
pub fn distinct_patterns(count: usize) -> Vec<MatcherLines> {
    let mut random = Random::new(0xB);
    let matcher = |number: usize| named(number, vec![regex(number)], &mut random);
    (0..count).map(matcher).collect()
}

/// `count` events, hardly two alike: some 3,000 host names, 8 types, 400 jobs, all of 2024.
pub fn events(count: usize) -> Vec<Happening> {
    let mut random = Random::new(0xE);
    let event = |_| {
        let host = host(random.below(3000));
        let job = (random.below(3) > 0).then(|| job(random.below(400)));
        happening(&mut random, host, job)
    };
    (0..count).map(event).collect()
}

/// An event whose host name and job no other event has.
pub fn unseen_event(number: usize) -> Happening {
    let mut random = Random::new(number as u64);
    let host = host(10_000 + number);
    happening(&mut random, host, Some(job(10_000 + number)))
}

/// The matchers as the text of `notifications.cfg`.
pub fn text(matchers: &[MatcherLines]) -> String {
    let mut text = String::new();
    for (index, matcher) in matchers.iter().enumerate() {
        let separator = if index > 0 { "\n" } else { "" };
        let _ = writeln!(text, "{separator}matcher: {}", matcher.name);
        for (key, value) in &matcher.lines {
            let _ = writeln!(text, "\t{key} {value}");
        }
    }
    text
}

const TYPES: [&str; 8] = [
    "vzdump",
    "replication",
    "fencing",
    "package-updates",
    "system-mail",
    "gc",
    "verify",
    "sync",
];
const ROLES: [&str; 5] = ["db", "web", "mail", "store", "edge"];

fn host(number: usize) -> String {
    format!("pve{number}-{}-dc{}", ROLES[number % 5], number % 23)
}

fn job(number: usize) -> String {
    format!("backup-{number:04x}")
}

/// 8 types, 152 hosts, 40 jobs.
fn exact(number: usize) -> (&'static str, String) {
    let (field, value) = match number {
        0..8 => ("type", TYPES[number].to_owned()),
        8..160 => ("hostname", host(number)),
        _ => ("job-id", job(number)),
    };
    ("match-field", format!("exact:{field}={value}"))
}

/// A pattern for each number, in the shapes that people write.
fn regex(number: usize) -> (&'static str, String) {
    let (role, tens) = (ROLES[number % 5], number / 10);
    let pattern = match number % 10 {
        0 => format!("hostname=^pve{tens}-"),
        1 => format!("hostname=^pve{tens}[0-4]-{role}"),
        2 => format!(r"hostname=^.+-{tens}\.example\.com$"),
        3 => format!("hostname=-{role}-dc{tens}$"),
        4 => format!("hostname=^pve({tens}|{})-", tens + 1),
        5 => format!("job-id=^backup-{tens:03x}"),
        6 => format!("job-id={tens:02x}$"),
        7 => format!(r"hostname=(?i)^PVE\d+-{role}-dc{tens}"),
        8 => format!("type=^(vzdump|verify|x{tens})$"),
        _ => format!("hostname=^pve{tens}.*-(db|web)-.*[0-9]$"),
    };
    ("match-field", format!("regex:{pattern}"))
}

fn severity(random: &mut Random) -> (&'static str, String) {
    const LISTS: [&str; 6] = [
        "error",
        "warning,error",
        "info",
        "notice,warning,error",
        "unknown",
        "info,notice",
    ];
    (
        "match-severity",
        LISTS[random.below(LISTS.len())].to_owned(),
    )
}

fn calendar(number: usize) -> (&'static str, String) {
    const DAYS: [&str; 5] = ["mon-fri ", "sat,sun ", "", "sun,tue-wed,fri ", "mon..thu "];
    const HOURS: [&str; 4] = ["9-17", "8:30-12:15", "22-6", "0-24"];
    let text = format!("{}{}", DAYS[number % 5], HOURS[number / 5 % 4]);
    ("match-calendar", text)
}

fn named(
    number: usize,
    mut lines: Vec<(&'static str, String)>,
    random: &mut Random,
) -> MatcherLines {
    if random.below(5) == 0 {
        lines.push(("invert-match", "true".to_owned()));
    }
    lines.push(("target", format!("target-{:02}", random.below(50))));
    MatcherLines {
        name: format!("matcher-{number}"),
        lines,
    }
}

fn happening(random: &mut Random, host: String, job: Option<String>) -> Happening {
    let mut fields = BTreeMap::from([
        ("hostname".to_owned(), host),
        ("type".to_owned(), TYPES[random.below(8)].to_owned()),
    ]);
    fields.extend(job.map(|job| ("job-id".to_owned(), job)));
    let second = i64::try_from(random.below(366 * 86_400)).expect("a year of seconds");
    Happening {
        severity: Severity::ALL[random.below(5)],
        timestamp: 1_704_067_200 + second,
        fields,
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): a few lines that give the same numbers everywhere.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is at least 1.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{MatcherLines, distinct_patterns, events, matchers, text};

    fn share(matchers: &[MatcherLines], wanted: &str) -> usize {
        let line = |(key, value): &(&str, String)| format!("{key} {value}").starts_with(wanted);
        let has = |matcher: &&MatcherLines| matcher.lines.iter().any(line);
        matchers.iter().filter(has).count()
    }

    fn distinct(matchers: &[MatcherLines], wanted: &str) -> usize {
        let lines = matchers.iter().flat_map(|matcher| &matcher.lines);
        let lines = lines.map(|(key, value)| format!("{key} {value}"));
        lines
            .filter(|line| line.starts_with(wanted))
            .collect::<BTreeSet<_>>()
            .len()
    }

    #[test]
    fn the_mix_is_what_it_says() {
        let matchers = matchers(10_000);
        assert_eq!(share(&matchers, "match-field exact:"), 5_000);
        assert_eq!(share(&matchers, "match-field regex:"), 2_000);
        assert_eq!(share(&matchers, "match-severity"), 2_000);
        assert_eq!(share(&matchers, "match-calendar"), 1_000);
        let inverted = share(&matchers, "invert-match");
        assert!((1_800..2_200).contains(&inverted), "{inverted}");
        assert_eq!(distinct(&matchers, "match-field exact:"), 200);
        assert_eq!(distinct(&matchers, "match-field regex:"), 200);
        assert_eq!(distinct(&matchers, "match-calendar"), 20);
        assert_eq!(distinct(&matchers, "target"), 50);
        let patterns = distinct_patterns(2_500);
        assert_eq!(distinct(&patterns, "match-field regex:"), 2_500);
    }

    #[test]
    fn it_is_the_same_in_every_run() {
        assert_eq!(
            text(&matchers(6)[5..]),
            "matcher: matcher-5\n\tmatch-field regex:hostname=(?i)^PVE\\d+-mail-dc17\n\ttarget target-31\n"
        );
        let hosts: BTreeSet<_> = events(4_096)
            .iter()
            .map(|event| event.fields["hostname"].clone())
            .collect();
        assert!(hosts.len() > 2_000, "{}", hosts.len());
    }
}
