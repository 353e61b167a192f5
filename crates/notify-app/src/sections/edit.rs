//! `add`, `set`, `remove` and `reset`: from words to changes.

use std::collections::HashSet;

use clap::ArgMatches;
use notify_config::{Changes, Configuration, Origin, Section, Setting};
use notify_core::TargetType;
use notify_match::MATCHER;
use notify_schema::{Pair, Property, Schema, Secret, Value};

use super::find;
use super::write::Edit;
use crate::args::{Global, Guard};
use crate::console::Console;
use crate::exit::{Answer, Exit, Stop};
use crate::flags::{self, Purpose, Wanted};
use crate::prompt::Prompt;
use crate::setup::Setup;
use crate::shapes::Noun;

/// How a section is taken out of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    Remove,
    Reset,
}

pub(super) fn add(global: &Global, noun: Noun, words: &[String], console: &Console) -> Answer {
    let setup = Setup::new(&with_folder(global, words))?;
    let (kind, rest) = match noun {
        Noun::Matcher => (MATCHER, words),
        Noun::Target => {
            let kind = kind_of(&setup, words, console)?;
            let Some(kind) = kind else {
                return Ok(Exit::Done);
            };
            (kind, &words[1..])
        }
    };
    let schema = schema(&setup, kind)?;
    let title = if noun == Noun::Matcher {
        "notify matcher add".to_owned()
    } else {
        format!("notify target add {kind}")
    };
    let Some(wanted) = parse(&title, schema, Purpose::Add, rest, console)? else {
        return Ok(Exit::Done);
    };
    let changes = || Changes::new().add(kind, &wanted.name, settings(&wanted, &[]));
    Edit::of(&setup, &wanted.name, &wanted.guard).make(changes, console)?;
    console.note(format!("added {} `{}`", noun.word(), wanted.name));
    Ok(Exit::Done)
}

/// The type that `target add TYPE` names; none when help was asked for.
fn kind_of(
    setup: &Setup,
    words: &[String],
    console: &Console,
) -> Result<Option<&'static str>, Stop> {
    let known = || {
        setup
            .registry
            .types()
            .iter()
            .map(|known| known.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match words.first().map(String::as_str) {
        None => Err(Stop::usage("which type of target?").with_hint(format!(
            "notify target add TYPE NAME …, TYPE one of {}",
            known()
        ))),
        Some("--help" | "-h") => {
            console.raw(types_help(setup.registry.types()).as_bytes());
            Ok(None)
        }
        Some(word) => match setup.registry.target(word) {
            Some(found) => Ok(Some(found.name)),
            None => Err(
                Stop::usage(format!("there is no target type `{}`", word.escape_debug()))
                    .with_hint(format!("known types: {}", known())),
            ),
        },
    }
}

fn types_help(types: &[&'static TargetType]) -> String {
    let mut text =
        "Add a target.\n\nUsage: notify target add TYPE NAME [FLAGS]\n\nTypes:\n".to_owned();
    for known in types {
        text.push_str(&format!(
            "  {:<12} {}; see `notify target add {} --help`\n",
            known.name, known.title, known.name
        ));
    }
    text
}

pub(super) fn set(global: &Global, noun: Noun, words: &[String], console: &Console) -> Answer {
    let usage = format!(
        "notify {} set NAME --PROP VALUE … [--unset PROP …]",
        noun.word()
    );
    let name = match words.first().map(String::as_str) {
        Some("--help" | "-h") => {
            console.line(format!(
                "Change a {noun}.\n\nUsage: {usage}\n\nThe flags depend on its type: `notify {noun} set NAME --help` lists them.",
                noun = noun.word()
            ));
            return Ok(Exit::Done);
        }
        Some(name) if !name.starts_with('-') => name,
        _ => return Err(Stop::usage("the name comes first").with_hint(usage)),
    };
    let setup = Setup::new(&with_folder(global, words))?;
    let (_, configuration) = setup.read()?;
    let section = find(&configuration, noun, name)?;
    let schema = schema(&setup, &section.kind)?;
    let title = format!("notify {} set", noun.word());
    let Some(wanted) = parse(&title, schema, Purpose::Set, words, console)? else {
        return Ok(Exit::Done);
    };
    let unset = || {
        wanted
            .unset
            .iter()
            .map(|property| property.name.to_owned())
            .collect()
    };
    let kept = kept_secrets(&wanted, &configuration, section);
    let changes = || Changes::new().set(name, settings(&wanted, &kept), unset());
    Edit::of(&setup, name, &wanted.guard).make(changes, console)?;
    console.note(format!("changed {} `{name}`", noun.word()));
    Ok(Exit::Done)
}

pub(super) fn take_away(
    global: &Global,
    noun: Noun,
    deed: Deed,
    name: &str,
    guard: &Guard,
    console: &Console,
) -> Answer {
    let setup = Setup::new(global)?;
    let (_, configuration) = setup.read()?;
    let section = find(&configuration, noun, name)?;
    let for_good = deed == Deed::Remove && section.origin == Origin::UserCreated;
    let (done, changes): (_, fn(&str) -> Changes) = match deed {
        // A built-in is there without a file, so removing it brings its own values back.
        Deed::Remove if section.origin != Origin::UserCreated => {
            ("reset", |name| Changes::new().reset(name))
        }
        Deed::Remove => ("removed", |name| Changes::new().remove(name)),
        Deed::Reset => ("reset", |name| Changes::new().reset(name)),
    };
    Edit::of(&setup, name, guard)
        .unless_named(for_good && noun == Noun::Target)
        .make(|| changes(name), console)?;
    console.note(format!("{done} {} `{name}`", noun.word()));
    Ok(Exit::Done)
}

fn schema<'a>(setup: &'a Setup, kind: &str) -> Result<&'a Schema, Stop> {
    setup
        .schemas
        .get(kind)
        .ok_or_else(|| Stop::usage(format!("the type `{kind}` is unknown to this program")))
}

/// Parses the flags; none when help was asked for and printed.
fn parse(
    title: &str,
    schema: &Schema,
    purpose: Purpose,
    words: &[String],
    console: &Console,
) -> Result<Option<Wanted>, Stop> {
    flags::refuse_secret_flags(schema, words)?;
    match flags::command(title, schema, purpose).try_get_matches_from(words) {
        Ok(matches) => wanted(schema, &matches, purpose).map(Some),
        Err(error) if !error.use_stderr() => {
            console.raw(error.render().to_string().as_bytes());
            Ok(None)
        }
        Err(error) => Err(Stop::usage(
            error
                .render()
                .to_string()
                .trim_start_matches("error: ")
                .trim_end()
                .to_owned(),
        )),
    }
}

fn wanted(schema: &Schema, matches: &ArgMatches, purpose: Purpose) -> Result<Wanted, Stop> {
    flags::wanted(schema, matches, purpose, &mut Prompt::of_process())
}

/// `--config-dir` may stand among the flags that are read once the type is known.
fn with_folder(global: &Global, words: &[String]) -> Global {
    let mut global = global.clone();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--config-dir" {
            global.config_dir = words.next().map(Into::into).or(global.config_dir);
        } else if let Some(folder) = word.strip_prefix("--config-dir=") {
            global.config_dir = Some(folder.into());
        }
    }
    global
}

/// The named secrets that a change does not mention, each as a value that keeps it.
///
/// Nobody can read the others to give them again, so a new one does not take their place.
fn kept_secrets(
    wanted: &Wanted,
    configuration: &Configuration,
    section: &Section,
) -> Vec<(&'static Property, Secret)> {
    let mut kept = Vec::new();
    for (property, values) in &wanted.secrets {
        if wanted.unset.iter().any(|unset| unset.name == property.name) {
            continue;
        }
        let name = |value: &Secret| Some(Pair::parse(value.expose()).ok()?.name.to_owned());
        let mut given: HashSet<_> = values.iter().filter_map(name).collect();
        let names = configuration.secret_names(section, property).into_iter();
        let old = names.filter(|name| given.insert((*name).to_owned()));
        kept.extend(old.map(|name| (*property, Secret::new(format!("name={name}")))));
    }
    kept
}

fn settings(wanted: &Wanted, kept: &[(&'static Property, Secret)]) -> Vec<Setting> {
    let public = wanted
        .values
        .iter()
        .map(|(property, values)| Setting::list(property.name, values.iter().map(String::as_str)));
    let private = wanted.secrets.iter().map(|(property, values)| {
        let kept = kept.iter().filter(|(of, _)| of.name == property.name);
        let values = kept.map(|(_, value)| value).chain(values);
        Setting {
            key: property.name.to_owned(),
            values: values.cloned().map(Value::Secret).collect(),
        }
    });
    public.chain(private).collect()
}
