//! `notify calendar`.

use notify_core::Zone;
use notify_match::{Calendar, Span};
use serde_json::json;

use crate::args;
use crate::console::Console;
use crate::event::now;
use crate::exit::{Answer, Exit, Stop};
use crate::{input, time};

/// The most spans that are listed.
const MOST: usize = 100_000;

/// `notify calendar`.
pub(crate) fn calendar(args: &args::Calendar, console: &Console) -> Answer {
    if let Some(file) = &args.batch {
        return batch(input::lines(file)?, console);
    }
    let expression = args.expression.as_deref().unwrap_or_default();
    let zone = args.tz.unwrap_or_default();
    let at = match &args.at {
        Some(text) => {
            time::parse(text, zone).map_err(|error| Stop::usage(format!("--at: {error}")))?
        }
        None => now(),
    };
    if args.next > MOST {
        return Err(Stop::usage(format!(
            "--next: {} is above {MOST}",
            args.next
        )));
    }
    let calendar = Calendar::parse(expression).map_err(|error| Stop::usage(error.to_string()))?;
    let zone = calendar.zone(zone);
    let spans: Vec<Span> = calendar.spans(at, zone).take(args.next).collect();
    let matches = calendar.matches(at, zone);
    if args.json {
        let spans: Vec<_> = spans
            .iter()
            .map(|span| json!({"begin": span.begin, "end": span.end}))
            .collect();
        console.json(&json!({"matches": matches, "zone": zone_name(zone), "spans": spans}));
    } else {
        tell(matches, at, zone, &spans, console);
    }
    Ok(if matches { Exit::Done } else { Exit::Failed })
}

fn tell(matches: bool, at: i64, zone: Zone, spans: &[Span], console: &Console) {
    let clock = |at: i64| zone.at(at).format("%a %Y-%m-%d %H:%M:%S %:z").to_string();
    let word = if matches {
        console.good("matches")
    } else {
        console.bad("does not match")
    };
    console.line(format!("{word} {} ({})", clock(at), zone_name(zone)));
    for span in spans {
        let begin = span.begin.map_or_else(|| "always".to_owned(), clock);
        let end = span.end.map_or_else(|| "for ever".to_owned(), clock);
        console.note(format!("  {begin}  to  {end}"));
    }
    if spans.is_empty() {
        console.note("  it never matches");
    }
}

/// The name of the zone; that of this machine where it has an IANA name.
fn zone_name(zone: Zone) -> String {
    match zone {
        Zone::Named(_) => zone.name().to_owned(),
        Zone::Local => local_zone_name(),
    }
}

/// `TZ`, else what `/etc/localtime` points to, else `local`.
fn local_zone_name() -> String {
    let known = |name: &str| name.parse::<Zone>().is_ok().then(|| name.to_owned());
    if let Ok(name) = std::env::var("TZ") {
        return known(name.trim_start_matches(':')).unwrap_or_else(|| "local".to_owned());
    }
    let link = std::fs::read_link("/etc/localtime").ok();
    let name = link
        .as_ref()
        .and_then(|path| path.to_str())
        .and_then(|path| path.split_once("/zoneinfo/"));
    name.and_then(|(_, name)| known(name))
        .unwrap_or_else(|| "local".to_owned())
}

/// Lines `ZONE<TAB>EXPR<TAB>EPOCH`, one answer each, as soon as the line is there.
fn batch(lines: impl Iterator<Item = Result<Vec<u8>, Stop>>, console: &Console) -> Answer {
    let mut exit = Exit::Done;
    for line in lines {
        let line = line?;
        match answer(line.strip_suffix(b"\r").unwrap_or(&line)) {
            Ok(matches) => console.line(matches),
            Err(reason) => {
                exit = Exit::Failed;
                console.line(format!("error: {reason}"));
            }
        }
    }
    Ok(exit)
}

/// Split at the first and the last tab; the expression is taken byte for byte.
fn answer(line: &[u8]) -> Result<bool, String> {
    let parts = || "expected ZONE<TAB>EXPR<TAB>EPOCH".to_owned();
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_owned())?;
    let (zone, rest) = line.split_once('\t').ok_or_else(parts)?;
    let (expression, epoch) = rest.rsplit_once('\t').ok_or_else(parts)?;
    let zone = if zone.is_empty() {
        Zone::Local
    } else {
        zone.parse().map_err(|error| format!("{error}"))?
    };
    let epoch: i64 = epoch
        .parse()
        .map_err(|_| "the last column is no number of seconds".to_owned())?;
    let epoch = time::in_range(epoch)?;
    let calendar = Calendar::parse(expression).map_err(|error| error.to_string())?;
    Ok(calendar.matches(epoch, zone))
}

#[cfg(test)]
mod tests {
    use super::answer;

    fn check(line: &str, expected: &str) {
        let shown = answer(line.as_bytes())
            .map_or_else(|_| "error".to_owned(), |matches| matches.to_string());
        assert_eq!(shown, expected, "{line:?}");
    }

    #[test]
    fn a_line_is_split_at_the_first_and_the_last_tab() {
        check("Europe/Vienna\t8-12\t1704697200", "true");
        check("Europe/Vienna\t8-12\t1704711600", "false");
        check("UTC\tmon\t8-12\t1704697200", "false");
        check("Europe/Vienna\tmon\t8-12\t1704697200", "true");
        check("UTC\t7-8 Europe/Vienna\t1704697200", "false");
        check("UTC\t 8-12\t0", "error");
        check("UTC\t\t0", "error");
    }

    #[test]
    fn a_line_without_its_parts_is_an_error() {
        check("", "error");
        check("UTC\t8-12", "error");
        check("Nowhere/Else\t8-12\t0", "error");
        check("UTC\t8-12\tnoon", "error");
    }
}
