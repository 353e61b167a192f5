//! Health and metrics, asked by an HTTP client.

mod exposition;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use notify_api::http::{Health, router, serve};
use notify_api::status::{
    Breaker, Deliveries, Durations, Queue, SinceStart, Status, TargetSinceStart, TargetStatus,
};
use notify_core::{SpoolError, SpoolErrorKind, async_trait};
use reqwest::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Knows what it is told; nothing means that the store cannot be read.
#[derive(Debug)]
struct Told(Mutex<Option<Status>>);

#[async_trait]
impl Health for Told {
    async fn status(&self) -> Result<Status, SpoolError> {
        let told = self.0.lock().expect("not poisoned").clone();
        told.ok_or_else(|| SpoolError::new(SpoolErrorKind::Broken, "the disk is gone"))
    }
}

/// A server on a port of the system's choice.
struct Desk {
    told: Arc<Told>,
    url: String,
    client: reqwest::Client,
    stop: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Desk {
    async fn open(status: Status) -> Self {
        // Installed by whichever test of this process comes first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let told = Arc::new(Told(Mutex::new(Some(status))));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router(told.clone()), stop.clone()));
        Desk {
            told,
            url,
            client: Desk::client(),
            stop,
            serving,
        }
    }

    fn client() -> reqwest::Client {
        let client = reqwest::Client::builder().no_proxy();
        let client = client.timeout(Duration::from_secs(20)).build();
        client.expect("a client")
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.url));
        request.send().await.expect("an answer")
    }

    async fn said(&self, path: &str) -> (u16, String) {
        let response = self.get(path).await;
        let code = response.status().as_u16();
        (code, response.text().await.expect("a text"))
    }
}

fn target(name: &str) -> TargetStatus {
    TargetStatus {
        kind: "smtp".to_owned(),
        queue: Queue {
            name: name.to_owned(),
            ..Queue::default()
        },
        since_start: TargetSinceStart {
            delivered: 3,
            attempts: vec![("delivered", 3), ("unavailable", 2)],
            durations: Durations {
                classes: vec![(0.005, 1), (0.5, 3), (f64::INFINITY, 1)],
                count: 5,
                sum: 31.25,
            },
            ..TargetSinceStart::default()
        },
        ..TargetStatus::default()
    }
}

fn status() -> Status {
    let open = TargetStatus {
        breaker: Breaker::Open,
        breaker_until_ms: Some(1_700_000_060_000),
        failures: 5,
        in_flight: 1,
        unusable: Some("a fault".to_owned()),
        queue: Queue {
            name: "ops-mail".to_owned(),
            pending: 7,
            dead: 1,
            oldest_ms: Some(1_700_000_000_000 - 90_500),
            next_ms: None,
        },
        ..target("ops-mail")
    };
    Status {
        version: "0.1.0".to_owned(),
        now_ms: 1_700_000_000_000,
        since_start: SinceStart {
            accepted: 12,
            known: 1,
            refused: 4,
        },
        deliveries: Deliveries {
            accepted: 20,
            pending: 7,
            delivered: 11,
            dead: 1,
            cancelled: 1,
        },
        spool_bytes: 65_536,
        targets: vec![target("chat"), open],
        lanes: vec![TargetStatus {
            kind: "sendmail".to_owned(),
            ..target("legacy-mail")
        }],
        ..Status::default()
    }
}

#[tokio::test]
async fn a_daemon_that_is_well_says_so() {
    let desk = Desk::open(status()).await;
    assert_eq!(desk.said("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(desk.said("/readyz").await, (200, "ready\n".to_owned()));
    assert_eq!(desk.get("/other").await.status(), 404);
    let posted = desk
        .client
        .post(format!("{}/metrics", desk.url))
        .send()
        .await;
    assert_eq!(posted.expect("an answer").status(), 405);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let desk = Desk::open(Status {
        problems: vec![
            "the spool cannot be written".to_owned(),
            "it stops".to_owned(),
        ],
        ..status()
    })
    .await;
    let text = "the spool cannot be written\nit stops\n".to_owned();
    assert_eq!(desk.said("/readyz").await, (503, text));
    assert_eq!(desk.get("/healthz").await.status(), 200);
    assert!(desk.said("/metrics").await.1.contains("\nnotify_ready 0\n"));

    *desk.told.0.lock().expect("not poisoned") = None;
    let text = "the disk is gone\n".to_owned();
    assert_eq!(desk.said("/readyz").await, (503, text.clone()));
    assert_eq!(desk.said("/metrics").await, (503, text));
    assert_eq!(desk.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads() {
    let desk = Desk::open(status()).await;
    let response = desk.get("/metrics").await;
    let kind = response.headers()["content-type"].to_str().expect("ASCII");
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let text = response.text().await.expect("a text");
    exposition::check(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn labels_are_bounded_by_the_configuration() {
    let stranger = |number: u64| Queue {
        name: format!("gone-{number}"),
        pending: 1,
        dead: number,
        oldest_ms: Some(1_700_000_000_000 - 1000),
        next_ms: None,
    };
    let desk = Desk::open(Status {
        strangers: (0..1000).map(stranger).collect(),
        strangers_since_start: TargetSinceStart {
            dead: 7,
            ..TargetSinceStart::default()
        },
        ..status()
    })
    .await;
    let (_, text) = desk.said("/metrics").await;
    exposition::check(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    let others: Vec<_> = text
        .lines()
        .filter(|line| line.contains("(other)") && !line.contains("_duration_"))
        .collect();
    assert_eq!(
        others,
        [
            r#"notify_deliveries_settled_total{target="(other)",state="delivered"} 0"#,
            r#"notify_deliveries_settled_total{target="(other)",state="dead"} 7"#,
            r#"notify_queue_pending{target="(other)"} 1000"#,
            r#"notify_queue_dead{target="(other)"} 499500"#,
            r#"notify_queue_oldest_seconds{target="(other)"} 1"#,
        ]
    );
    assert!(!text.contains("gone-"), "{text}");
}

/// Each sends one byte and holds on to its connection.
#[tokio::test]
async fn clients_that_dawdle_keep_nobody_out() {
    let desk = Desk::open(status()).await;
    let address = desk.url.strip_prefix("http://").expect("a URL");
    let mut dawdling = Vec::new();
    for _ in 0..50 {
        let mut client = TcpStream::connect(address).await.expect("a connection");
        client.write_all(b"G").await.expect("room");
        dawdling.push(client);
        // A client of its own: one that is kept open is one of the oldest soon.
        let other = Desk::client();
        let answer = other.get(format!("{}/healthz", desk.url)).send().await;
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    // Long before it has been quiet for too long.
    let mut byte = [0];
    let closed = timeout(Duration::from_secs(15), dawdling[0].read(&mut byte)).await;
    let closed = closed.expect("the oldest made room");
    assert_eq!(closed.unwrap_or(0), 0);
}

#[tokio::test]
async fn it_ends_when_it_is_told_to() {
    let desk = Desk::open(status()).await;
    assert_eq!(desk.get("/healthz").await.status(), 200);
    desk.stop.cancel();
    desk.serving.await.expect("no panic");
    let after = desk
        .client
        .get(format!("{}/healthz", desk.url))
        .send()
        .await;
    assert!(after.is_err(), "{after:?}");
}

#[test]
fn the_check_finds_faults() {
    let check = |text: &str, part: &str| {
        let fault = exposition::check(text).expect_err(text);
        assert!(fault.contains(part), "{text}: {fault}");
    };
    let gauge = "# HELP a A.\n# TYPE a gauge\n";
    assert_eq!(exposition::check(&format!("{gauge}a 1\n")), Ok(()));
    check("a 1\n", "without");
    check(&format!("{gauge}a 1"), "end");
    check(&format!("{gauge}a 1\na 2\n"), "twice");
    check(&format!("{gauge}b 1\n"), "another");
    check(&format!("{gauge}a x\n"), "number");
    check(&format!("{gauge}a{{b=\"1}} 1\n"), "label");
    check(&format!("{gauge}a 1\n{gauge}a 1\n"), "twice");
    check("# HELP a A.\n# TYPE a counter\na 1\n", "_total");
    check(
        "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
        "below",
    );
    let histogram = "# HELP a A.\n# TYPE a histogram\n";
    check(
        &format!("{histogram}a_bucket{{le=\"1\"}} 1\na_sum 1\na_count 1\n"),
        "+Inf",
    );
    check(
        &format!(
            "{histogram}a_bucket{{le=\"1\"}} 2\na_bucket{{le=\"+Inf\"}} 1\na_sum 1\na_count 1\n"
        ),
        "less",
    );
    check(
        &format!("{histogram}a_bucket{{le=\"+Inf\"}} 1\na_sum 1\na_count 2\n"),
        "count",
    );
}

#[tokio::test]
async fn the_page_lists_every_metric() {
    let page = include_str!("../../../docs/reference/metrics.md");
    let listed = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `notify_")?.split('|');
        let name = cells.next()?.trim().trim_end_matches('`');
        Some((format!("notify_{name}"), cells.next()?.trim().to_owned()))
    });
    let desk = Desk::open(status()).await;
    let (_, text) = desk.said("/metrics").await;
    let served = text.lines().filter_map(|line| {
        let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
        Some((name.to_owned(), kind.to_owned()))
    });
    let listed: std::collections::BTreeSet<_> = listed.collect();
    assert_eq!(listed, served.collect());
}
