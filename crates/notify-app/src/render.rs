//! `notify render`.

use std::io::IsTerminal as _;

use notify_core::Zone;
use notify_render::{Part, with_common_variables};

use crate::args::{self, Global};
use crate::console::Console;
use crate::exit::{Answer, Exit, Stop};
use crate::input;
use crate::setup::Setup;

/// `notify render`: the rendered text and nothing else.
pub(crate) fn render(global: &Global, args: &args::Render, console: &Console) -> Answer {
    let setup = Setup::new(global)?;
    let templates = setup.templates_with(&args.template)?;
    // Without an event there is no severity, unless the data brings one.
    let data = with_common_variables(input::json(&args.data)?, &setup.host().0, None);
    let message = templates.message(&args.template, data, Zone::Local);
    let parts = match args.part {
        Some(args::Part::Subject) => vec![Part::Subject],
        Some(args::Part::Text) => vec![Part::Text],
        Some(args::Part::Html) => vec![Part::Html],
        None => Part::ALL.to_vec(),
    };
    let texts = parts
        .iter()
        .map(|part| message.part(*part))
        .collect::<Result<Vec<_>, _>>();
    for fault in message.faults() {
        console.fault(&fault);
    }
    for text in texts.map_err(|failure| Stop::failed(failure.report()))? {
        console.raw(text.as_bytes());
        // Where several parts, or a prompt, would run into one another.
        if !text.ends_with('\n') && (parts.len() > 1 || std::io::stdout().is_terminal()) {
            console.raw(b"\n");
        }
    }
    Ok(Exit::Done)
}
