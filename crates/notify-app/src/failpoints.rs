//! What a test may do to a program that is made for it: end it at a named place, and set its clock.
//!
//! This is compiled only with the feature `failpoints`, and does nothing until
//! [`arm`] is called. The program that is shipped does neither.
//!
//! | variable | what it says |
//! |---|---|
//! | `NOTIFY_FAILPOINT` | `PLACE:TIME` or `PLACE:TIME:MS`: SIGKILL when the place is reached for that time (1 is the first), after so many milliseconds there |
//! | `NOTIFY_CLOCK_OFFSET_FILE` | a file with a number: by so many seconds the wall clock is ahead |

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use notify_core::failpoint;
use rustix::process::{Signal, getpid, kill_process};

static PLACE: OnceLock<Place> = OnceLock::new();
static OFFSET: OnceLock<PathBuf> = OnceLock::new();

/// Does from now on what the environment of this process says.
///
/// # Panics
/// When `NOTIFY_FAILPOINT` is malformed: a test that ends nothing would prove nothing.
pub fn arm() {
    if let Ok(text) = std::env::var("NOTIFY_FAILPOINT") {
        let place = text.parse().expect("NOTIFY_FAILPOINT is PLACE:TIME[:MS]");
        PLACE.get_or_init(|| place);
        failpoint::set_hook(reached);
    }
    if let Some(file) = std::env::var_os("NOTIFY_CLOCK_OFFSET_FILE") {
        OFFSET.get_or_init(|| file.into());
    }
}

/// What a wall clock shows that was set as the test wants it.
pub(crate) fn set(wall: SystemTime) -> SystemTime {
    let text = OFFSET
        .get()
        .and_then(|file| std::fs::read_to_string(file).ok());
    let seconds: i64 = text.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let by = Duration::from_secs(seconds.unsigned_abs());
    let set = match seconds {
        0.. => wall.checked_add(by),
        _ => wall.checked_sub(by),
    };
    set.unwrap_or(wall)
}

fn reached(name: &'static str) {
    if PLACE.get().is_some_and(|place| place.is_due(name)) {
        // As an administrator or the kernel does it: nothing is unwound or flushed.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

/// Where the process ends.
#[derive(Debug)]
struct Place {
    name: String,
    time: u64,
    stall: Duration,
    passed: AtomicU64,
}

impl Place {
    /// Whether this is the place and the time. It waits there first.
    fn is_due(&self, name: &str) -> bool {
        let is_due =
            name == self.name && self.passed.fetch_add(1, Ordering::SeqCst) + 1 == self.time;
        if is_due {
            std::thread::sleep(self.stall);
        }
        is_due
    }
}

/// A text that names no place.
#[derive(Debug)]
struct Malformed;

impl FromStr for Place {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut parts = text.split(':');
        let number = |part: Option<&str>, default| match part {
            Some(digits) => digits.parse().map_err(|_| Malformed),
            None => Ok(default),
        };
        let name = parts.next().filter(|name| !name.is_empty());
        let place = Place {
            name: name.ok_or(Malformed)?.to_owned(),
            time: number(parts.next(), 1)?,
            stall: Duration::from_millis(number(parts.next(), 0)?),
            passed: AtomicU64::new(0),
        };
        match parts.next() {
            None if place.time > 0 => Ok(place),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_is_due_once() {
        let place: Place = "before-commit:2".parse().expect("a place");
        let due = [
            "before-commit",
            "after-commit",
            "before-commit",
            "before-commit",
        ];
        let due = due.map(|name| place.is_due(name));
        assert_eq!(due, [false, false, true, false]);
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["", ":1", "a:0", "a:b", "a:1:b", "a:1:1:1", "a:-1"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
        assert!("a".parse::<Place>().is_ok() && "a:3:20".parse::<Place>().is_ok());
    }
}
