//! The HTTP fake, spoken to byte by byte.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot talk to its server has failed"
)]

use std::io::{Read, Write};
use std::net::TcpStream;

use notify_testkit::Gate;
use notify_testkit::http::{Answer, Response, Server};
use notify_testkit::misbehaving::Act;

/// All that the server says to these bytes until it closes.
fn say(server: &Server, bytes: &[u8]) -> String {
    let mut client = TcpStream::connect(server.addr()).unwrap();
    client.write_all(bytes).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

fn echo() -> Server {
    Server::start(|request| Response::new(200).body(request.body.clone()).into())
}

#[test]
fn requests_on_one_connection_are_told_apart() {
    let server = echo();
    let answer = say(
        &server,
        b"POST /a?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi\
          POST http://far/b HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
    );
    assert_eq!(
        answer,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\
         HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde"
    );
    let requests = server.requests();
    assert_eq!(
        (
            requests[0].path(),
            requests[0].query(),
            requests[0].is_absolute_form()
        ),
        ("/a", Some("x=1"), false)
    );
    assert_eq!(
        (
            requests[1].path(),
            requests[1].query(),
            requests[1].is_absolute_form()
        ),
        ("/b", None, true)
    );
    assert_eq!(
        (
            requests[0].connection,
            requests[1].connection,
            server.connections()
        ),
        (1, 1, 1)
    );
    assert_eq!(requests[1].header("HOST"), Some("h"));
    assert_eq!(server.violations(), [""; 0]);
}

#[test]
fn a_broken_request_is_refused_and_recorded() {
    let cases: [(&[u8], &str); 8] = [
        (b"POST / HTTP/1.1\nHost: h\n\n", "a line of the head without CRLF"),
        (b"POST / HTTP/1.0\r\nHost: h\r\n\r\n", "a bad request line `POST / HTTP/1.0`"),
        (b"POST /a b HTTP/1.1\r\nHost: h\r\n\r\n", "a bad request line `POST /a b HTTP/1.1`"),
        (b"POST / HTTP/1.1\r\n\r\n", "0 Host headers"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nX Y: 1\r\n\r\n", "a bad header name `X Y`"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", "a control character in header `X`"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "a bad Content-Length"),
        (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "both a length and chunks",
        ),
    ];
    for (bytes, expected) in cases {
        let server = echo();
        assert!(
            say(&server, bytes).starts_with("HTTP/1.1 400 "),
            "{expected}"
        );
        assert_eq!(server.violations(), [format!("connection 1: {expected}")]);
        assert!(server.requests().is_empty());
    }
}

#[test]
fn answers_come_in_order_and_the_last_one_stays() {
    let server = Server::scripted([
        Response::new(429).header("Retry-After", "7").into(),
        Response::redirect(307, "/there").into(),
        Answer::Acts(vec![Act::send("HTTP/1.1 2"), Act::Close]),
        Response::new(204).into(),
    ]);
    let get = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert!(say(&server, get).starts_with("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n"));
    assert!(
        say(&server, get).starts_with("HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\n")
    );
    assert_eq!(say(&server, get), "HTTP/1.1 2");
    assert_eq!(
        say(&server, get),
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(
        say(&server, get),
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    );
}

#[test]
fn an_answer_is_held_until_its_gate_opens() {
    let gate = Gate::closed();
    let server = Server::scripted([Answer::RespondAfter(gate.clone(), Response::new(200))]);
    let mut client = TcpStream::connect(server.addr()).unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .unwrap();
    gate.open();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"));
}
