//! Who may do what, by the user that the kernel says is at the other end.

use std::collections::BTreeSet;

/// Which users may send.
///
/// Root and the daemon's own user are trusted: they may also send mails in the
/// way of older versions, follow any event and see the status. Others may
/// follow what they sent over the same connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    own: u32,
    root: bool,
    anybody: bool,
    others: BTreeSet<u32>,
}

const ROOT: u32 = 0;

impl Access {
    /// The default: root and the daemon's own user.
    pub fn of_daemon(own: u32) -> Self {
        Access {
            own,
            root: true,
            ..Access::default()
        }
    }

    /// These users too.
    #[must_use]
    pub fn with(mut self, users: impl IntoIterator<Item = u32>) -> Self {
        self.others.extend(users);
        self
    }

    /// Everybody on this host.
    #[must_use]
    pub fn with_anybody(mut self) -> Self {
        self.anybody = true;
        self
    }

    /// The permissions of the socket's file: it is closed to those who may not do anything.
    pub fn mode(&self) -> u32 {
        if self.anybody || !self.others.is_empty() {
            0o666
        } else {
            0o600
        }
    }

    pub(crate) fn may_send(&self, uid: u32) -> bool {
        self.anybody || self.is_trusted(uid) || self.others.contains(&uid)
    }

    pub(crate) fn is_trusted(&self, uid: u32) -> bool {
        uid == self.own || (self.root && uid == ROOT)
    }

    /// Whether a user may send as much as it likes.
    pub(crate) fn is_unlimited(&self, uid: u32) -> bool {
        self.root && uid == ROOT
    }
}

#[cfg(test)]
mod tests {
    use super::Access;

    #[test]
    fn root_and_the_own_user_are_trusted() {
        let check = |access: &Access, uid, send, trusted| {
            let said = (access.may_send(uid), access.is_trusted(uid));
            assert_eq!(said, (send, trusted), "{access:?} {uid}");
        };
        let plain = Access::of_daemon(100);
        check(&plain, 0, true, true);
        check(&plain, 100, true, true);
        check(&plain, 101, false, false);
        assert_eq!(plain.mode(), 0o600);
        let more = plain.with([101]);
        check(&more, 101, true, false);
        check(&more, 102, false, false);
        assert_eq!(more.mode(), 0o666);
        check(&more.with_anybody(), 102, true, false);
    }
}
