//! The event or delivery that a person names.

use notify_core::{EventId, History, HistoryQuery};

use crate::exit::Stop;
use crate::seeing::store;

/// How many events an ambiguous name lists.
const LISTED: usize = 5;

/// What stands for the newest event. It is no beginning of an id.
const NEWEST: &str = "last";

/// The beginning of an event's id, and perhaps a target: `018ce7c1.ops-mail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    text: String,
    /// The first and the last id that begin so; none means the newest event.
    range: Option<(EventId, EventId)>,
    /// The target, where one is named.
    pub(crate) target: Option<String>,
}

impl Name {
    /// Of an event.
    pub(crate) fn of_event(text: &str) -> Result<Self, Stop> {
        Name::parse(text, text, None)
    }

    /// Of an event or a delivery.
    pub(crate) fn of_delivery(text: &str) -> Result<Self, Stop> {
        match text.split_once('.') {
            Some((id, target)) => Name::parse(text, id, Some(target.to_owned())),
            None => Name::of_event(text),
        }
    }

    fn parse(text: &str, id: &str, target: Option<String>) -> Result<Self, Stop> {
        let range = match id {
            NEWEST => None,
            _ => Some(Name::range(text, id)?),
        };
        let text = id.to_owned();
        Ok(Name {
            text,
            range,
            target,
        })
    }

    fn range(text: &str, id: &str) -> Result<(EventId, EventId), Stop> {
        let wrong = || {
            Stop::usage(format!("`{}` is no id of an event", text.escape_debug()))
                .with_hint("an id is made of hexadecimal digits: `notify history` shows them")
        };
        let digits: String = id.chars().filter(|c| *c != '-').collect();
        let is_hexadecimal = digits.chars().all(|c| c.is_ascii_hexdigit());
        if digits.is_empty() || digits.len() > 32 || !is_hexadecimal {
            return Err(wrong());
        }
        let filled = |digit: char| -> Result<EventId, Stop> {
            let rest = std::iter::repeat_n(digit, 32 - digits.len());
            let whole: String = digits.chars().chain(rest).collect();
            whole.parse().map_err(|_| wrong())
        };
        Ok((filled('0')?, filled('f')?))
    }

    /// The one event that it means.
    pub(crate) async fn event(&self, history: &dyn History) -> Result<EventId, Stop> {
        let Some((first, last)) = self.range else {
            return self.newest(history).await;
        };
        let ids = history.ids(first, last, LISTED + 1).await;
        let mut ids = ids.map_err(|error| store::stop(&error))?;
        ids.sort_unstable();
        match ids[..] {
            [one] => Ok(one),
            [] => Err(self.unknown()),
            ref several => {
                let shown = several.iter().take(LISTED).map(EventId::to_string);
                let more = if several.len() > LISTED { ", …" } else { "" };
                Err(Stop::usage(format!(
                    "`{}` is the beginning of more than one event",
                    self.text
                ))
                .with_hint(format!("{}{more}", shown.collect::<Vec<_>>().join(", "))))
            }
        }
    }

    async fn newest(&self, history: &dyn History) -> Result<EventId, Stop> {
        let newest = HistoryQuery {
            most: 1,
            ..HistoryQuery::default()
        };
        let events = history.events(&newest).await;
        let events = events.map_err(|error| store::stop(&error))?;
        let newest = events.first().map(|event| event.id);
        newest.ok_or_else(|| self.unknown())
    }

    /// That there is no such event.
    pub(crate) fn unknown(&self) -> Stop {
        Stop::usage(format!("there is no event `{}`", self.text))
            .with_hint("`notify history` lists the events that are kept")
    }
}

#[cfg(test)]
mod tests {
    use super::{NEWEST, Name};

    #[test]
    fn a_beginning_stands_for_all_ids_that_begin_with_it() {
        let name = Name::of_event("018CE7C1-a").expect("digits");
        let (first, last) = name.range.expect("a range");
        assert_eq!(first.to_string(), "018ce7c1-a000-0000-0000-000000000000");
        assert_eq!(last.to_string(), "018ce7c1-afff-ffff-ffff-ffffffffffff");
        let whole = Name::of_event("018ce7c1-a000-7000-8000-000000000001").expect("an id");
        let (first, last) = whole.range.expect("a range");
        assert_eq!(first, last);
    }

    #[test]
    fn the_newest_event_has_a_name_that_is_no_id() {
        let name = Name::of_delivery("last.mail").expect("a name");
        assert_eq!((name.range, name.target.as_deref()), (None, Some("mail")));
        assert!(NEWEST.contains(|c: char| !c.is_ascii_hexdigit()));
    }

    #[test]
    fn a_delivery_has_a_target() {
        let name = Name::of_delivery("018c.ops.mail").expect("digits and a target");
        assert_eq!(name.target.as_deref(), Some("ops.mail"));
        assert_eq!(name.text, "018c");
        assert_eq!(Name::of_delivery("018c").expect("digits").target, None);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for bad in [
            "",
            "-",
            "x",
            "018c.t",
            "018ce7c1-a000-7000-8000-0000000000012",
        ] {
            let stop = Name::of_event(bad).expect_err(bad);
            assert!(stop.message.contains("is no id"), "{stop}");
        }
        assert!(Name::of_delivery(".ops-mail").is_err());
    }
}
