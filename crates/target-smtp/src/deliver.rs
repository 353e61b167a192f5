//! The way to the server and back.

use std::fmt;
use std::time::Instant;

use notify_core::{Attempt, Failure, Host, Notification, Receipt, Target, async_trait};
use notify_schema::{Fault, Secret};

use crate::Config;
use crate::answer::{Talk, secrets};
use crate::connection::Connection;
use crate::idle::Idle;
use crate::request::{Abilities, Request, request};
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
        notification: &Notification,
        attempt: &Attempt<'_>,
    ) -> Result<Receipt, Failure> {
        attempt.begin(Instant::now())?;
        let talk = Talk::new(&self.config, attempt.deadline, &self.secrets);
        let ask = |abilities| request(&self.config, notification, attempt, abilities);
        let mut request = ask(Abilities::ALL)?;
        if let Some(receipt) = self.over_the_kept(&mut request, &ask, &talk).await? {
            return Ok(receipt);
        }
        let connection = Connection::open(&self.config, attempt.host, &talk).await?;
        self.over(connection, &mut request, &ask, &talk)
            .await
            .map_err(Stop::into_failure)
    }
}

impl Smtp {
    /// Over the connection that was kept; nothing when there is none, or it has ended.
    async fn over_the_kept(
        &self,
        request: &mut Request,
        ask: &impl Fn(Abilities) -> Result<Request, Failure>,
        talk: &Talk<'_>,
    ) -> Result<Option<Receipt>, Failure> {
        let Some(mut connection) = self.idle.take() else {
            return Ok(None);
        };
        if !connection.is_alive(talk).await {
            connection.polite = false;
            return Ok(None);
        }
        match self.over(connection, request, ask, talk).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(Stop::Lost(_)) => Ok(None),
            Err(Stop::Failed(failure)) => Err(failure),
        }
    }

    /// Over this connection, which is kept if all goes well. What its server cannot take is asked for anew.
    async fn over(
        &self,
        mut connection: Connection,
        request: &mut Request,
        ask: &impl Fn(Abilities) -> Result<Request, Failure>,
        talk: &Talk<'_>,
    ) -> Result<Receipt, Stop> {
        let abilities = connection.abilities();
        if !request.suits(abilities) {
            *request = ask(abilities).map_err(Stop::Failed)?;
        }
        let mut receipt = connection.send(request, talk).await?;
        self.idle.keep(connection);
        receipt.refused.append(&mut request.refused);
        receipt.warnings.append(&mut request.warnings);
        Ok(receipt)
    }
}
