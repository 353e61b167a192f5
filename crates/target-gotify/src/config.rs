//! What a section says, in types.

use notify_http::{Url, base_url, printable};
use notify_schema::{Fault, Fields, Secret};
use notify_tls::{Place, TlsOptions};

use crate::{SERVER, TOKEN};

/// A usable section of the type `gotify`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server's URL, without the path of a message.
    pub server: Url,
    /// The application's token: printable ASCII, not empty.
    pub token: Secret,
    /// How the server proves who it is.
    pub tls: TlsOptions,
    /// Where the section names a CA file.
    pub ca_file: Option<Place>,
}

impl Config {
    /// Reads a checked section.
    ///
    /// # Errors
    /// Every fault that the schema cannot know: a server that is no URL, a
    /// token that no header can carry.
    pub fn from_fields(fields: &Fields) -> Result<Self, Vec<Fault>> {
        let server = base_url(fields.text(SERVER.name).unwrap_or_default())
            .map_err(|reason| fields.fault(SERVER.name, reason));
        let token = fields
            .secret(TOKEN.name)
            .cloned()
            .unwrap_or_else(|| Secret::new(""));
        let token = usable(token).map_err(|reason| fields.fault(TOKEN.name, reason));
        match (server, token) {
            (Ok(server), Ok(token)) => Ok(Config {
                server,
                token,
                tls: TlsOptions::from_fields(fields),
                ca_file: Place::of(fields),
            }),
            (server, token) => Err(server.err().into_iter().chain(token.err()).collect()),
        }
    }

    /// What only this host can know of the TLS options. The trust roots of the
    /// system are not read for plain HTTP.
    pub(crate) fn tls_faults(&self) -> Vec<Fault> {
        if self.server.scheme() == "https" || self.ca_file.is_some() {
            notify_tls::prepare(&self.tls, self.ca_file.as_ref())
        } else {
            Vec::new()
        }
    }
}

fn usable(token: Secret) -> Result<Secret, String> {
    if token.is_empty() {
        return Err("empty".to_owned());
    }
    printable(token.expose())?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use crate::GOTIFY;
    use notify_schema::{Position, RawProperty, Source};

    fn check(lines: &[(&str, &str)], expected: &[&str]) {
        let raw: Vec<_> = (2..)
            .zip(lines)
            .map(|(line, (key, value))| {
                let source = if *key == "token" {
                    Source::Private
                } else {
                    Source::Public
                };
                RawProperty::new(key, value, Position::new(source, line, 2))
            })
            .collect();
        let checked = GOTIFY
            .schema()
            .check("push", Position::new(Source::Public, 1, 1), &raw);
        let mut faults = checked.faults;
        if let Some(fields) = &checked.fields {
            faults.extend((GOTIFY.build)(fields).err().unwrap_or_default());
        }
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, expected, "{lines:?}");
    }

    #[test]
    fn a_section_of_proxmox_ve_is_usable() {
        check(
            &[
                ("server", "http://gotify.example.com:8080"),
                ("token", "A.b"),
            ],
            &[],
        );
        check(
            &[
                ("server", "https://h/base/"),
                ("token", "x"),
                ("filter", "old"),
                ("comment", "c"),
            ],
            &[],
        );
    }

    #[test]
    fn all_faults_are_found_at_once_and_none_shows_the_token() {
        check(
            &[("server", "gotify.example.com"), ("token", "hünter2")],
            &[
                "notifications.cfg:2:2: error: gotify `push`: property `server`: expected a URL that begins with http:// or https://, not `gotify.example.com`",
                "priv/notifications.cfg:3:2: error: gotify `push`: property `token`: contains a character that is not ASCII",
            ],
        );
        check(
            &[("server", "http://h"), ("token", "")],
            &["priv/notifications.cfg:3:2: error: gotify `push`: property `token`: empty"],
        );
        check(
            &[("server", "http://h"), ("token", "hunter2\rX: y")],
            &[
                "priv/notifications.cfg:3:2: error: gotify `push`: property `token`: contains the control character U+000D",
            ],
        );
        check(
            &[
                ("server", "http://h"),
                ("token", "x"),
                ("ca-file", "ca.pem"),
                ("tls-fingerprint", "ab"),
            ],
            &[
                "notifications.cfg:4:2: error: gotify `push`: property `ca-file`: expected an absolute path, not `ca.pem`",
                "notifications.cfg:5:2: error: gotify `push`: property `tls-fingerprint`: expected the 64 hex digits of a SHA-256 fingerprint, not 2",
            ],
        );
    }
}
