//! What the program prints: answers on standard output, remarks and faults on standard error.

use std::cell::Cell;
use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal as _, Write};

use anstyle::{AnsiColor, Style};
use notify_schema::{Fault, Level};

use crate::args::Color;
use crate::exit::Stop;

/// The two streams, and how much to say.
#[derive(Debug)]
pub(crate) struct Console {
    color_out: bool,
    color_err: bool,
    quiet: bool,
    pub(crate) verbose: bool,
    broken: Cell<bool>,
    closed: Cell<bool>,
}

impl Console {
    pub(crate) fn new(color: Color, quiet: bool, verbose: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colored = |terminal: bool| match color {
            Color::Auto => terminal && !plain,
            Color::Always => true,
            Color::Never => false,
        };
        Console {
            color_out: colored(std::io::stdout().is_terminal()),
            color_err: colored(std::io::stderr().is_terminal()),
            quiet,
            verbose,
            broken: Cell::new(false),
            closed: Cell::new(false),
        }
    }

    /// Whether only what went wrong is to be said.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line of the answer.
    pub(crate) fn line(&self, text: impl Display) {
        self.raw(format!("{text}\n").as_bytes());
    }

    /// A line of the answer that a person wants and a script does not miss; silent with `--quiet`.
    pub(crate) fn note(&self, text: impl Display) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// The answer, byte for byte.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.closed.set(true),
            Err(error) if !self.broken.replace(true) => {
                self.problem(format!("cannot write the answer: {error}"));
            }
            _ => {}
        }
    }

    /// JSON, on one line.
    pub(crate) fn json(&self, value: &impl serde::Serialize) {
        self.line(serde_json::to_string(value).expect("the keys of every answer are strings"));
    }

    /// Whether an answer could not be written; the exit code then is not 0.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Whether nobody reads the answer any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get() || self.broken.get()
    }

    /// A remark on standard error; silent with `--quiet`.
    pub(crate) fn remark(&self, text: impl Display) {
        if !self.quiet {
            self.error_line(text);
        }
    }

    /// What went wrong, on standard error.
    pub(crate) fn problem(&self, text: impl Display) {
        let label = self.styled("error:", AnsiColor::Red, self.color_err);
        self.error_line(format!("{label} {text}"));
    }

    /// Why a command stopped, and what to do.
    pub(crate) fn stop(&self, stop: &Stop) {
        self.problem(stop);
        if let Some(hint) = &stop.hint {
            self.error_line(format!("  {hint}"));
        }
    }

    /// A fault of the configuration on standard error, with its advice.
    pub(crate) fn fault(&self, fault: &Fault) {
        if self.quiet && fault.level != Level::Error {
            return;
        }
        self.error_line(self.fault_text(fault, self.color_err));
    }

    /// A fault as a line of the answer.
    pub(crate) fn fault_line(&self, fault: &Fault) {
        self.line(self.fault_text(fault, self.color_out));
    }

    fn fault_text(&self, fault: &Fault, color: bool) -> String {
        let style = match fault.level {
            Level::Error => AnsiColor::Red,
            Level::Warning => AnsiColor::Yellow,
            Level::Info => AnsiColor::Cyan,
        };
        let level = self.styled(&format!("{}:", fault.level.name()), style, color);
        let mut text = format!("{}{level} {}", fault.place(), fault.statement());
        if let Some(hint) = &fault.hint {
            text.push_str("\n  ");
            text.push_str(hint);
        }
        text
    }

    /// A word of the answer, in green.
    pub(crate) fn good(&self, text: &str) -> String {
        self.styled(text, AnsiColor::Green, self.color_out)
    }

    /// A word of the answer, in red.
    pub(crate) fn bad(&self, text: &str) -> String {
        self.styled(text, AnsiColor::Red, self.color_out)
    }

    /// A word of the answer, in yellow.
    pub(crate) fn doubtful(&self, text: &str) -> String {
        self.styled(text, AnsiColor::Yellow, self.color_out)
    }

    fn styled(&self, text: &str, color: AnsiColor, on: bool) -> String {
        if !on {
            return text.to_owned();
        }
        let style = Style::new().fg_color(Some(color.into())).bold();
        format!("{style}{text}{style:#}")
    }

    fn error_line(&self, text: impl Display) {
        let mut err = std::io::stderr().lock();
        // Nobody is left to tell.
        let _ = writeln!(err, "{text}");
    }
}

/// Columns aligned by the widest cell, two blanks between, no blanks at the ends of lines.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_aligned() {
        let rows = [["name", "type"], ["mail-to-root", "sendmail"]]
            .map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "name          type\nmail-to-root  sendmail\n");
    }
}
