//! Discord: executing a webhook (discord.com/developers/docs/resources/webhook, embed limits of /message).

use serde_json::{Value, json};

use super::given::{Given, json as json_of};
use super::{Accepted, Service, Taken, length};
use crate::http::{Request, Response};

/// Discord with the webhook's token, the last part of its URL, as secret.
pub static DISCORD: Service = Service {
    name: "discord",
    answer,
};

fn answer(request: &Request, token: &str) -> Result<Accepted, Response> {
    let parts: Vec<_> = request.path().split('/').collect();
    let ["", "api", "webhooks", id, given] = parts[..] else {
        return Err(refusal(404, 0, "404: Not Found"));
    };
    if request.method != "POST" {
        return Err(refusal(405, 0, "405: Method Not Allowed"));
    }
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refusal(404, 10015, "Unknown Webhook"));
    }
    if given != token {
        return Err(refusal(401, 50027, "Invalid Webhook Token"));
    }
    let taken =
        read(request).map_err(|why| refusal(400, 50035, &format!("Invalid Form Body: {why}")))?;
    let response = Response::new(204);
    Ok(Accepted { taken, response })
}

fn read(request: &Request) -> Result<Taken, String> {
    let json = json_of(request)?;
    let message = Given::of(&json, "the message")?;
    let content = message.text("content")?;
    within(content, 2000, "content")?;
    within(message.text("username")?, 80, "username")?;
    if let Some(allowed) = message.value("allowed_mentions") {
        let allowed = Given::of(allowed, "allowed_mentions")?;
        allowed.list("parse")?;
        allowed.finish()?;
    }
    let embeds = message.list("embeds")?;
    message.finish()?;
    match embeds {
        [] if content.is_empty() => Err("Cannot send an empty message".to_owned()),
        [] => Ok(Taken {
            text: content.to_owned(),
            ..Taken::default()
        }),
        [one] => embed(one),
        _ => Err("more than one embed".to_owned()),
    }
}

fn embed(value: &Value) -> Result<Taken, String> {
    let embed = Given::of(value, "an embed")?;
    let (title, text) = (embed.text("title")?, embed.text("description")?);
    within(title, 256, "title")?;
    within(text, 4096, "description")?;
    let color = embed.value("color").map(Value::as_u64);
    if color.is_some_and(|color| color.is_none_or(|color| color > 0xFF_FFFF)) {
        return Err("color is no number of 24 bits".to_owned());
    }
    let footer = match embed.value("footer") {
        None => "",
        Some(footer) => {
            let footer = Given::of(footer, "footer")?;
            let text = footer.required("text")?;
            footer.finish()?;
            text
        }
    };
    within(footer, 2048, "footer")?;
    embed.finish()?;
    within(&format!("{title}{text}{footer}"), 6000, "embeds")?;
    if title.is_empty() && text.is_empty() {
        return Err("This field is required".to_owned());
    }
    Ok(Taken {
        title: title.to_owned(),
        text: text.to_owned(),
        urgency: color
            .flatten()
            .map_or_else(String::new, |color| format!("{color:06x}")),
        key: None,
    })
}

fn within(text: &str, most: usize, what: &str) -> Result<(), String> {
    let length = length(text);
    if length <= most {
        return Ok(());
    }
    Err(format!(
        "{what}: must be {most} or fewer in length, not {length}"
    ))
}

fn refusal(status: u16, code: u32, why: &str) -> Response {
    Response::json(status, &json!({ "message": why, "code": code }))
}
