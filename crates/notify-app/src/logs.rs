//! What a program that stays says while it works: lines of text, lines of JSON, or the journal's entries.
//!
//! A line has the fields of its event and of the spans around it, so the id of a
//! notification and the name of a target stand on every line that is about one.
//! Other libraries are heard when they warn.

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::args::Global;
use crate::exit::Stop;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people, on standard error.
    Text,
    /// A JSON object a line, on standard error.
    Json,
    /// Entries of the journal with the fields NOTIFY_EVENT and NOTIFY_TARGET.
    Journal,
}

/// What the names of our crates begin with.
const OURS: [&str; 3] = ["notify_", "spool_", "target_"];

/// What a name in the journal begins with: `NOTIFY_EVENT`.
const JOURNAL_PREFIX: &str = "NOTIFY";

/// Has everything logged from now on, in this format; none is the journal's where standard error
/// leads there, else text.
///
/// # Errors
/// When the journal was asked for and is not there.
pub(crate) fn start(format: Option<LogFormat>, global: &Global) -> Result<(), Stop> {
    let level = level(global.quiet, global.verbose);
    let named = std::env::var("JOURNAL_STREAM").ok();
    let leads_there = named.is_some_and(|stream| is_stream(&stream, io::stderr()));
    match (format, leads_there) {
        (Some(LogFormat::Text), _) | (None, false) => install(lines(Form::Text, level)),
        (Some(LogFormat::Json), _) => install(lines(Form::Json, level)),
        (Some(LogFormat::Journal), _) => {
            let journal = journal().map_err(|error| {
                Stop::failed(format!("the journal cannot be reached: {error}"))
                    .with_hint("choose another format with --log-format")
            })?;
            install(tracing_subscriber::registry().with(journal.with_filter(filter(level))))
        }
        (None, true) => match journal() {
            Ok(journal) => {
                install(tracing_subscriber::registry().with(journal.with_filter(filter(level))))
            }
            // Text reaches it too.
            Err(_) => install(lines(Form::Text, level)),
        },
    }
}

fn install(subscriber: impl Subscriber + Send + Sync + 'static) -> Result<(), Stop> {
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| Stop::failed(format!("cannot log: {error}")))?;
    // Else it would be no line of the format, and not be in the journal.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked: {}", words(panic.payload()));
    }));
    Ok(())
}

/// What a panic says.
fn words(payload: &dyn Any) -> &str {
    let fixed = payload.downcast_ref::<&str>().copied();
    let made = || payload.downcast_ref::<String>().map(String::as_str);
    fixed.or_else(made).unwrap_or("for no stated reason")
}

fn level(quiet: bool, verbose: bool) -> LevelFilter {
    match (quiet, verbose) {
        (true, _) => LevelFilter::WARN,
        (_, true) => LevelFilter::DEBUG,
        _ => LevelFilter::INFO,
    }
}

fn filter(level: LevelFilter) -> Targets {
    // Others may say what they like of a connection, a secret in it too, so only warnings.
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(OURS.map(|name| (name, level)))
}

fn journal() -> io::Result<tracing_journald::Layer> {
    let journal = tracing_journald::layer()?
        .with_field_prefix(Some(JOURNAL_PREFIX.to_owned()))
        .with_syslog_identifier("notify".to_owned())
        .with_priority_mappings(PriorityMappings {
            info: Priority::Informational,
            debug: Priority::Debug,
            ..PriorityMappings::new()
        });
    Ok(journal)
}

/// Whether a file is the one that `JOURNAL_STREAM` names by device and inode (systemd.exec(5)).
fn is_stream(named: &str, file: impl AsFd) -> bool {
    let Ok(found) = rustix::fs::fstat(file) else {
        return false;
    };
    let Some((device, inode)) = named.split_once(':') else {
        return false;
    };
    device.parse() == Ok(found.st_dev) && inode.parse() == Ok(found.st_ino)
}

fn lines(form: Form, level: LevelFilter) -> impl Subscriber + Send + Sync {
    let lines = Lines {
        form,
        out: Mutex::new(io::stderr()),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter(level)))
}

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

/// Writes a line for each event.
struct Lines<W> {
    form: Form,
    out: Mutex<W>,
}

/// The fields of a span or an event, in the order in which they came.
#[derive(Clone, Debug, Default)]
struct Said {
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: Write + Send + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(said);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(said) = span.extensions_mut().get_mut::<Said>()
        {
            values.record(said);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(around) = span.extensions().get::<Said>() {
                said.add_unless_said(&around.fields);
            }
        }
        let metadata = event.metadata();
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let line = match self.form {
            Form::Text => said.text(&time, metadata.level()),
            Form::Json => said.json(&time, metadata.level(), metadata.target()),
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is left to tell.
        let _ = out.write_all(line.as_bytes());
    }
}

impl Said {
    /// What is nearer to the event counts.
    fn add_unless_said(&mut self, fields: &[(&'static str, Value)]) {
        for (name, value) in fields {
            if !self.fields.iter().any(|(known, _)| known == name) {
                self.fields.push((name, value.clone()));
            }
        }
    }

    /// `TIME LEVEL MESSAGE name=value …`.
    fn text(&self, time: &str, level: &Level) -> String {
        let mut line = format!("{time} {level:<5} {}", one_line(&self.message));
        for (name, value) in &self.fields {
            let shown = match value {
                Value::String(text) if is_plain(text) => text.clone(),
                value => value.to_string(),
            };
            line.push_str(&format!(" {name}={shown}"));
        }
        line.push('\n');
        line
    }

    /// `time`, `level`, `message` and `module` come first; a field of one of these names is left out.
    fn json(&self, time: &str, level: &Level, module: &str) -> String {
        let mut object = Map::new();
        let level = level.as_str().to_ascii_lowercase();
        let known = [
            ("time", time),
            ("level", &level),
            ("message", &self.message),
            ("module", module),
        ];
        for (name, value) in known {
            object.insert(name.to_owned(), value.into());
        }
        for (name, value) in &self.fields {
            object.entry(*name).or_insert_with(|| value.clone());
        }
        format!("{}\n", Value::Object(object))
    }

    fn note(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.fields.retain(|(known, _)| *known != name);
                self.fields.push((name, value));
            }
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.note(field, value.into());
    }

    // As spans of time come from std.
    fn record_u128(&mut self, field: &Field, value: u128) {
        let number = u64::try_from(value).map(Value::from);
        self.note(field, number.unwrap_or_else(|_| value.to_string().into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.note(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, value.into());
    }
}

/// Whether a value can stand in a line of text as it is.
fn is_plain(text: &str) -> bool {
    let fits = |character: char| {
        !character.is_whitespace()
            && !character.is_control()
            && !['"', '=', '\\'].contains(&character)
    };
    !text.is_empty() && text.chars().all(fits)
}

fn one_line(text: &str) -> String {
    crate::shapes::printable(text)
}

#[cfg(test)]
mod tests {
    use super::{Form, Lines, filter, is_stream, level, words};
    use serde_json::{Value, json};
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that this says, without their times.
    fn said(form: Form, verbose: bool, say: impl FnOnce()) -> Vec<String> {
        let written = Written::default();
        let lines = Lines {
            form,
            out: Mutex::new(written.clone()),
        };
        let lines = lines.with_filter(filter(level(false, verbose)));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), say);
        let bytes = written.0.lock().expect("not poisoned").clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(str::to_owned).collect()
    }

    fn deliver() {
        let span = tracing::info_span!("delivery", event = %"0192", target = tracing::field::Empty);
        span.record("target", "ops");
        let _inside = span.enter();
        tracing::warn!(
            attempt = 2,
            detail = "450 4.2.1\r\nbusy",
            "it was not taken"
        );
        tracing::debug!(attempt = 3, "not for everybody");
        tracing::info!(target: "hyper::client", "a connection");
        tracing::error!(target: "hyper::client", event = "nearer", wait_ms = 7_u128, "a fault");
    }

    #[test]
    fn lines_of_json_have_event_and_target() {
        let lines = said(Form::Json, false, deliver);
        let objects: Vec<Value> = lines
            .iter()
            .map(|line| {
                let mut object: Value = serde_json::from_str(line).expect("JSON");
                let time = object["time"].take();
                let time = time.as_str().expect("a time");
                assert!(chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
                object
            })
            .collect();
        let expected = [
            json!({
                "time": null, "level": "warn", "message": "it was not taken",
                "module": "notify_app::logs::tests", "event": "0192", "target": "ops",
                "attempt": 2, "detail": "450 4.2.1\r\nbusy",
            }),
            json!({
                "time": null, "level": "error", "message": "a fault",
                "module": "hyper::client", "event": "nearer", "target": "ops", "wait_ms": 7,
            }),
        ];
        assert_eq!(objects, expected);
    }

    #[test]
    fn lines_of_text_are_lines() {
        let lines = said(Form::Text, true, || {
            deliver();
            tracing::info!("two\nlines");
        });
        let without_time = lines
            .iter()
            .map(|line| line.split_once(' ').expect("a time").1);
        let expected = [
            r#"WARN  it was not taken attempt=2 detail="450 4.2.1\r\nbusy" event=0192 target=ops"#,
            "DEBUG not for everybody attempt=3 event=0192 target=ops",
            "ERROR a fault event=nearer wait_ms=7 target=ops",
            r"INFO  two\nlines",
        ];
        assert_eq!(without_time.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_page_shows_lines_as_they_are() {
        let page = include_str!("../../../docs/reference/logs.md");
        let say = || {
            let event = "0192fd4b-7c00-7000-8000-000000000001";
            let detail = "450 4.2.1 busy";
            tracing::warn!(target: "notify_bus::attempt", attempt = 2, detail, event, target = "ops-mail", "it was not taken");
        };
        let text = said(Form::Text, false, say).concat();
        let (_, text) = text.split_once(' ').expect("a time");
        assert!(page.lines().any(|line| line.ends_with(text)), "{text}");

        let json = said(Form::Json, false, say).concat();
        let mut json: Value = serde_json::from_str(&json).expect("JSON");
        let shown = page.lines().find(|line| line.starts_with('{'));
        let shown: Value = serde_json::from_str(shown.expect("an example")).expect("JSON");
        json["time"] = shown["time"].clone();
        assert_eq!(json, shown);
    }

    #[test]
    fn a_panic_is_told_in_its_words() {
        let said = |panic: fn()| std::panic::catch_unwind(panic).expect_err("it panics");
        assert_eq!(words(&*said(|| panic!("no room"))), "no room");
        assert_eq!(
            words(&*said(|| panic!("no room for {}", 7))),
            "no room for 7"
        );
        assert_eq!(
            words(&*said(|| std::panic::panic_any(7))),
            "for no stated reason"
        );
    }

    #[test]
    fn the_journals_stream_is_known_by_its_numbers() {
        let file = tempfile::tempfile().expect("a file");
        let found = rustix::fs::fstat(&file).expect("it is open");
        let named = format!("{}:{}", found.st_dev, found.st_ino);
        assert!(is_stream(&named, &file));
        for other in ["", ":", "8:1", "x", &format!("{named}0")] {
            assert!(!is_stream(other, &file), "{other}");
        }
    }
}
