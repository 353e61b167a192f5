//! `notify audit`: nothing that was accepted is lost.

use notify_core::{Counts, OpenFor};
use serde_json::json;

use crate::args::Global;
use crate::console::Console;
use crate::event::block_on;
use crate::exit::{Answer, Exit};
use crate::seeing::{args, store, upkeep};

/// `notify audit`.
pub(crate) fn audit(global: &Global, args: &args::Audit, console: &Console) -> Answer {
    let opened = store::open(global, OpenFor::Read)?;
    let (counts, found) = block_on(async {
        let counts = opened.spool.counts().await?;
        Ok((counts, upkeep::verified(&opened, console).await?))
    })?
    .map_err(|error| store::stop(&error))?;
    let holds = counts.are_conserved() && found.is_empty();
    if args.json {
        console.json(&json!({
            "holds": holds,
            "counts": shape(&counts),
            "broken": found.iter().map(upkeep::shape).collect::<Vec<_>>(),
        }));
    } else {
        console.line(law(&counts, console));
        for found in &found {
            console.line(upkeep::line(found, console));
        }
        upkeep::hints(&found, console);
        if holds {
            console.note(console.good("every promise holds"));
        } else {
            console.remark(
                "keep a copy with `notify spool backup FILE`; `notify show EVENT` shows what is left of an event",
            );
        }
    }
    Ok(if holds { Exit::Done } else { Exit::Failed })
}

/// How many deliveries there are, as scripts see it.
pub(crate) fn shape(counts: &Counts) -> serde_json::Value {
    json!({
        "accepted": counts.accepted,
        "pending": counts.pending,
        "delivered": counts.delivered,
        "dead": counts.dead,
        "cancelled": counts.cancelled,
        "conserved": counts.are_conserved(),
    })
}

/// `accepted 10 = delivered 6 + pending 1 + dead 2 + cancelled 1`.
pub(crate) fn law(counts: &Counts, console: &Console) -> String {
    let Counts {
        accepted,
        pending,
        delivered,
        dead,
        cancelled,
    } = counts;
    let equals = if counts.are_conserved() {
        "=".to_owned()
    } else {
        console.bad("is not")
    };
    format!(
        "accepted {accepted} {equals} delivered {delivered} + pending {pending} + dead {dead} + cancelled {cancelled}"
    )
}

#[cfg(test)]
mod tests {
    use super::law;
    use crate::args::Color;
    use crate::console::Console;
    use notify_core::Counts;

    #[test]
    fn the_law_is_told_with_its_numbers() {
        let console = Console::new(Color::Never, false, false);
        let mut counts = Counts {
            accepted: 10,
            pending: 1,
            delivered: 6,
            dead: 2,
            cancelled: 1,
        };
        let expected = "accepted 10 = delivered 6 + pending 1 + dead 2 + cancelled 1";
        assert_eq!(law(&counts, &console), expected);
        counts.accepted = 11;
        assert!(law(&counts, &console).starts_with("accepted 11 is not delivered 6 +"));
    }
}
