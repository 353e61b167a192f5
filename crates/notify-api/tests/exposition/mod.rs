//! The rules of Prometheus' text format, version 0.0.4, as a check.

use std::collections::{BTreeMap, BTreeSet};

/// A line with a value.
struct Sample<'t> {
    name: &'t str,
    labels: BTreeMap<&'t str, String>,
    value: f64,
}

/// The family that is open.
#[derive(Default)]
struct Family<'t> {
    name: &'t str,
    kind: &'t str,
    /// By its labels without `le`.
    histograms: BTreeMap<String, Histogram>,
}

#[derive(Default)]
struct Histogram {
    /// Bound and count of each.
    buckets: Vec<(f64, f64)>,
    /// What `_count` said.
    count: Option<f64>,
}

/// Whether a text keeps the rules; the first fault when it does not.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if !text.ends_with('\n') {
        return Err("no end of the last line".to_owned());
    }
    let mut families = BTreeSet::new();
    let mut series = BTreeSet::new();
    let mut open = Family::default();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let name = help.split(' ').next().unwrap_or_default();
            open.close()?;
            if !is_name(name) || help.len() <= name.len() + 1 {
                return Err(format!("no name or no help: {line}"));
            }
            if !families.insert(name) {
                return Err(format!("twice: {line}"));
            }
            open = Family {
                name,
                ..Family::default()
            };
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let expected = format!("{} ", open.name);
            open.kind = kind
                .strip_prefix(&expected)
                .ok_or_else(|| format!("a type of another family: {line}"))?;
            if !["counter", "gauge", "histogram"].contains(&open.kind) {
                return Err(format!("no type: {line}"));
            }
        } else {
            let sample = sample(line)?;
            if !series.insert(format!("{}{:?}", sample.name, sample.labels)) {
                return Err(format!("twice: {line}"));
            }
            open.take(sample)
                .map_err(|fault| format!("{fault}: {line}"))?;
        }
    }
    open.close()
}

impl<'t> Family<'t> {
    fn take(&mut self, sample: Sample<'t>) -> Result<(), String> {
        let Sample {
            name,
            mut labels,
            value,
        } = sample;
        match self.kind {
            "" => return Err("a value without its type".to_owned()),
            "counter" if !self.name.ends_with("_total") => {
                return Err("a counter without _total".to_owned());
            }
            "counter" | "histogram" if value < 0.0 => return Err("below zero".to_owned()),
            "counter" | "gauge" if name != self.name => {
                return Err("a value of another family".to_owned());
            }
            "counter" | "gauge" => return Ok(()),
            _ => {}
        }
        let end = name
            .strip_prefix(self.name)
            .ok_or("a value of another family")?;
        let le = labels.remove("le");
        let entry = self.histograms.entry(format!("{labels:?}")).or_default();
        match (end, le) {
            ("_bucket", Some(le)) => {
                let bound = number(&le)?;
                if let Some((last, count)) = entry.buckets.last()
                    && (bound <= *last || value < *count)
                {
                    return Err("less than the bucket before".to_owned());
                }
                entry.buckets.push((bound, value));
            }
            ("_count", None) => entry.count = Some(value),
            ("_sum", None) => {}
            _ => return Err("no part of a histogram".to_owned()),
        }
        Ok(())
    }

    fn close(&self) -> Result<(), String> {
        for (labels, Histogram { buckets, count }) in &self.histograms {
            let Some((bound, all)) = buckets.last() else {
                return Err(format!("no bucket for {labels}"));
            };
            if *bound != f64::INFINITY {
                return Err(format!("the last bucket is not +Inf for {labels}"));
            }
            if Some(*all) != *count {
                return Err(format!("the count is not that of all buckets for {labels}"));
            }
        }
        Ok(())
    }
}

fn sample(line: &str) -> Result<Sample<'_>, String> {
    let (rest, value) = line
        .rsplit_once(' ')
        .ok_or_else(|| format!("no value: {line}"))?;
    let value = number(value)?;
    let (name, inside) = match rest.split_once('{') {
        Some((name, inside)) => {
            let inside = inside.strip_suffix('}');
            (
                name,
                inside.ok_or_else(|| format!("labels without end: {line}"))?,
            )
        }
        None => (rest, ""),
    };
    if !is_name(name) {
        return Err(format!("no name: {line}"));
    }
    let labels = labels(inside).ok_or_else(|| format!("a faulty label: {line}"))?;
    Ok(Sample {
        name,
        labels,
        value,
    })
}

/// `a="b",c="d"`, with `\\`, `\"` and `\n` in values.
fn labels(mut text: &str) -> Option<BTreeMap<&str, String>> {
    let mut found = BTreeMap::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    same @ ('\\' | '"') => same,
                    _ => return None,
                }),
                (_, other) => value.push(other),
            }
        };
        if !is_name(name) || name.contains(':') || found.insert(name, value).is_some() {
            return None;
        }
        text = &rest[end + 1..];
        if !text.is_empty() {
            text = text.strip_prefix(',')?;
        }
    }
    Some(found)
}

fn is_name(name: &str) -> bool {
    let begins = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b':';
    name.bytes().next().is_some_and(begins)
        && name
            .bytes()
            .all(|byte| begins(byte) || byte.is_ascii_digit())
}

fn number(text: &str) -> Result<f64, String> {
    match text {
        "+Inf" => Ok(f64::INFINITY),
        _ => text.parse().map_err(|_| format!("no number: {text}")),
    }
}

/// Which alerts of a rules file fire between two scrapes, by name.
///
/// It knows `increase(SELECTOR[RANGE])`, `absent(SELECTOR)`, selectors, a comparison with a
/// number, and `or`. As for Prometheus, a series that only the later scrape has did not increase.
///
/// # Panics
/// When an expression has another form, or uses a series that neither scrape has.
#[allow(dead_code, reason = "only one of the test files has rules")]
pub(crate) fn firing(rules: &str, before: &str, after: &str) -> Vec<String> {
    let lines: Vec<&str> = rules.lines().map(str::trim).collect();
    let alerts = lines.windows(2).filter_map(|pair| {
        let name = pair[0].strip_prefix("- alert: ")?;
        let expression = pair[1].strip_prefix("expr: ").expect("an expression");
        let mut parts = expression.split(" or ");
        let fires = parts.any(|part| holds(part, before, after));
        fires.then(|| name.to_owned())
    });
    alerts.collect()
}

fn holds(expression: &str, before: &str, after: &str) -> bool {
    if let Some(selector) = expression.strip_prefix("absent(") {
        return selected(selector.trim_end_matches(')'), after).is_empty();
    }
    let mut words = expression.rsplitn(3, ' ');
    let number: f64 = words.next().expect("a number").parse().expect("a number");
    let sign = words.next().expect("a comparison");
    let left = words.next().expect("a selector");
    let compare = |value: f64| match sign {
        ">" => value > number,
        "==" => value.total_cmp(&number).is_eq(),
        other => panic!("another comparison: {other}"),
    };
    let Some(ranged) = left.strip_prefix("increase(") else {
        let found = selected(left, after);
        assert!(!found.is_empty(), "no series for {left}");
        return found.into_values().any(compare);
    };
    let (selector, _) = ranged.split_once('[').expect("a range");
    let (first, last) = (selected(selector, before), selected(selector, after));
    assert!(!first.is_empty(), "no series for {selector}");
    let mut last = last.into_iter();
    last.any(|(series, value)| {
        first
            .get(&series)
            .is_some_and(|first| compare(value - first))
    })
}

/// The series of a selector as `name{label="value"}`, by their labels.
fn selected(selector: &str, text: &str) -> BTreeMap<String, f64> {
    let line = format!("{selector} 0");
    let wanted = sample(&line).expect("a selector");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| sample(line).expect("a series"));
    let is_meant = |found: &Sample<'_>| {
        let mut labels = wanted.labels.iter();
        found.name == wanted.name
            && labels.all(|(name, value)| found.labels.get(name) == Some(value))
    };
    let meant = samples.filter(is_meant);
    meant
        .map(|found| (format!("{:?}", found.labels), found.value))
        .collect()
}
