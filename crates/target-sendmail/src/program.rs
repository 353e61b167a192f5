//! Running a program that takes a text and says little.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use notify_schema::one_line;
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::Sender;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::{timeout, timeout_at};

/// Most octets of what a program complains about that are kept.
const COMPLAINT_MAX: usize = 2000;

/// How long the end of a complaint is waited for after the program has failed:
/// a child of it may keep the pipe open.
const COMPLAINT_WAIT: Duration = Duration::from_millis(200);

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None when it was killed at the deadline.
    pub(crate) status: Option<ExitStatus>,
    /// Whether it has read the whole input.
    pub(crate) handed_over: bool,
    /// What it wrote to its standard error, in one printable line.
    pub(crate) complaint: String,
}

/// Runs a program, gives it `input`, and waits for its end until `deadline`.
///
/// At the deadline, and when the future is dropped, the program and all that it
/// started are killed, before its input is closed: it never takes half an
/// input for a whole one. Its environment is ours, its standard output goes
/// nowhere.
///
/// # Errors
/// The program cannot be started.
pub(crate) async fn run(
    program: &Path,
    arguments: &[String],
    input: &[u8],
    deadline: Instant,
) -> io::Result<Ended> {
    // Our own copy of the reading end tells what of the input nobody has read.
    let (unread, pipe) = io::pipe()?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(unread.try_clone()?)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = Some(Sender::from_owned_fd(pipe.into())?);
    let mut complaint = Complaint::of(&mut child);
    // The last of these variables, so that a dropped future kills before it closes the input.
    let mut group = Group::of(&child);
    let talk = talk(&mut child, &mut stdin, &mut complaint, &mut group, input);
    let status = match timeout_at(deadline.into(), talk).await {
        Ok(status) => Some(status?),
        Err(_elapsed) => None,
    };
    if status.is_none() {
        group.kill();
        // A killed child is gone at once; its status is known already.
        let _ = child.wait().await;
    }
    if !status.is_some_and(|status| status.success()) {
        let _ = timeout(COMPLAINT_WAIT, complaint.rest()).await;
    }
    Ok(Ended {
        status,
        handed_over: stdin.is_none() && ioctl_fionread(&unread).is_ok_and(|left| left == 0),
        complaint: complaint.line(),
    })
}

/// Feeds and listens until the program has ended. `stdin` is none once all is in the pipe.
async fn talk(
    child: &mut Child,
    stdin: &mut Option<Sender>,
    complaint: &mut Complaint,
    group: &mut Group,
    input: &[u8],
) -> io::Result<ExitStatus> {
    let mut feeding = pin!(feed(stdin, input));
    let mut fed = false;
    loop {
        // Biased: what can go into the pipe goes before the program's end is looked at.
        tokio::select! {
            biased;
            () = &mut feeding, if !fed => fed = true,
            () = complaint.more(), if complaint.is_open() => {}
            status = child.wait() => {
                group.disarm();
                return status;
            }
        }
    }
}

/// Writes everything and closes. It fails only when the system does, and then the program's status says the rest.
async fn feed(stdin: &mut Option<Sender>, input: &[u8]) {
    if let Some(pipe) = stdin
        && pipe.write_all(input).await.is_ok()
    {
        *stdin = None;
    }
}

/// The program and all that it started and that did not leave its group.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let raw = child.id().and_then(|id| i32::try_from(id).ok());
        Group(raw.and_then(Pid::from_raw))
    }

    fn kill(&mut self) {
        if let Some(pid) = self.0.take() {
            // Fails only when nobody is left.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    /// The program has ended by itself: its id may soon be another's.
    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The beginning of what a program writes to its standard error.
struct Complaint {
    pipe: Option<ChildStderr>,
    text: Vec<u8>,
}

impl Complaint {
    fn of(child: &mut Child) -> Self {
        Complaint {
            pipe: child.stderr.take(),
            text: Vec::new(),
        }
    }

    fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Waits for more of it, or for its end. What is too much is read and forgotten.
    async fn more(&mut self) {
        let mut chunk = [0; 1024];
        let Some(pipe) = &mut self.pipe else { return };
        match pipe.read(&mut chunk).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(count) => {
                let room = COMPLAINT_MAX - self.text.len();
                self.text.extend_from_slice(&chunk[..count.min(room)]);
            }
        }
    }

    async fn rest(&mut self) {
        while self.is_open() {
            self.more().await;
        }
    }

    fn line(&self) -> String {
        one_line(&String::from_utf8_lossy(&self.text), COMPLAINT_MAX)
    }
}
