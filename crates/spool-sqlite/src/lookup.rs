//! Which deliveries a person means.

use notify_core::{EventId, Selection};

/// Deliveries as the writer looks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Of an event; of it only the one to a target, when it is named.
    Event(EventId, Option<String>),
    /// To a target.
    Target(String),
    /// All.
    All,
}

impl Wanted {
    /// None for a key that no delivery can have.
    pub(crate) fn of(selection: &Selection) -> Option<Self> {
        Some(match selection {
            Selection::Event(id) => Wanted::Event(*id, None),
            Selection::Key(key) => {
                let (id, target) = key.split_once('.')?;
                Wanted::Event(id.parse().ok()?, Some(target.to_owned()))
            }
            Selection::Target(name) => Wanted::Target(name.clone()),
            Selection::All => Wanted::All,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;
    use notify_core::Selection;

    #[test]
    fn a_key_is_an_event_and_a_target() {
        let id = "00000000-0002-7000-8000-000000000000";
        let key = Selection::Key(format!("{id}.ops.mail"));
        let event = Wanted::Event(id.parse().expect("an id"), Some("ops.mail".to_owned()));
        assert_eq!(Wanted::of(&key), Some(event));
        for wrong in ["", id, "x.y", "a\n.b"] {
            assert_eq!(
                Wanted::of(&Selection::Key(wrong.to_owned())),
                None,
                "{wrong:?}"
            );
        }
    }
}
