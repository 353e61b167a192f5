//! The facts of a host that deliveries need, as a snapshot.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};

/// Facts of the host that sends. A snapshot: asking does no I/O.
pub trait Host: Debug + Send + Sync {
    /// Short name, without domain.
    fn name(&self) -> &str;

    /// Fully qualified name, or the short name where there is none.
    fn fqdn(&self) -> &str;

    /// Name of the cluster, where the host is in one.
    fn cluster_name(&self) -> Option<&str>;

    /// Mail address of a user as `root@pam`, where one is set.
    fn address_of(&self, user: &str) -> Option<&str>;

    /// `email_from` of the datacenter options.
    fn email_from(&self) -> Option<&str>;

    /// `http_proxy` of the datacenter options, as written.
    fn http_proxy(&self) -> Option<&str>;

    /// The program that takes mail for the local MTA.
    fn sendmail(&self) -> &Path;

    /// A random name of this installation, carried in `X-Notify-Loop`.
    fn instance(&self) -> &str;
}

/// A host made of plain values, for libraries' users and tests.
///
/// Its `Debug` hides the credentials of the proxy.
///
/// ```
/// use notify_core::{Host, PlainHost};
/// let host = PlainHost { fqdn: "pve1.example.com".into(), ..PlainHost::named("pve1") }
///     .with_user("root@pam", "admin@example.com");
/// assert_eq!(host.address_of("root@pam"), Some("admin@example.com"));
/// ```
#[derive(Clone)]
pub struct PlainHost {
    /// See [`Host::name`].
    pub name: String,
    /// See [`Host::fqdn`].
    pub fqdn: String,
    /// See [`Host::cluster_name`].
    pub cluster_name: Option<String>,
    /// User to address; a user without address is not in it.
    pub addresses: BTreeMap<String, String>,
    /// See [`Host::email_from`].
    pub email_from: Option<String>,
    /// See [`Host::http_proxy`].
    pub http_proxy: Option<String>,
    /// See [`Host::sendmail`].
    pub sendmail: PathBuf,
    /// See [`Host::instance`].
    pub instance: String,
}

impl PlainHost {
    /// A host of this short name, with nothing set and the usual `sendmail`.
    pub fn named(name: &str) -> Self {
        PlainHost {
            name: name.to_owned(),
            fqdn: name.to_owned(),
            cluster_name: None,
            addresses: BTreeMap::new(),
            email_from: None,
            http_proxy: None,
            sendmail: PathBuf::from("/usr/sbin/sendmail"),
            instance: "unnamed".to_owned(),
        }
    }

    /// With a user who has an address.
    #[must_use]
    pub fn with_user(mut self, user: &str, address: &str) -> Self {
        self.addresses.insert(user.to_owned(), address.to_owned());
        self
    }
}

impl Host for PlainHost {
    fn name(&self) -> &str {
        &self.name
    }

    fn fqdn(&self) -> &str {
        &self.fqdn
    }

    fn cluster_name(&self) -> Option<&str> {
        self.cluster_name.as_deref()
    }

    fn address_of(&self, user: &str) -> Option<&str> {
        self.addresses.get(user).map(String::as_str)
    }

    fn email_from(&self) -> Option<&str> {
        self.email_from.as_deref()
    }

    fn http_proxy(&self) -> Option<&str> {
        self.http_proxy.as_deref()
    }

    fn sendmail(&self) -> &Path {
        &self.sendmail
    }

    fn instance(&self) -> &str {
        &self.instance
    }
}

impl Debug for PlainHost {
    /// Without the credentials of the proxy, and without the mail program.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainHost")
            .field("name", &self.name)
            .field("fqdn", &self.fqdn)
            .field("cluster_name", &self.cluster_name)
            .field("addresses", &self.addresses)
            .field("email_from", &self.email_from)
            .field(
                "http_proxy",
                &self.http_proxy.as_deref().map(without_credentials),
            )
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// A URL without what stands before its last `@`, the scheme apart.
fn without_credentials(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (format!("{scheme}://"), rest)
        }
        _ => (String::new(), url),
    };
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}***@{place}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::PlainHost;

    #[test]
    fn debug_hides_the_credentials_of_the_proxy() {
        for (url, expected) in [
            ("http://max:hunter2@proxy:3128", "http://***@proxy:3128"),
            ("max:hun@ter2@proxy", "***@proxy"),
            ("max:p://w@proxy", "***@proxy"),
            ("http://proxy:3128", "http://proxy:3128"),
        ] {
            let host = PlainHost {
                http_proxy: Some(url.to_owned()),
                ..PlainHost::named("pve1")
            };
            let shown = format!("{host:?}");
            assert!(
                shown.contains(&format!("http_proxy: Some({expected:?})")),
                "{shown}"
            );
        }
    }
}
