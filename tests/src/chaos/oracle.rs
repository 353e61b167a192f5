//! Those who send numbered events and note what they are told.
//!
//! Half of them run the program, as scripts do, one process an event. The others
//! speak the protocol of the socket themselves: nothing of ours is between them
//! and the daemon, and they repeat under the same id until somebody answers.
//! Who brings mails is in [`super::mails`].

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use notify_core::EventId;
use serde_json::{Value, json};

use super::dice::Dice;
use super::ledger::{Answer, Ledger};
use super::process::{Said, said};
use super::stage::Stage;
use super::verdict::title;

/// A sender that takes longer than this hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a client waits before it asks again.
const PAUSE: Duration = Duration::from_millis(20);

/// `EX_TEMPFAIL` of `sysexits.h`: nothing was taken.
pub(super) const TRY_AGAIN: i32 = 75;

/// What the program remarks when it puts an event into the spool itself.
pub(super) const NO_DAEMON: &str = "the daemon does not answer";

/// Sends by running the program, until the ledger is closed.
pub(super) fn run_programs(stage: &Stage, ledger: &Ledger, mut dice: Dice) {
    send_all(ledger, |number| {
        by_program(stage, number, &text(number, &mut dice))
    });
}

/// Sends one number after the other and notes the answer, until the ledger is closed.
pub(super) fn send_all(ledger: &Ledger, mut send: impl FnMut(u64) -> io::Result<Answer>) {
    while let Some(number) = ledger.take() {
        let answer = send(number).unwrap_or_else(|error| Answer::Wrong(error.to_string()));
        ledger.answered(number, answer);
    }
}

/// Sends over the socket, until the ledger is closed.
pub(super) fn speak(socket: &Path, ledger: &Ledger, mut dice: Dice) {
    let mut line = Line {
        socket,
        stream: None,
    };
    while let Some(number) = ledger.take() {
        let id = EventId::new(SystemTime::now(), dice.bytes());
        let request = json!({"send": {
            "id": id.to_string(),
            "title": title(number),
            "message": text(number, &mut dice),
            "type": "chaos",
        }});
        let repeats = dice.percent(50);
        let answer = until_answered(&mut line, ledger, &request, id, repeats);
        ledger.answered(number, answer);
    }
}

/// Mostly a short text, and sometimes one that needs many pages of the database.
pub(super) fn text(number: u64, dice: &mut Dice) -> String {
    let lines = if dice.percent(5) {
        dice.within(500..3000)
    } else {
        dice.within(1..20)
    };
    format!("line of event {number}\n").repeat(lines as usize)
}

fn by_program(stage: &Stage, number: u64, text: &str) -> io::Result<Answer> {
    let mut command = stage.command(&["send", "--json", "--type", "chaos", "--title"]);
    command.arg(title(number)).args(["--message-file", "-"]);
    let Said {
        status,
        stdout,
        stderr,
    } = said(&mut command, text.as_bytes(), PATIENCE)?;
    Ok(match status {
        Some(status) => answer_of(status, &stdout, stderr.trim()),
        None => Answer::Wrong(format!("no end within {PATIENCE:?}: {stderr}")),
    })
}

/// What the program's end means to a script.
fn answer_of(status: ExitStatus, stdout: &str, stderr: &str) -> Answer {
    match status.code() {
        Some(0) => {
            let said: Value = serde_json::from_str(stdout).unwrap_or_default();
            let id = said["id"].as_str().and_then(|id| id.parse().ok());
            match id {
                Some(id) if said["durable"] == true && stderr.contains(NO_DAEMON) => {
                    Answer::Stored(id)
                }
                Some(id) if said["durable"] == true => Answer::Accepted(id),
                _ => Answer::Wrong(format!("success without durability: {stdout}{stderr}")),
            }
        }
        Some(TRY_AGAIN) => Answer::Refused(stderr.to_owned()),
        _ => Answer::Open(format!("{status}: {stderr}")),
    }
}

/// A connection that is made anew when it is gone.
struct Line<'a> {
    socket: &'a Path,
    stream: Option<BufReader<UnixStream>>,
}

impl Line<'_> {
    /// One request and its answer. `is_sent` is set when some of it may have arrived.
    fn ask(&mut self, request: &Value, is_sent: &mut bool) -> io::Result<Value> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(connected(self.socket)?),
        };
        *is_sent = true;
        stream
            .get_mut()
            .write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        match stream.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => serde_json::from_str(&line).map_err(io::Error::other),
        }
    }
}

fn connected(socket: &Path) -> io::Result<BufReader<UnixStream>> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

/// Sends one request again and again until it is answered, or all is over.
///
/// Who does not repeat what was refused notes it as refused: if no earlier one
/// was left without an answer, it must be nowhere.
fn until_answered(
    line: &mut Line<'_>,
    ledger: &Ledger,
    request: &Value,
    id: EventId,
    repeats: bool,
) -> Answer {
    let (mut why, mut may_be_there) = ("never sent".to_owned(), false);
    while !ledger.is_closed() {
        let mut is_sent = false;
        match line.ask(request, &mut is_sent) {
            Ok(answer) if answer["accepted"]["id"] == id.to_string() => {
                return Answer::Accepted(id);
            }
            Ok(answer) if answer["error"]["exit"] == TRY_AGAIN => {
                why = answer["error"].to_string();
                if !repeats && !may_be_there {
                    return Answer::Refused(why);
                }
            }
            Ok(answer) => return Answer::Wrong(answer.to_string()),
            Err(error) if is_timeout(&error) => {
                return Answer::Wrong(format!("no answer within {PATIENCE:?}"));
            }
            Err(error) => {
                may_be_there |= is_sent;
                why = error.to_string();
            }
        }
        line.stream = None;
        ledger.pause(PAUSE);
    }
    Answer::Open(why)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}

#[cfg(test)]
mod tests {
    use super::{Answer, answer_of};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    #[test]
    fn only_a_durable_event_is_accepted() {
        let id = "0192fd4b-7c00-7000-8000-000000000001";
        let check =
            |code: i32, stdout: &str| answer_of(ExitStatus::from_raw(code << 8), stdout, "why");
        let durable = format!(r#"{{"id":"{id}","durable":true}}"#);
        let accepted = Answer::Accepted(id.parse().expect("an id"));
        assert_eq!(check(0, &durable), accepted);
        let direct = format!(r#"{{"id":"{id}"}}"#);
        assert!(matches!(check(0, &direct), Answer::Wrong(_)));
        assert!(matches!(check(0, ""), Answer::Wrong(_)));
        assert_eq!(check(75, &durable), Answer::Refused("why".to_owned()));
        assert!(matches!(check(1, &durable), Answer::Open(_)));
    }
}
