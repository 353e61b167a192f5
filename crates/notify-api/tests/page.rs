//! The examples of docs/reference/socket.md are requests and answers of this version.

use notify_api::Status;
use notify_api::protocol::{Answer, Request};
use notify_api::status::{Queue, TargetSinceStart, TargetStatus};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/reference/socket.md");

/// The lines of all examples.
fn examples() -> Vec<&'static str> {
    let blocks = PAGE.split("```text\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or("").lines());
    lines.collect()
}

#[test]
fn every_example_is_one() {
    let mut lines = examples().into_iter();
    let mut asked = Vec::new();
    let mut answered = Vec::new();
    while let Some(line) = lines.next() {
        let (mark, text) = line.split_at_checked(2).unwrap_or((line, ""));
        match mark {
            "> " => {
                let request = Request::read(text.as_bytes());
                asked.push(name(text));
                match request {
                    Ok(Request::Mail(mail)) => {
                        let mut left = mail.bytes;
                        while left > 0 {
                            let line = lines.next().and_then(|line| line.strip_prefix("> "));
                            left -= line.expect("a line of the mail").len() as u64 + 1;
                        }
                    }
                    Ok(_) => {}
                    Err(declined) => {
                        let answer = lines.next().expect("an answer");
                        assert!(
                            answer.contains(&declined.message[..20]),
                            "{text}: {declined:?}"
                        );
                    }
                }
            }
            "< " => {
                let answer: Answer = serde_json::from_str(text).expect(text);
                // All keys of the example are known, and none is missing.
                let shown: Value = serde_json::from_str(text).expect(text);
                assert_eq!(
                    serde_json::to_value(&answer).expect("JSON"),
                    shown,
                    "{text}"
                );
                if let Answer::Error(error) = answer {
                    assert_eq!(error.exit, error.kind.exit(), "{text}");
                }
                answered.push(name(text));
            }
            _ => panic!("neither asked nor answered: {line}"),
        }
    }
    for known in ["ping", "send", "mail", "legacy", "follow", "status", "wake"] {
        assert!(asked.iter().any(|name| name == known), "{known}");
    }
    for known in ["pong", "accepted", "event", "status", "done", "error"] {
        assert!(answered.iter().any(|name| name == known), "{known}");
    }
}

/// The only key of an object.
fn name(line: &str) -> String {
    let object: Value = serde_json::from_str(line).expect(line);
    let keys: Vec<_> = object.as_object().expect(line).keys().cloned().collect();
    assert_eq!(keys.len(), 1, "{line}");
    keys.concat()
}

#[test]
fn the_example_of_a_status_has_every_key() {
    let line = examples()
        .into_iter()
        .find(|line| line.starts_with("< {\"status\""));
    let shown: Value = serde_json::from_str(&line.expect("an example")[2..]).expect("JSON");
    let shown = &shown["status"];
    let attempts = shown["targets"][0]["since-start"]["attempts"].clone();
    let outcomes = attempts.as_object().expect("an object").keys();
    let since_start = TargetSinceStart {
        attempts: outcomes.map(|name| (&*name.clone().leak(), 0)).collect(),
        ..TargetSinceStart::default()
    };
    let target = TargetStatus {
        since_start: since_start.clone(),
        ..TargetStatus::default()
    };
    let status = Status {
        targets: vec![target.clone()],
        lanes: vec![target; 2],
        strangers: vec![Queue::default()],
        strangers_since_start: since_start,
        ..Status::default()
    };
    let status = serde_json::to_value(status).expect("JSON");
    assert_eq!(keys(shown), keys(&status));
}

/// The paths of all values.
fn keys(value: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value| {
        let inner = keys(value);
        let named = inner.iter().map(|path| format!("{name}.{path}"));
        named.collect::<Vec<_>>()
    };
    match value {
        Value::Object(object) => {
            let mut all: Vec<_> = object.iter().flat_map(|(key, v)| below(key, v)).collect();
            all.sort();
            all
        }
        Value::Array(items) => items.iter().flat_map(|item| below("[]", item)).collect(),
        _ => vec![String::new()],
    }
}
