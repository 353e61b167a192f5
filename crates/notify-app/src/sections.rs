//! `notify target …` and `notify matcher …`.

use std::sync::Arc;

use clap::ArgMatches;
use notify_bus::Engine;
use notify_config::{Changes, Configuration, Files, Setting, Snapshot, StoreError, StoreErrorKind};
use notify_core::{TargetType, Zone};
use notify_match::{MATCHER, MatcherRule};
use notify_schema::{Audience, Schema, Secret, Value};
use serde_json::json;

use crate::args::{Global, Guard, Sections};
use crate::console::{Console, table};
use crate::exit::{Answer, Exit, Stop, causes};
use crate::flags::{self, Purpose, Wanted};
use crate::prompt::Prompt;
use crate::setup::Setup;
use crate::shapes::{self, Noun};

/// How often a change is tried again when somebody else was faster.
const TRIES: u32 = 5;

/// `notify target …`, `notify matcher …`.
pub(crate) fn sections(global: &Global, noun: Noun, args: &Sections, console: &Console) -> Answer {
    match args {
        Sections::List { json } => list(global, noun, *json, console),
        Sections::Show { name, json } => show(global, noun, name, *json, console),
        Sections::Add(rest) => add(global, noun, &rest.words, console),
        Sections::Set(rest) => set(global, noun, &rest.words, console),
        Sections::Remove { name, guard } => {
            take_away(global, noun, Deed::Remove, name, guard, console)
        }
        Sections::Reset { name, guard } => {
            take_away(global, noun, Deed::Reset, name, guard, console)
        }
    }
}

/// How a section is taken out of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Remove,
    Reset,
}

fn list(global: &Global, noun: Noun, as_json: bool, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let (_, configuration) = setup.read()?;
    let mut found: Vec<_> = configuration
        .sections()
        .iter()
        .filter(|section| noun.covers(section))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    // As the API of Proxmox VE: its list of targets is short, that of matchers is not.
    let shape = match noun {
        Noun::Target => shapes::summary,
        Noun::Matcher => shapes::whole,
    };
    let shapes: Vec<_> = found
        .iter()
        .map(|section| shape(section, &configuration, &setup.schemas))
        .collect();
    if as_json {
        console.json(&shapes);
        return Ok(Exit::Done);
    }
    let mut rows = vec![
        ["name", "type", "origin", "state", "comment"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(shapes.iter().map(row));
    console.raw(table(&rows).as_bytes());
    Ok(Exit::Done)
}

fn row(shape: &serde_json::Value) -> Vec<String> {
    let text = |key: &str| {
        shape
            .get(key)
            .and_then(serde_json::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let state = if shape.get("unusable").is_some() {
        "unusable"
    } else if shape.get("disable") == Some(&json!(true)) {
        "disabled"
    } else {
        "enabled"
    };
    vec![
        text("name"),
        text("type"),
        text("origin"),
        state.to_owned(),
        text("comment"),
    ]
}

fn show(global: &Global, noun: Noun, name: &str, as_json: bool, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let (snapshot, configuration) = setup.read()?;
    let section = find(&configuration, noun, name)?;
    let mut shape = shapes::whole(section, &configuration, &setup.schemas);
    if as_json {
        shape["digest"] = json!(snapshot.digest);
        shape["revision"] = json!(snapshot.revision);
        console.json(&shape);
        return Ok(Exit::Done);
    }
    console.raw(shapes::text(&shape).as_bytes());
    for key in configuration.secret_keys(section) {
        console.line(format!("\t{key} (set, not shown)"));
    }
    console.note(format!("\t# {}", section.origin.name()));
    if let Some(reason) = &section.unusable {
        console.note(format!("\t# cannot be used: {reason}"));
    }
    Ok(Exit::Done)
}

fn find<'a>(
    configuration: &'a Configuration,
    noun: Noun,
    name: &str,
) -> Result<&'a notify_config::Section, Stop> {
    let found = configuration
        .section(name)
        .filter(|section| noun.covers(section));
    found.ok_or_else(|| {
        Stop::usage(format!(
            "there is no {} `{}`",
            noun.word(),
            name.escape_debug()
        ))
        .with_hint(format!("`notify {} list` shows what there is", noun.word()))
    })
}

fn add(global: &Global, noun: Noun, words: &[String], console: &Console) -> Answer {
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
    let changes = || Changes::new().add(kind, &wanted.name, settings(&wanted));
    write(&setup, &wanted.name, &wanted.guard, changes, console)?;
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

fn set(global: &Global, noun: Noun, words: &[String], console: &Console) -> Answer {
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
    let changes = || Changes::new().set(name, settings(&wanted), unset());
    write(&setup, name, &wanted.guard, changes, console)?;
    console.note(format!("changed {} `{name}`", noun.word()));
    Ok(Exit::Done)
}

fn take_away(
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
    let for_good = deed == Deed::Remove && section.origin == notify_config::Origin::UserCreated;
    if for_good && noun == Noun::Target {
        refuse_while_named(&configuration, name)?;
    }
    let (done, changes): (_, fn(&str) -> Changes) = match deed {
        Deed::Remove => ("removed", |name| Changes::new().remove(name)),
        Deed::Reset => ("reset", |name| Changes::new().reset(name)),
    };
    write(&setup, name, guard, || changes(name), console)?;
    console.note(format!("{done} {} `{name}`", noun.word()));
    Ok(Exit::Done)
}

/// As Proxmox VE: a target that a matcher names stays.
fn refuse_while_named(configuration: &Configuration, name: &str) -> Result<(), Stop> {
    let names_it =
        |line: &notify_schema::RawProperty<'_>| line.key == "target" && line.value == name;
    let by: Vec<&str> = configuration
        .of_kind(MATCHER)
        .filter(|matcher| configuration.lines(matcher).iter().any(names_it))
        .map(|matcher| matcher.name.as_str())
        .collect();
    if by.is_empty() {
        return Ok(());
    }
    Err(Stop::failed(format!(
        "cannot remove `{name}`, matchers name it: {}",
        by.join(", ")
    ))
    .with_hint("take it out of them first: `notify matcher set NAME --target …`"))
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

fn settings(wanted: &Wanted) -> Vec<Setting> {
    let public = wanted
        .values
        .iter()
        .map(|(property, values)| Setting::list(property.name, values.iter().map(String::as_str)));
    let secret = |values: &[Secret]| values.iter().cloned().map(Value::Secret).collect();
    let private = wanted.secrets.iter().map(|(property, values)| Setting {
        key: property.name.to_owned(),
        values: secret(values),
    });
    public.chain(private).collect()
}

/// Checks the outcome as a whole, then writes it if nobody changed the files meanwhile.
fn write(
    setup: &Setup,
    name: &str,
    guard: &Guard,
    changes: impl Fn() -> Changes,
    console: &Console,
) -> Result<(), Stop> {
    let mut tries = 0;
    loop {
        tries += 1;
        let (snapshot, configuration) = setup.read()?;
        compare(guard, &snapshot)?;
        let changes = if guard.not_for_pve {
            changes().not_for_pve()
        } else {
            changes()
        };
        let outcome = changes
            .apply(&snapshot.files, &setup.schemas)
            .map_err(|error| refused(&error))?;
        let for_pve = setup.store.is_pve_folder() && !guard.not_for_pve;
        inspect(setup, &outcome, &configuration, name, for_pve, console)?;
        match setup
            .store
            .update(Some(&snapshot.revision), &setup.schemas, &changes)
        {
            Err(error)
                if error.kind() == StoreErrorKind::Changed
                    && guard.digest.is_none()
                    && tries < TRIES => {}
            other => return other.map(drop).map_err(|error| refused(&error)),
        }
    }
}

fn compare(guard: &Guard, snapshot: &Snapshot) -> Result<(), Stop> {
    match &guard.digest {
        Some(digest) if *digest != snapshot.digest && *digest != snapshot.revision => Err(
            Stop::failed("the configuration was changed meanwhile, so nothing was written")
                .with_hint("look at it again: `notify config show --json` has the new digest"),
        ),
        _ => Ok(()),
    }
}

/// What only plugins and rules can judge: the section must be usable, and name targets that exist.
fn inspect(
    setup: &Setup,
    outcome: &Files,
    before: &Configuration,
    name: &str,
    for_pve: bool,
    console: &Console,
) -> Result<(), Stop> {
    let after = Configuration::assemble(outcome, &setup.schemas);
    let (host, _) = setup.host();
    let engine = Engine::assemble(
        &after,
        &setup.registry,
        Arc::new(host),
        setup.templates(),
        Zone::Local,
    );
    let was_usable = before
        .section(name)
        .is_none_or(|section| section.fields.is_some());
    let Some(section) = after.section(name) else {
        return Ok(());
    };
    let title = format!("{} `{name}`", section.kind);
    let bad: Vec<String> = engine
        .faults()
        .iter()
        .filter(|fault| fault.section.as_deref() == Some(&title))
        .map(|fault| fault.message.clone())
        .collect();
    if was_usable && !bad.is_empty() {
        return Err(Stop::usage(bad.join("\n")));
    }
    if for_pve {
        refuse_rules_of_ours(&engine, before, name)?;
    }
    refuse_without_any(setup, section)?;
    refuse_unknown_targets(&after, &engine, before, section)?;
    for fault in notify_bus::check(&after, &engine) {
        if fault.section.as_deref() == Some(&title) && fault.audience == Audience::Everyone {
            console.fault(&fault);
        }
    }
    Ok(())
}

/// As Proxmox VE: a mail target that is written has a recipient.
fn refuse_without_any(setup: &Setup, section: &notify_config::Section) -> Result<(), Stop> {
    let wanted = setup
        .schemas
        .get(&section.kind)
        .map_or(&[][..], Schema::at_least_one);
    let has = |fields: &notify_schema::Fields| wanted.iter().any(|property| fields.has(property));
    if wanted.is_empty() || section.fields.as_ref().is_none_or(has) {
        return Ok(());
    }
    Err(Stop::usage(format!(
        "give at least one of --{}",
        wanted.join(", --")
    )))
}

/// A target that the matcher did not name before must exist.
fn refuse_unknown_targets(
    after: &Configuration,
    engine: &Engine,
    before: &Configuration,
    section: &notify_config::Section,
) -> Result<(), Stop> {
    if section.kind != MATCHER {
        return Ok(());
    }
    let named = |configuration: &Configuration| -> Vec<String> {
        let found = configuration.section(&section.name);
        let lines = found.map_or_else(Vec::new, |found| configuration.lines(found));
        let targets = lines.iter().filter(|line| line.key == "target");
        targets.map(|line| line.value.to_owned()).collect()
    };
    let known = named(before);
    let unknown: Vec<String> = named(after)
        .into_iter()
        .filter(|name| !known.contains(name) && !engine.has_target(name))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(
        Stop::usage(format!("there is no target `{}`", unknown.join("`, `")))
            .with_hint("`notify target list` shows what there is"),
    )
}

/// A new rule that Proxmox VE reads and cannot use makes it notify nobody of anything.
fn refuse_rules_of_ours(engine: &Engine, before: &Configuration, name: &str) -> Result<(), Stop> {
    let old = before.section(name).map(|section| before.lines(section));
    let is_old = |rule: &MatcherRule| {
        let mut lines = old.iter().flatten();
        lines.any(|line| line.key == rule.key() && line.value == rule.text())
    };
    let mut matchers = engine.matchers().usable();
    let rules = matchers.find(|matcher| matcher.name() == name);
    for rule in rules.iter().flat_map(|matcher| matcher.rules()) {
        let Some(refusal) = rule.rule().pve_refusal().filter(|_| !is_old(rule)) else {
            continue;
        };
        let message = format!(
            "property `{}`: Proxmox VE does not accept `{}`, and would notify nobody",
            rule.key(),
            rule.text()
        );
        let way = refusal
            .strict
            .map_or_else(String::new, |strict| format!("it accepts `{strict}`; "));
        return Err(
            Stop::usage(message).with_hint(format!("{way}--not-for-pve writes it nevertheless"))
        );
    }
    Ok(())
}

fn refused(error: &StoreError) -> Stop {
    let exit = match error.kind() {
        StoreErrorKind::Changed | StoreErrorKind::Locked | StoreErrorKind::Io => Exit::Failed,
        _ => Exit::Usage,
    };
    let mut message = causes(error);
    for fault in error.faults() {
        message.push_str(&format!("\n  {fault}"));
    }
    Stop {
        exit,
        message,
        hint: error.hint().map(str::to_owned),
    }
}
