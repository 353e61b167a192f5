//! The way to the service and back.

use std::time::{Duration, Instant};

use notify_core::{Attempt, Failure, Host, Limits, Notification, Receipt, Target, async_trait};
use notify_http::{Client, Proxy};
use notify_schema::{Fault, Level};

use crate::Config;
use crate::request::{Message, request};

/// As proxmox-notify has it.
const DEADLINE: Duration = Duration::from_secs(10);

/// One service as a target.
#[derive(Debug)]
pub struct Webhook {
    config: Config,
}

impl Webhook {
    /// The target of a section.
    pub fn new(config: Config) -> Self {
        Webhook { config }
    }
}

#[async_trait]
impl Target for Webhook {
    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn limits(&self) -> Limits {
        self.config.limits
    }

    fn prepare(&self, host: &dyn Host) -> Vec<Fault> {
        let mut faults = self.config.warnings.clone();
        faults.extend(self.config.tls_faults());
        if let Err(reason) = Proxy::of_host(host) {
            let message = format!("property `http_proxy`: {reason}");
            faults.push(Fault::in_file("datacenter.cfg", Level::Error, message));
        }
        faults
    }

    async fn deliver(
        &self,
        notification: &Notification,
        attempt: &Attempt<'_>,
    ) -> Result<Receipt, Failure> {
        attempt.begin(Instant::now())?;
        let (title, text) = (attempt.message.subject()?, attempt.message.text()?);
        let message = Message {
            title: &title,
            text: &text,
            severity: notification.severity,
            timestamp: notification.timestamp,
            fields: &notification.fields,
            key: attempt.key,
        };
        let request = request(&self.config, &message)
            .map_err(|unrendered| Failure::misconfigured(unrendered.to_string()))?;
        let proxy = Proxy::of_host(attempt.host).map_err(|reason| {
            Failure::misconfigured(format!("http_proxy of datacenter.cfg: {reason}"))
        })?;
        let client = Client::shared(proxy.as_ref(), &self.config.tls);
        let answer = client.send(&request, attempt.deadline, attempt.now).await?;
        Ok(Receipt::with_reference(format!("status {}", answer.status)))
    }
}
