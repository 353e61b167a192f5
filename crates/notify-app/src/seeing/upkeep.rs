//! `notify spool check` and `notify spool backup`.

use std::path::Path;

use notify_core::{Found, OpenFor, Opened, SpoolError};
use serde_json::{Value, json};

use crate::args::Global;
use crate::console::Console;
use crate::event::block_on;
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::progress::Progress;
use crate::seeing::view::{count, size};
use crate::seeing::{args, store};
use crate::shapes::printable;

/// `notify spool`.
pub(crate) fn spool(global: &Global, args: &args::Spool, console: &Console) -> Answer {
    match args {
        args::Spool::Check { json } => check(global, *json, console),
        args::Spool::Backup { file } => backup(global, file, console),
    }
}

fn check(global: &Global, as_json: bool, console: &Console) -> Answer {
    let opened = store::open(global, OpenFor::Read)?;
    let found = block_on(verified(&opened, console))?.map_err(|error| store::stop(&error))?;
    if as_json {
        console.json(&found.iter().map(shape).collect::<Vec<_>>());
    } else {
        for found in &found {
            console.line(line(found, console));
        }
        hints(&found, console);
        let folder = store::folder(global);
        let sum = match found.len() {
            0 => "no fault".to_owned(),
            number => count(number, "fault"),
        };
        let size = size(store::bytes(&folder));
        console.note(format!("{}, {size}: {sum}", folder.display()));
    }
    Ok(if found.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Looks for damage and broken promises, with a bar.
pub(crate) async fn verified(opened: &Opened, console: &Console) -> Result<Vec<Found>, SpoolError> {
    let progress = Progress::of("looking", console);
    opened.upkeep.verify(&|done| progress.tell(done)).await
}

/// Something that should not be, as scripts see it.
pub(crate) fn shape(found: &Found) -> Value {
    json!({"law": found.law, "detail": found.detail})
}

/// The same for people.
pub(crate) fn line(found: &Found, console: &Console) -> String {
    format!("{}: {}", console.bad(found.law), printable(&found.detail))
}

/// What to do about what was found, each thing once.
pub(crate) fn hints(found: &[Found], console: &Console) {
    let mut told = Vec::new();
    for hint in found.iter().filter_map(|found| hint(found.law)) {
        if !told.contains(&hint) {
            console.note(hint);
            told.push(hint);
        }
    }
}

fn hint(law: &str) -> Option<&'static str> {
    match law {
        "integrity" => Some(
            "the file is damaged: stop the daemon, keep a copy, and read what can be read with \
             `sqlite3 FILE .recover`; a start that meets the damage sets the file aside",
        ),
        "content" | "body" => Some(
            "an event that cannot be read is not sent: its deliveries are given up when their turn \
             comes, or `notify drop EVENT` takes them away; all others go on",
        ),
        "trace" => Some("of a decision that cannot be read only `notify explain` knows less"),
        "progress" => Some(
            "a delivery whose recipients cannot be read is given up when its turn comes; \
             an attempt whose end cannot be read counts as cut off",
        ),
        _ => None,
    }
}

fn backup(global: &Global, file: &Path, console: &Console) -> Answer {
    let opened = store::open(global, OpenFor::Read)?;
    let path = std::path::absolute(file)
        .map_err(|error| Stop::failed(format!("{}: {error}", file.display())))?;
    let copied = block_on(async {
        let progress = Progress::of("copying", console);
        opened
            .upkeep
            .backup(&path, &|done| progress.tell(done))
            .await
    })?;
    // Whatever it was, the spool is fine and the copy is not there.
    copied.map_err(|error| Stop::failed(notify_core::report(&error)))?;
    console.note(format!("copied to {}", file.display()));
    Ok(Exit::Done)
}
