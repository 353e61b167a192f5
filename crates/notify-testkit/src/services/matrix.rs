//! Matrix: sending a message event (client-server API, `PUT …/send/{eventType}/{txnId}`).

use serde_json::json;

use super::given::{Given, bearer, json as json_of};
use super::{Accepted, Service, Taken};
use crate::http::{Request, Response};

/// A Matrix homeserver with the access token as secret.
pub static MATRIX: Service = Service {
    name: "matrix",
    answer,
};

/// Bytes of a whole event; what the server adds to the content fits into the rest.
const CONTENT: usize = 65_536 - 2048;

fn answer(request: &Request, token: &str) -> Result<Accepted, Response> {
    let parts: Vec<_> = request.path().split('/').collect();
    let [
        "",
        "_matrix",
        "client",
        "v3",
        "rooms",
        room,
        "send",
        kind,
        key,
    ] = parts[..]
    else {
        return Err(refusal(404, "M_UNRECOGNIZED", "Unrecognized request"));
    };
    if request.method != "PUT" {
        return Err(refusal(405, "M_UNRECOGNIZED", "Unrecognized request"));
    }
    if bearer(request) != Some(token) {
        return Err(refusal(
            401,
            "M_UNKNOWN_TOKEN",
            "Invalid access token passed.",
        ));
    }
    let room = room.replace("%21", "!").replace("%3A", ":");
    if !(room.starts_with('!') && room.contains(':')) {
        return Err(refusal(403, "M_FORBIDDEN", "User not in room"));
    }
    if key.is_empty() || kind != "m.room.message" {
        return Err(refusal(404, "M_UNRECOGNIZED", "Unrecognized request"));
    }
    if request.body.len() > CONTENT {
        return Err(refusal(413, "M_TOO_LARGE", "event too large"));
    }
    let text = read(request).map_err(|why| refusal(400, "M_BAD_JSON", &why))?;
    let taken = Taken {
        title: text.lines().next().unwrap_or_default().to_owned(),
        text,
        urgency: String::new(),
        key: Some(key.to_owned()),
    };
    let response = Response::json(200, &json!({ "event_id": format!("$event-of-{key}") }));
    Ok(Accepted { taken, response })
}

fn read(request: &Request) -> Result<String, String> {
    let json = json_of(request)?;
    let content = Given::of(&json, "the content")?;
    let kind = content.required("msgtype")?;
    if !["m.text", "m.notice"].contains(&kind) {
        return Err(format!("the unexpected msgtype {kind}"));
    }
    let body = content.required("body")?.to_owned();
    content.finish()?;
    Ok(body)
}

fn refusal(status: u16, code: &str, why: &str) -> Response {
    Response::json(status, &json!({ "errcode": code, "error": why }))
}
