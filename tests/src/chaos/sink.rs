//! Receivers that count what comes, by its key, and behave as their mood says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify_testkit::misbehaving::Act;
use notify_testkit::{Gate, http, smtp};
use serde_json::json;

use super::dice::Dice;
use super::ledger::Ledger;
use super::mood::{Door, Fate, Mood};

/// A message that came whole, for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// The target that sent it.
    pub(super) target: &'static str,
    /// `EVENT-ID.TARGET`, as the message says.
    pub(super) key: String,
    /// The mail's recipient; the target's name where there is none.
    pub(super) recipient: String,
    /// What stands in place of the title.
    pub(super) title: String,
    /// What became of it.
    pub(super) fate: Fate,
}

/// What the receivers have seen, together.
#[derive(Debug, Default)]
pub(super) struct Arrivals(Mutex<Vec<Arrival>>);

impl Arrivals {
    /// All so far, in order.
    pub(super) fn all(&self) -> Vec<Arrival> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn push(&self, arrival: Arrival) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(arrival);
    }
}

/// What a receiver decides by and writes into.
#[derive(Debug)]
struct Desk {
    target: &'static str,
    seed: u64,
    state: Mutex<State>,
    arrivals: Arc<Arrivals>,
    ledger: Arc<Ledger>,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    /// Who is kept waiting waits for it. It opens when the mood changes.
    gate: Gate,
    /// How many messages of each key came.
    copies: HashMap<String, u32>,
}

/// A receiver of mails.
#[derive(Debug)]
pub(super) struct MailSink {
    desk: Arc<Desk>,
    server: smtp::Server,
}

/// A receiver of HTTP requests.
#[derive(Debug)]
pub(super) struct HttpSink {
    desk: Arc<Desk>,
    server: http::Server,
}

impl MailSink {
    /// Starts on loopback.
    pub(super) fn start(
        target: &'static str,
        seed: u64,
        arrivals: &Arc<Arrivals>,
        ledger: &Arc<Ledger>,
    ) -> Self {
        let desk = Desk::new(target, seed, arrivals, ledger);
        let judge = Arc::clone(&desk);
        let options = smtp::Options::plain().judged(move |asked| judge.judged(asked));
        MailSink {
            desk,
            server: smtp::Server::start(options),
        }
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        self.server.port()
    }

    /// Behaves so from now on; whoever was kept waiting is reset.
    pub(super) fn set(&self, mood: Mood) {
        self.desk.set(mood);
    }

    /// What clients did against the protocol.
    pub(super) fn violations(&self) -> Vec<String> {
        self.server.violations()
    }
}

impl HttpSink {
    /// Starts on loopback.
    pub(super) fn start(
        target: &'static str,
        seed: u64,
        arrivals: &Arc<Arrivals>,
        ledger: &Arc<Ledger>,
    ) -> Self {
        let desk = Desk::new(target, seed, arrivals, ledger);
        let judge = Arc::clone(&desk);
        HttpSink {
            desk,
            server: http::Server::start(move |request| judge.answered(request)),
        }
    }

    /// Its address.
    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Behaves so from now on; whoever was kept waiting is reset.
    pub(super) fn set(&self, mood: Mood) {
        self.desk.set(mood);
    }

    /// What clients did against the protocol.
    pub(super) fn violations(&self) -> Vec<String> {
        self.server.violations()
    }
}

impl Desk {
    fn new(
        target: &'static str,
        seed: u64,
        arrivals: &Arc<Arrivals>,
        ledger: &Arc<Ledger>,
    ) -> Arc<Self> {
        let state = State {
            mood: Mood::Well,
            gate: Gate::closed(),
            copies: HashMap::new(),
        };
        Arc::new(Desk {
            target,
            seed,
            state: Mutex::new(state),
            arrivals: Arc::clone(arrivals),
            ledger: Arc::clone(ledger),
        })
    }

    fn set(&self, mood: Mood) {
        let mut state = self.state();
        state.mood = mood;
        std::mem::take(&mut state.gate).open();
    }

    /// Dice for one thing, whenever it happens.
    fn dice(&self, what: &str) -> Dice {
        Dice::of(self.seed, &format!("{} {what}", self.target))
    }

    fn judged(&self, asked: &smtp::Asked<'_>) -> Option<smtp::Answer> {
        match asked.step {
            smtp::Step::Greeting => self.greeted(asked.connection),
            smtp::Step::Rcpt => self.addressed(asked.connection, asked.recipient?),
            smtp::Step::EndOfData => self.mailed(asked.message?),
            _ => None,
        }
    }

    fn greeted(&self, connection: usize) -> Option<smtp::Answer> {
        let (mood, gate) = self.mood();
        match mood.at_the_door(&mut self.dice(&format!("door {connection}"))) {
            Door::Open => None,
            Door::Busy => Some((421, "4.3.2 no time").into()),
            Door::Reset => Some(Act::Reset.into()),
            Door::Hang => Some(vec![Act::HoldUntil(gate), Act::Reset].into()),
        }
    }

    fn addressed(&self, connection: usize, recipient: &str) -> Option<smtp::Answer> {
        let mood = self.mood().0;
        let mut dice = self.dice(&format!("recipient {connection} {recipient}"));
        let answer = || (450, "4.2.1 not now").into();
        mood.puts_off(&mut dice).then(answer)
    }

    fn mailed(&self, message: &smtp::Message) -> Option<smtp::Answer> {
        let text = message.text();
        let key = header(&text, "Message-ID").and_then(|id| {
            let id = id.strip_prefix('<')?.strip_suffix('>')?;
            Some(id.rsplit_once('@')?.0.to_owned())
        });
        let title = header(&text, "Subject").unwrap_or_default();
        let (fate, gate) = self.came(&key.unwrap_or_default(), title, &message.recipients);
        match fate {
            Fate::Take => None,
            Fate::Defer => Some((451, "4.3.0 later").into()),
            Fate::Reject => Some((554, "5.7.1 never").into()),
            Fate::Hang | Fate::Silent => Some(vec![Act::HoldUntil(gate), Act::Reset].into()),
            Fate::HangUp | Fate::Reset => Some(Act::Reset.into()),
        }
    }

    fn answered(&self, request: &http::Request) -> http::Answer {
        let key = request.header("idempotency-key").unwrap_or_default();
        let text = request.text();
        let title = match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(body) => body["title"].as_str().unwrap_or_default().to_owned(),
            Err(_) => text,
        };
        let recipient = [self.target.to_owned()];
        let (fate, gate) = self.came(key.trim_matches('"'), &title, &recipient);
        match fate {
            Fate::Take => http::Response::json(200, &json!({"id": 1})).into(),
            Fate::Defer => http::Response::new(503).into(),
            Fate::Reject => http::Response::new(400).into(),
            Fate::Hang | Fate::Silent => http::Answer::Acts(vec![Act::HoldUntil(gate), Act::Reset]),
            Fate::HangUp | Fate::Reset => http::Answer::Acts(vec![Act::Reset]),
        }
    }

    /// What becomes of a message that came whole. It is noted before anybody is told.
    fn came(&self, key: &str, title: &str, recipients: &[String]) -> (Fate, Gate) {
        let (fate, gate) = {
            let mut state = self.state();
            let copy = state.copies.entry(key.to_owned()).or_default();
            *copy += 1;
            let mut dice = self.dice(&format!("copy {copy} of {key}"));
            (state.mood.fate(&mut dice), state.gate.clone())
        };
        for recipient in recipients {
            self.arrivals.push(Arrival {
                target: self.target,
                key: key.to_owned(),
                recipient: recipient.clone(),
                title: title.to_owned(),
                fate,
            });
        }
        self.ledger.arrived();
        (fate, gate)
    }

    fn mood(&self) -> (Mood, Gate) {
        let state = self.state();
        (state.mood, state.gate.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of a header that stands in one line.
fn header<'a>(mail: &'a str, name: &str) -> Option<&'a str> {
    let head = mail.split("\r\n\r\n").next()?;
    let values = head.split("\r\n").filter_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then_some(value.trim())
    });
    values.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, HttpSink, header};
    use crate::chaos::ledger::Ledger;
    use crate::chaos::mood::{Fate, Mood};
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;
    use std::sync::Arc;

    /// What a client gets that sends a message with this key.
    fn answer(sink: &HttpSink, key: &str) -> String {
        let address = sink.url();
        let address = address.strip_prefix("http://").expect("http");
        let mut client = TcpStream::connect(address).expect("it listens");
        let body = r#"{"title":"chaos 1"}"#;
        let request = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIdempotency-Key: \"{key}\"\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client.write_all(request.as_bytes()).expect("it reads");
        let mut got = String::new();
        // A reset is an answer too.
        let _ = client.read_to_string(&mut got);
        got
    }

    #[test]
    fn what_is_taken_is_noted_whatever_the_client_is_told() {
        let (arrivals, ledger) = (Arc::new(Arrivals::default()), Arc::new(Ledger::default()));
        let sink = HttpSink::start("hook", 1, &arrivals, &ledger);
        assert!(answer(&sink, "a.hook").starts_with("HTTP/1.1 200"));
        sink.set(Mood::Resetting);
        assert_eq!(answer(&sink, "b.hook"), "");
        sink.set(Mood::Down);
        assert!(answer(&sink, "b.hook").starts_with("HTTP/1.1 503"));
        let seen: Vec<_> = arrivals
            .all()
            .into_iter()
            .map(|arrival| (arrival.key, arrival.title, arrival.fate))
            .collect();
        let arrival = |key: &str, fate| (key.to_owned(), "chaos 1".to_owned(), fate);
        assert_eq!(
            seen,
            [
                arrival("a.hook", Fate::Take),
                arrival("b.hook", Fate::Reset),
                arrival("b.hook", Fate::Defer),
            ]
        );
        assert_eq!(ledger.arrivals(), 3);
    }

    #[test]
    fn who_is_kept_waiting_is_reset_when_the_mood_changes() {
        let (arrivals, ledger) = (Arc::new(Arrivals::default()), Arc::new(Ledger::default()));
        let sink = HttpSink::start("hook", 1, &arrivals, &ledger);
        sink.set(Mood::Mute);
        std::thread::scope(|scope| {
            let client = scope.spawn(|| answer(&sink, "a.hook"));
            let far = std::time::Duration::from_secs(60);
            assert!(ledger.wait(far, |ledger| ledger.arrivals() == 1));
            sink.set(Mood::Well);
            assert_eq!(client.join().expect("it ends"), "");
        });
        assert!(arrivals.all()[0].fate.takes());
    }

    #[test]
    fn headers_are_found() {
        let mail = "Subject: a: b\r\nmessage-id: <x@y>\r\n\r\nSubject: body";
        assert_eq!(header(mail, "Subject"), Some("a: b"));
        assert_eq!(header(mail, "Message-ID"), Some("<x@y>"));
        assert_eq!(header(mail, "To"), None);
    }
}
