//! Our settings for mail that system daemons write to root.

use std::collections::BTreeMap;

use notify_config::Configuration;
use notify_core::Severity;
use notify_match::FieldRule;
use notify_schema::{Kind, Property, Schema, excerpt};

/// The section type, `system-mail: local` in `notify.cfg`.
const SYSTEM_MAIL: &str = "system-mail";
/// The name under which a rule sees the subject. It is no field of the event.
const SUBJECT: &str = "subject";

static SEVERITY: Property = Property::repeated(
    "severity",
    Kind::Checked {
        what: "a severity, a blank, and `exact:FIELD=VALUE[,VALUE…]` or `regex:FIELD=PATTERN`",
        check,
    },
    "A severity for mails of which the rule behind it holds. The rule has the form of \
     `match-field`, and sees the fields of the event and `subject`. The first that holds \
     counts; without one the severity is `unknown`.",
)
.example("error exact:daemon=smartd,mdadm")
.ours();

pub(crate) fn schema() -> Schema {
    Schema::new(SYSTEM_MAIL, [&SEVERITY]).ours()
}

/// Which severity the mails of system daemons have.
///
/// ```
/// use notify_bus::SystemMail;
/// use notify_config::{Configuration, Files, Schemas};
/// use notify_core::{Registry, Severity};
///
/// let registry = Registry::of([]).expect("no name twice");
/// let overlay = "system-mail: local\n\tseverity error exact:daemon=smartd\n";
/// let files = Files::of("", "", overlay);
/// let configuration = Configuration::assemble(&files, &notify_bus::schemas(&registry));
/// let settings = SystemMail::of(&configuration);
/// let fields = [("daemon".to_owned(), "smartd".to_owned())].into();
/// assert_eq!(settings.severity(&fields, "SMART error"), Severity::Error);
/// assert_eq!(settings.severity(&Default::default(), "SMART error"), Severity::Unknown);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SystemMail {
    rules: Vec<(Severity, FieldRule)>,
}

impl SystemMail {
    /// What the section says; nothing when there is none or it cannot be used.
    pub fn of(configuration: &Configuration) -> Self {
        let settings = configuration.settings().iter();
        let mut local = settings.filter(|section| section.kind == SYSTEM_MAIL && is_local(section));
        let fields = local
            .next_back()
            .and_then(|section| section.fields.as_ref());
        let lines = fields
            .into_iter()
            .flat_map(|fields| fields.texts(SEVERITY.name));
        SystemMail {
            rules: lines.filter_map(|line| parse(line).ok()).collect(),
        }
    }

    /// The severity of a mail with these fields and this subject.
    pub fn severity(&self, fields: &BTreeMap<String, String>, subject: &str) -> Severity {
        if self.rules.is_empty() {
            return Severity::Unknown;
        }
        let mut seen = fields.clone();
        seen.insert(SUBJECT.to_owned(), subject.to_owned());
        let mut rules = self.rules.iter();
        let first = rules.find(|(_, rule)| rule.matches(&seen));
        first.map_or(Severity::Unknown, |(severity, _)| *severity)
    }
}

/// Our settings are those of this host; other names are kept for what may come.
pub(crate) fn is_local(section: &notify_config::Section) -> bool {
    section.name == "local"
}

fn check(line: &str) -> Result<(), String> {
    parse(line).map(drop)
}

fn parse(line: &str) -> Result<(Severity, FieldRule), String> {
    let (severity, rule) = line.split_once([' ', '\t']).ok_or_else(|| {
        format!(
            "expected a severity and a rule, as `{}`, not `{}`",
            SEVERITY.example,
            excerpt(line)
        )
    })?;
    let severity = severity
        .parse::<Severity>()
        .map_err(|error| error.to_string())?;
    let rule = FieldRule::parse(rule.trim_start()).map_err(|error| error.to_string())?;
    Ok((severity, rule))
}

#[cfg(test)]
mod tests {
    use super::{SystemMail, parse};
    use notify_config::{Configuration, Files};
    use notify_core::{Registry, Severity};

    fn configuration(public: &str, overlay: &str) -> Configuration {
        let registry = Registry::of([]).expect("no name twice");
        Configuration::assemble(&Files::of(public, "", overlay), &crate::schemas(&registry))
    }

    const RULES: &str = "system-mail: local\n\
        \tseverity info regex:subject=(?i)test\n\
        \tseverity error   exact:daemon=smartd,mdadm\n\
        \tseverity warning regex:subject=^Cron <\n";

    #[track_caller]
    fn check(overlay: &str, daemon: &str, subject: &str, expected: Severity) {
        let settings = SystemMail::of(&configuration("", overlay));
        let fields = [("daemon".to_owned(), daemon.to_owned())].into();
        assert_eq!(
            settings.severity(&fields, subject),
            expected,
            "{daemon}: {subject}"
        );
    }

    #[test]
    fn the_first_rule_that_holds_counts() {
        check(RULES, "smartd", "SMART error", Severity::Error);
        check(RULES, "smartd", "SMART test", Severity::Info);
        check(RULES, "cron", "Cron <root@pve1> backup", Severity::Warning);
        check(RULES, "cron", "backup", Severity::Unknown);
        check("", "smartd", "SMART error", Severity::Unknown);
    }

    #[test]
    fn only_this_hosts_section_counts() {
        let other = RULES.replace("local", "other");
        check(&other, "smartd", "SMART error", Severity::Unknown);
    }

    #[test]
    fn a_line_that_is_wrong_costs_itself() {
        let overlay = format!("{RULES}\tseverity fatal exact:daemon=zed\n");
        check(&overlay, "smartd", "SMART error", Severity::Error);
        check(&overlay, "zed", "a pool", Severity::Unknown);
        let faults = configuration("", &overlay).faults().to_vec();
        let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "notify.cfg:5:2: error: system-mail `local`: property `severity`: expected one of \
              info, notice, warning, error, unknown, not `fatal`"
            ]
        );
    }

    #[test]
    fn a_line_has_a_severity_and_a_rule() {
        let refused = |line: &str| parse(line).expect_err("refused");
        assert_eq!(
            refused("error"),
            "expected a severity and a rule, as `error exact:daemon=smartd,mdadm`, not `error`"
        );
        assert!(refused("error daemon=smartd").contains("daemon=smartd"));
        assert!(refused("error regex:subject=(").contains('('));
    }
}
