//! The notification mode of backups: which way a report goes, and why.
//!
//! What counts is chosen option by option, by [`ReportOptions::choose`]: the
//! command line before the job, the job before the defaults of the host, these
//! before the built-in ones. [`decide`] then knows the one table of the matter.
//! Nothing here reads a file or sends anything.

use std::fmt;

use notify_config::{BackupOptions, Given, MailNotification, NotificationMode};

/// The author of a mail of the old way.
pub const LEGACY_AUTHOR: &str = "vzdump backup tool";

/// Which way the report of a backup goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As an event, through the matchers to their targets.
    NotificationSystem,
    /// As a mail to the addresses of the backup, past targets and matchers.
    LegacyMail,
    /// No way: nobody is told.
    Nothing,
}

impl Way {
    /// The word in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Way::NotificationSystem => "notification-system",
            Way::LegacyMail => "legacy-mail",
            Way::Nothing => "nothing",
        }
    }
}

/// A way, and the reason for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The way.
    pub way: Way,
    /// Why, in words for people.
    pub reason: &'static str,
}

/// Decides which way the report of a backup goes.
///
/// A mail of the old way needs an address, so `auto` means it exactly where one
/// is set. `mailnotification` holds back such mails alone; the notification
/// system has matchers for that.
///
/// ```
/// use notify_config::{MailNotification, NotificationMode};
/// use notify_events::{Way, decide};
///
/// let decision = decide(NotificationMode::Auto, true, MailNotification::Failure, false);
/// assert_eq!(decision.way, Way::Nothing);
/// assert_eq!(decision.reason, "`mailnotification` is `failure`, and nothing failed");
/// ```
pub fn decide(
    mode: NotificationMode,
    has_address: bool,
    mailnotification: MailNotification,
    failed: bool,
) -> Decision {
    use NotificationMode::{Auto, LegacySendmail, NotificationSystem};
    let (way, reason) = match (mode, has_address) {
        (NotificationSystem, _) => (
            Way::NotificationSystem,
            "the mode is `notification-system`, which asks neither `mailto` nor `mailnotification`",
        ),
        (Auto, false) => (
            Way::NotificationSystem,
            "the mode is `auto`, and no address is set",
        ),
        (LegacySendmail, false) => (
            Way::Nothing,
            "the mode is `legacy-sendmail`, and no address is set",
        ),
        (Auto | LegacySendmail, true)
            if mailnotification == MailNotification::Failure && !failed =>
        {
            (
                Way::Nothing,
                "`mailnotification` is `failure`, and nothing failed",
            )
        }
        (Auto, true) => (Way::LegacyMail, "the mode is `auto`, and an address is set"),
        (LegacySendmail, true) => (Way::LegacyMail, "the mode is `legacy-sendmail`"),
    };
    Decision { way, reason }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Whoever asks has said it.
    CommandLine,
    /// The job says it, on this line of `jobs.cfg`.
    Job(u32),
    /// The host's defaults say it, on this line of `vzdump.conf`.
    Defaults(u32),
    /// Nobody says anything.
    BuiltIn,
}

impl fmt::Display for Origin {
    /// `command line`, `jobs.cfg:4`, `vzdump.conf:2` or `default`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::CommandLine => f.write_str("command line"),
            Origin::Job(line) => write!(f, "jobs.cfg:{line}"),
            Origin::Defaults(line) => write!(f, "vzdump.conf:{line}"),
            Origin::BuiltIn => f.write_str("default"),
        }
    }
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// What somebody wants for one report, whatever files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The mode.
    pub mode: Option<NotificationMode>,
    /// The addresses; an empty list means none, whatever files say.
    pub mailto: Option<Vec<String>>,
    /// When a mail of the old way is sent.
    pub mailnotification: Option<MailNotification>,
}

/// What counts for the report of one backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOptions {
    /// The mode; `auto` where nobody says anything.
    pub mode: Chosen<NotificationMode>,
    /// The addresses, as written; none where nobody says anything.
    pub mailto: Chosen<Vec<String>>,
    /// When a mail of the old way is sent; always where nobody says anything.
    pub mailnotification: Chosen<MailNotification>,
}

impl ReportOptions {
    /// Chooses each value from the first that says something.
    pub fn choose(
        overrides: &Overrides,
        job: Option<&BackupOptions>,
        defaults: &BackupOptions,
    ) -> Self {
        let nothing = BackupOptions::default();
        let job = job.unwrap_or(&nothing);
        ReportOptions {
            mode: first(&overrides.mode, &job.mode, &defaults.mode),
            mailto: first(&overrides.mailto, &job.mailto, &defaults.mailto),
            mailnotification: first(
                &overrides.mailnotification,
                &job.mailnotification,
                &defaults.mailnotification,
            ),
        }
    }

    /// Which way the report goes.
    pub fn decide(&self, failed: bool) -> Decision {
        decide(
            self.mode.value,
            !self.mailto.value.is_empty(),
            self.mailnotification.value,
            failed,
        )
    }
}

fn first<T: Clone + Default>(
    said: &Option<T>,
    job: &Option<Given<T>>,
    defaults: &Option<Given<T>>,
) -> Chosen<T> {
    let (value, origin) = match (said, job, defaults) {
        (Some(value), _, _) => (value.clone(), Origin::CommandLine),
        (None, Some(given), _) => (given.value.clone(), Origin::Job(given.line)),
        (None, None, Some(given)) => (given.value.clone(), Origin::Defaults(given.line)),
        (None, None, None) => (T::default(), Origin::BuiltIn),
    };
    Chosen { value, origin }
}

#[cfg(test)]
mod tests {
    use super::{Origin, Overrides, ReportOptions, Way, decide};
    use notify_config::{BackupOptions, Given, MailNotification, NotificationMode, mailto};
    use proptest::prelude::*;

    /// Mode, address, `mailnotification`, outcome and way: each row stands for one case.
    const TABLE: &str = "\
auto                no-address  always   ok      notification-system
auto                no-address  always   failed  notification-system
auto                no-address  failure  ok      notification-system
auto                no-address  failure  failed  notification-system
auto                address     always   ok      legacy-mail
auto                address     always   failed  legacy-mail
auto                address     failure  failed  legacy-mail
auto                address     failure  ok      nothing
legacy-sendmail     no-address  always   ok      nothing
legacy-sendmail     no-address  always   failed  nothing
legacy-sendmail     no-address  failure  ok      nothing
legacy-sendmail     no-address  failure  failed  nothing
legacy-sendmail     address     always   ok      legacy-mail
legacy-sendmail     address     always   failed  legacy-mail
legacy-sendmail     address     failure  failed  legacy-mail
legacy-sendmail     address     failure  ok      nothing
notification-system no-address  always   ok      notification-system
notification-system no-address  always   failed  notification-system
notification-system no-address  failure  ok      notification-system
notification-system no-address  failure  failed  notification-system
notification-system address     always   ok      notification-system
notification-system address     always   failed  notification-system
notification-system address     failure  ok      notification-system
notification-system address     failure  failed  notification-system";

    #[test]
    fn every_row_of_the_table() {
        let mut rows: Vec<[&str; 5]> = Vec::new();
        for line in TABLE.lines() {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let row: [&str; 5] = cells.try_into().expect("five cells");
            let [mode, address, mailnotification, outcome, way] = row;
            let decision = decide(
                mode.parse().expect("a mode"),
                address == "address",
                mailnotification.parse().expect("always or failure"),
                outcome == "failed",
            );
            assert_eq!(decision.way.name(), way, "{line}: {}", decision.reason);
            rows.push(row);
        }
        let mut cases: Vec<&[&str]> = rows.iter().map(|row| &row[..4]).collect();
        cases.sort_unstable();
        cases.dedup();
        assert_eq!(cases.len(), 3 * 2 * 2 * 2, "every case has its row");
    }

    fn mode() -> impl Strategy<Value = NotificationMode> {
        proptest::sample::select(NotificationMode::ALL.as_slice())
    }

    fn mailnotification() -> impl Strategy<Value = MailNotification> {
        proptest::sample::select(MailNotification::ALL.as_slice())
    }

    fn addresses() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[a-z]{1,4}(@[a-z]{1,4})?", 0..3)
    }

    fn given<T: std::fmt::Debug>(
        line: u32,
        value: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Option<Given<T>>> {
        proptest::option::of(value.prop_map(move |value| Given { value, line }))
    }

    /// Options whose lines begin at `line`.
    fn options(line: u32) -> impl Strategy<Value = BackupOptions> {
        let all = (
            given(line, mode()),
            given(line + 1, addresses()),
            given(line + 2, mailnotification()),
        );
        all.prop_map(|(mode, mailto, mailnotification)| BackupOptions {
            mode,
            mailto,
            mailnotification,
        })
    }

    fn overrides() -> impl Strategy<Value = Overrides> {
        let all = (
            proptest::option::of(mode()),
            proptest::option::of(addresses()),
            proptest::option::of(mailnotification()),
        );
        all.prop_map(|(mode, mailto, mailnotification)| Overrides {
            mode,
            mailto,
            mailnotification,
        })
    }

    proptest! {
        #[test]
        fn the_first_that_says_something_counts(
            overrides in overrides(),
            job in proptest::option::of(options(10)),
            defaults in options(20),
        ) {
            let chosen = ReportOptions::choose(&overrides, job.as_ref(), &defaults);
            let of_job = job.clone().unwrap_or_default();
            // From the weakest to the strongest, each takes the place of the one before.
            let mut value = Vec::new();
            let mut origin = Origin::BuiltIn;
            if let Some(given) = defaults.mailto {
                (value, origin) = (given.value, Origin::Defaults(21));
            }
            if let Some(given) = of_job.mailto {
                (value, origin) = (given.value, Origin::Job(11));
            }
            if let Some(list) = overrides.mailto {
                (value, origin) = (list, Origin::CommandLine);
            }
            prop_assert_eq!((chosen.mailto.value, chosen.mailto.origin), (value, origin));
            let mode = overrides.mode
                .or(of_job.mode.map(|given| given.value))
                .or(defaults.mode.map(|given| given.value));
            prop_assert_eq!(chosen.mode.value, mode.unwrap_or(NotificationMode::Auto));
            let policy = overrides.mailnotification
                .or(of_job.mailnotification.map(|given| given.value))
                .or(defaults.mailnotification.map(|given| given.value));
            prop_assert_eq!(chosen.mailnotification.value, policy.unwrap_or(MailNotification::Always));
        }

        #[test]
        fn a_mail_has_a_recipient_and_a_failure_is_kept_quiet_only_without_one(
            job in options(10),
            failed in any::<bool>(),
        ) {
            let options = ReportOptions::choose(&Overrides::default(), Some(&job), &BackupOptions::default());
            let way = options.decide(failed).way;
            let addressed = !options.mailto.value.is_empty();
            if way == Way::LegacyMail {
                prop_assert!(addressed);
                prop_assert_ne!(options.mode.value, NotificationMode::NotificationSystem);
            }
            if failed && way == Way::Nothing {
                prop_assert!(!addressed);
                prop_assert_eq!(options.mode.value, NotificationMode::LegacySendmail);
            }
            if way == Way::NotificationSystem {
                // Then `mailnotification` changes nothing.
                for policy in MailNotification::ALL {
                    prop_assert_eq!(decide(options.mode.value, addressed, policy, failed).way, way);
                }
            }
        }
    }

    #[test]
    fn an_address_among_the_defaults_of_the_host_makes_auto_a_mail() {
        let job = BackupOptions::default();
        let defaults = BackupOptions {
            mailto: Some(Given {
                value: mailto("admin@example.com"),
                line: 3,
            }),
            ..BackupOptions::default()
        };
        let options = ReportOptions::choose(&Overrides::default(), Some(&job), &defaults);
        assert_eq!(options.decide(false).way, Way::LegacyMail);
        assert_eq!(options.mailto.origin.to_string(), "vzdump.conf:3");
        let without = Overrides {
            mailto: Some(Vec::new()),
            ..Overrides::default()
        };
        let options = ReportOptions::choose(&without, Some(&job), &defaults);
        assert_eq!(options.decide(false).way, Way::NotificationSystem);
    }
}
