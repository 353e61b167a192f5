//! Slack: an incoming webhook (docs.slack.dev, Block Kit reference).

use serde_json::Value;

use super::given::{Given, json as json_of};
use super::{Accepted, Service, Taken, length};
use crate::http::{Request, Response};

/// Slack with what follows `/services/` in the webhook's URL as secret.
pub static SLACK: Service = Service {
    name: "slack",
    answer,
};

fn answer(request: &Request, path: &str) -> Result<Accepted, Response> {
    let Some(given) = request.path().strip_prefix("/services/") else {
        return Err(refusal(404, "no_service"));
    };
    if given != path {
        return Err(refusal(403, "invalid_token"));
    }
    if request.method != "POST" {
        return Err(refusal(400, "invalid_payload"));
    }
    let json = json_of(request).map_err(|_| refusal(400, "invalid_payload"))?;
    let taken = read(&json).map_err(|why| refusal(400, &format!("invalid_blocks: {why}")))?;
    let response = Response::new(200).body("ok");
    Ok(Accepted { taken, response })
}

fn read(json: &Value) -> Result<Taken, String> {
    let message = Given::of(json, "the message")?;
    within(message.required("text")?, 1..=40_000, "text")?;
    let blocks = message.list("blocks")?;
    message.finish()?;
    if !(1..=50).contains(&blocks.len()) {
        return Err(format!("{} blocks", blocks.len()));
    }
    let mut taken = Taken::default();
    for block in blocks {
        read_block(block, &mut taken)?;
    }
    Ok(taken)
}

fn read_block(value: &Value, taken: &mut Taken) -> Result<(), String> {
    let block = Given::of(value, "a block")?;
    match block.required("type")? {
        "header" => {
            let text = block.value("text").ok_or("a header without text")?;
            taken.title = plain_text(text, 1..=150)?;
        }
        "rich_text" => {
            for element in block.list("elements")? {
                taken.text.push_str(&preformatted(element)?);
            }
        }
        "context" => {
            for element in block.list("elements")? {
                taken.urgency.push_str(&plain_text(element, 1..=3000)?);
            }
        }
        other => return Err(format!("a block of the unexpected type {other}")),
    }
    block.finish()
}

fn plain_text(value: &Value, lengths: std::ops::RangeInclusive<usize>) -> Result<String, String> {
    let object = Given::of(value, "a text object")?;
    if object.required("type")? != "plain_text" {
        return Err("the text is not plain_text".to_owned());
    }
    let text = object.required("text")?;
    if object
        .value("emoji")
        .is_some_and(|emoji| !emoji.is_boolean())
    {
        return Err("emoji is no flag".to_owned());
    }
    object.finish()?;
    within(text, lengths, "text")?;
    Ok(text.to_owned())
}

fn preformatted(value: &Value) -> Result<String, String> {
    let element = Given::of(value, "an element")?;
    if element.required("type")? != "rich_text_preformatted" {
        return Err("not a preformatted element".to_owned());
    }
    let mut whole = String::new();
    for piece in element.list("elements")? {
        let piece = Given::of(piece, "a piece")?;
        if piece.required("type")? != "text" {
            return Err("a piece is no text".to_owned());
        }
        whole.push_str(piece.required("text")?);
        piece.finish()?;
    }
    element.finish()?;
    // No limit is stated for this element; that of a section is.
    within(&whole, 1..=3000, "text")?;
    Ok(whole)
}

fn within(text: &str, lengths: std::ops::RangeInclusive<usize>, what: &str) -> Result<(), String> {
    let length = length(text);
    if lengths.contains(&length) {
        return Ok(());
    }
    Err(format!("{what} of {length} characters"))
}

fn refusal(status: u16, why: &str) -> Response {
    Response::new(status).body(why)
}
