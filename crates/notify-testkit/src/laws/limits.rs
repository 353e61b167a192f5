//! Laws of limits: a text as long as a target allows arrives whole.

use notify_core::{Limit, Limits};

use super::peer::Situation;
use super::trial::{Findings, Trial, said};

/// Longer texts say no more about a limit, and take long.
const LONGEST: usize = 256 * 1024;

/// Characters of every width in every unit.
const WORDS: &str = "Büro 🔥 日本 ";

pub(super) async fn laws(findings: &mut Findings<'_>) {
    let Some(trial) = findings.arrange(Situation::Accepts).await else {
        return;
    };
    let limits = trial.target.limits();
    for (part, limit) in [("title", limits.title), ("body", limits.body)] {
        let Some(limit) = limit else { continue };
        findings.law("a limit leaves room for a word", limit.max >= 16, || {
            format!("{part}: {limit}")
        });
        stands_in_the_manual(findings, &trial, part, limit);
    }
    if limits != Limits::NONE {
        as_long_as_allowed(findings, &trial, limits).await;
    }
}

/// The number, unless the section itself names it.
fn stands_in_the_manual(findings: &mut Findings<'_>, trial: &Trial, part: &str, limit: Limit) {
    let numbers = [limit.max.to_string(), grouped(limit.max)];
    let is_told = numbers.iter().any(|number| {
        findings.kind.manual.contains(number) || trial.stage.section.has_value(number)
    });
    findings.law("a manual names the limits", is_told, || {
        format!("{part}: {limit}")
    });
}

async fn as_long_as_allowed(findings: &mut Findings<'_>, trial: &Trial, limits: Limits) {
    let subject = filled(limits.title, "");
    let text = filled(limits.body, "\n");
    let delivery = findings
        .delivery(&subject, &text)
        .host(trial.stage.host.clone());
    let Some(result) = findings.attempt(trial, &delivery).await else {
        return;
    };
    let arrivals = trial.arrivals(1).await;
    let whole = matches!(&arrivals[..], [arrival]
        if arrival.subject == subject && arrival.text.replace("\r\n", "\n").contains(&text));
    findings.law("a text as long as the limit arrives whole", whole, || {
        let lengths: Vec<_> = arrivals
            .iter()
            .map(|arrival| (arrival.subject.len(), arrival.text.len()))
            .collect();
        let sent = (subject.len(), text.len());
        format!(
            "{sent:?} bytes were sent, {lengths:?} arrived, {}",
            said(&result)
        )
    });
}

/// As many words as the limit holds, and no blank at the end; `between` stands between lines.
fn filled(limit: Option<Limit>, between: &str) -> String {
    let Some(limit) = limit else {
        return "short".to_owned();
    };
    let limit = Limit::new(limit.max.min(LONGEST), limit.unit);
    let line = WORDS.repeat(3) + between;
    let mut text = String::new();
    let mut length = 0;
    for character in line.chars().cycle() {
        let width = limit.unit.width(character);
        // Room for the `x` that ends it.
        if length + width >= limit.max {
            break;
        }
        text.push(character);
        length += width;
    }
    text.push_str(&"x".repeat(limit.max.saturating_sub(length)));
    text
}

/// `4096` as `4,096`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text that a target may be given: within the limit, its begin and its end kept.
///
/// Whoever delivers in earnest shortens by meaning; here only the length counts.
pub(super) fn within(text: &str, limit: Option<Limit>) -> String {
    let Some(limit) = limit.filter(|limit| !limit.holds(text)) else {
        return text.to_owned();
    };
    let half = limit.max / 2;
    let begin = taken(text.chars(), limit, half);
    let end = taken(text.chars().rev(), limit, half);
    begin.into_iter().chain(end.into_iter().rev()).collect()
}

fn taken(characters: impl Iterator<Item = char>, limit: Limit, most: usize) -> Vec<char> {
    let mut length = 0;
    characters
        .take_while(|character| {
            length += limit.unit.width(*character);
            length <= most
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{filled, grouped, within};
    use notify_core::{Limit, Unit};

    #[test]
    fn a_text_fills_its_limit_to_the_last_unit() {
        for unit in Unit::ALL {
            for max in 16..80 {
                let text = filled(Some(Limit::new(max, unit)), "\n");
                assert_eq!(unit.length(&text), max, "{unit:?}");
                assert!(text.ends_with('x'), "{text:?}");
            }
        }
    }

    #[test]
    fn begin_and_end_are_kept() {
        let limit = Some(Limit::new(10, Unit::Utf16));
        assert_eq!(within("before🔥🔥🔥after", limit), "beforafter");
        assert_eq!(within("short", limit), "short");
        assert_eq!(within("before and after", None), "before and after");
    }

    #[test]
    fn numbers_are_read_by_people() {
        for (number, text) in [(16, "16"), (4096, "4,096"), (1_048_576, "1,048,576")] {
            assert_eq!(grouped(number), text);
        }
    }
}
