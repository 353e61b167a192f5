//! `notify check`.

use notify_core::Zone;
use notify_schema::{Audience, Fault, Level};
use serde_json::json;

use crate::args::{self, Global};
use crate::backup_report;
use crate::console::Console;
use crate::exit::{Answer, Exit};
use crate::setup::Setup;

/// `notify check`.
pub(crate) fn check(global: &Global, args: &args::Check, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let ready = setup.ready(Zone::Local)?;
    let mut faults = notify_bus::check(&ready.configuration, &ready.engine);
    faults.extend(ready.host_faults);
    faults.extend(backup_report::faults(&setup.folder)?);
    faults.retain(|fault| args.pve || fault.audience == Audience::Everyone);
    Fault::sort(&mut faults);
    if args.json {
        console.json(&faults.iter().map(as_json).collect::<Vec<_>>());
    } else {
        for fault in faults
            .iter()
            .filter(|fault| !global.quiet || fault.level == Level::Error)
        {
            console.fault_line(fault);
        }
        console.note(sum(&faults, &setup.folder.display().to_string()));
    }
    Ok(if faults.iter().any(|fault| fault.level == Level::Error) {
        Exit::Failed
    } else {
        Exit::Done
    })
}

fn as_json(fault: &Fault) -> serde_json::Value {
    json!({
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "severity": fault.level.name(),
        "section": fault.section.as_ref().map(ToString::to_string),
        "message": fault.message,
        "hint": fault.hint,
    })
}

fn sum(faults: &[Fault], folder: &str) -> String {
    if faults.is_empty() {
        return format!("{folder}: no fault");
    }
    let count = |level: Level, word: &str| {
        let number = faults.iter().filter(|fault| fault.level == level).count();
        (number > 0).then(|| format!("{number} {word}{}", if number == 1 { "" } else { "s" }))
    };
    let counts = [
        count(Level::Error, "error"),
        count(Level::Warning, "warning"),
        count(Level::Info, "remark"),
    ];
    format!(
        "{folder}: {}",
        counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    )
}
