//! Runs a command, shows what it prints, and keeps it.

use std::fs::{self, File};
use std::io::{self, IsTerminal, PipeReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::failed::{Failed, Outcome};
use crate::workspace::cargo;

/// How long after a command's end to wait for silence.
///
/// A server that a test left behind holds the pipe open and must not hold the task.
const SILENCE: Duration = Duration::from_secs(1);

/// Everything that the commands printed, in a file.
pub(super) struct Capture {
    path: PathBuf,
    file: File,
}

impl Capture {
    /// Begins anew.
    pub(super) fn create(path: &Path) -> Outcome<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Failed::at(folder, error))?;
        }
        Ok(Capture {
            path: path.to_owned(),
            file: File::create(path).map_err(|error| Failed::at(path, error))?,
        })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs a command to its end and gives its exit code, 101 when a signal ended it.
    ///
    /// Both its outputs go to the terminal and to the file, in the order they come.
    pub(super) fn run(&mut self, command: &mut Command) -> Outcome<u8> {
        let call = call(command);
        eprintln!("$ {call}");
        let (reader, child) =
            start(command).map_err(|error| Failed::new(format!("{call}: {error}")))?;
        let status = self.follow(reader, child);
        status
            .map(code)
            .map_err(|error| Failed::at(&self.path, error))
    }

    fn follow(&mut self, reader: PipeReader, mut child: Child) -> io::Result<ExitStatus> {
        let chunks = chunks(reader);
        loop {
            match chunks.recv_timeout(SILENCE) {
                Ok(chunk) => self.keep(&chunk)?,
                Err(RecvTimeoutError::Disconnected) => return child.wait(),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(status) = child.try_wait()? {
                        return Ok(status);
                    }
                }
            }
        }
    }

    fn keep(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_all(chunk)?;
        let mut terminal = io::stdout().lock();
        // A closed terminal does not end the tests.
        let _ = terminal.write_all(chunk).and_then(|()| terminal.flush());
        Ok(())
    }
}

/// Whether `cargo nextest` can be used.
pub(super) fn nextest_is_installed() -> bool {
    cargo()
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn start(command: &mut Command) -> io::Result<(PipeReader, Child)> {
    let (reader, writer) = io::pipe()?;
    if io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command.stdin(Stdio::null());
    command.stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn()?;
    // The command holds the pipe's other end, which must close with the child.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok((reader, child))
}

/// Reads on a thread of its own, so that the end of the child is seen while the pipe is open.
fn chunks(mut reader: PipeReader) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or(101);
    u8::try_from(code).unwrap_or(101)
}

fn call(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    format!("cargo {}", words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::Capture;
    use std::process::Command;

    /// Runs a shell script and gives its exit code and what was kept of it.
    fn check(script: &str) -> (u8, String) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("new/output.txt");
        let mut capture = Capture::create(&path).expect("a file");
        let code = capture.run(Command::new("sh").args(["-c", script]));
        let kept = std::fs::read_to_string(capture.path()).expect("the file");
        (code.expect("sh runs"), kept)
    }

    #[test]
    fn both_outputs_are_kept_in_order_with_the_exit_code() {
        assert_eq!(
            check("echo one; echo two >&2; echo three; exit 100"),
            (100, "one\ntwo\nthree\n".to_owned())
        );
    }

    #[test]
    fn a_signal_is_a_failure() {
        assert_eq!(check("kill -9 $$"), (101, String::new()));
    }

    #[test]
    fn a_server_left_behind_does_not_hold_the_task() {
        let (code, kept) = check("tail -f /dev/null & echo $!; exit 3");
        assert_eq!(code, 3);
        let left = kept.trim();
        let killed = Command::new("kill").arg(left).status();
        assert!(
            killed.expect("kill runs").success(),
            "{left} was still there"
        );
    }
}
