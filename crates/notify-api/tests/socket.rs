//! The server and the client over a real socket.

mod house;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use house::{House, NOW, PATIENCE, answers, as_stranger, event, own_rules, stranger};
use notify_api::client::Client;
use notify_api::protocol::{Answer, ErrorKind, LegacyRequest, MailRequest, SendRequest};
use notify_api::{ApiError, ApiErrorKind, Rules};
use notify_core::{Content, Next};
use proptest::prelude::*;

/// The kind of the error that is answered.
fn kind(answer: &Answer) -> ErrorKind {
    match answer {
        Answer::Error(error) => {
            assert_eq!(error.exit, error.kind.exit());
            error.kind
        }
        other => panic!("expected an error, not {other:?}"),
    }
}

fn declined(error: &ApiError) -> ErrorKind {
    error.answer().unwrap_or_else(|| panic!("{error:?}")).kind
}

fn raw(house: &House, id: &str) -> Vec<u8> {
    match house.event(id).content {
        Content::Mail(mail) => mail.raw.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_accepted_is_in_the_spool() {
    let house = House::open(own_rules());
    let mut client = house.client();
    assert_eq!(
        client.ping().expect("it answers").version,
        env!("CARGO_PKG_VERSION")
    );
    let accepted = client.send(event("Disk is full")).expect("accepted");
    let event = house.event(&accepted.id);
    assert_eq!(event.content.title(), "Disk is full");
    assert_eq!(event.timestamp, NOW.seconds());
    assert_eq!(event.fields["hostname"], "pve1");
    assert_eq!(accepted.targets[0].name, "ops");
}

#[test]
fn an_event_that_is_sent_again_is_known() {
    let house = House::open(own_rules());
    let once = || SendRequest {
        id: Some("0192fd4b-7c00-7000-8000-000000000001".to_owned()),
        ..event("a")
    };
    let first = house.client().send(once()).expect("accepted");
    let again = house.client().send(once()).expect("accepted");
    assert_eq!((first.known, again.known), (false, true));
    assert_eq!((first.id, house.accepted()), (again.id, 1));
}

#[test]
fn a_mail_is_taken_byte_for_byte() {
    let house = House::open(own_rules());
    let mail = b"Subject: a\n\n{\"ping\":{}}\n\xff\0";
    let head = MailRequest {
        bytes: mail.len() as u64,
        ..MailRequest::default()
    };
    let mut client = house.client();
    let accepted = client.mail(head, mail).expect("accepted");
    assert_eq!(raw(&house, &accepted.id), mail);
    assert!(
        client.ping().is_ok(),
        "the connection goes on after the mail"
    );

    // The same without a head.
    let answers = house.answers(mail);
    let [Answer::Accepted(accepted)] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!(raw(&house, &accepted.id), mail);
    let uid = rustix::process::getuid().as_raw().to_string();
    assert_eq!(house.event(&accepted.id).fields["uid"], uid);
}

#[test]
fn the_end_of_a_long_mail_is_left_out() {
    let house = House::open(Rules {
        max_size: 100_000,
        ..own_rules()
    });
    let mail = vec![b'x'; 1_000_000];
    let head = MailRequest {
        bytes: mail.len() as u64,
        ..MailRequest::default()
    };
    let mut client = house.client();
    let accepted = client.mail(head, &mail).expect("accepted");
    assert_eq!(house.event(&accepted.id).fields["cut"], "true");
    assert_eq!(raw(&house, &accepted.id).len(), 100_000);
    assert!(client.ping().is_ok(), "the end of the mail is no request");
}

#[test]
fn a_mail_that_breaks_off_is_not_taken() {
    let house = House::open(own_rules());
    let answers = house.answers(b"{\"mail\":{\"bytes\":100}}\nSubject: a\n");
    assert_eq!(
        answers.iter().map(kind).collect::<Vec<_>>(),
        [ErrorKind::Stalled]
    );
    assert_eq!(house.accepted(), 0);
}

#[test]
fn a_fault_costs_its_request_only() {
    let house = House::open(own_rules());
    let lines = br#"{"send":{"titel":"a"}}
{"send":{"title":"a","fields":{"x":"\u0000"}}}

{"send":{"template":"none"}}
nonsense
{"follow":{"id":"0192fd4b-7c00-7000-8000-000000000001"}}
{"send":{"title":"a"}}"#;
    let answers = house.answers(lines);
    let (last, faults) = answers.split_last().expect("answers");
    let kinds: Vec<_> = faults.iter().map(kind).collect();
    use ErrorKind::{Request, UnknownEvent};
    assert_eq!(kinds, [Request, Request, Request, Request, UnknownEvent]);
    assert!(matches!(last, Answer::Accepted(_)), "{last:?}");
}

#[test]
fn a_line_without_end_is_refused_early() {
    const SENT: usize = 1 << 30;
    let house = House::open(Rules {
        max_size: 1 << 20,
        ..own_rules()
    });
    let mut stream = house.stream();
    let piece = vec![b'{'; 1 << 16];
    let mut sent = 0;
    while sent < SENT && stream.write_all(&piece).is_ok() {
        sent += piece.len();
    }
    assert!(sent < 16 << 20, "{sent} bytes were taken");
    let answers = answers(stream);
    assert_eq!(
        answers.iter().map(kind).collect::<Vec<_>>(),
        [ErrorKind::TooLarge]
    );
}

#[test]
fn json_that_would_fill_the_memory_is_refused() {
    let house = House::open(own_rules());
    let data = "0,".repeat(1_000_000);
    let line = format!("{{\"send\":{{\"template\":\"test\",\"data\":[{data}0]}}}}\n");
    let deep = format!("{{\"send\":{}", "[".repeat(150_000));
    let answers = house.answers(format!("{line}{deep}").as_bytes());
    let kinds: Vec<_> = answers.iter().map(kind).collect();
    assert_eq!(kinds, [ErrorKind::TooLarge, ErrorKind::Request]);
}

#[test]
fn who_stalls_is_told_and_hinders_nobody() {
    let house = House::open(Rules {
        stall: Duration::from_millis(100),
        connections: 3,
        ..own_rules()
    });
    let mut stalled = house.stream();
    stalled.write_all(b"{\"send\":").expect("room");
    let mut half_a_mail = house.stream();
    half_a_mail
        .write_all(b"{\"mail\":{\"bytes\":9}}\nhalf")
        .expect("room");
    assert!(house.client().send(event("a")).is_ok());
    for stream in [stalled, half_a_mail] {
        let answers = answers(stream);
        assert_eq!(
            answers.iter().map(kind).collect::<Vec<_>>(),
            [ErrorKind::Stalled]
        );
    }
}

#[test]
fn who_takes_no_answer_is_left() {
    let house = House::open(Rules {
        stall: Duration::from_millis(100),
        ..own_rules()
    });
    let mut stream = house.stream();
    // Without reading a word. The answers fill the socket, and the server does not wait for ever.
    while stream.write_all(&b"{\"ping\":{}}\n".repeat(1000)).is_ok() {}
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.starts_with(b"{\"pong\""));
}

#[test]
fn a_flood_is_told_when_to_come_back() {
    let (uid, access) = stranger();
    let house = House::open(Rules {
        rate: 1,
        burst: 3,
        ..Rules::new(access.with([uid]))
    });
    let path = house.path();
    let error = as_stranger(|| {
        let mut client = Client::connect(path, PATIENCE).expect("it listens");
        for _ in 0..3 {
            client.send(event("a")).expect("there is room");
        }
        // One more may have found room on a slow machine.
        let mut more = std::iter::repeat_with(|| client.send(event("a"))).take(10_000);
        more.find_map(Result::err).expect("too many")
    });
    let answer = error.answer().expect("it says no");
    assert_eq!((answer.kind, answer.exit), (ErrorKind::Rate, 75));
    let wait = answer.retry_after_ms.expect("when");
    assert!((1..=1000).contains(&wait), "{wait} ms");
    // A mail is refused before it is read.
    let error = as_stranger(|| {
        let mut client = Client::connect(path, PATIENCE).expect("it listens");
        let head = MailRequest {
            bytes: 8 << 20,
            ..MailRequest::default()
        };
        client
            .mail(head, &vec![b'x'; 8 << 20])
            .expect_err("too many")
    });
    assert_eq!(declined(&error), ErrorKind::Rate);
}

#[test]
fn a_user_that_may_not_send_is_told() {
    let (uid, access) = stranger();
    // The file lets everybody in: as with a socket of systemd.
    let house = House::open(Rules::new(access.clone()));
    let open = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(house.path(), open).expect("our own file");
    let path = house.path();
    let try_it = || {
        as_stranger(|| {
            let mut client = Client::connect(path, PATIENCE).expect("it listens");
            client.send(event("a"))
        })
    };
    let error = try_it().expect_err("a stranger");
    assert_eq!(declined(&error), ErrorKind::Denied);
    assert_eq!(
        error.to_string(),
        format!("the user with uid {uid} may not send here")
    );
    assert_eq!(house.accepted(), 0);
    house.server.replace_rules(Rules::new(access.with([uid])));
    assert!(try_it().is_ok(), "other rules hold at once");
}

#[test]
fn a_stranger_sees_what_it_sent_and_no_more() {
    let (uid, access) = stranger();
    let house = House::open(Rules::new(access.with([uid])));
    let theirs = if uid == rustix::process::getuid().as_raw() {
        // Only root can call as two users.
        "0192fd4b-7c00-7000-8000-000000000001".to_owned()
    } else {
        house.client().send(event("theirs")).expect("accepted").id
    };
    let path = house.path();
    let soon = Some(Instant::now() + PATIENCE);
    as_stranger(|| {
        let connect = || Client::connect(path, PATIENCE).expect("it listens");
        let denied = |result: Result<(), ApiError>| {
            assert_eq!(declined(&result.expect_err("denied")), ErrorKind::Denied);
        };
        let mut client = connect();
        denied(client.status().map(drop));
        denied(client.wake());
        denied(
            client
                .legacy(LegacyRequest {
                    recipients: vec!["a@example.org".to_owned()],
                    author: "a".to_owned(),
                    event: event("a"),
                })
                .map(drop),
        );
        denied(
            client
                .follow(theirs.parse().expect("an id"), soon, drop_state)
                .map(drop),
        );
        // Naming another's event does not make it one's own.
        let again = SendRequest {
            id: Some(theirs.clone()),
            ..event("a")
        };
        let known = client.send(again).expect("it is known, or new").known;
        if known {
            denied(
                client
                    .follow(theirs.parse().expect("an id"), soon, drop_state)
                    .map(drop),
            );
        }
        let own = client.send(event("own")).expect("accepted").id;
        let end = Some(Instant::now());
        let waited = client.follow(own.parse().expect("an id"), end, drop_state);
        assert_eq!(
            waited.expect_err("nobody delivers").kind(),
            ApiErrorKind::TimedOut
        );
        denied(
            connect()
                .follow(own.parse().expect("an id"), soon, drop_state)
                .map(drop),
        );
    });
}

fn drop_state(_: &notify_api::protocol::EventState) {}

#[test]
fn an_event_is_followed_to_its_end() {
    let house = House::open(own_rules());
    let mut client = house.client();
    let id = client.send(event("a")).expect("accepted").id;
    let mut steps = vec![
        Next::Delivered,
        Next::Retry {
            due: NOW,
            recipients: None,
        },
    ];
    let mut seen = Vec::new();
    let last = client.follow(id.parse().expect("an id"), None, |state| {
        seen.push((state.settled, state.targets[0].attempts));
        if let Some(next) = steps.pop() {
            house.runtime.block_on(house.kept.attempt(next));
        }
    });
    let last = last.expect("settled");
    assert_eq!(seen, [(false, 0), (false, 1), (true, 2)]);
    let attempt = last.targets[0].last.as_ref().expect("an attempt");
    assert_eq!(attempt.reference.as_deref(), Some("4F2A1"));
    assert!(client.ping().is_ok(), "the connection goes on");
}

#[test]
fn who_follows_takes_no_place_of_a_long_request() {
    let house = House::open(own_rules());
    let id = house.client().send(event("a")).expect("accepted").id;
    let long = " ".repeat(100_000);
    let following: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = BufReader::new(house.stream());
            let line = format!("{{\"follow\":{{\"id\":\"{id}\"}}{long}}}\n");
            stream.get_mut().write_all(line.as_bytes()).expect("room");
            stream.read_line(&mut String::new()).expect("a state");
            stream
        })
        .collect();
    let mut long_mail = b"Subject: a\n\n".to_vec();
    long_mail.resize(100_000, b'x');
    let line = format!("{{\"mail\":{{\"bytes\":{}}}{long}}}\n", long_mail.len());
    let answers = house.answers(&[line.as_bytes(), &long_mail].concat());
    assert!(
        matches!(answers.as_slice(), [Answer::Accepted(_)]),
        "{answers:?}"
    );
    drop(following);
}

#[test]
fn many_clients_at_once() {
    let house = House::open(own_rules());
    let ids: BTreeSet<String> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = house.client();
                    let sent = (0..20).map(|_| client.send(event("a")).expect("accepted").id);
                    sent.collect::<Vec<_>>()
                })
            })
            .collect();
        let sent = clients
            .into_iter()
            .map(|client| client.join().expect("no panic"));
        sent.flatten().collect()
    });
    assert_eq!((ids.len(), house.accepted()), (1280, 1280));
}

#[test]
fn requests_may_be_sent_ahead() {
    let house = House::open(own_rules());
    let answers = house.answers(&b"{\"send\":{\"title\":\"a\"}}\n".repeat(200));
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Answer::Accepted(_)))
    );
    assert_eq!((answers.len(), house.accepted()), (200, 200));
}

#[test]
fn there_is_a_bound_to_clients() {
    let house = House::open(Rules {
        connections: 2,
        ..own_rules()
    });
    let mut kept: Vec<_> = (0..2).map(|_| house.client()).collect();
    for client in &mut kept {
        client.ping().expect("there is room");
    }
    let error = house.client().ping().expect_err("there is none");
    assert_eq!(declined(&error), ErrorKind::Busy);
    kept.clear();
    let mut free = std::iter::repeat_with(|| house.client().ping());
    assert!(free.any(|answer| answer.is_ok()));
}

#[test]
fn who_waits_is_told_that_the_daemon_stops() {
    let mut house = House::open(own_rules());
    let mut client = house.client();
    let id = client.send(event("a")).expect("accepted").id;
    let mut idle = house.client();
    idle.ping().expect("it answers");
    let stop = house.stop.clone();
    let told = client.follow(id.parse().expect("an id"), None, |_| stop.cancel());
    assert_eq!(declined(&told.expect_err("it stops")), ErrorKind::Stopping);
    house.close();
    assert_eq!(
        idle.ping().expect_err("it is gone").kind(),
        ApiErrorKind::Lost
    );
    let after = Client::connect(house.path(), PATIENCE).expect_err("it is gone");
    assert_eq!(after.kind(), ApiErrorKind::Dead);
}

#[test]
fn a_client_tells_apart_why_nobody_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify.sock");
    let connect = || Client::connect(&path, Duration::from_millis(50));
    let kind = |error: ApiError| (error.kind(), error.may_be_done());
    let missing = connect().expect_err("no socket");
    assert_eq!(kind(missing), (ApiErrorKind::Missing, false));

    let listener = UnixListener::bind(&path).expect("a socket");
    let silent = connect().expect("a queue").send(event("a"));
    assert_eq!(
        kind(silent.expect_err("silence")),
        (ApiErrorKind::TimedOut, true)
    );
    let _silent = listener.accept().expect("the client of before");

    let speaker = |words: &'static [u8]| {
        let listener = listener.try_clone().expect("a socket");
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut stream = BufReader::new(stream);
            stream.read_line(&mut String::new()).expect("a request");
            let _ = stream.get_mut().write_all(words);
        })
    };
    for (words, expected) in [
        (b"".as_slice(), ApiErrorKind::Lost),
        (b"{\"acc".as_slice(), ApiErrorKind::Lost),
        (b"HTTP/1.1 200 OK\n".as_slice(), ApiErrorKind::Garbled),
        (b"{\"done\":{}}\n".as_slice(), ApiErrorKind::Garbled),
    ] {
        let speaking = speaker(words);
        let mut client = Client::connect(&path, PATIENCE).expect("a queue");
        let error = client.send(event("a")).expect_err("no answer");
        assert_eq!(kind(error), (expected, true));
        speaking.join().expect("no panic");
    }

    drop(listener);
    assert_eq!(
        kind(connect().expect_err("a dead socket")),
        (ApiErrorKind::Dead, false)
    );
    let closed = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(&path, closed).expect("our own file");
    let error = as_stranger(|| connect().expect_err("a closed socket"));
    assert_eq!(kind(error), (ApiErrorKind::Denied, false));
}

#[test]
fn a_daemon_that_hangs_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    // Nobody accepts: the queue of the listener fills up, and then connecting itself would wait.
    rustix::net::listen(&listener, 0).expect("a queue of one");
    let connect = || Client::connect(&path, Duration::from_millis(50));
    let waiting: Vec<_> = (0..3).map(|_| connect()).collect();
    let errors: Vec<_> = waiting
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    assert!(!errors.is_empty(), "{waiting:?}");
    assert!(
        errors
            .iter()
            .all(|error| error.kind() == ApiErrorKind::Broken),
        "{errors:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_are_answered_or_end_the_connection(
        chunks in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "(\\{\"(send|mail|follow|legacy|ping|status|wake)\":)?[{}\\[\\]\",:a-z0-9\\\\ ]{0,60}\n"
                .prop_map(String::into_bytes),
            Just(b"{\"mail\":{\"bytes\":18446744073709551615}}\n".to_vec()),
            Just(b"{\"mail\":{\"bytes\":3}}\nabc".to_vec()),
            Just(b"{\"send\":{\"title\":\"a\"}}\n".to_vec()),
        ], 0..8),
    ) {
        let house = House::open(Rules { stall: Duration::from_secs(5), ..own_rules() });
        // Each answer is one of ours, and the end comes: the helper checks both.
        house.answers(&chunks.concat());
        prop_assert!(house.client().ping().is_ok(), "the next client is served");
    }
}
