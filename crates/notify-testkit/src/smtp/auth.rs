//! AUTH: the exchange of credentials (RFC 4954).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_schema::Secret;

use super::Login;
use super::options::{Mechanism, Reply, Step};
use super::session::Session;
use crate::act::Flow;

/// RFC 4954 4: octets of a line of an AUTH exchange.
pub(super) const LINE_LIMIT: usize = 12_288;

impl Session {
    pub(super) async fn auth(&mut self, argument: &str) -> io::Result<Flow> {
        if !self.auth_is_offered() {
            return self
                .refuse(502, "5.5.1 not offered", "AUTH that was not offered")
                .await;
        }
        if self.ehlo.is_none() || self.login.is_some() || self.envelope.is_some() {
            return self
                .refuse(503, "5.5.1 bad sequence", "AUTH out of order")
                .await;
        }
        let (name, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let offered = &self.options.mechanisms;
        let known = offered
            .iter()
            .copied()
            .find(|known| known.name().eq_ignore_ascii_case(name));
        let Some(mechanism) = known else {
            let what = format!("AUTH `{}`, which was not offered", name.escape_debug());
            return self.refuse(504, "5.5.4 unknown mechanism", &what).await;
        };
        let initial = (!initial.is_empty()).then(|| initial.to_owned());
        let given = match mechanism {
            Mechanism::Plain => self.plain(initial).await?,
            Mechanism::Login => self.login(initial).await?,
        };
        let Some((user, password)) = given else {
            return self
                .refuse(
                    501,
                    "5.5.2 cannot read the response",
                    "a broken AUTH exchange",
                )
                .await;
        };
        let expected = self.options.credentials.as_ref();
        let right = expected.is_some_and(|(name, secret)| *name == user && *secret == password);
        let verdict = if right {
            Reply::new(235, "2.7.0 Authentication successful")
        } else {
            Reply::new(535, "5.7.8 Error: authentication failed")
        };
        let answered = self.answer(Step::Auth, None, verdict).await?;
        if answered.positive {
            self.login = Some(Login { mechanism, user });
        }
        Ok(answered.flow)
    }

    async fn plain(&mut self, initial: Option<String>) -> io::Result<Option<(String, Secret)>> {
        let Some(response) = self.response(initial, "").await? else {
            return Ok(None);
        };
        let mut parts = response.splitn(3, '\0');
        let parts = (parts.next(), parts.next(), parts.next());
        Ok(match parts {
            (Some(_), Some(user), Some(password)) => Some((user.to_owned(), password.into())),
            _ => None,
        })
    }

    async fn login(&mut self, initial: Option<String>) -> io::Result<Option<(String, Secret)>> {
        let Some(user) = self.response(initial, "Username:").await? else {
            return Ok(None);
        };
        let password = self.response(None, "Password:").await?;
        Ok(password.map(|password| (user, password.into())))
    }

    /// The client's answer to a question, decoded; `initial` is one that came with AUTH.
    async fn response(
        &mut self,
        initial: Option<String>,
        question: &str,
    ) -> io::Result<Option<String>> {
        let encoded = match initial {
            Some(encoded) => encoded,
            None => {
                self.say(&Reply::new(334, &STANDARD.encode(question)))
                    .await?;
                match self.read_line(LINE_LIMIT).await? {
                    Some(line) => {
                        self.log(true, "***");
                        line
                    }
                    None => return Ok(None),
                }
            }
        };
        // RFC 4954 4: `=` is an empty initial response, `*` a cancelled exchange.
        let encoded = if encoded == "=" {
            String::new()
        } else {
            encoded
        };
        let bytes = STANDARD.decode(encoded).ok();
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }
}
