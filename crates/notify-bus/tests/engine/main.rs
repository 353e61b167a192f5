//! An engine with small targets: who is chosen, what becomes of it, what is wrong.

mod trace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use notify_bus::{Engine, Errand, LEGACY_MAIL, Moment, Report, Skipped, State, Verdict};
use notify_config::{Configuration, Files};
use notify_core::{
    Attempt, Content, EventId, Failure, Host, LegacyMail, Notification, PlainHost, Receipt,
    Registry, Severity, Target, TargetType, Zone, async_trait,
};
use notify_render::Templates;
use notify_schema::{Builtin, Fault, Fields, Kind, Property};
use serde_json::json;

/// A target that does what its section says.
#[derive(Debug)]
struct Puppet {
    act: String,
}

static ACT: Property =
    Property::default("act", Kind::text(), "take", "What it does.").example("take");
static PUPPET: TargetType = TargetType::new("puppet", "Puppet", build)
    .properties(&[&ACT])
    .builtins(&[Builtin {
        name: "mail-to-root",
        properties: &[("comment", "Always there")],
    }]);

fn build(fields: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    match fields.text("act").unwrap_or_default() {
        "bad" => Err(vec![fields.fault("act", "it is bad")]),
        act => Ok(Arc::new(Puppet {
            act: act.to_owned(),
        })),
    }
}

#[async_trait]
impl Target for Puppet {
    fn deadline(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn prepare(&self, _: &dyn Host) -> Vec<Fault> {
        let fault = || {
            Fault::in_file(
                "x",
                notify_schema::Level::Error,
                "no recipient has an address",
            )
        };
        if self.act == "nobody" {
            vec![Fault {
                file: None,
                ..fault()
            }]
        } else {
            Vec::new()
        }
    }

    async fn deliver(&self, _: &Notification, attempt: &Attempt<'_>) -> Result<Receipt, Failure> {
        match &*self.act {
            "panic" => panic!("a fault of the plugin"),
            "hang" => std::future::pending().await,
            "slow" => tokio::time::sleep(Duration::from_secs(3)).await,
            "unavailable" => {
                return Err(Failure::unavailable("not now").retry_after(Duration::from_secs(7)));
            }
            "half" => {
                let refused = vec![("a@b".to_owned(), Failure::rejected("no such user"))];
                return Ok(Receipt {
                    refused,
                    ..Receipt::default()
                });
            }
            "page" => {
                let html = attempt.message.html()?;
                let bar = html.lines().find(|line| line.contains("uppercase"));
                return Ok(Receipt::with_reference(bar.unwrap_or_default().to_owned()));
            }
            "tell" => {
                let said = format!("{:?} {}", attempt.recipients, attempt.number);
                return Ok(Receipt::with_reference(said));
            }
            _ => {}
        }
        Ok(Receipt::with_reference(format!(
            "{}: {}",
            attempt.key,
            attempt.message.subject()?
        )))
    }
}

fn engine(public: &str) -> (Configuration, Engine) {
    let registry = Registry::of([&PUPPET]).expect("one type");
    let configuration =
        Configuration::assemble(&Files::of(public, "", ""), &notify_bus::schemas(&registry));
    let host = Arc::new(PlainHost::named("pve1"));
    let engine = Engine::assemble(
        &configuration,
        &registry,
        host,
        Templates::linked(),
        Zone::Local,
    );
    (configuration, engine)
}

fn event(severity: Severity, kind: &str) -> Notification {
    Notification {
        id: EventId::new(UNIX_EPOCH, [7; 10]),
        severity,
        timestamp: 0,
        fields: BTreeMap::from([("type".to_owned(), kind.to_owned())]),
        content: Content::Template {
            name: "message".into(),
            data: json!({"title": "Hello", "text": "there"}),
        },
    }
}

fn send(public: &str) -> Report {
    report(async |moment| {
        let event = event(Severity::Error, "vzdump");
        engine(public).1.send(&event, moment).await.0
    })
}

/// What an engine answers while the clock stands.
fn report(answer: impl AsyncFnOnce(Moment) -> Report) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.expect("a runtime").block_on(async {
        // The paused clock of tokio begins somewhere; deadlines count from it.
        let instant: Instant = tokio::time::Instant::now().into_std();
        let moment = Moment {
            instant,
            wall: Zone::Local.at(0),
        };
        answer(moment).await
    })
}

/// A type that can send mails of the old way; its target acts as the first recipient says.
static POSTMAN: TargetType = TargetType::new("postman", "Postman", build).legacy(|mail| {
    Arc::new(Puppet {
        act: mail.recipients[0].clone(),
    })
});

/// What becomes of a mail of the old way where these types are linked.
fn send_legacy(types: &[&'static TargetType], recipient: &str) -> Option<Report> {
    let registry = Registry::of(types.iter().copied()).expect("each once");
    let mail = LegacyMail {
        recipients: vec![recipient.to_owned()],
        author: "backup".to_owned(),
    };
    let moment = Moment {
        instant: Instant::now(),
        wall: Zone::Local.at(0),
    };
    // Matchers choose the target for everything, and are not asked.
    let (_, engine) = engine("puppet: ops\n\nmatcher: all\n\ttarget ops\n");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let event = event(Severity::Error, "vzdump");
    let sent = runtime.block_on(engine.deliver_legacy(&registry, mail, &event, moment))?;
    Some(sent.0)
}

#[test]
fn targets_are_missed_that_a_matcher_in_use_names() {
    let (configuration, engine) = engine(
        "matcher: in-use\n\ttarget gone\n\ttarget mail-to-root\n\n\
         matcher: off\n\tdisable true\n\ttarget other\n",
    );
    let missing = notify_bus::missing_targets(&configuration, &engine);
    let said: Vec<_> = missing.iter().map(ToString::to_string).collect();
    let expected =
        "notifications.cfg:2:2: error: matcher `in-use`: there is no target `gone`".to_owned();
    assert_eq!(said, [expected]);
}

#[test]
fn a_mail_of_the_old_way_goes_past_targets_and_matchers() {
    let report = send_legacy(&[&PUPPET, &POSTMAN], "take").expect("one type can");
    assert!(report.matchers.is_empty());
    let [only] = &report.targets[..] else {
        panic!("one target: {report:?}")
    };
    assert_eq!(
        (&*only.name, only.kind.as_deref(), only.state),
        (LEGACY_MAIL, Some("postman"), State::Delivered)
    );
    let key = only.reference.as_deref();
    let expected = "00000000-0000-7707-8707-070707070707.legacy-mail: Hello";
    assert_eq!(key, Some(expected));
    let report = send_legacy(&[&POSTMAN], "unavailable").expect("one type can");
    assert_eq!(report.verdict(), Verdict::TryAgain);
    let report = send_legacy(&[&POSTMAN], "half").expect("one type can");
    assert_eq!(report.verdict(), Verdict::Failed);
}

#[test]
fn where_no_type_can_send_it_there_is_no_mail_of_the_old_way() {
    assert!(send_legacy(&[&PUPPET], "take").is_none());
}

#[test]
fn an_errand_goes_past_the_matchers_to_some_recipients_and_not_past_disable() {
    let public = "puppet: tell\n\tact tell\n\npuppet: off\n\tdisable true\n";
    let errands = [
        Errand {
            recipients: Some(vec!["a@b".to_owned()]),
            number: 3,
            ..Errand::first("tell")
        },
        Errand::first("off"),
        Errand::first("gone"),
    ];
    let report = report(async |moment| {
        let event = event(Severity::Info, "vzdump");
        engine(public).1.run(&event, &errands, moment).await.0
    });
    let told = report.targets.iter();
    let told: Vec<_> = told
        .map(|target| (&*target.name, target.reference.as_deref(), target.reason))
        .collect();
    assert_eq!(
        told,
        [
            ("gone", None, Some(Skipped::Missing)),
            ("off", None, Some(Skipped::Disabled)),
            ("tell", Some("Some([\"a@b\"]) 3"), None),
        ]
    );
}

#[test]
fn settings_of_another_name_are_used_by_nobody() {
    let (configuration, engine) = engine("system-mail: other\n\tseverity error exact:daemon=x\n");
    let faults = notify_bus::check(&configuration, &engine);
    let faults: Vec<_> = faults
        .iter()
        .filter(|fault| fault.audience == notify_schema::Audience::Everyone)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        faults,
        [
            "notifications.cfg:1:1: warning: system-mail `other`: nothing uses it: settings are named `local`"
        ]
    );
}

#[test]
fn every_chosen_target_gets_it_once() {
    let report = send(
        "puppet: ops\n\npuppet: dev\n\nmatcher: one\n\ttarget ops\n\nmatcher: two\n\ttarget ops\n\ttarget dev\n\n\
         matcher: other\n\tmatch-field exact:type=fencing\n\ttarget nobody\n\nmatcher: default-matcher\n\tdisable true\n",
    );
    assert_eq!(report.matchers, ["one", "two"]);
    let shown: Vec<_> = report
        .targets
        .iter()
        .map(|target| (&*target.name, target.state))
        .collect();
    assert_eq!(
        shown,
        [("dev", State::Delivered), ("ops", State::Delivered)]
    );
    let key = report.targets[1].reference.as_deref();
    assert_eq!(key, Some("00000000-0000-7707-8707-070707070707.ops: Hello"));
    assert_eq!(report.verdict(), Verdict::Done);
}

#[test]
fn a_page_shows_the_severity_and_the_host_of_its_event() {
    let report = send("puppet: ops\n\tact page\n\nmatcher: all\n\ttarget ops\n");
    let ops = report.targets.iter().find(|target| target.name == "ops");
    let bar = ops.and_then(|target| target.reference.as_deref());
    let bar = bar.expect("it was delivered");
    assert!(bar.contains(">error</span> &middot; pve1<"), "{bar}");
}

#[test]
fn a_slow_a_hanging_and_a_panicking_target_cost_themselves() {
    let report = send(
        "puppet: good\n\npuppet: hang\n\tact hang\n\npuppet: panic\n\tact panic\n\npuppet: slow\n\tact slow\n\n\
         matcher: all\n\ttarget good\n\ttarget hang\n\ttarget panic\n\ttarget slow\n",
    );
    let shown: Vec<_> = report
        .targets
        .iter()
        .map(|target| {
            (
                &*target.name,
                target
                    .error
                    .as_ref()
                    .map_or("delivered", |error| error.kind.name()),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("good", "delivered"),
            ("hang", "uncertain"),
            ("mail-to-root", "delivered"),
            ("panic", "uncertain"),
            ("slow", "delivered"),
        ]
    );
    assert_eq!(report.verdict(), Verdict::Failed);
}

#[test]
fn what_was_not_tried_says_why() {
    let report = send(
        "puppet: off\n\tdisable true\n\npuppet: bad\n\tact bad\n\npuppet: mail-to-root\n\tdisable true\n\n\
         matcher: all\n\ttarget off\n\ttarget bad\n\ttarget none\n",
    );
    let shown: Vec<_> = report
        .targets
        .iter()
        .map(|target| (&*target.name, target.reason))
        .collect();
    assert_eq!(
        shown,
        [
            ("bad", Some(Skipped::Unusable)),
            ("mail-to-root", Some(Skipped::Disabled)),
            ("none", Some(Skipped::Missing)),
            ("off", Some(Skipped::Disabled)),
        ]
    );
    let error = report.targets[0].error.as_ref().expect("a reason");
    assert_eq!(error.message, "property `act`: it is bad");
}

#[test]
fn the_answer_in_json() {
    let report = send(
        "puppet: mail-to-root\n\tact half\n\npuppet: busy\n\tact unavailable\n\nmatcher: all\n\ttarget busy\n",
    );
    insta::assert_json_snapshot!(report);
}

#[test]
fn a_faulty_matcher_matches_nothing_and_a_faulty_section_costs_itself() {
    let (configuration, engine) = engine(
        "nonsense\n\npuppet: ops\n\tcolour red\n\nmatcher: bad\n\tmatch-severity eror\n\ttarget ops\n\n\
         matcher: good\n\tmatch-severity error\n\ttarget ops\n\ttarget mail-too-root\n",
    );
    let decision = engine.decide(&event(Severity::Error, "x"));
    assert_eq!(decision.matchers, ["default-matcher", "good"]);
    assert_eq!(decision.targets, ["mail-to-root", "mail-too-root", "ops"]);
    assert_eq!(decision.missing, ["mail-too-root"]);
    let faults = notify_bus::check(&configuration, &engine);
    let shown: Vec<_> = faults
        .iter()
        .filter(|fault| fault.audience == notify_schema::Audience::Everyone)
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_router_decides_as_the_plain_look_does() {
    let (_, engine) = engine(
        "matcher: a1\n\tmatch-severity error,info\n\tmatch-field regex:type=^v\n\ttarget x1\n",
    );
    let events = [
        ("vzdump", Severity::Error),
        ("fencing", Severity::Error),
        ("vzdump", Severity::Unknown),
    ];
    let decide = || events.map(|(kind, severity)| engine.decide(&event(severity, kind)));
    let plain = decide();
    engine.prepare_for_many_events();
    assert_eq!(plain, decide());
    assert_eq!(plain[0].matchers, ["a1", "default-matcher"]);
    assert_eq!(plain[1].matchers, ["default-matcher"]);
}

#[test]
fn a_target_without_recipient_is_an_error_only_where_a_matcher_reaches_it() {
    let check = |public: &str| {
        let (configuration, engine) = engine(public);
        let faults = notify_bus::check(&configuration, &engine);
        let found = faults
            .iter()
            .find(|fault| fault.message.contains("no recipient"))
            .map(ToString::to_string);
        found.unwrap_or_default()
    };
    let unreached = "puppet: ops\n\tact nobody\n";
    assert_eq!(
        check(unreached),
        "notifications.cfg:1:1: warning: puppet `ops`: no recipient has an address"
    );
    let reached = format!("{unreached}\nmatcher: all\n\ttarget ops\n");
    assert_eq!(
        check(&reached),
        "notifications.cfg:1:1: error: puppet `ops`: no recipient has an address"
    );
}

#[test]
fn a_matcher_with_a_bad_rule_reaches_nothing() {
    let (configuration, engine) =
        engine("puppet: ops\n\nmatcher: bad\n\tmatch-severity eror\n\ttarget ops\n");
    let faults = notify_bus::check(&configuration, &engine);
    let unreached = faults
        .iter()
        .any(|fault| fault.message == "no matcher reaches this target");
    assert!(unreached, "{faults:?}");
}
