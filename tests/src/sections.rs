//! Sections of configuration files, as tests write them again and again.

/// A Gotify target at this address.
pub fn gotify(name: &str, url: &str) -> String {
    format!("gotify: {name}\n\tserver {url}\n\n")
}

/// The private section of a Gotify target.
pub fn token(name: &str, token: &str) -> String {
    format!("gotify: {name}\n\ttoken {token}\n\n")
}

/// An SMTP target without encryption at this port of loopback, with these recipients.
pub fn smtp(name: &str, port: u16, recipients: &[&str]) -> String {
    let mailto: String = recipients
        .iter()
        .map(|recipient| format!("\tmailto {recipient}\n"))
        .collect();
    format!(
        "smtp: {name}\n\tserver 127.0.0.1\n\tport {port}\n\tmode insecure\n\
         \tfrom-address from@example.com\n{mailto}\n"
    )
}

/// A sendmail target with these recipients.
pub fn sendmail(name: &str, recipients: &[&str]) -> String {
    let mailto: String = recipients
        .iter()
        .map(|recipient| format!("\tmailto {recipient}\n"))
        .collect();
    format!("sendmail: {name}\n{mailto}\n")
}

/// A matcher, named `all`, that chooses these targets for everything.
pub fn all_to(targets: &[&str]) -> String {
    let targets: String = targets
        .iter()
        .map(|target| format!("\ttarget {target}\n"))
        .collect();
    format!("matcher: all\n{targets}\n")
}
