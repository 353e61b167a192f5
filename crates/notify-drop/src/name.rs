//! The names of files in the drop.
//!
//! `mail.SLOT.ID` is a mail, `temp.SLOT.ID` one that is being written,
//! `slot.SLOT` and `big.BIG` are the places that mails have taken. A mail above
//! [`SMALL`] has a place of both kinds and is named `mail.SLOT+BIG.ID`; one that
//! was cut ends in `.cut`.

use notify_core::EventId;

/// How many mails may lie in the drop.
pub(crate) const SLOTS: u16 = 1000;
/// How many of them may be larger than [`SMALL`].
pub(crate) const BIG_SLOTS: u16 = 32;
/// The largest mail, in bytes, that needs no second place.
pub(crate) const SMALL: u64 = 1 << 20;

/// The place of a mail, and of a big one the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) slot: u16,
    pub(crate) big: Option<u16>,
}

/// What a file of the drop is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Mail {
        places: Places,
        id: EventId,
        cut: bool,
    },
    Temp {
        slot: u16,
        id: EventId,
    },
    Slot(u16),
    Big(u16),
}

impl Name {
    /// None for a name that no mail leaves behind.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once('.')?;
        let parsed = match kind {
            "mail" => {
                let (places, rest) = rest.split_once('.')?;
                let (slot, big) = match places.split_once('+') {
                    Some((slot, big)) => (slot, Some(number(big, BIG_SLOTS)?)),
                    None => (places, None),
                };
                let slot = number(slot, SLOTS)?;
                let (id, cut) = match rest.strip_suffix(".cut") {
                    Some(id) => (id, true),
                    None => (rest, false),
                };
                let places = Places { slot, big };
                let id = id.parse().ok()?;
                Name::Mail { places, id, cut }
            }
            "temp" => {
                let (slot, id) = rest.split_once('.')?;
                Name::Temp {
                    slot: number(slot, SLOTS)?,
                    id: id.parse().ok()?,
                }
            }
            "slot" => Name::Slot(number(rest, SLOTS)?),
            "big" => Name::Big(number(rest, BIG_SLOTS)?),
            _ => return None,
        };
        // `mail.7.…` would be a second name of `mail.007.…`.
        (parsed.text() == name).then_some(parsed)
    }

    /// The name of the place that it has, or is.
    pub(crate) fn slot(self) -> String {
        match self {
            Name::Mail {
                places: Places { slot, .. },
                ..
            }
            | Name::Temp { slot, .. } => Name::Slot(slot).text(),
            Name::Slot(_) | Name::Big(_) => self.text(),
        }
    }

    /// The name of the file.
    pub(crate) fn text(self) -> String {
        match self {
            Name::Mail { places, id, cut } => {
                let big = places
                    .big
                    .map_or_else(String::new, |big| format!("+{big:02}"));
                let cut = if cut { ".cut" } else { "" };
                format!("mail.{:03}{big}.{id}{cut}", places.slot)
            }
            Name::Temp { slot, id } => format!("temp.{slot:03}.{id}"),
            Name::Slot(slot) => format!("slot.{slot:03}"),
            Name::Big(big) => format!("big.{big:02}"),
        }
    }
}

fn number(text: &str, most: u16) -> Option<u16> {
    text.parse().ok().filter(|number| *number < most)
}

#[cfg(test)]
mod tests {
    use super::{BIG_SLOTS, Name, Places, SLOTS};
    use notify_core::EventId;
    use proptest::prelude::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn names() -> impl Strategy<Value = Name> {
        let id = (any::<u32>(), any::<[u8; 10]>()).prop_map(|(millis, random)| {
            EventId::new(UNIX_EPOCH + Duration::from_millis(millis.into()), random)
        });
        let slot = 0..SLOTS;
        let big = proptest::option::of(0..BIG_SLOTS);
        (0..4, slot, big, id, any::<bool>()).prop_map(|(kind, slot, big, id, cut)| match kind {
            0 => Name::Mail {
                places: Places { slot, big },
                id,
                cut,
            },
            1 => Name::Temp { slot, id },
            2 => Name::Slot(slot),
            _ => Name::Big(big.unwrap_or(0)),
        })
    }

    proptest! {
        #[test]
        fn a_name_reads_back(name in names()) {
            prop_assert_eq!(Name::parse(&name.text()), Some(name));
        }

        #[test]
        fn any_text_is_read_without_panic_and_has_one_form(text in "(mail|temp|slot|big)?[.+0-9a-f-]{0,60}(\\.cut)?") {
            if let Some(name) = Name::parse(&text) {
                prop_assert_eq!(name.text(), text);
            }
        }
    }

    #[test]
    fn strange_names_are_none() {
        let id = "00000000-0002-7000-8000-000000000000";
        for name in [
            String::new(),
            "mail".to_owned(),
            format!("mail.7.{id}"),
            format!("mail.1000.{id}"),
            format!("mail.001+99.{id}"),
            format!("mail.001.{id}.cut.cut"),
            format!("mail.001.{id}/../x"),
            format!("mail.001.{}", id.replace('-', "")),
            "slot.+01".to_owned(),
        ] {
            assert_eq!(Name::parse(&name), None, "{name}");
        }
        assert!(Name::parse(&format!("mail.001+07.{id}.cut")).is_some());
    }
}
