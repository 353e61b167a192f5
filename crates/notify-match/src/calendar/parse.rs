//! From text to [`Calendar`].

use chrono_tz::Tz;
use notify_schema::excerpt;

use super::{ALL_DAYS, Calendar, DAY, Hours, Pve};

/// Why a text is no calendar, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at column {column} of `{text}`")]
pub struct CalendarError {
    kind: CalendarErrorKind,
    offset: usize,
    column: usize,
    text: String,
}

/// What is wrong with a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CalendarErrorKind {
    /// There is nothing, or something else than days or a span at the start.
    #[error("expected a weekday or a time, as `mon-fri` or `9-17`,")]
    Start,
    /// `mon` to `sun`, or the whole English word.
    #[error("expected a weekday, `mon` to `sun`,")]
    Weekday,
    /// An hour, perhaps with minutes.
    #[error("expected a time, as `8` or `8:30`,")]
    Time,
    /// Minutes after a colon.
    #[error("expected minutes")]
    Minutes,
    /// 0 to 23, and 24 as the end.
    #[error("expected an hour from 0 to 23, or 24:00 as the end,")]
    HourTooLarge,
    /// 0 to 59, and 24:00 has no minutes.
    #[error("expected minutes from 0 to 59, none after 24,")]
    MinuteTooLarge,
    /// `-` between the times.
    #[error("expected `-` and the end of the span")]
    Dash,
    /// Blanks at the end.
    #[error("unexpected blank")]
    TrailingBlank,
    /// A last word that is no zone.
    #[error("expected the IANA name of a time zone, as `Europe/Vienna`,")]
    Zone,
    /// Something after a whole calendar.
    #[error("expected the end of the calendar")]
    Rest,
}

impl CalendarError {
    /// What is wrong.
    pub fn kind(&self) -> CalendarErrorKind {
        self.kind
    }

    /// Where, in bytes from 0.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Where, in characters from 1.
    pub fn column(&self) -> usize {
        self.column
    }
}

/// Reads a whole text.
pub(super) fn calendar(text: &str) -> Result<Calendar, CalendarError> {
    let mut parser = Parser {
        text,
        at: 0,
        dashes: Vec::new(),
    };
    parser
        .calendar()
        .map_err(|kind| error(kind, text, parser.at))
}

fn error(kind: CalendarErrorKind, text: &str, at: usize) -> CalendarError {
    CalendarError {
        kind,
        offset: at,
        column: text[..at].chars().count() + 1,
        text: excerpt(text),
    }
}

type Parsed<T> = Result<T, CalendarErrorKind>;

/// Reads from the left; `at` stands where the fault is when a step fails, always between characters.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Where a `-` stands between weekdays: Proxmox VE wants `..` there.
    dashes: Vec<usize>,
}

impl Parser<'_> {
    fn calendar(&mut self) -> Parsed<Calendar> {
        let days = match self.peek() {
            Some(byte) if byte.is_ascii_alphabetic() => Some(self.days()?),
            Some(byte) if byte.is_ascii_digit() => None,
            _ => return Err(CalendarErrorKind::Start),
        };
        let after_days = self.at;
        self.blanks();
        let span = if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            Some(self.span()?)
        } else {
            self.at = after_days;
            None
        };
        let zone = self.zone()?;
        Ok(self.made(days, span, zone))
    }

    fn made(&self, days: Option<u8>, span: Option<(u16, u16)>, zone: Option<Tz>) -> Calendar {
        let (start, end) = span.unwrap_or((0, DAY));
        let plain = span.is_some() && start <= end && end < DAY && zone.is_none();
        Calendar {
            text: self.text.into(),
            hours: Hours {
                days: days.unwrap_or(ALL_DAYS),
                start,
                end,
            },
            zone,
            pve: match (plain, self.dashes.is_empty()) {
                (true, true) => Pve::Accepts,
                (true, false) => Pve::Strict(self.with_dots()),
                (false, _) => Pve::Cannot,
            },
        }
    }

    /// The text with `..` for each `-` between weekdays.
    fn with_dots(&self) -> Box<str> {
        let mut strict = String::with_capacity(self.text.len() + self.dashes.len());
        let mut copied = 0;
        for dash in &self.dashes {
            strict.push_str(&self.text[copied..*dash]);
            strict.push_str("..");
            copied = dash + 1;
        }
        strict.push_str(&self.text[copied..]);
        strict.into()
    }

    fn days(&mut self) -> Parsed<u8> {
        let mut days = self.day_item()?;
        while self.take(",") {
            days |= self.day_item()?;
        }
        Ok(days)
    }

    fn day_item(&mut self) -> Parsed<u8> {
        let first = self.weekday()?;
        // A `-` here cannot begin a span, which would have a time before it.
        let dash = self.at;
        let last = if self.take("..") {
            self.weekday()?
        } else if self.take("-") {
            self.dashes.push(dash);
            self.weekday()?
        } else {
            first
        };
        Ok(from_to(first, last))
    }

    fn weekday(&mut self) -> Parsed<u8> {
        let word = self.rest().as_bytes();
        let length = word
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let day = weekday(&word[..length]).ok_or(CalendarErrorKind::Weekday)?;
        self.at += length;
        Ok(day)
    }

    fn span(&mut self) -> Parsed<(u16, u16)> {
        let start = self.time(false)?;
        self.blanks();
        if !self.take("-") {
            return Err(CalendarErrorKind::Dash);
        }
        self.blanks();
        Ok((start, self.time(true)?))
    }

    /// A minute of the day; 24:00 only where it is the end.
    fn time(&mut self, end: bool) -> Parsed<u16> {
        let before = self.at;
        let hour = self.number().ok_or(CalendarErrorKind::Time)?;
        if hour > 24 || (hour == 24 && !end) {
            self.at = before;
            return Err(CalendarErrorKind::HourTooLarge);
        }
        if !self.take(":") {
            return Ok(hour * 60);
        }
        let before = self.at;
        let minute = self.number().ok_or(CalendarErrorKind::Minutes)?;
        if minute > 59 || (hour == 24 && minute > 0) {
            self.at = before;
            return Err(CalendarErrorKind::MinuteTooLarge);
        }
        Ok(hour * 60 + minute)
    }

    /// Decimal digits; a number too large to hold is as good as any other too large one.
    fn number(&mut self) -> Option<u16> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit);
        let (length, value) = digits.fold((0, 0u16), |(length, value), digit| {
            let value = value
                .saturating_mul(10)
                .saturating_add(u16::from(digit - b'0'));
            (length + 1, value)
        });
        self.at += length;
        (length > 0).then_some(value)
    }

    /// The end of the text, or blanks and a zone before it.
    fn zone(&mut self) -> Parsed<Option<Tz>> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let before = self.at;
        if !self.blanks() {
            return Err(CalendarErrorKind::Rest);
        }
        if self.rest().is_empty() {
            self.at = before;
            return Err(CalendarErrorKind::TrailingBlank);
        }
        let zone = self.rest().parse().map_err(|_| CalendarErrorKind::Zone)?;
        self.at = self.text.len();
        Ok(Some(zone))
    }

    /// Skips blanks and tabs; whether there were any.
    fn blanks(&mut self) -> bool {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        self.at += length;
        length > 0
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self.rest().starts_with(word);
        if taken {
            self.at += word.len();
        }
        taken
    }

    fn peek(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }
}

/// 0 for Monday.
fn weekday(word: &[u8]) -> Option<u8> {
    const WORDS: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let is = |day: &&str| {
        word.eq_ignore_ascii_case(day.as_bytes()) || word.eq_ignore_ascii_case(&day.as_bytes()[..3])
    };
    (0..)
        .zip(WORDS)
        .find(|(_, day)| is(day))
        .map(|(index, _)| index)
}

/// The weekdays from one to another, over Sunday when the last is the earlier.
fn from_to(first: u8, last: u8) -> u8 {
    let length = (last + 7 - first) % 7;
    (0..=length).fold(0, |days, step| days | 1 << ((first + step) % 7))
}
