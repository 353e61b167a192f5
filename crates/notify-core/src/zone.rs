//! The zone in which wall clocks are read.

use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, FixedOffset, Local, TimeZone as _, Utc};
use chrono_tz::Tz;
use notify_schema::excerpt;

/// A time zone, given as an argument to whatever reads a wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// The zone of this machine: `TZ`, else `/etc/localtime`.
    ///
    /// [`Zone::at`] reads them, and chrono keeps what it read for a while. It is
    /// all that this crate reads of the system; `cargo xtask tidy` allows
    /// chrono's `Local` in this file only.
    #[default]
    Local,
    /// A zone of the IANA database.
    Named(Tz),
}

impl Zone {
    /// The instants that have a wall clock in every zone, in seconds since 1970: some 260,000 years either way.
    pub const INSTANTS: RangeInclusive<i64> = MIN_SECONDS..=MAX_SECONDS;

    /// The wall clock at an instant. Instants that no calendar has are moved to the nearest that it has.
    pub fn at(self, epoch_seconds: i64) -> DateTime<FixedOffset> {
        let bounded = epoch_seconds.clamp(MIN_SECONDS, MAX_SECONDS);
        let utc = Utc.timestamp_opt(bounded, 0).single().unwrap_or_default();
        match self {
            Zone::Local => utc.with_timezone(&Local).fixed_offset(),
            Zone::Named(zone) => utc.with_timezone(&zone).fixed_offset(),
        }
    }

    /// The IANA name, or `local`.
    pub fn name(self) -> &'static str {
        match self {
            Zone::Local => "local",
            Zone::Named(zone) => zone.name(),
        }
    }
}

// A year before and after the last years that chrono has, so that no offset leaves the calendar.
const MIN_SECONDS: i64 = -8_334_600_000_000;
const MAX_SECONDS: i64 = 8_210_200_000_000;

/// A name that is no zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the IANA name of a time zone, as Europe/Vienna, not `{}`", excerpt(.0))]
pub struct UnknownZone(pub String);

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        name.parse()
            .map(Zone::Named)
            .map_err(|_| UnknownZone(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Zone;

    #[test]
    fn a_named_zone_has_its_own_clock() {
        let vienna: Zone = "Europe/Vienna".parse().expect("a zone");
        assert_eq!(
            vienna.at(1_704_697_200).to_string(),
            "2024-01-08 08:00:00 +01:00"
        );
        assert!("Europe/Nowhere".parse::<Zone>().is_err());
    }

    #[test]
    fn no_instant_is_out_of_bounds() {
        for zone in ["Europe/Vienna", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let zone: Zone = zone.parse().expect("a zone");
            for seconds in [i64::MIN, i64::MAX, 0] {
                let _ = zone.at(seconds).to_string();
                let _ = Zone::Local.at(seconds).to_string();
            }
        }
    }
}
