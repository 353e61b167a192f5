//! `notify target …` and `notify matcher …`.

mod edit;
mod inspect;
mod write;

use notify_config::{Configuration, Section};
use notify_core::Zone;
use serde_json::json;

use self::edit::{Deed, add, set, take_away};
use crate::args::{Global, Sections};
use crate::console::{Console, table};
use crate::exit::{Answer, Exit, Stop};
use crate::meant;
use crate::setup::Setup;
use crate::shapes::{self, Noun, printable};

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

fn list(global: &Global, noun: Noun, as_json: bool, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let ready = setup.ready(Zone::Local)?;
    ready.tell_unreadable(console);
    let mut found: Vec<_> = ready
        .configuration
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
        .map(|section| shape(section, &ready, &setup.schemas))
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
            .map(printable)
            .unwrap_or_default()
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
    let ready = setup.ready(Zone::Local)?;
    ready.tell_unreadable(console);
    let (snapshot, configuration) = (&ready.snapshot, &ready.configuration);
    let section = find(configuration, noun, name)?;
    let mut shape = shapes::whole(section, &ready, &setup.schemas);
    if as_json {
        shape["digest"] = json!(snapshot.digest);
        shape["revision"] = json!(snapshot.revision);
        console.json(&shape);
        return Ok(Exit::Done);
    }
    console.raw(shapes::text(&shape).as_bytes());
    let secrets = configuration.secret_keys(section).into_iter();
    for key in secrets.filter(|key| shape.get(key).is_none()) {
        console.line(format!("\t{key} (set, not shown)"));
    }
    console.note(format!("\t# {}", section.origin.name()));
    if let Some(reason) = ready.unusable(section) {
        console.note(format!("\t# cannot be used: {}", printable(reason)));
    }
    Ok(Exit::Done)
}

fn find<'a>(configuration: &'a Configuration, noun: Noun, name: &str) -> Result<&'a Section, Stop> {
    let found = configuration
        .section(name)
        .filter(|section| noun.covers(section));
    found.ok_or_else(|| {
        let known = configuration.sections().iter();
        let known = known.filter(|section| noun.covers(section));
        let names = known.map(|section| section.name.as_str());
        let list = format!("notify {} list", noun.word());
        meant::unknown(noun.word(), name, names, &list)
    })
}
