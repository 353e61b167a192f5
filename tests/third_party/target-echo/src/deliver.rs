//! The way to the server and back.

use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use notify_core::{
    Attempt, Failure, Limit, Limits, Notification, Receipt, Target, Unit, async_trait,
};
use notify_schema::redacted;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout_at;

use crate::Config;
use crate::request::{Answer, GREETING, answer, line};

/// What the server says is a short line; more is not read.
const LINE_BYTES: u64 = 1024;

/// One server as a target.
#[derive(Debug)]
pub struct Echo {
    config: Config,
}

#[async_trait]
impl Target for Echo {
    fn deadline(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn limits(&self) -> Limits {
        Limits {
            title: Some(Limit::new(100, Unit::Characters)),
            body: Some(Limit::new(4000, Unit::Characters)),
        }
    }

    async fn deliver(
        &self,
        notification: &Notification,
        attempt: &Attempt<'_>,
    ) -> Result<Receipt, Failure> {
        attempt.begin(Instant::now())?;
        let (title, text) = (attempt.message.subject()?, attempt.message.text()?);
        let line = line(&self.config, notification, &title, &text, attempt.key);
        let deadline = attempt.deadline;
        // Until here nothing has been sent: it certainly has not arrived.
        let mut stream = self.greeted(deadline).await?;
        // From here on it may have arrived.
        let said = self.exchanged(&mut stream, &line, deadline).await?;
        self.verdict(&said)
    }
}

impl Echo {
    /// The target of a section.
    pub fn new(config: Config) -> Self {
        Echo { config }
    }

    async fn greeted(&self, deadline: Instant) -> Result<BufReader<UnixStream>, Failure> {
        let connecting = UnixStream::connect(&self.config.socket);
        let stream = before(deadline, connecting).await.map_err(|error| {
            Failure::unavailable(format!("cannot connect to {}", self.place())).caused_by(error)
        })?;
        let mut stream = BufReader::new(stream);
        let greeting = before(deadline, read_line(&mut stream)).await;
        let none = || Failure::unavailable(format!("no greeting from {}", self.place()));
        match greeting.map_err(|error| none().caused_by(error))?.as_str() {
            GREETING => Ok(stream),
            "" => Err(none()),
            _ => Err(self.stranger()),
        }
    }

    async fn exchanged(
        &self,
        stream: &mut BufReader<UnixStream>,
        line: &str,
        deadline: Instant,
    ) -> Result<String, Failure> {
        let none = || Failure::uncertain(format!("no answer from {}", self.place()));
        let exchange = async {
            stream.write_all(line.as_bytes()).await?;
            read_line(stream).await
        };
        let said = before(deadline, exchange).await;
        let said = said.map_err(|error| none().caused_by(error))?;
        match said.ends_with('\n') {
            true => Ok(said),
            false => Err(none()),
        }
    }

    fn verdict(&self, said: &str) -> Result<Receipt, Failure> {
        let place = self.place();
        Err(match answer(said) {
            Answer::Taken(number) => return Ok(Receipt::with_reference(self.shown(&number))),
            Answer::Refused(reason) => {
                let reason = self.shown(&reason);
                Failure::rejected(format!("{place} refused it: {reason}"))
            }
            Answer::Busy(None) => Failure::unavailable(format!("{place} is busy")),
            Answer::Busy(Some(delay)) => {
                Failure::unavailable(format!("{place} is busy")).retry_after(delay)
            }
            Answer::WrongToken => {
                Failure::misconfigured(format!("{place} does not know the token"))
            }
            Answer::Unclear => self.stranger(),
        })
    }

    fn stranger(&self) -> Failure {
        Failure::misconfigured(format!("{} is no server of this kind", self.place()))
    }

    /// What the server says, as it may be shown: it might repeat what it was sent.
    fn shown(&self, said: &str) -> String {
        let said = redacted(said, [&self.config.token]);
        said.trim_end_matches('.').to_owned()
    }

    fn place(&self) -> String {
        self.config.socket.display().to_string()
    }
}

/// The outcome of a step, or that it is too late for it.
async fn before<T>(deadline: Instant, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout_at(deadline.into(), step).await {
        Ok(outcome) => outcome,
        Err(late) => Err(io::Error::new(io::ErrorKind::TimedOut, late)),
    }
}

/// A line of at most [`LINE_BYTES`], or less when it is longer or the stream ends.
async fn read_line(stream: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut line = Vec::new();
    let mut limited = stream.take(LINE_BYTES);
    limited.read_until(b'\n', &mut line).await?;
    let line = String::from_utf8_lossy(&line);
    Ok(line.into_owned())
}
