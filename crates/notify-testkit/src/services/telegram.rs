//! Telegram: `sendMessage` of the Bot API (core.telegram.org/bots/api).

use serde_json::{Value, json};

use super::given::{Given, json as json_of};
use super::{Accepted, Service, Taken, length};
use crate::http::{Request, Response};

/// Telegram with the bot's token as secret.
pub static TELEGRAM: Service = Service {
    name: "telegram",
    answer,
};

fn answer(request: &Request, token: &str) -> Result<Accepted, Response> {
    let Some(rest) = request.path().strip_prefix("/bot") else {
        return Err(refusal(404, "Not Found"));
    };
    let Some((given, method)) = rest.split_once('/') else {
        return Err(refusal(404, "Not Found"));
    };
    if given != token {
        return Err(refusal(401, "Unauthorized"));
    }
    if method != "sendMessage" || !["GET", "POST"].contains(&request.method.as_str()) {
        return Err(refusal(404, "Not Found"));
    }
    let taken = read(request).map_err(|why| refusal(400, &format!("Bad Request: {why}")))?;
    let body = json!({ "ok": true, "result": { "message_id": 1, "date": 1, "text": taken.text } });
    let response = Response::json(200, &body);
    Ok(Accepted { taken, response })
}

fn read(request: &Request) -> Result<Taken, String> {
    let json = json_of(request)?;
    let message = Given::of(&json, "the message")?;
    let is_chat =
        |chat: &Value| chat.is_i64() || chat.as_str().is_some_and(|name| !name.is_empty());
    if !message.value("chat_id").is_some_and(is_chat) {
        return Err("chat_id is empty".to_owned());
    }
    let text = message.text("text")?;
    if text.trim().is_empty() {
        return Err("message text is empty".to_owned());
    }
    if length(text) > 4096 {
        return Err("message is too long".to_owned());
    }
    let quiet = message.value("disable_notification").map(Value::as_bool);
    if quiet == Some(None) {
        return Err("disable_notification is no flag".to_owned());
    }
    if let Some(options) = message.value("link_preview_options") {
        let options = Given::of(options, "link_preview_options")?;
        if !options.value("is_disabled").is_none_or(Value::is_boolean) {
            return Err("is_disabled is no flag".to_owned());
        }
        options.finish()?;
    }
    message.finish()?;
    Ok(Taken {
        title: text.lines().next().unwrap_or_default().to_owned(),
        text: text.to_owned(),
        urgency: if quiet == Some(Some(true)) {
            "quiet"
        } else {
            "loud"
        }
        .to_owned(),
        key: None,
    })
}

fn refusal(status: u16, why: &str) -> Response {
    Response::json(
        status,
        &json!({ "ok": false, "error_code": status, "description": why }),
    )
}
