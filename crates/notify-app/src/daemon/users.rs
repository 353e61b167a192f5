//! The users of this machine, by name.

use std::collections::BTreeMap;

/// Names and numbers of `/etc/passwd` (passwd(5)). Users of a directory service are not there.
#[derive(Debug)]
pub(super) struct Users(BTreeMap<String, u32>);

impl Users {
    /// Those of the system; none where the file cannot be read.
    pub(super) fn of_system() -> Self {
        let bytes = std::fs::read("/etc/passwd").unwrap_or_default();
        Users::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> Self {
        let user = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| !name.is_empty())?;
            let number = fields.nth(1)?.parse().ok()?;
            Some((name.to_owned(), number))
        };
        Users(text.lines().filter_map(user).collect())
    }

    /// The number of a user.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Users;

    #[test]
    fn names_have_numbers() {
        let users =
            Users::parse("root:x:0:0:root:/root:/bin/sh\nbad\n:x:7:7::\nwww:x:33:33::/:\nw:x:y:\n");
        let check = |name, expected| assert_eq!(users.number(name), expected, "{name}");
        check("root", Some(0));
        check("www", Some(33));
        for name in ["bad", "", "w", "nobody"] {
            check(name, None);
        }
        assert_eq!(Users::of_system().number("root"), Some(0));
    }
}
