//! Asks for a secret on a terminal, without showing it.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use notify_schema::{Property, Secret};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// The terminal, where there is one.
#[derive(Debug)]
pub(crate) struct Prompt {
    terminal: bool,
}

impl Prompt {
    /// Asks only when both standard input and standard error are a terminal.
    pub(crate) fn of_process() -> Self {
        Prompt {
            terminal: io::stdin().is_terminal() && io::stderr().is_terminal(),
        }
    }

    /// Never asks.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Prompt { terminal: false }
    }

    /// The secret, or none when there is no terminal or the answer is empty.
    pub(crate) fn secret(&mut self, property: &Property) -> io::Result<Option<Secret>> {
        if !self.terminal {
            return Ok(None);
        }
        let optional = if property.is_required() {
            ""
        } else {
            " (empty for none)"
        };
        eprint!("{}{optional}: ", property.name);
        io::stderr().flush()?;
        let line = hidden_line()?;
        eprintln!();
        Ok((!line.is_empty()).then(|| Secret::new(line)))
    }
}

/// One line of standard input, with the echo off while it is typed.
fn hidden_line() -> io::Result<String> {
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    tcsetattr(&stdin, OptionalActions::Flush, &before)?;
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
