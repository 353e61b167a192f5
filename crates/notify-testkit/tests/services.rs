//! The fakes of services take what their services take, and refuse what those refuse.

use std::io::{Read, Write};
use std::net::TcpStream;

use notify_testkit::services::{
    DISCORD, MATRIX, NTFY, PAGERDUTY, SLACK, Server, Service, TEAMS, TELEGRAM,
};
use serde_json::{Value, json};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A service, and a request that it takes.
struct Case {
    service: &'static Service,
    line: &'static str,
    headers: &'static str,
    body: Value,
    /// Keys without which it is refused, as JSON pointers.
    required: &'static [&'static str],
    /// A text, its longest length, and in what it is counted: a character of that many units.
    longest: &'static [(&'static str, usize, &'static str)],
}

fn cases() -> Vec<Case> {
    let text = |text: &str| json!({ "type": "plain_text", "text": text });
    let pre =
        json!({ "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": "m" }] });
    vec![
        Case {
            service: &NTFY,
            line: "POST /",
            headers: "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n",
            body: json!({ "topic": "t-1", "title": "t", "message": "m", "priority": 5, "tags": ["a"] }),
            required: &["/topic"],
            longest: &[("/message", 4096, "ab"), ("/message", 2048, "é")],
        },
        Case {
            service: &DISCORD,
            line: "POST /api/webhooks/1234/0123456789abcdef0123456789abcdef",
            headers: "",
            body: json!({ "embeds": [{ "title": "t", "description": "d", "color": 255 }] }),
            required: &["/embeds"],
            longest: &[
                ("/embeds/0/title", 256, "é"),
                ("/embeds/0/description", 4096, "é"),
                ("/embeds/0/description", 2048, "🔥"),
            ],
        },
        Case {
            service: &SLACK,
            line: "POST /services/0123456789abcdef0123456789abcdef",
            headers: "",
            body: json!({ "text": "t", "blocks": [
                { "type": "header", "text": text("t") },
                { "type": "rich_text", "elements": [pre] },
            ] }),
            required: &[
                "/text",
                "/blocks",
                "/blocks/0/text/text",
                "/blocks/1/elements/0/elements/0/text",
            ],
            longest: &[
                ("/blocks/0/text/text", 150, "é"),
                ("/blocks/1/elements/0/elements/0/text", 3000, "é"),
            ],
        },
        Case {
            service: &TELEGRAM,
            line: "POST /bot0123456789abcdef0123456789abcdef/sendMessage",
            headers: "",
            body: json!({ "chat_id": -100, "text": "m" }),
            required: &["/chat_id", "/text"],
            longest: &[("/text", 4096, "é"), ("/text", 2048, "🔥")],
        },
        Case {
            service: &MATRIX,
            line: "PUT /_matrix/client/v3/rooms/%21a%3Ah/send/m.room.message/1",
            headers: "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n",
            body: json!({ "msgtype": "m.text", "body": "m" }),
            required: &["/msgtype", "/body"],
            longest: &[("/body", 63_458, "a")],
        },
        Case {
            service: &TEAMS,
            line: "POST /workflows/1/triggers/manual/paths/invoke?sp=x&sv=1.0&sig=0123456789abcdef0123456789abcdef",
            headers: "",
            body: json!({ "type": "message", "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": { "type": "AdaptiveCard", "version": "1.4", "body": [{ "type": "TextBlock", "text": "t" }] },
            }] }),
            required: &[
                "/type",
                "/attachments",
                "/attachments/0/content",
                "/attachments/0/content/version",
            ],
            longest: &[],
        },
        Case {
            service: &PAGERDUTY,
            line: "POST /v2/enqueue",
            headers: "",
            body: json!({ "routing_key": KEY, "event_action": "trigger", "dedup_key": "k", "payload": {
                "summary": "s", "source": "h", "severity": "error", "custom_details": { "message": "m" },
            } }),
            required: &[
                "/routing_key",
                "/event_action",
                "/payload/summary",
                "/payload/source",
                "/payload/severity",
            ],
            longest: &[("/payload/summary", 1024, "é"), ("/dedup_key", 255, "é")],
        },
    ]
}

/// The status of an answer.
fn status(server: &Server, line: &str, headers: &str, body: &str) -> u16 {
    let addr = server.http().addr();
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let status = answer.split(' ').nth(1).expect("a status line");
    status.parse().expect("a number")
}

fn asked(case: &Case, secret: &str, body: &Value) -> u16 {
    let server = Server::start(case.service, secret);
    let status = status(&server, case.line, case.headers, &body.to_string());
    let taken = usize::from((200..300).contains(&status));
    assert_eq!(server.taken().len(), taken, "{:?}", case.service);
    status
}

fn is_taken(status: u16) -> bool {
    (200..300).contains(&status)
}

#[test]
fn a_good_message_is_taken_and_a_wrong_secret_is_not() {
    for case in cases() {
        let good = asked(&case, KEY, &case.body);
        assert!(is_taken(good), "{:?}: {good}", case.service);
        let bad = asked(&case, "another", &case.body);
        assert!([400, 401, 403].contains(&bad), "{:?}: {bad}", case.service);
    }
}

#[test]
fn what_is_missing_or_of_another_type_or_unknown_is_refused() {
    for case in cases() {
        for pointer in case.required {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            let mut body = case.body.clone();
            let parent = body.pointer_mut(parent).and_then(Value::as_object_mut);
            let parent = parent.expect("an object");
            parent.remove(key).expect("it is there");
            assert_eq!(
                asked(&case, KEY, &body),
                400,
                "{:?} without {pointer}",
                case.service
            );
            let mut body = case.body.clone();
            *body.pointer_mut(pointer).expect("it is there") = json!({ "a": [] });
            assert_eq!(
                asked(&case, KEY, &body),
                400,
                "{:?} with another {pointer}",
                case.service
            );
        }
        let mut body = case.body.clone();
        body["surprise"] = json!(1);
        assert_eq!(asked(&case, KEY, &body), 400, "{:?}", case.service);
    }
}

#[test]
fn a_text_is_taken_up_to_its_last_unit() {
    for case in cases() {
        for (pointer, most, character) in case.longest {
            let sent = |length: usize| {
                let mut body = case.body.clone();
                let text: String = character.chars().cycle().take(length).collect();
                *body.pointer_mut(pointer).expect("it is there") = json!(text);
                asked(&case, KEY, &body)
            };
            let what = format!("{:?} {pointer} {most} {character}", case.service);
            assert!(is_taken(sent(*most)), "{what}");
            assert!([400, 413].contains(&sent(most + 1)), "{what}");
        }
    }
}

#[test]
fn a_second_copy_is_no_second_message() {
    for case in cases() {
        let server = Server::start(case.service, KEY);
        for _ in 0..2 {
            let body = case.body.to_string();
            assert!(is_taken(status(&server, case.line, case.headers, &body)));
        }
        let dropped = [MATRIX.name, PAGERDUTY.name].contains(&case.service.name);
        let expected = if dropped { 1 } else { 2 };
        assert_eq!(server.taken().len(), expected, "{:?}", case.service);
    }
}

#[test]
fn a_card_without_charset_counts_twice() {
    let cases = cases();
    let case = cases.iter().find(|case| case.service.name == TEAMS.name);
    let case = case.expect("there is one");
    let server = Server::start(&TEAMS, KEY);
    let mut body = case.body.clone();
    body["attachments"][0]["content"]["body"][0]["text"] = json!("x".repeat(15_000));
    let body = body.to_string();
    assert_eq!(status(&server, case.line, "", &body), 413);
}
