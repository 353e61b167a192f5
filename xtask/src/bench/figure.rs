//! What was measured, and where benches leave it.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;

use crate::failed::{Failed, Outcome};

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure {
    /// As `route/corpus-a/1000`.
    pub(super) name: String,
    /// In the base unit of its dimension: ns, B, or 1.
    pub(super) value: f64,
    /// What it measures.
    pub(super) dimension: Dimension,
}

/// What a figure measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    /// In ns.
    Time,
    /// In bytes.
    Size,
    /// A ratio, or a count.
    Number,
    /// In events a second.
    Rate,
}

/// Units with their size in the base unit, per dimension from small to large.
const UNITS: [(&str, f64, Dimension); 9] = [
    ("ns", 1.0, Dimension::Time),
    ("us", 1e3, Dimension::Time),
    ("ms", 1e6, Dimension::Time),
    ("s", 1e9, Dimension::Time),
    ("B", 1.0, Dimension::Size),
    ("kB", 1e3, Dimension::Size),
    ("MB", 1e6, Dimension::Size),
    ("x", 1.0, Dimension::Number),
    ("/s", 1.0, Dimension::Rate),
];

impl Figure {
    /// A value in one of the units; none when there is no such unit.
    pub(super) fn new(name: &str, value: f64, unit: &str) -> Option<Self> {
        let (_, size, dimension) = UNITS.into_iter().find(|(known, ..)| *known == unit)?;
        Some(Figure {
            name: name.to_owned(),
            value: value * size,
            dimension,
        })
    }

    /// With the unit that a person would choose, as `5.9 us`.
    pub(super) fn text(&self) -> String {
        text(self.value, self.dimension)
    }
}

/// A value in base units with the unit that a person would choose.
pub(super) fn text(value: f64, dimension: Dimension) -> String {
    let of_dimension = || UNITS.iter().filter(|(_, _, of)| *of == dimension);
    let fitting = of_dimension().rfind(|(_, size, _)| value.abs() >= *size);
    let (unit, size, _) = fitting
        .or_else(|| of_dimension().next())
        .expect("every dimension has a unit");
    let scaled = value / size;
    let decimals = match scaled.abs() {
        large if large >= 100.0 => 0,
        medium if medium >= 10.0 => 1,
        _ => 2,
    };
    format!("{scaled:.decimals$} {unit}")
}

/// The size of a file.
pub(super) fn size_of(name: &str, path: &Path) -> Outcome<Figure> {
    let file = fs::metadata(path).map_err(|error| Failed::at(path, error))?;
    Ok(Figure {
        name: name.to_owned(),
        value: file.len() as f64,
        dimension: Dimension::Size,
    })
}

/// The lines of JSON among all that a bench printed.
pub(super) fn printed_lines(printed: &str) -> impl Iterator<Item = Figure> {
    printed.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line.trim()).ok()?;
        let (name, value, unit) = (&line["name"], &line["value"], &line["unit"]);
        Figure::new(name.as_str()?, value.as_f64()?, unit.as_str()?)
    })
}

/// The medians that criterion has written below a folder since a time.
pub(super) fn of_criterion(folder: &Path, since: SystemTime) -> Outcome<Vec<Figure>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        // No crate has a bench of criterion's, or none was asked for.
        return Ok(found);
    };
    for entry in entries {
        let path = entry.map_err(|error| Failed::at(folder, error))?.path();
        if path.ends_with("new") {
            found.extend(median(&path, since)?);
        } else if path.is_dir() {
            found.extend(of_criterion(&path, since)?);
        }
    }
    Ok(found)
}

/// The median in a folder `new`; none when an earlier run wrote it.
fn median(folder: &Path, since: SystemTime) -> Outcome<Option<Figure>> {
    let estimates = folder.join("estimates.json");
    let written = fs::metadata(&estimates).and_then(|file| file.modified());
    if written.map_err(|error| Failed::at(&estimates, error))? < since {
        return Ok(None);
    }
    let id = read(&folder.join("benchmark.json"))?;
    let median = &read(&estimates)?["median"]["point_estimate"];
    let (Some(name), Some(value)) = (id["full_id"].as_str(), median.as_f64()) else {
        return Err(Failed::at(folder, "not what criterion writes"));
    };
    Ok(Figure::new(name, value, "ns"))
}

fn read(path: &Path) -> Outcome<Value> {
    let text = fs::read_to_string(path).map_err(|error| Failed::at(path, error))?;
    serde_json::from_str(&text).map_err(|error| Failed::at(path, error))
}

#[cfg(test)]
mod tests {
    use super::{Dimension, Figure, of_criterion, printed_lines, text};
    use std::fs;
    use std::time::{Duration, SystemTime};

    #[test]
    fn values_are_written_in_the_unit_of_a_person() {
        for (value, dimension, expected) in [
            (0.25, Dimension::Time, "0.25 ns"),
            (5_900.0, Dimension::Time, "5.90 us"),
            (64_000.0, Dimension::Time, "64.0 us"),
            (1_560_000.0, Dimension::Time, "1.56 ms"),
            (128_400_000.0, Dimension::Time, "128 ms"),
            (11_900_000.0, Dimension::Size, "11.9 MB"),
            (24.6, Dimension::Number, "24.6 x"),
        ] {
            assert_eq!(text(value, dimension), expected);
        }
    }

    #[test]
    fn lines_of_json_are_figures_and_other_lines_are_not() {
        let printed = "running\n{\"name\": \"a\", \"value\": 2, \"unit\": \"ms\"}\n\
                       {\"name\": \"b\", \"value\": 2, \"unit\": \"miles\"}\n{}\n12\n";
        let figures: Vec<_> = printed_lines(printed).collect();
        assert_eq!(figures, [Figure::new("a", 2e6, "ns").expect("a unit")]);
    }

    #[test]
    fn medians_of_this_run_are_found_at_any_depth() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for bench in ["route/10", "parse"] {
            let new = folder.path().join(bench).join("new");
            fs::create_dir_all(&new).expect("a folder");
            let id = format!("{{\"full_id\": \"{bench}\"}}");
            fs::write(new.join("benchmark.json"), id).expect("a file");
            let estimates = "{\"median\": {\"point_estimate\": 12.5}}";
            fs::write(new.join("estimates.json"), estimates).expect("a file");
        }
        let since = |time| {
            let mut found = of_criterion(folder.path(), time).expect("criterion's files");
            found.sort_by(|a, b| a.name.cmp(&b.name));
            found
        };
        let figure = |name| Figure::new(name, 12.5, "ns").expect("a unit");
        let all = [figure("parse"), figure("route/10")];
        assert_eq!(since(SystemTime::UNIX_EPOCH), all);
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(since(later), []);
    }
}
