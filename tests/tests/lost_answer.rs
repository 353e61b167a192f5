//! What a sender says when a daemon may have an event and did not say so.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixListener;
use std::thread;

use notify_tests::Notify;

/// Both that a sender asks before it tries another way.
const ASKED: usize = 2;

#[test]
fn an_event_that_may_be_taken_is_not_said_to_be_refused() {
    let notify = Notify::new();
    // There was a daemon here, and nobody can write its spool.
    fs::create_dir_all(notify.state().join("spool/spool.db")).expect("a folder");
    let listener = UnixListener::bind(notify.state().join("notify.sock")).expect("a socket");
    let dying = thread::spawn(move || {
        let asked = listener.incoming().flatten().take(ASKED);
        asked
            .map(|stream| {
                let mut line = String::new();
                BufReader::new(stream)
                    .read_line(&mut line)
                    .expect("a request");
                line
            })
            .collect::<Vec<_>>()
    });
    let send = || notify.run(&["send", "--title", "Lost?"]);
    let unknown = send().expect_code(1);
    let asked = dying.join().expect("it was asked twice");
    assert_eq!(asked[0], asked[1], "the same event");
    let request: serde_json::Value = serde_json::from_str(&asked[0]).expect("JSON");
    let id = request["send"]["id"].as_str().expect("an id");
    for part in [
        format!("whether {id} was taken before that is not known"),
        format!("`notify show {id}` tells"),
    ] {
        assert!(unknown.stderr.contains(&part), "{part}: {}", unknown.stderr);
    }
    // Now nobody listens: nobody has it.
    let refused = send().expect_code(75);
    assert!(!refused.stderr.contains("not known"), "{}", refused.stderr);
}
