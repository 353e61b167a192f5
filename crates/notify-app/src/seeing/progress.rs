//! How far a long work is, on a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};

use crate::console::Console;

const WIDTH: u8 = 30;
/// No share has been drawn.
const NOTHING: u8 = u8::MAX;

/// A bar on standard error; nothing when that is no terminal. It is wiped when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    is_shown: bool,
    drawn: AtomicU8,
}

impl Progress {
    /// Of this work, as `looking`.
    pub(crate) fn of(what: &'static str, console: &Console) -> Self {
        Progress {
            what,
            is_shown: !console.is_quiet() && std::io::stderr().is_terminal(),
            drawn: AtomicU8::new(NOTHING),
        }
    }

    /// How much is done, from 0 to 1.
    pub(crate) fn tell(&self, done: f64) {
        let percent = percent(done);
        if self.is_shown && self.drawn.swap(percent, Ordering::Relaxed) != percent {
            // Nobody is left to tell.
            let _ = write!(std::io::stderr(), "\r{}", bar(self.what, percent));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.load(Ordering::Relaxed) != NOTHING {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

fn percent(done: f64) -> u8 {
    let percent = (done * 100.0).clamp(0.0, 100.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between 0 and 100"
    )]
    let percent = percent as u8;
    percent
}

fn bar(what: &str, percent: u8) -> String {
    let full = usize::from(percent) * usize::from(WIDTH) / 100;
    let rest = usize::from(WIDTH) - full;
    format!(
        "{what} [{}{}] {percent:3} %",
        "#".repeat(full),
        ".".repeat(rest)
    )
}

#[cfg(test)]
mod tests {
    use super::{bar, percent};

    #[test]
    fn a_bar_fills() {
        assert_eq!(
            bar("looking", 0),
            format!("looking [{}]   0 %", ".".repeat(30))
        );
        assert_eq!(
            bar("looking", 50),
            format!("looking [{}{}]  50 %", "#".repeat(15), ".".repeat(15))
        );
        assert_eq!(
            bar("looking", 100),
            format!("looking [{}] 100 %", "#".repeat(30))
        );
    }

    #[test]
    fn what_is_no_share_is_one() {
        assert_eq!(
            [-1.0, f64::NAN, 0.299, 1.0, 7.0].map(percent),
            [0, 0, 29, 100, 100]
        );
    }
}
