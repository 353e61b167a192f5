//! Asks for a secret on a terminal, without showing it.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use notify_schema::{Property, Secret};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

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
        let line = hidden_line(&format!("{}{optional}: ", property.name))?;
        Ok((!line.is_empty()).then(|| Secret::new(line.as_str())))
    }
}

/// One line of standard input, with the echo off while it is typed.
fn hidden_line(question: &str) -> io::Result<Zeroizing<String>> {
    // Before the question, because what was typed until now is thrown away.
    let _hidden = Hidden::begin()?;
    eprint!("{question}");
    io::stderr().flush()?;
    let mut stdin = io::stdin().lock();
    // A terminal gives one line a read, whatever ended it.
    let typed = Zeroizing::new(stdin.fill_buf()?.to_vec());
    stdin.consume(typed.len());
    let mut line = Zeroizing::new(String::from_utf8_lossy(&typed).into_owned());
    eprintln!();
    if line.contains(INTERRUPT) {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "cancelled"));
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

/// What Ctrl-C types while it raises no signal.
const INTERRUPT: char = '\u{3}';

/// The terminal without echo, until this is dropped.
///
/// Ctrl-C raises no signal meanwhile: the program would end and leave the terminal silent.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ISIG);
        // Ctrl-C ends the line, as Enter does.
        hidden.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT as u8;
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Hidden { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The terminal is gone when this fails, and its modes with it.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}
