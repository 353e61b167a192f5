//! Whether a configuration that was read anew may take the place of the one in force.
//!
//! A section with a fault costs itself, in the daemon as in every command. But a
//! file that is gone as a whole, as when a cluster's file system is not mounted
//! or an editor was killed, would leave only the built-ins: then the last good
//! configuration stays in force.

use notify_config::{Configuration, Content};
use notify_schema::{Level, Source};

use crate::setup::Ready;

/// Which changes are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Those of a watch: a file that is missing is a mishap.
    Seen,
    /// Those that a person asked to read: a file that is missing was removed.
    Asked,
}

/// Why `now` must not take the place of `before`.
pub(super) fn objection(before: &Ready, now: &Ready, trust: Trust) -> Option<String> {
    let sources = [Source::Public, Source::Private, Source::Overlay];
    sources.into_iter().find_map(|source| {
        let name = source.path()?;
        let contents = |ready: &Ready| ready.snapshot.files.content(source).clone();
        let was_good = matches!(contents(before), Content::Read(_));
        match contents(now) {
            Content::Unreadable(reason) if was_good => {
                Some(format!("cannot read {name}: {reason}"))
            }
            Content::Missing if was_good && trust == Trust::Seen => Some(format!("{name} is gone")),
            Content::Read(_)
                if was_good && is_rubbish(&before.configuration, &now.configuration, source) =>
            {
                Some(format!("{name} has no section any more that can be read"))
            }
            _ => None,
        }
    })
}

/// It had sections, and what stands there now has none, and is not nothing either.
fn is_rubbish(before: &Configuration, now: &Configuration, source: Source) -> bool {
    let mut before = before.document(source).sections();
    let had_some = before.any(|section| section.is_sound());
    let now = now.document(source);
    let is_wrong = now.faults().iter().any(|fault| fault.level == Level::Error);
    had_some && is_wrong && now.sections().all(|section| !section.is_sound())
}

#[cfg(test)]
mod tests {
    use super::{Trust, objection};
    use crate::setup::{Ready, Setup};
    use notify_core::Zone;
    use std::fs;
    use std::path::Path;

    const GOOD: &str = "matcher: all\n\ttarget a\n";

    fn read(folder: &Path) -> Ready {
        let setup = Setup::at(folder.join("etc"), folder.join("state")).expect("a folder");
        setup.ready(Zone::Local).expect("a configuration")
    }

    #[track_caller]
    fn check(change: impl FnOnce(&Path), trust: Trust, expected: Option<&str>) {
        let folder = tempfile::tempdir().expect("a folder");
        let etc = folder.path().join("etc");
        fs::create_dir_all(etc.join("priv")).expect("folders");
        fs::write(etc.join("notifications.cfg"), GOOD).expect("a file");
        fs::write(
            etc.join("priv/notifications.cfg"),
            "gotify: ops\n\ttoken x\n",
        )
        .expect("a file");
        let before = read(folder.path());
        change(&etc);
        let now = read(folder.path());
        assert_eq!(objection(&before, &now, trust).as_deref(), expected);
    }

    #[test]
    fn what_can_be_read_is_good_whatever_is_wrong_in_it() {
        check(|_| {}, Trust::Seen, None);
        for text in [
            "",
            "# none\n",
            "matcher: mm\n\tbogus x\n",
            "bogus: cc\n\tx y\n",
        ] {
            let write =
                |etc: &Path| fs::write(etc.join("notifications.cfg"), text).expect("a file");
            check(write, Trust::Seen, None);
        }
    }

    #[test]
    fn a_file_that_is_gone_was_removed_only_when_a_person_says_so() {
        for name in ["notifications.cfg", "priv/notifications.cfg"] {
            let remove = |etc: &Path| fs::remove_file(etc.join(name)).expect("it was there");
            let gone = format!("{name} is gone");
            check(remove, Trust::Seen, Some(&gone));
            check(remove, Trust::Asked, None);
        }
        let all = |etc: &Path| fs::remove_dir_all(etc).expect("it was there");
        check(all, Trust::Seen, Some("notifications.cfg is gone"));
    }

    #[test]
    fn rubbish_takes_no_place() {
        for text in [&b"\x7fELF\x01\x00\x02"[..], b"<html>\n", b"\ttarget a\n"] {
            let write =
                |etc: &Path| fs::write(etc.join("notifications.cfg"), text).expect("a file");
            let said = "notifications.cfg has no section any more that can be read";
            check(write, Trust::Asked, Some(said));
        }
    }

    #[test]
    fn a_private_file_that_is_no_file_keeps_the_secrets_of_before() {
        let folder = |etc: &Path| {
            fs::remove_file(etc.join("priv/notifications.cfg")).expect("it was there");
            fs::create_dir(etc.join("priv/notifications.cfg")).expect("a folder");
        };
        let said = "cannot read priv/notifications.cfg: not a regular file";
        check(folder, Trust::Asked, Some(said));
    }
}
