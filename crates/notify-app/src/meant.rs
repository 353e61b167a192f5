//! A name on the command line that nobody knows, and what may have been meant by it.

use notify_schema::nearest;

use crate::exit::Stop;

/// Exit 2: there is no `noun` of this name. `list` names the command that shows those there are.
pub(crate) fn unknown<'a>(
    noun: &str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    list: &str,
) -> Stop {
    let stop = Stop::usage(format!("there is no {noun} `{}`", name.escape_debug()));
    let shows = format!("`{list}` shows what there is");
    stop.with_hint(match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`? {shows}"),
        None => shows,
    })
}

/// The same for a target of the configuration.
pub(crate) fn unknown_target<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Stop {
    unknown("target", name, known, "notify target list")
}
