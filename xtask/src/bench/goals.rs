//! What is aimed for.

use super::figure::{Figure, text};

/// An aim for one figure.
#[derive(Debug)]
pub(super) struct Goal {
    /// The figure's name.
    pub(super) name: &'static str,
    limit: Limit,
}

#[derive(Debug)]
enum Limit {
    /// At most a value with its unit.
    AtMost(f64, &'static str),
    /// At least a value with its unit.
    AtLeast(f64, &'static str),
    /// At least a value with its unit, or this part of another figure of the same run, whichever is
    /// lower.
    AtLeastOrPart {
        value: (f64, &'static str),
        part: f64,
        of: &'static str,
    },
    /// So many times faster than this value, and than another figure of the same run.
    Faster {
        times: f64,
        than: (f64, &'static str),
        and_than: &'static str,
    },
    /// At most so many times another figure of the same run.
    AtMostTimes(f64, &'static str),
}

use Limit::{AtLeast, AtLeastOrPart, AtMost, AtMostTimes, Faster};

/// An aim held against what was measured.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict {
    /// As `<= 12.0 ms`.
    pub(super) aim: String,
    /// Whether the figure keeps to it.
    pub(super) kept: bool,
}

/// All aims; a figure may have several.
///
/// Routing is compared with proxmox-notify 1.0.3 on a like configuration,
/// which took 0.6, 5.9, 64 and 1,560 us for 10, 100, 1,000 and 10,000 matchers.
pub(super) const GOALS: [Goal; 26] = [
    goal("config/parse/10000", AtMost(12.0, "ms")),
    goal("config/parse-check-compile/10000", AtMost(40.0, "ms")),
    goal("corpus-a/router/10", AtMost(0.6, "us")),
    goal(
        "corpus-a/router/1000",
        faster(20.0, 64.0, "corpus-a/plain/1000"),
    ),
    // Ten times the matchers; linear growth would be 10.
    goal(
        "corpus-a/router/1000",
        AtMostTimes(4.0, "corpus-a/router/100"),
    ),
    goal(
        "corpus-a/router/10000",
        faster(50.0, 1560.0, "corpus-a/plain/10000"),
    ),
    goal(
        "corpus-a/router/10000",
        AtMostTimes(4.0, "corpus-a/router/1000"),
    ),
    goal("corpus-b/compile/2500", AtMost(300.0, "ms")),
    // An event waits for the slowest of its targets there: 5 to 10 s.
    goal("program/daemon/beside-silence-p99", AtMost(50.0, "ms")),
    goal("program/daemon/idle-memory", AtMost(15.0, "MB")),
    // proxmox-notify 1.0.3 took 17 mails a second, 560 with an empty store of trusted roots.
    goal("program/daemon/smtp", AtLeast(1500.0, "/s")),
    // It took 15 events a second, about 400 with an empty store.
    goal("program/daemon/three-targets", AtLeast(1000.0, "/s")),
    goal("program/forward-dry-run", AtMost(20.0, "ms")),
    goal("program/forward-http", AtMost(20.0, "ms")),
    goal("program/send-http", AtMost(15.0, "ms")),
    goal("program/send-memory", AtMost(20.0, "MB")),
    goal("program/size", AtMost(12.0, "MB")),
    // proxmox-notify 1.0.3 took 81 us, 3.4 ms, 268 us and 4.0 ms.
    goal("render/text/10", AtMost(27.0, "us")),
    goal("render/text/1000", AtMost(3.4, "ms")),
    goal("render/html/10", AtMost(89.0, "us")),
    goal("render/html/1000", AtMost(4.0, "ms")),
    goal(
        "spool/accept/64-clients",
        AtLeastOrPart {
            value: (20_000.0, "/s"),
            part: 0.5,
            of: "spool/floor/insert-events",
        },
    ),
    goal(
        "spool/accept/one-client",
        AtMostTimes(1.5, "spool/floor/append-fdatasync"),
    ),
    goal("spool/memory/million", AtMost(100.0, "MB")),
    goal("spool/open/million", AtMost(2.0, "s")),
    goal("spool/turn/million", AtMostTimes(2.0, "spool/turn/empty")),
];

const fn goal(name: &'static str, limit: Limit) -> Goal {
    Goal { name, limit }
}

const fn faster(times: f64, us: f64, and_than: &'static str) -> Limit {
    Faster {
        times,
        than: (us, "us"),
        and_than,
    }
}

/// What the aims of a figure say of it; nothing when it has none.
pub(super) fn verdicts(figure: &Figure, all: &[Figure]) -> Vec<Verdict> {
    let own = GOALS.iter().filter(|goal| goal.name == figure.name);
    own.map(|goal| goal.limit.verdict(figure, all)).collect()
}

/// The names that have an aim and were not measured.
pub(super) fn unmeasured(figures: &[Figure]) -> Vec<&'static str> {
    let missing = |name: &&str| !figures.iter().any(|figure| figure.name == *name);
    let mut names: Vec<_> = GOALS.iter().map(|goal| goal.name).filter(missing).collect();
    names.dedup();
    names
}

impl Limit {
    fn verdict(&self, figure: &Figure, all: &[Figure]) -> Verdict {
        let other = |name| {
            all.iter()
                .find(|other| other.name == name)
                .map(|other| other.value)
        };
        match *self {
            AtMost(value, unit) => at_most(figure, in_base(value, unit), ""),
            AtLeast(value, unit) => at_least(figure, in_base(value, unit), ""),
            AtLeastOrPart {
                value: (value, unit),
                part,
                of,
            } => {
                let fixed = in_base(value, unit);
                match other(of) {
                    Some(whole) if whole * part < fixed => {
                        at_least(figure, whole * part, &format!(" ({part} of {of})"))
                    }
                    Some(_) => at_least(figure, fixed, ""),
                    None => unknown(of),
                }
            }
            Faster {
                times,
                than: (value, unit),
                and_than,
            } => {
                let slowest = in_base(value, unit);
                let slowest = other(and_than).map_or(slowest, |value| value.min(slowest));
                let of = text(slowest, figure.dimension);
                at_most(
                    figure,
                    slowest / times,
                    &format!(" ({times} times faster than {of})"),
                )
            }
            AtMostTimes(times, name) => match other(name) {
                Some(value) => at_most(figure, value * times, &format!(" ({times} times {name})")),
                None => unknown(name),
            },
        }
    }
}

fn at_most(figure: &Figure, limit: f64, why: &str) -> Verdict {
    let limit_text = text(limit, figure.dimension);
    Verdict {
        aim: format!("<= {limit_text}{why}"),
        kept: figure.value <= limit,
    }
}

fn at_least(figure: &Figure, limit: f64, why: &str) -> Verdict {
    let limit_text = text(limit, figure.dimension);
    Verdict {
        aim: format!(">= {limit_text}{why}"),
        kept: figure.value >= limit,
    }
}

fn unknown(name: &str) -> Verdict {
    Verdict {
        aim: format!("{name} was not measured"),
        kept: false,
    }
}

fn in_base(value: f64, unit: &str) -> f64 {
    Figure::new("", value, unit)
        .expect("goals use known units")
        .value
}

#[cfg(test)]
mod tests {
    use super::{
        AtLeast, AtLeastOrPart, AtMost, AtMostTimes, Figure, GOALS, Limit, Verdict, faster,
        in_base, unmeasured,
    };

    fn figure(name: &str, us: f64) -> Figure {
        Figure::new(name, us, "us").expect("a unit")
    }

    fn check(limit: &Limit, us: f64, others: &[Figure], kept: bool, aim: &str) {
        let aim = aim.to_owned();
        assert_eq!(
            limit.verdict(&figure("x", us), others),
            Verdict { aim, kept }
        );
    }

    #[test]
    fn a_value_is_a_limit() {
        check(&AtMost(0.6, "us"), 0.6, &[], true, "<= 600 ns");
        check(&AtMost(0.6, "us"), 0.61, &[], false, "<= 600 ns");
    }

    #[test]
    fn a_rate_has_a_floor() {
        let rate = |value| Figure::new("x", value, "/s").expect("a unit");
        let verdict = |value| AtLeast(1000.0, "/s").verdict(&rate(value), &[]);
        let aim = ">= 1000 /s".to_owned();
        assert_eq!(
            verdict(1000.0),
            Verdict {
                aim: aim.clone(),
                kept: true
            }
        );
        assert_eq!(verdict(999.0), Verdict { aim, kept: false });
    }

    #[test]
    fn the_faster_of_both_is_the_measure() {
        let slow_plain = [figure("plain", 100.0)];
        let fast_plain = [figure("plain", 32.0)];
        let limit = faster(20.0, 64.0, "plain");
        check(
            &limit,
            3.2,
            &slow_plain,
            true,
            "<= 3.20 us (20 times faster than 64.0 us)",
        );
        check(
            &limit,
            3.2,
            &fast_plain,
            false,
            "<= 1.60 us (20 times faster than 32.0 us)",
        );
        check(
            &limit,
            3.2,
            &[],
            true,
            "<= 3.20 us (20 times faster than 64.0 us)",
        );
    }

    #[test]
    fn growth_is_held_against_the_smaller_one() {
        let limit = AtMostTimes(4.0, "small");
        check(
            &limit,
            4.0,
            &[figure("small", 1.0)],
            true,
            "<= 4.00 us (4 times small)",
        );
        check(
            &limit,
            4.1,
            &[figure("small", 1.0)],
            false,
            "<= 4.00 us (4 times small)",
        );
        check(&limit, 4.0, &[], false, "small was not measured");
    }

    #[test]
    fn the_lower_of_a_value_and_a_part_is_the_floor() {
        let rate = |name: &str, value| Figure::new(name, value, "/s").expect("a unit");
        let limit = AtLeastOrPart {
            value: (1000.0, "/s"),
            part: 0.5,
            of: "whole",
        };
        let verdict = |value, all: &[Figure]| {
            let Verdict { aim, kept } = limit.verdict(&rate("x", value), all);
            (aim, kept)
        };
        let fast = [rate("whole", 5000.0)];
        assert_eq!(verdict(1000.0, &fast), (">= 1000 /s".to_owned(), true));
        assert_eq!(verdict(999.0, &fast), (">= 1000 /s".to_owned(), false));
        let slow = [rate("whole", 800.0)];
        let aim = ">= 400 /s (0.5 of whole)".to_owned();
        assert_eq!(verdict(400.0, &slow), (aim.clone(), true));
        assert_eq!(verdict(399.0, &slow), (aim, false));
        let missing = ("whole was not measured".to_owned(), false);
        assert_eq!(verdict(5000.0, &[]), missing);
    }

    #[test]
    fn an_aim_without_its_figure_is_named() {
        let all: Vec<_> = GOALS.iter().map(|goal| figure(goal.name, 1.0)).collect();
        assert_eq!(unmeasured(&all), [""; 0]);
        assert_eq!(unmeasured(&all[1..]), [GOALS[0].name]);
    }

    #[test]
    fn every_aim_has_a_known_unit() {
        for goal in &GOALS {
            if let AtMost(value, unit)
            | AtLeast(value, unit)
            | AtLeastOrPart {
                value: (value, unit),
                ..
            } = goal.limit
            {
                assert!(in_base(value, unit) > 0.0, "{}", goal.name);
            }
        }
    }
}
