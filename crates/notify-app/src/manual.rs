//! `notify manual` and `notify schema`: what the section types of this program say of themselves.

use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use notify_core::Registry;
use notify_docs::ManPage;
use notify_match::MATCHER;
use notify_schema::Schema;

use crate::args::{self, CommandLine};
use crate::console::{Console, table};
use crate::exit::{Answer, Exit, Stop};

const SOURCE: &str = concat!("notify ", env!("CARGO_PKG_VERSION"));

/// A section type, as its manual and its schema need it.
struct SectionType {
    title: &'static str,
    manual: &'static str,
    schema: Schema,
}

/// `notify manual`.
pub(crate) fn manual(args: &args::Manual, console: &Console) -> Answer {
    let types = linked()?;
    if let Some(folder) = &args.write {
        return write_pages(&types, folder, console);
    }
    let Some(name) = &args.kind else {
        console.raw(table(&list(&types)).as_bytes());
        return Ok(Exit::Done);
    };
    let known = find(&types, name)?;
    let page = match args.man {
        true => known.man_page().1,
        false => known.markdown(),
    };
    console.raw(page.as_bytes());
    Ok(Exit::Done)
}

/// `notify schema`.
pub(crate) fn schema(args: &args::JsonSchema, console: &Console) -> Answer {
    let types = linked()?;
    let schema = match &args.kind {
        Some(name) => {
            let known = find(&types, name)?;
            notify_docs::json_schema(known.title, &known.schema)
        }
        None => {
            let types = types.iter().map(|known| (known.title, &known.schema));
            notify_docs::configuration_json_schema(types)
        }
    };
    // People read it too.
    console.line(format!("{schema:#}"));
    Ok(Exit::Done)
}

/// The target types that are linked in, by name, and the matcher.
fn linked() -> Result<Vec<SectionType>, Stop> {
    let registry = Registry::linked().map_err(|error| Stop::usage(error.to_string()))?;
    let targets = registry.types().iter().map(|known| SectionType {
        title: known.title,
        manual: known.manual,
        schema: known.schema(),
    });
    let matcher = SectionType {
        title: "Matcher",
        manual: notify_match::MANUAL,
        schema: notify_match::schema(),
    };
    Ok(targets.chain([matcher]).collect())
}

fn find<'a>(types: &'a [SectionType], name: &str) -> Result<&'a SectionType, Stop> {
    let found = types.iter().find(|known| known.schema.kind() == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = types.iter().map(|known| known.schema.kind()).collect();
        Stop::usage(format!(
            "there is no section type `{}`",
            name.escape_debug()
        ))
        .with_hint(format!("known types: {}", known.join(", ")))
    })
}

fn list(types: &[SectionType]) -> Vec<Vec<String>> {
    let row = |known: &SectionType| vec![known.schema.kind().to_owned(), known.summary()];
    types.iter().map(row).collect()
}

/// The pages of all commands and of all section types.
fn write_pages(types: &[SectionType], folder: &Path, console: &Console) -> Answer {
    let failed = |path: &Path, error: &std::io::Error| {
        Stop::failed(format!("cannot write {}: {error}", path.display()))
    };
    let commands = command_pages(&command()).into_iter();
    for (file, page) in commands.chain(types.iter().map(SectionType::man_page)) {
        let path = folder.join(file);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = written.and_then(|()| fs::write(&path, page));
        written.map_err(|error| failed(&path, &error))?;
        console.note(path.display());
    }
    Ok(Exit::Done)
}

/// The command line with all that its own pages say of it.
fn command() -> Command {
    let mut command = CommandLine::command().version(env!("CARGO_PKG_VERSION"));
    command.build();
    command
}

/// A page for a command and each of those below it: `man1/notify.1`, `man1/notify-target-add.1`.
fn command_pages(command: &Command) -> Vec<(String, String)> {
    let mut pages = vec![command_page(command)];
    let below = command.get_subcommands().filter(|below| {
        let is_help = below.get_name() == "help";
        !is_help && !below.is_hide_set()
    });
    for below in below {
        pages.extend(command_pages(below));
    }
    pages
}

fn command_page(command: &Command) -> (String, String) {
    let name = command.get_display_name().unwrap_or("notify").to_owned();
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone().name(name.clone()))
        .title(name.to_uppercase())
        .source(SOURCE);
    man.render(&mut page).expect("memory can be written");
    (
        format!("man1/{name}.1"),
        String::from_utf8_lossy(&page).into_owned(),
    )
}

impl SectionType {
    fn markdown(&self) -> String {
        notify_docs::manual(self.title, self.manual, &self.schema)
    }

    /// What it is, in half a line.
    fn summary(&self) -> String {
        match self.schema.kind() {
            MATCHER => "which events go to which targets".to_owned(),
            _ => format!("targets of the type {}", self.title),
        }
    }

    /// The file, below the folder of all man pages, and its content.
    fn man_page(&self) -> (String, String) {
        let name = format!("notify-{}", self.schema.kind());
        let page = ManPage {
            name: &name,
            section: 7,
            summary: &self.summary(),
            source: SOURCE,
        };
        (format!("man7/{name}.7"), page.of_markdown(&self.markdown()))
    }
}
