//! The variables that every event has.

use notify_core::{Host, Severity};
use serde_json::{Map, Value};

/// `data` with `hostname`, `fqdn` and, in a cluster, `cluster-name` of the host that sends,
/// and the name of the event's `severity`, where there is an event.
///
/// A key that the data has already stays as it is. Data that is neither an
/// object nor null stays as it is altogether.
///
/// ```
/// use notify_core::{PlainHost, Severity};
/// use notify_render::with_common_variables;
/// use serde_json::json;
/// let data = with_common_variables(json!({"fqdn": "a.b"}), &PlainHost::named("pve1"), Some(Severity::Info));
/// assert_eq!(data, json!({"hostname": "pve1", "fqdn": "a.b", "severity": "info"}));
/// ```
pub fn with_common_variables(data: Value, host: &dyn Host, severity: Option<Severity>) -> Value {
    let mut object = match data {
        Value::Object(object) => object,
        Value::Null => Map::new(),
        other => return other,
    };
    let variables = [
        ("hostname", Some(host.name())),
        ("fqdn", Some(host.fqdn())),
        ("cluster-name", host.cluster_name()),
        ("severity", severity.map(Severity::name)),
    ];
    for (name, value) in variables {
        if let Some(value) = value
            && !object.contains_key(name)
        {
            object.insert(name.to_owned(), value.into());
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::with_common_variables;
    use notify_core::PlainHost;
    use serde_json::json;

    #[test]
    fn a_cluster_has_a_name() {
        let host = PlainHost {
            cluster_name: Some("prod".to_owned()),
            ..PlainHost::named("pve1")
        };
        assert_eq!(
            with_common_variables(json!(null), &host, None),
            json!({"hostname": "pve1", "fqdn": "pve1", "cluster-name": "prod"})
        );
        assert_eq!(with_common_variables(json!([1]), &host, None), json!([1]));
    }
}
