//! Makes an event from arguments.

use std::collections::BTreeMap;
use std::time::SystemTime;

use chrono::Utc;
use notify_bus::Moment;
use notify_core::{Content, EventId, Notification, Severity, Zone, check_field};

use crate::args::EventArgs;
use crate::exit::Stop;

/// The fields of an event: those given, `type`, and this host's name where no `hostname` was given.
pub(crate) fn fields(args: &EventArgs, hostname: &str) -> Result<BTreeMap<String, String>, Stop> {
    let mut fields = BTreeMap::new();
    let kind = args
        .kind
        .iter()
        .map(|kind| ("type".to_owned(), kind.clone()));
    for (name, value) in kind.chain(args.fields.iter().cloned()) {
        check_field(&name, &value).map_err(|error| Stop::usage(error.to_string()))?;
        if fields.insert(name.clone(), value).is_some() {
            let hint = if name == "type" {
                "--type is the field `type`: give one of them"
            } else {
                "give it once"
            };
            return Err(Stop::usage(format!("the field `{name}` is given twice")).with_hint(hint));
        }
    }
    fields
        .entry("hostname".to_owned())
        .or_insert_with(|| hostname.to_owned());
    Ok(fields)
}

/// The severity, `info` when none was given.
pub(crate) fn severity(args: &EventArgs) -> Severity {
    args.severity.unwrap_or(Severity::Info)
}

/// A new event with an identity of its own.
pub(crate) fn notification(
    severity: Severity,
    timestamp: i64,
    fields: BTreeMap<String, String>,
    content: Content,
) -> Result<Notification, Stop> {
    Ok(Notification {
        id: new_id()?,
        severity,
        timestamp,
        fields,
        content,
    })
}

/// An identity that nobody else has, nor can guess.
pub(crate) fn new_id() -> Result<EventId, Stop> {
    let mut random = [0; 10];
    getrandom::fill(&mut random)
        .map_err(|error| Stop::failed(format!("no random numbers: {error}")))?;
    Ok(EventId::new(SystemTime::now(), random))
}

/// Seconds since 1970-01-01 UTC.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp()
}

/// This moment, in the zone of this machine.
pub(crate) fn moment() -> Moment {
    Moment {
        instant: std::time::Instant::now(),
        wall: Zone::Local.at(now()),
    }
}

/// Runs deliveries on one thread; all of them at the same time.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Stop::failed(format!("cannot start: {error}")))?;
    Ok(runtime.block_on(future))
}

#[cfg(test)]
mod tests {
    use super::fields;
    use crate::args::EventArgs;

    fn check(kind: Option<&str>, given: &[(&str, &str)], expected: Result<&str, &str>) {
        let args = EventArgs {
            kind: kind.map(str::to_owned),
            fields: given
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..EventArgs::default()
        };
        let result = fields(&args, "pve1");
        let shown = result.map(|fields| {
            fields
                .iter()
                .map(|(k, v)| format!("{k}={v}"))
                .collect::<Vec<_>>()
                .join(" ")
        });
        assert_eq!(
            shown.as_deref().map_err(|stop| stop.message.as_str()),
            expected
        );
    }

    #[test]
    fn the_host_is_named_unless_a_field_says_otherwise() {
        check(
            Some("vzdump"),
            &[("job-id", "a")],
            Ok("hostname=pve1 job-id=a type=vzdump"),
        );
        check(None, &[("hostname", "pve2")], Ok("hostname=pve2"));
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        check(
            Some("a"),
            &[("type", "a")],
            Err("the field `type` is given twice"),
        );
        check(
            None,
            &[("x", "1"), ("x", "2")],
            Err("the field `x` is given twice"),
        );
        check(
            Some("a\nb"),
            &[],
            Err("the value of `type` contains a control character"),
        );
    }
}
