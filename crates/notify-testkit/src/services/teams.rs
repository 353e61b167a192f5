//! Microsoft Teams: the workflow „Post to a channel when a webhook request is received“.

use serde_json::{Value, json};

use super::given::{Given, json as json_of};
use super::{Accepted, Service, Taken};
use crate::http::{Request, Response};

/// Teams with the signature of the workflow's URL, its `sig`, as secret.
pub static TEAMS: Service = Service {
    name: "teams",
    answer,
};

/// Bytes of a message in Teams.
const LARGEST: usize = 28_000;

fn answer(request: &Request, signature: &str) -> Result<Accepted, Response> {
    let is_workflow = request.path().starts_with("/workflows/")
        && request.path().ends_with("/triggers/manual/paths/invoke");
    if request.method != "POST" || !is_workflow {
        return Err(refusal(
            404,
            "WorkflowNotFound",
            "The workflow could not be found.",
        ));
    }
    let query = request.query().unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    if value("sig") != Some(signature) || value("sp").is_none() || value("sv") != Some("1.0") {
        let why = "The request must be authenticated only by Shared Access scheme.";
        return Err(refusal(401, "DirectApiAuthorizationRequired", why));
    }
    // Without a charset the body counts as UTF-16, and half of it fits.
    let kind = request.header("content-type").unwrap_or_default();
    let has_charset = kind.to_ascii_lowercase().contains("charset=utf-8");
    if request.body.len() > LARGEST || !has_charset && request.body.len() * 2 > LARGEST {
        return Err(refusal(
            413,
            "RequestEntityTooLarge",
            "The request is too large.",
        ));
    }
    let taken = read(request).map_err(|why| refusal(400, "InvalidRequestContent", &why))?;
    let response = Response::new(202);
    Ok(Accepted { taken, response })
}

fn read(request: &Request) -> Result<Taken, String> {
    let json = json_of(request)?;
    let message = Given::of(&json, "the message")?;
    let [attachment] = message.list("attachments")? else {
        return Err("not one attachment".to_owned());
    };
    if message.required("type")? != "message" {
        return Err("the type is not message".to_owned());
    }
    message.finish()?;
    let attachment = Given::of(attachment, "the attachment")?;
    if attachment.required("contentType")? != "application/vnd.microsoft.card.adaptive" {
        return Err("the attachment is no adaptive card".to_owned());
    }
    let card = attachment
        .value("content")
        .ok_or("an attachment without content")?;
    attachment.finish()?;
    read_card(card)
}

fn read_card(card: &Value) -> Result<Taken, String> {
    let card = Given::of(card, "the card")?;
    let schema = card.text("$schema")?;
    let version = card.required("version")?;
    if card.required("type")? != "AdaptiveCard" || !["1.2", "1.3", "1.4", "1.5"].contains(&version)
    {
        return Err("not an AdaptiveCard of a known version".to_owned());
    }
    if !schema.is_empty() && schema != "http://adaptivecards.io/schemas/adaptive-card.json" {
        return Err("not the schema of adaptive cards".to_owned());
    }
    let mut taken = Taken::default();
    for element in card.list("body")? {
        read_element(element, &mut taken)?;
    }
    if let Some(hints) = card.value("msteams") {
        let hints = Given::of(hints, "msteams")?;
        hints.text("width")?;
        hints.finish()?;
    }
    card.finish()?;
    if taken.title.is_empty() && taken.text.is_empty() {
        return Err("an empty card".to_owned());
    }
    Ok(taken)
}

fn read_element(value: &Value, taken: &mut Taken) -> Result<(), String> {
    let element = Given::of(value, "an element")?;
    match element.required("type")? {
        "TextBlock" => {
            taken.title.push_str(element.text("text")?);
            for word in ["weight", "size", "fontType"] {
                element.text(word)?;
            }
            taken.urgency.push_str(element.text("color")?);
            if !element.value("wrap").is_none_or(Value::is_boolean) {
                return Err("wrap is no flag".to_owned());
            }
        }
        "CodeBlock" => {
            taken.text.push_str(element.text("codeSnippet")?);
            if element.required("language")? != "PlainText" {
                return Err("not plain text".to_owned());
            }
            // Shown by clients that know no code blocks.
            if let Some(fallback) = element.value("fallback") {
                read_element(fallback, &mut Taken::default())?;
            }
        }
        other => return Err(format!("the unexpected element {other}")),
    }
    element.finish()
}

fn refusal(status: u16, code: &str, why: &str) -> Response {
    Response::json(
        status,
        &json!({ "error": { "code": code, "message": why } }),
    )
}
