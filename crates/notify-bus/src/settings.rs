//! Our settings for the daemon and its spool, and the retry policy of each target.
//!
//! `daemon: local` and `spool: local` stand in `notify.cfg`. What a target's
//! section says of its own deliveries goes before what the daemon's says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use notify_config::Configuration;
use notify_core::Retention;
use notify_match::MATCHER;
use notify_schema::{Fields, Kind, Property, Schema, excerpt, parse_duration, parse_size};

use crate::policy::{RetryPolicy, WhenUncertain};
use crate::system_mail::is_local;

const DAEMON: &str = "daemon";
const SPOOL: &str = "spool";

/// How a daemon works on this host.
///
/// ```
/// use std::time::Duration;
/// use notify_bus::Settings;
/// use notify_config::{Configuration, Files};
/// use notify_core::Registry;
///
/// let registry = Registry::of([]).expect("no name twice");
/// let overlay = "daemon: local\n\tretry-max-age 1d\n\tmetrics-listen 127.0.0.1:9097\n";
/// let files = Files::of("", "", overlay);
/// let settings = Settings::of(&Configuration::assemble(&files, &notify_bus::schemas(&registry)));
/// assert_eq!(settings.target("any").retry.max_age, Duration::from_secs(86_400));
/// assert!(settings.daemon.metrics_listen.is_some_and(|address| address.port() == 9097));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What `daemon: local` says.
    pub daemon: DaemonSettings,
    /// What `spool: local` says: how long settled events stay.
    pub retention: Retention,
    /// The targets that say something of their own.
    targets: BTreeMap<String, TargetSettings>,
}

/// The settings of a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonSettings {
    /// What holds for targets that say nothing.
    pub defaults: TargetSettings,
    /// How many deliveries are made at once, to all targets together.
    pub concurrency_total: usize,
    /// Where metrics and health are served; nowhere when it is not said.
    pub metrics_listen: Option<SocketAddr>,
    /// The largest event or mail that is taken, in bytes.
    pub intake_max_size: u64,
    /// How many events a user may send in a second; ten times as many at a stretch.
    pub intake_rate: u32,
    /// Who may send.
    pub intake_allow: Vec<Sender>,
}

/// How deliveries to one target are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetSettings {
    /// How failed ones are tried again.
    pub retry: RetryPolicy,
    /// How many are made at once.
    pub concurrency: usize,
}

/// Somebody who may send events to a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The user with number 0.
    Root,
    /// The user that the daemon runs as.
    Own,
    /// Whoever may open the socket.
    All,
    /// The user of this number.
    Number(u32),
    /// The user of this name.
    Named(String),
}

static MAX_AGE: Property = Property::default(
    "retry-max-age",
    Kind::DURATION,
    "3d",
    "How long a delivery is tried. One that fails at this age is given up. A target may say otherwise.",
)
.example("5d")
.ours();

static MIN_INTERVAL: Property = Property::default(
    "retry-min-interval",
    Kind::DURATION,
    "10s",
    "The first attempt to repeat a failed one comes within this time, each later one within \
     twice the time of the one before. A target may say otherwise.",
)
.example("30s")
.ours();

static MAX_INTERVAL: Property = Property::default(
    "retry-max-interval",
    Kind::DURATION,
    "1h",
    "The longest time between two attempts, unless the far side asks for more. \
     A target may say otherwise.",
)
.example("2h")
.ours();

static UNCERTAIN: Property = Property::default(
    "retry-uncertain",
    Kind::Choice(&["resend", "hold"]),
    "resend",
    "What becomes of a delivery that may have arrived: `resend` sends it again under the same \
     Message-ID, `hold` gives it up until a person decides. A target may say otherwise.",
)
.example("hold")
.ours();

static CONCURRENCY: Property = Property::default(
    "concurrency",
    Kind::Integer { min: 1, max: 64 },
    "8",
    "How many deliveries to one target are made at once. A target may say otherwise.",
)
.example("4")
.ours();

static CONCURRENCY_TOTAL: Property = Property::default(
    "concurrency-total",
    Kind::Integer { min: 4, max: 400 },
    "64",
    "How many deliveries are made at once, to all targets together.",
)
.example("128")
.ours();

static METRICS_LISTEN: Property = Property::optional(
    "metrics-listen",
    Kind::Checked {
        what: "an address of this machine and a port, as `127.0.0.1:9097`",
        check: |text| listen(text).map(drop),
    },
    "Where `/metrics`, `/healthz` and `/readyz` are served.",
)
.example("127.0.0.1:9097")
.ours();

static INTAKE_MAX_SIZE: Property = Property::default(
    "intake-max-size",
    Kind::SIZE,
    "16M",
    "The largest event or mail that is taken.",
)
.example("64M")
.ours();

static INTAKE_RATE: Property = Property::default(
    "intake-rate",
    Kind::Integer {
        min: 1,
        max: 1_000_000,
    },
    "100",
    "How many events a user may send in a second; ten times as many at a stretch. \
     For root there is no limit.",
)
.example("1000")
.ours();

static INTAKE_ALLOW: Property = Property::default(
    "intake-allow",
    Kind::Checked {
        what: "`root`, `own`, `all`, and names or numbers of users, comma-separated",
        check: |text| senders(text).map(drop),
    },
    "root,own",
    "Who may send events: `root`, `own` for the user that the daemon runs as, `all` for whoever \
     may open the socket, and names or numbers of users, comma-separated.",
)
.example("root,own,www-data")
.ours();

/// A number of events.
const COUNT: Kind = Kind::Integer {
    min: 1,
    max: 1_000_000_000,
};

static KEEP_DELIVERED: Property = Property::default(
    "keep-delivered",
    Kind::DURATION,
    "30d",
    "How long events stay in the history whose deliveries all arrived or were cancelled.",
)
.example("90d")
.ours();

static KEEP_DEAD: Property = Property::default(
    "keep-dead",
    Kind::DURATION,
    "90d",
    "How long events stay in the history of which a delivery was given up.",
)
.example("365d")
.ours();

static KEEP_DELIVERED_EVENTS: Property = Property::optional(
    "keep-delivered-events",
    COUNT,
    "How many events stay whose deliveries all arrived or were cancelled; the oldest go first.",
)
.example("100000")
.ours();

static KEEP_DEAD_EVENTS: Property = Property::optional(
    "keep-dead-events",
    COUNT,
    "How many events stay of which a delivery was given up; the oldest go first.",
)
.example("10000")
.ours();

static KEEP_EVENTS: Property = Property::default(
    "keep-events",
    COUNT,
    "1000000",
    "How many settled events stay in the history. The oldest go first; those of which a delivery \
     was given up go when there are no others.",
)
.example("50000")
.ours();

static KEEP_SIZE: Property = Property::default(
    "keep-size",
    Kind::SIZE,
    "4G",
    "How large the history may grow on disk. Settled events go in the same order.",
)
.example("512M")
.ours();

/// The section types that stand in `notify.cfg`.
pub(crate) fn schemas() -> [Schema; 2] {
    [
        Schema::new(
            DAEMON,
            [
                &MAX_AGE,
                &MIN_INTERVAL,
                &MAX_INTERVAL,
                &UNCERTAIN,
                &CONCURRENCY,
                &CONCURRENCY_TOTAL,
                &METRICS_LISTEN,
                &INTAKE_MAX_SIZE,
                &INTAKE_RATE,
                &INTAKE_ALLOW,
            ],
        )
        .ours(),
        Schema::new(
            SPOOL,
            [
                &KEEP_DELIVERED,
                &KEEP_DEAD,
                &KEEP_DELIVERED_EVENTS,
                &KEEP_DEAD_EVENTS,
                &KEEP_EVENTS,
                &KEEP_SIZE,
            ],
        )
        .ours(),
    ]
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            daemon: DaemonSettings::of(None),
            retention: retention(None),
            targets: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// What a configuration says; the defaults where it says nothing, or nothing that can be used.
    pub fn of(configuration: &Configuration) -> Self {
        let daemon = DaemonSettings::of(local(configuration, DAEMON));
        let targets = configuration.sections().iter().filter_map(|section| {
            let fields = section.fields.as_ref()?;
            let own = daemon.defaults.with(fields);
            let differs = section.kind != MATCHER && own != daemon.defaults;
            differs.then(|| (section.name.clone(), own))
        });
        Settings {
            targets: targets.collect(),
            retention: retention(local(configuration, SPOOL)),
            daemon,
        }
    }

    /// Those of a target; the defaults when it says nothing, or when there is none.
    pub fn target(&self, name: &str) -> &TargetSettings {
        self.targets.get(name).unwrap_or(&self.daemon.defaults)
    }
}

impl DaemonSettings {
    fn of(fields: Option<&Fields>) -> Self {
        let number = |property: &Property| number(fields, property);
        DaemonSettings {
            defaults: TargetSettings {
                retry: RetryPolicy {
                    min_interval: duration(fields, &MIN_INTERVAL),
                    max_interval: duration(fields, &MAX_INTERVAL),
                    max_age: duration(fields, &MAX_AGE),
                    uncertain: when_uncertain(value(fields, &UNCERTAIN)),
                },
                concurrency: usize::try_from(number(&CONCURRENCY)).unwrap_or(usize::MAX),
            },
            concurrency_total: usize::try_from(number(&CONCURRENCY_TOTAL)).unwrap_or(usize::MAX),
            metrics_listen: fields
                .and_then(|fields| fields.text(METRICS_LISTEN.name))
                .and_then(|text| listen(text).ok()),
            intake_max_size: size(fields, &INTAKE_MAX_SIZE),
            intake_rate: u32::try_from(number(&INTAKE_RATE)).unwrap_or(u32::MAX),
            intake_allow: senders(value(fields, &INTAKE_ALLOW)).unwrap_or_default(),
        }
    }
}

impl TargetSettings {
    /// These, where a section does not say otherwise.
    fn with(self, fields: &Fields) -> Self {
        let duration = |property: &Property, otherwise| {
            let text = fields.text(property.name);
            text.and_then(|text| parse_duration(text).ok())
                .unwrap_or(otherwise)
        };
        let concurrency = fields.integer(CONCURRENCY.name);
        let concurrency = concurrency.and_then(|number| usize::try_from(number).ok());
        TargetSettings {
            retry: RetryPolicy {
                min_interval: duration(&MIN_INTERVAL, self.retry.min_interval),
                max_interval: duration(&MAX_INTERVAL, self.retry.max_interval),
                max_age: duration(&MAX_AGE, self.retry.max_age),
                uncertain: fields
                    .text(UNCERTAIN.name)
                    .map_or(self.retry.uncertain, when_uncertain),
            },
            concurrency: concurrency.unwrap_or(self.concurrency),
        }
    }
}

/// The section of this host; the last when there are several.
fn local<'a>(configuration: &'a Configuration, kind: &str) -> Option<&'a Fields> {
    let sections = configuration.settings().iter();
    let mut local = sections.filter(|section| section.kind == kind && is_local(section));
    local
        .next_back()
        .and_then(|section| section.fields.as_ref())
}

fn retention(fields: Option<&Fields>) -> Retention {
    Retention {
        delivered: duration(fields, &KEEP_DELIVERED),
        dead: duration(fields, &KEEP_DEAD),
        most_delivered: limit(fields, &KEEP_DELIVERED_EVENTS),
        most_dead: limit(fields, &KEEP_DEAD_EVENTS),
        most_events: number(fields, &KEEP_EVENTS),
        most_bytes: size(fields, &KEEP_SIZE),
    }
}

/// What a section says, else the default.
fn value<'a>(fields: Option<&'a Fields>, property: &Property) -> &'a str {
    let said = fields.and_then(|fields| fields.text(property.name));
    said.unwrap_or_else(|| default(property))
}

fn default(property: &Property) -> &'static str {
    match property.presence {
        notify_schema::Presence::Default(value) => value,
        _ => "",
    }
}

fn duration(fields: Option<&Fields>, property: &Property) -> Duration {
    parse_duration(value(fields, property))
        .expect("checked by its kind, or the default, which a test reads")
}

fn size(fields: Option<&Fields>, property: &Property) -> u64 {
    parse_size(value(fields, property))
        .expect("checked by its kind, or the default, which a test reads")
}

fn number(fields: Option<&Fields>, property: &Property) -> u64 {
    value(fields, property)
        .parse()
        .expect("checked by its kind, or the default, which a test reads")
}

/// A number that need not be said: then there is no limit.
fn limit(fields: Option<&Fields>, property: &Property) -> u64 {
    value(fields, property).parse().unwrap_or(u64::MAX)
}

fn when_uncertain(word: &str) -> WhenUncertain {
    match word {
        "hold" => WhenUncertain::Hold,
        _ => WhenUncertain::Resend,
    }
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| {
        format!(
            "expected an address and a port, as `{}`, not `{}`",
            METRICS_LISTEN.example,
            excerpt(text)
        )
    })?;
    // What is served has no password.
    if !address.ip().is_loopback() {
        return Err(format!("`{address}` can be reached from other machines"));
    }
    Ok(address)
}

fn senders(text: &str) -> Result<Vec<Sender>, String> {
    text.split(',').map(|word| sender(word.trim())).collect()
}

fn sender(word: &str) -> Result<Sender, String> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-$".contains(&byte);
    match word {
        "root" => Ok(Sender::Root),
        "own" => Ok(Sender::Own),
        "all" => Ok(Sender::All),
        "" => Err("a user has a name or a number".to_owned()),
        _ if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            let number = word
                .parse()
                .map_err(|_| format!("`{}` is no number of a user", excerpt(word)))?;
            Ok(Sender::Number(number))
        }
        _ if word.len() <= 64 && word.bytes().all(letter) => Ok(Sender::Named(word.to_owned())),
        _ => Err(format!("`{}` is no name of a user", excerpt(word))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Sender, Settings, senders};
    use crate::policy::WhenUncertain;
    use notify_config::{Configuration, Files};
    use notify_core::{Registry, TargetType};
    use notify_schema::{Fault, Schema, lint};
    use std::time::Duration;

    static BELL: TargetType = TargetType::new("bell", "Bell", |_| Err(Vec::new()));

    fn configuration(public: &str, overlay: &str) -> Configuration {
        let registry = Registry::of([&BELL]).expect("one type");
        Configuration::assemble(&Files::of(public, "", overlay), &crate::schemas(&registry))
    }

    fn settings(public: &str, overlay: &str) -> Settings {
        Settings::of(&configuration(public, overlay))
    }

    fn faults(overlay: &str) -> Vec<String> {
        configuration("", overlay)
            .faults()
            .iter()
            .map(Fault::to_string)
            .collect()
    }

    #[test]
    fn every_setting_has_a_default() {
        insta::assert_debug_snapshot!(Settings::default());
        assert_eq!(settings("", ""), Settings::default());
    }

    #[test]
    fn properties_keep_the_laws() {
        for schema in super::schemas() {
            assert_eq!(lint(schema.properties()), Vec::<String>::new());
        }
    }

    #[test]
    fn what_a_target_may_say_the_daemon_may_say_for_all() {
        let [daemon, _] = super::schemas();
        let known = |schema: &Schema, name| {
            schema
                .property(name)
                .map(|property| property.kind.expected())
        };
        for property in &TargetType::COMMON[2..] {
            let of_all = known(&daemon, property.name);
            assert_eq!(of_all, Some(property.kind.expected()), "{}", property.name);
        }
    }

    #[test]
    fn a_target_goes_before_the_daemon() {
        let public = "bell: one\n\nbell: two\n\tretry-max-age 2h\n\tconcurrency 2\n";
        let overlay = "daemon: local\n\tretry-max-age 1d\n\tretry-uncertain hold\n\n\
                       bell: one\n\tretry-min-interval 1s\n\tretry-uncertain resend\n";
        let settings = settings(public, overlay);
        let one = settings.target("one");
        assert_eq!(
            (one.concurrency, one.retry.uncertain),
            (8, WhenUncertain::Resend)
        );
        assert_eq!(one.retry.min_interval, Duration::from_secs(1));
        let two = settings.target("two");
        assert_eq!(
            (two.concurrency, two.retry.uncertain),
            (2, WhenUncertain::Hold)
        );
        assert_eq!(two.retry.max_age, Duration::from_secs(7_200));
        let none = settings.target("none");
        assert_eq!(none.retry.max_age, Duration::from_secs(86_400));
    }

    #[test]
    fn a_bad_value_is_said_and_the_default_holds() {
        let overlay = "daemon: local\n\tconcurrency-total 2\n\tretry-max-age 3\n\n\
                       spool: local\n\tkeep-size 1P\n";
        insta::assert_snapshot!(faults(overlay).join("\n"));
        assert_eq!(settings("", overlay), Settings::default());
    }

    #[test]
    fn each_state_has_limits_of_its_own() {
        let overlay = "spool: local\n\tkeep-dead 1d\n\tkeep-delivered-events 7\n\
                       \tkeep-dead-events 5\n\tkeep-events 9\n";
        let retention = settings("", overlay).retention;
        let counts = (
            retention.most_delivered,
            retention.most_dead,
            retention.most_events,
        );
        assert_eq!(counts, (7, 5, 9));
        assert_eq!(retention.dead, Duration::from_secs(86_400));
        assert_eq!(Settings::default().retention.most_dead, u64::MAX);
    }

    #[test]
    fn metrics_are_for_this_machine_only() {
        let overlay = "daemon: local\n\tmetrics-listen 0.0.0.0:9097\n";
        insta::assert_snapshot!(faults(overlay).join("\n"));
        assert_eq!(settings("", overlay).daemon.metrics_listen, None);
    }

    #[test]
    fn senders_are_words_names_and_numbers() {
        let list = senders("root, own,all,1000,www-data").expect("good");
        let named = Sender::Named("www-data".to_owned());
        assert_eq!(
            list,
            [
                Sender::Root,
                Sender::Own,
                Sender::All,
                Sender::Number(1000),
                named
            ]
        );
        for bad in ["", "root,", "4294967296", "a b", "a\u{e4}"] {
            assert!(senders(bad).is_err(), "{bad:?}");
        }
    }
}
