//! The way to the server and back.

use std::fmt;
use std::time::Instant;

use lettre::transport::smtp::extension::Extension;
use notify_core::{Attempt, Failure, Host, Notification, Receipt, Target, async_trait};
use notify_schema::{Fault, Secret};

use crate::Config;
use crate::answer::{Talk, secrets};
use crate::connection::Connection;
use crate::idle::Idle;
use crate::request::{Request, request};
use crate::transaction::Stop;

/// A way to the people's mailboxes through a mail server.
pub struct Smtp {
    config: Config,
    secrets: Vec<Secret>,
    idle: Idle,
}

impl Smtp {
    /// A target of this section. It connects when there is something to deliver.
    pub fn new(config: Config) -> Self {
        Smtp {
            secrets: secrets(&config),
            config,
            idle: Idle::default(),
        }
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("config", &self.config)
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Target for Smtp {
    fn prepare(&self, host: &dyn Host) -> Vec<Fault> {
        self.config.prepare(host)
    }

    async fn deliver(
        &self,
        _notification: &Notification,
        attempt: &Attempt<'_>,
    ) -> Result<Receipt, Failure> {
        attempt.begin(Instant::now())?;
        let talk = Talk::new(&self.config, attempt.deadline, &self.secrets);
        let mut request = request(&self.config, attempt, true)?;
        if let Some(receipt) = self.over_the_kept(&mut request, attempt, &talk).await? {
            return Ok(receipt);
        }
        let connection = Connection::open(&self.config, attempt.host, &talk).await?;
        self.over(connection, &mut request, attempt, &talk)
            .await
            .map_err(Stop::into_failure)
    }
}

impl Smtp {
    /// Over the connection that was kept; nothing when there is none, or it has ended.
    async fn over_the_kept(
        &self,
        request: &mut Request,
        attempt: &Attempt<'_>,
        talk: &Talk<'_>,
    ) -> Result<Option<Receipt>, Failure> {
        let Some(mut connection) = self.idle.take() else {
            return Ok(None);
        };
        if !connection.is_alive(talk).await {
            connection.polite = false;
            return Ok(None);
        }
        match self.over(connection, request, attempt, talk).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(Stop::Lost(_)) => Ok(None),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    /// Over this connection, which is kept if all goes well.
    async fn over(
        &self,
        mut connection: Connection,
        letter: &mut Request,
        attempt: &Attempt<'_>,
        talk: &Talk<'_>,
    ) -> Result<Receipt, Stop> {
        if letter.needs_smtputf8 && !connection.offers(Extension::SmtpUtfEight) {
            *letter = request(&self.config, attempt, false).map_err(Stop::Failed)?;
        }
        let mut receipt = connection.send(letter, talk).await?;
        self.idle.keep(connection);
        receipt.refused.append(&mut letter.refused);
        receipt.warnings.append(&mut letter.warnings);
        Ok(receipt)
    }
}
