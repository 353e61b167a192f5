//! The Gotify fake against what a real Gotify 2.4 answered.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot talk to its server has failed"
)]

use std::io::{Read, Write};
use std::net::TcpStream;

use notify_testkit::gotify::{Options, Server};
use serde_json::{Value, json};

/// The status and the JSON body of the answer to a request of these lines and this body.
fn ask(server: &Server, head: &str, body: &str) -> (u16, Value) {
    let mut client = TcpStream::connect(server.addr()).unwrap();
    let head = head.replace('\n', "\r\n");
    write!(
        client,
        "{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head[9..12].parse().unwrap(),
        serde_json::from_str(body).unwrap(),
    )
}

const JSON: &str = "\nContent-Type: application/json";

fn check(path: &str, headers: &str, body: &str, status: u16, description: &str) {
    let server = Server::start(Options::token("A.tok"));
    let (got, answer) = ask(&server, &format!("POST {path} HTTP/1.1{headers}"), body);
    assert_eq!(
        (got, &answer["errorDescription"]),
        (status, &json!(description)),
        "{path} {headers} {body}"
    );
    assert_eq!(answer["errorCode"], json!(status));
    assert!(server.messages().is_empty());
}

#[test]
fn a_message_is_taken_and_given_back() {
    let server = Server::start(Options::token("A.tök/+"));
    let body = json!({"title": "t", "message": "m", "priority": 9, "extras": {"client::display": {"contentType": "text/markdown"}}});
    let (status, mut answer) = ask(
        &server,
        &format!("POST /message HTTP/1.1\nX-Gotify-Key: A.tök/+{JSON}"),
        &body.to_string(),
    );
    let date = answer.as_object_mut().unwrap().remove("date").unwrap();
    assert!(date.as_str().unwrap().ends_with('Z'));
    let mut expected = body;
    expected["id"] = json!(1);
    expected["appid"] = json!(1);
    assert_eq!((status, answer), (200, expected));
    let [message] = &server.messages()[..] else {
        panic!("one message")
    };
    assert_eq!(
        (
            message.title.as_str(),
            message.message.as_str(),
            message.priority
        ),
        ("t", "m", 9)
    );
}

#[test]
fn each_place_of_the_token_and_a_form_will_do() {
    let server = Server::start(Options::token("A b"));
    let ways = [
        (
            "/message",
            "\nAuthorization: Bearer A b",
            r#"{"message":"m"}"#,
            JSON,
        ),
        ("/message?token=A+b", "", r#"{"message":"m"}"#, JSON),
        (
            "/message?token=A%20b",
            "",
            "message=m&priority=4",
            "\nContent-Type: application/x-www-form-urlencoded",
        ),
        (
            "http://gotify.example.com/message",
            "\nX-Gotify-Key: A b",
            r#"{"message":"m"}"#,
            JSON,
        ),
    ];
    for (path, token, body, kind) in ways {
        let (status, answer) = ask(&server, &format!("POST {path} HTTP/1.1{token}{kind}"), body);
        assert_eq!(
            (status, &answer["title"]),
            (200, &json!("Backups")),
            "{path}"
        );
    }
    assert_eq!(server.messages()[2].priority, 4);
    assert!(server.messages()[3].request.is_absolute_form());
    let shown = format!("{:?}", server.messages());
    assert!(!shown.contains("A b") && !shown.contains("A+b") && !shown.contains("A%20b"));
}

#[test]
fn refusals_are_those_of_the_real_one() {
    let key = format!("\nX-Gotify-Key: A.tok{JSON}");
    let unauthorized =
        "you need to provide a valid access token or user credentials to access this api";
    check("/message", JSON, r#"{"message":"m"}"#, 401, unauthorized);
    check(
        "/message",
        &format!("\nX-Gotify-Key: wrong{JSON}"),
        "{}",
        401,
        unauthorized,
    );
    check(
        "/message",
        &format!("\nAuthorization: A.tok{JSON}"),
        "{}",
        401,
        unauthorized,
    );
    check(
        "//message",
        &key,
        r#"{"message":"m"}"#,
        404,
        "page not found",
    );
    check("/", &key, "", 404, "page not found");
    check(
        "/message/",
        &key,
        r#"{"message":"m"}"#,
        404,
        "page not found",
    );
    check(
        "/message",
        &key,
        r#"{"title":"t"}"#,
        400,
        "Field 'message' is required",
    );
    check(
        "/message",
        &key,
        r#"{"message":""}"#,
        400,
        "Field 'message' is required",
    );
    let string = "json: cannot unmarshal priority into Go value of type int";
    check(
        "/message",
        &key,
        r#"{"message":"m","priority":"5"}"#,
        400,
        string,
    );
    check(
        "/message",
        &key,
        r#"{"message":"m","priority":5.5}"#,
        400,
        string,
    );
    check(
        "/message",
        &key,
        r#"{"message":7}"#,
        400,
        "json: field message is not a string",
    );
    check(
        "/message",
        &key,
        r#"{"message":"m""#,
        400,
        "EOF while parsing an object at line 1 column 14",
    );
    check(
        "/message",
        "\nX-Gotify-Key: A.tok",
        r#"{"message":"m"}"#,
        400,
        "Field 'message' is required",
    );
}
