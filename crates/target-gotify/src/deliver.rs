//! The way to the server and back.

use std::time::{Duration, Instant};

use notify_core::{Attempt, Failure, Host, Notification, Receipt, Target, async_trait};
use notify_http::{Answer, Client, Proxy};
use notify_schema::{Fault, Level};

use crate::Config;
use crate::request::{message_id, request};

/// As proxmox-notify has it.
const DEADLINE: Duration = Duration::from_secs(10);

/// One Gotify application as a target.
#[derive(Debug)]
pub struct Gotify {
    config: Config,
}

impl Gotify {
    /// The target of a section.
    pub fn new(config: Config) -> Self {
        Gotify { config }
    }
}

#[async_trait]
impl Target for Gotify {
    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn prepare(&self, host: &dyn Host) -> Vec<Fault> {
        let mut faults = self.config.tls_faults();
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
        let request = request(
            &self.config,
            notification.severity,
            &title,
            &text,
            attempt.key,
        )
        .map_err(|bad| Failure::misconfigured(bad.to_string()))?;
        let proxy = Proxy::of_host(attempt.host).map_err(|reason| {
            Failure::misconfigured(format!("http_proxy of datacenter.cfg: {reason}"))
        })?;
        let client = Client::shared(proxy.as_ref(), &self.config.tls);
        let answer = client.send(&request, attempt.deadline, attempt.now).await?;
        Ok(receipt(&answer))
    }
}

/// Something between us and Gotify may answer in its place, as a relay that
/// speaks its protocol. It said that it took the message, so that counts, and a person is told.
fn receipt(answer: &Answer) -> Receipt {
    match message_id(&answer.body) {
        Some(id) => Receipt::with_reference(format!("message {id}")),
        None => Receipt {
            warnings: vec![
                "the answer is not one of Gotify; is `server` the right URL?".to_owned(),
            ],
            ..Receipt::with_reference(format!("status {}", answer.status))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::receipt;
    use notify_http::Answer;

    fn check(status: u16, body: &str, reference: &str, warnings: usize) {
        let body = body.as_bytes().to_vec();
        let receipt = receipt(&Answer { status, body });
        assert_eq!(receipt.reference.as_deref(), Some(reference), "{status}");
        assert_eq!(receipt.warnings.len(), warnings, "{status}");
    }

    #[test]
    fn a_receipt_names_the_message_or_the_status() {
        check(200, r#"{"id":17}"#, "message 17", 0);
        check(200, "<html>please log in</html>", "status 200", 1);
        check(204, "", "status 204", 1);
    }
}
