//! PagerDuty: the Events API v2, `POST /v2/enqueue`.

use serde_json::{Value, json};

use super::given::{Given, json as json_of};
use super::{Accepted, Service, Taken};
use crate::http::{Request, Response};

/// PagerDuty with the routing key, 32 characters, as secret.
pub static PAGERDUTY: Service = Service {
    name: "pagerduty",
    answer,
};

const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

fn answer(request: &Request, routing_key: &str) -> Result<Accepted, Response> {
    if (request.method.as_str(), request.path()) != ("POST", "/v2/enqueue") {
        return Err(Response::new(404));
    }
    if request.body.len() > 512 * 1024 {
        return Err(Response::new(413));
    }
    let taken = read(request, routing_key).map_err(|why| {
        let body = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": [why] });
        Response::json(400, &body)
    })?;
    let body = json!({ "status": "success", "message": "Event processed", "dedup_key": taken.key });
    let response = Response::json(202, &body);
    Ok(Accepted { taken, response })
}

fn read(request: &Request, routing_key: &str) -> Result<Taken, String> {
    let json = json_of(request)?;
    let event = Given::of(&json, "the event")?;
    let given = event.required("routing_key")?;
    if given.len() != 32 {
        return Err("Length of 'routing_key' is incorrect (should be 32 characters)".to_owned());
    }
    if given != routing_key {
        return Err("Invalid routing key".to_owned());
    }
    if event.required("event_action")? != "trigger" {
        return Err("'event_action' is not trigger".to_owned());
    }
    let key = event.text("dedup_key")?;
    if key.chars().count() > 255 {
        return Err("'dedup_key' is longer than 255 characters".to_owned());
    }
    event.text("client")?;
    let payload = event
        .value("payload")
        .ok_or("'payload' is missing or blank")?;
    let mut taken = read_payload(payload)?;
    event.finish()?;
    taken.key = (!key.is_empty()).then(|| key.to_owned());
    Ok(taken)
}

fn read_payload(value: &Value) -> Result<Taken, String> {
    let payload = Given::of(value, "'payload'")?;
    let summary = payload.required("summary")?;
    if summary.chars().count() > 1024 {
        return Err("'payload.summary' is longer than 1024 characters".to_owned());
    }
    payload.required("source")?;
    let severity = payload.required("severity")?;
    if !SEVERITIES.contains(&severity) {
        return Err("'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')".to_owned());
    }
    for name in ["component", "group", "class"] {
        payload.text(name)?;
    }
    let details = payload.value("custom_details").ok_or("no custom_details")?;
    let text = details.get("message").and_then(Value::as_str);
    payload.finish()?;
    Ok(Taken {
        title: summary.to_owned(),
        text: text.unwrap_or_default().to_owned(),
        urgency: severity.to_owned(),
        key: None,
    })
}
