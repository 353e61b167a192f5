//! `notify config show` and `notify config format`.

use notify_core::Zone;
use notify_schema::Source;
use serde_json::json;

use crate::args::{Config, Global};
use crate::console::Console;
use crate::exit::{Answer, Exit, Stop};
use crate::setup::Setup;
use crate::shapes::{self, printable};

/// `notify config`.
pub(crate) fn config(global: &Global, args: &Config, console: &Console) -> Answer {
    match args {
        Config::Show { json } => show(global, *json, console),
        Config::Format { private, .. } => format(
            global,
            if *private {
                Source::Private
            } else {
                Source::Public
            },
            console,
        ),
    }
}

fn show(global: &Global, as_json: bool, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let ready = setup.ready(Zone::Local)?;
    ready.tell_unreadable(console);
    let (snapshot, configuration) = (&ready.snapshot, &ready.configuration);
    let sections = configuration.sections().iter();
    let sections =
        sections.map(|section| shapes::with_secrets_named(section, &ready, &setup.schemas));
    if as_json {
        let sections: Vec<_> = sections.collect();
        console.json(&json!({
            "folder": setup.folder.display().to_string(),
            "digest": snapshot.digest,
            "revision": snapshot.revision,
            "sections": sections,
        }));
        return Ok(Exit::Done);
    }
    for (number, (shape, section)) in sections.zip(configuration.sections()).enumerate() {
        if number > 0 {
            console.line("");
        }
        console.raw(shapes::text(&shape).as_bytes());
        let remarks =
            [(section.origin.name() != "user-created").then(|| section.origin.name().to_owned())];
        let unusable = ready.unusable(section);
        let unusable = unusable.map(|reason| format!("cannot be used: {}", printable(reason)));
        for remark in remarks.into_iter().flatten().chain(unusable) {
            console.note(format!("\t# {remark}"));
        }
    }
    Ok(Exit::Done)
}

fn format(global: &Global, source: Source, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let (snapshot, configuration) = setup.read()?;
    if let Some(reason) = snapshot.files.content(source).unreadable() {
        let file = setup.store.path(source);
        return Err(Stop::usage(format!(
            "cannot read {}: {reason}",
            file.display()
        )));
    }
    let formatted = notify_config::format(configuration.document(source), &setup.schemas);
    console.raw(formatted.text.as_bytes());
    for fault in formatted.left_out.iter().chain(&formatted.superseded) {
        console.fault(fault);
    }
    Ok(if formatted.left_out.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}
