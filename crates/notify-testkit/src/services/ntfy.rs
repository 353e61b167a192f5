//! ntfy: publishing as JSON (docs.ntfy.sh/publish, `POST /`).

use serde_json::{Value, json};

use super::given::{Given, bearer, json as json_of};
use super::{Accepted, Service, Taken};
use crate::http::{Request, Response};

/// ntfy with the access token as secret. A longer message would become an attachment: it is refused.
pub static NTFY: Service = Service {
    name: "ntfy",
    answer,
};

/// Bytes of a message that stays one.
const MESSAGE: usize = 4096;

fn answer(request: &Request, token: &str) -> Result<Accepted, Response> {
    if (request.method.as_str(), request.path()) != ("POST", "/") {
        return Err(refusal(404, 40401, "page not found"));
    }
    if bearer(request) != Some(token) {
        return Err(refusal(401, 40101, "unauthorized"));
    }
    // Twice the size of a message, as room for the JSON around it.
    if request.body.len() > 2 * MESSAGE {
        return Err(refusal(413, 41302, "request body too large"));
    }
    let taken = read(request).map_err(|why| refusal(400, 40024, &why))?;
    if taken.text.len() > MESSAGE {
        return Err(refusal(
            413,
            41301,
            "attachment too large, or bandwidth limit reached",
        ));
    }
    let body = json!({ "id": "xE73Iyuabi", "time": 1, "event": "message", "topic": "t", "message": taken.text });
    let response = Response::json(200, &body);
    Ok(Accepted { taken, response })
}

fn read(request: &Request) -> Result<Taken, String> {
    let json = json_of(request)?;
    let given = Given::of(&json, "the message")?;
    let topic = given.required("topic")?;
    let is_topic = |known: char| known.is_ascii_alphanumeric() || "-_".contains(known);
    if topic.len() > 64 || !topic.chars().all(is_topic) {
        return Err("invalid request: topic invalid".to_owned());
    }
    let priority = match given.value("priority") {
        None => 3,
        Some(value) => value
            .as_u64()
            .filter(|known| (1..=5).contains(known))
            .ok_or("invalid priority")?,
    };
    if !given.list("tags")?.iter().all(Value::is_string) {
        return Err("a tag is not a string".to_owned());
    }
    let taken = Taken {
        title: given.text("title")?.to_owned(),
        text: given.text("message")?.to_owned(),
        urgency: priority.to_string(),
        key: None,
    };
    given.finish()?;
    Ok(taken)
}

fn refusal(status: u16, code: u32, why: &str) -> Response {
    Response::json(
        status,
        &json!({ "code": code, "http": status, "error": why }),
    )
}
