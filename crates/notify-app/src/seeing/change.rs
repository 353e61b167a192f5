//! `notify retry` and `notify drop`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use notify_core::{JobState, Millis, OpenFor, Opened, Selection};
use serde_json::json;

use crate::args::Global;
use crate::console::Console;
use crate::event::block_on;
use crate::exit::{Answer, Exit, Stop};
use crate::seeing::name::Name;
use crate::seeing::view::count;
use crate::seeing::{args, known, running, store};

/// What is done with deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Retry,
    Drop,
}

impl Change {
    /// The verb of the answer.
    const fn done(self) -> &'static str {
        match self {
            Change::Retry => "due now",
            Change::Drop => "dropped",
        }
    }

    /// The key of the answer.
    const fn key(self) -> &'static str {
        match self {
            Change::Retry => "retried",
            Change::Drop => "dropped",
        }
    }

    const fn cannot(self) -> &'static str {
        match self {
            Change::Retry => {
                "nothing of it waits or is dead: it is under way, arrived, or was dropped"
            }
            Change::Drop => "nothing of it waits or is dead: it arrived, or was dropped before",
        }
    }

    async fn make(self, opened: &Opened, which: &Selection, now: Millis) -> Result<u64, Stop> {
        let made = match self {
            Change::Retry => opened.spool.revive(which, now).await,
            Change::Drop => opened.spool.cancel(which, now).await,
        };
        made.map_err(|error| store::stop(&error))
    }
}

/// `notify retry`.
pub(crate) fn retry(global: &Global, args: &args::Retry, console: &Console) -> Answer {
    change(Change::Retry, global, &args.which, args.json, console)
}

/// `notify drop`.
pub(crate) fn drop(global: &Global, args: &args::Drop, console: &Console) -> Answer {
    if args.which.all && !args.yes && !std::io::stdin().is_terminal() {
        return Err(
            Stop::usage("all deliveries that wait or are dead would be dropped")
                .with_hint("say that you mean it: --yes"),
        );
    }
    if args.which.all && !args.yes && !is_meant(global)? {
        console.note("nothing was dropped");
        return Ok(Exit::Failed);
    }
    change(Change::Drop, global, &args.which, args.json, console)
}

/// Asks on the terminal.
fn is_meant(global: &Global) -> Result<bool, Stop> {
    let opened = store::open(global, OpenFor::Read)?;
    let counts = block_on(opened.spool.counts())?.map_err(|error| store::stop(&error))?;
    let number = usize::try_from(counts.pending + counts.dead).unwrap_or(usize::MAX);
    let failed = |error| Stop::usage(format!("cannot read the terminal: {error}"));
    eprint!("drop {}? [y/N] ", count(number, "delivery"));
    std::io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    let mut input = std::io::stdin().lock();
    input.read_line(&mut answer).map_err(failed)?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

fn change(
    change: Change,
    global: &Global,
    which: &args::Which,
    as_json: bool,
    console: &Console,
) -> Answer {
    let names = which.ids.iter().map(|id| Name::of_delivery(id));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let opened = store::open(global, OpenFor::Write)?;
    let now = store::now(global);
    let (number, unchanged) = block_on(async {
        known::require(global, &opened, which.target.as_deref()).await?;
        let mut number = 0;
        let mut unchanged = Vec::new();
        // All names are looked up before anything is changed.
        for (id, selection) in selections(&opened, which, &names).await? {
            let made = change.make(&opened, &selection, now).await?;
            number += made;
            if let (0, Some(id)) = (made, id) {
                unchanged.push(id);
            }
        }
        Ok::<_, Stop>((number, unchanged))
    })??;
    running::wake(&store::place(global), console);
    if as_json {
        console.json(&json!({ change.key(): number, "unchanged": unchanged }));
    } else {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        console.note(format!("{} {}", count(number, "delivery"), change.done()));
    }
    for id in &unchanged {
        console.problem(format!("{id}: {}", change.cannot()));
    }
    Ok(if unchanged.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// What is meant; for each name what it is a name of.
async fn selections(
    opened: &Opened,
    which: &args::Which,
    names: &[Name],
) -> Result<Vec<(Option<String>, Selection)>, Stop> {
    if which.all {
        return Ok(vec![(None, Selection::All)]);
    }
    if let Some(target) = &which.target {
        return Ok(vec![(None, Selection::Target(target.clone()))]);
    }
    let mut selections = Vec::new();
    for name in names {
        let selection = selection(opened, name).await?;
        let id = match &selection {
            Selection::Key(key) => key.clone(),
            Selection::Event(event) => event.to_string(),
            Selection::Target(_) | Selection::All => continue,
        };
        selections.push((Some(id), selection));
    }
    Ok(selections)
}

async fn selection(opened: &Opened, name: &Name) -> Result<Selection, Stop> {
    let id = name.event(&*opened.history).await?;
    let record = opened.history.event(id).await;
    let record = record.map_err(|error| store::stop(&error))?;
    let record = record.ok_or_else(|| name.unknown())?;
    let Some(target) = &name.target else {
        return Ok(Selection::Event(id));
    };
    let job = record.jobs.iter().find(|job| job.target == *target);
    match job {
        Some(job) => Ok(Selection::Key(job.key.clone())),
        None => {
            let states = [JobState::Pending, JobState::Dead];
            let open = record.jobs.iter().filter(|job| states.contains(&job.state));
            let open: Vec<_> = open.map(|job| job.target.as_str()).collect();
            Err(Stop::usage(format!(
                "the event {id} has no delivery to `{}`",
                target.escape_debug()
            ))
            .with_hint(match open.is_empty() {
                true => "none of its deliveries waits or is dead".to_owned(),
                false => format!("those that wait or are dead: {}", open.join(", ")),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y\n", "Y\n", "yes\n", " YES \r\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "yeah\n", "no\n"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
