//! `notify --version`.

use notify_core::Registry;

use crate::console::{Console, table};
use crate::exit::{Answer, Exit, Stop};

/// The version; with `--verbose` also the target types that are linked in.
pub(crate) fn version(console: &Console) -> Answer {
    console.line(format!("notify {}", env!("CARGO_PKG_VERSION")));
    if console.verbose {
        let registry = Registry::linked().map_err(|error| Stop::usage(error.to_string()))?;
        console.line("target types:");
        let rows: Vec<_> = registry
            .types()
            .iter()
            .map(|known| vec![format!("  {}", known.name), known.title.to_owned()])
            .collect();
        console.raw(table(&rows).as_bytes());
    }
    Ok(Exit::Done)
}
