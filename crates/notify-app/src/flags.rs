//! Flags made at run time from the properties of a section type.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};
use notify_schema::{Kind, Property, Schema, Secret};

use crate::args::Guard;
use crate::exit::Stop;
use crate::input;
use crate::prompt::Prompt;

/// What the flags ask for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    /// Public values by property, in the order of the schema; a repeated property replaces its whole list.
    pub(crate) values: Vec<(&'static Property, Vec<String>)>,
    pub(crate) secrets: Vec<(&'static Property, Vec<Secret>)>,
    pub(crate) unset: Vec<&'static Property>,
    pub(crate) guard: Guard,
}

/// Whether a section is being made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Add,
    Set,
}

/// The command for one section type: a flag a property.
pub(crate) fn command(title: &str, schema: &Schema, purpose: Purpose) -> Command {
    let name = Arg::new("name")
        .value_name("NAME")
        .required(true)
        .help("The name of the section.");
    let mut command = Command::new(title.to_owned())
        .no_binary_name(true)
        .disable_version_flag(true)
        .max_term_width(100)
        .arg(name);
    for property in schema.properties() {
        command = command.arg(flag(property));
    }
    if purpose == Purpose::Set {
        command = command.arg(unset(schema));
    }
    command.args(guards()).args(globals())
}

fn flag(property: &'static Property) -> Arg {
    let help = notify_docs::flag_help(property);
    if property.is_secret() {
        let long = format!("{}-file", property.name);
        let help = format!("{help} Read from a file; - is standard input.");
        return Arg::new(property.name)
            .long(long)
            .value_name("FILE")
            .help(help)
            .action(ArgAction::Append)
            .value_parser(clap::value_parser!(PathBuf));
    }
    let action = if property.is_repeated() {
        ArgAction::Append
    } else {
        ArgAction::Set
    };
    let arg = Arg::new(property.name)
        .long(property.name)
        .help(help)
        .action(action)
        .allow_hyphen_values(!matches!(property.kind, Kind::Boolean));
    match property.kind {
        // A flag alone means yes, also before another flag.
        Kind::Boolean => arg
            .value_name("BOOL")
            .num_args(0..=1)
            .default_missing_value("true"),
        Kind::Choice(words) => arg.value_name(words.join("|").to_uppercase()),
        Kind::Integer { .. } => arg.value_name("N"),
        Kind::Name => arg.value_name("NAME"),
        _ => arg.value_name("TEXT"),
    }
}

fn unset(schema: &Schema) -> Arg {
    let known: Vec<&str> = schema
        .properties()
        .iter()
        .filter(|property| !property.is_required())
        .map(|property| property.name)
        .collect();
    Arg::new("unset")
        .long("unset")
        .value_name("PROP")
        .help(format!("Remove a property: {}.", known.join(", ")))
        .action(ArgAction::Append)
        .value_parser(clap::builder::PossibleValuesParser::new(known))
        .hide_possible_values(true)
}

fn guards() -> [Arg; 2] {
    [
        Arg::new("digest")
            .long("digest")
            .value_name("DIGEST")
            .help("Change nothing unless the configuration still has this digest or revision."),
        Arg::new("not-for-pve")
            .long("not-for-pve")
            .action(ArgAction::SetTrue)
            .help("Write lines that Proxmox VE would refuse, even into its folder."),
    ]
}

/// The global options, for the help; they are read before the rest.
fn globals() -> [Arg; 4] {
    let heading = "Global options";
    [
        Arg::new("config-dir")
            .long("config-dir")
            .value_name("DIR")
            .help("The configuration folder."),
        Arg::new("quiet")
            .long("quiet")
            .short('q')
            .action(ArgAction::SetTrue)
            .help("Say only what went wrong."),
        Arg::new("verbose")
            .long("verbose")
            .short('v')
            .action(ArgAction::SetTrue)
            .help("Say more."),
        Arg::new("color")
            .long("color")
            .value_name("WHEN")
            .help("Colour on a terminal (auto), always, or never."),
    ]
    .map(|arg| arg.help_heading(heading))
}

/// Reads the flags, the secrets' files, and on a terminal asks for secrets that were not given.
pub(crate) fn wanted(
    schema: &Schema,
    matches: &ArgMatches,
    purpose: Purpose,
    prompt: &mut Prompt,
) -> Result<Wanted, Stop> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let mut wanted = Wanted {
        name: text("name").unwrap_or_default(),
        values: Vec::new(),
        secrets: Vec::new(),
        unset: Vec::new(),
        guard: Guard {
            digest: text("digest"),
            not_for_pve: matches.get_flag("not-for-pve"),
        },
    };
    if purpose == Purpose::Set {
        let names = matches.get_many::<String>("unset").into_iter().flatten();
        wanted.unset = names.filter_map(|name| schema.property(name)).collect();
    }
    for property in schema.properties() {
        if property.is_secret() {
            if let Some(secrets) = secrets(property, matches, purpose, prompt)? {
                wanted.secrets.push((property, secrets));
            }
        } else if let Some(values) = matches.get_many::<String>(property.name) {
            wanted.values.push((property, values.cloned().collect()));
        }
    }
    refuse_bad_values(&wanted)?;
    Ok(wanted)
}

fn secrets(
    property: &'static Property,
    matches: &ArgMatches,
    purpose: Purpose,
    prompt: &mut Prompt,
) -> Result<Option<Vec<Secret>>, Stop> {
    if let Some(files) = matches.get_many::<PathBuf>(property.name) {
        return files
            .map(|file| input::secret(file))
            .collect::<Result<_, _>>()
            .map(Some);
    }
    if purpose == Purpose::Set {
        return Ok(None);
    }
    let answer = prompt
        .secret(property)
        .map_err(|error| Stop::usage(format!("cannot read the terminal: {error}")))?;
    Ok(answer.map(|secret| vec![secret]))
}

/// Every bad value at once.
fn refuse_bad_values(wanted: &Wanted) -> Result<(), Stop> {
    let mut reasons = Vec::new();
    for (property, values) in &wanted.values {
        let bad = values
            .iter()
            .filter_map(|value| property.kind.normalized(value).err());
        reasons.extend(bad.map(|refused| format!("--{}: {}", property.name, refused.reason())));
    }
    for (property, values) in &wanted.secrets {
        let bad = values
            .iter()
            .filter_map(|value| property.kind.normalized(value.expose()).err());
        reasons.extend(bad.map(|refused| {
            format!(
                "--{}-file: {}",
                property.name,
                refused.reason_without_value()
            )
        }));
    }
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(Stop::usage(reasons.join("\n")))
    }
}

/// A secret as a flag would stand in the process list; says so by name.
pub(crate) fn refuse_secret_flags(schema: &Schema, words: &[String]) -> Result<(), Stop> {
    let given = |property: &&&'static Property| {
        let flag = format!("--{}", property.name);
        property.is_secret()
            && words
                .iter()
                .any(|word| *word == flag || word.starts_with(&format!("{flag}=")))
    };
    match schema.properties().iter().find(given) {
        Some(property) => Err(Stop::usage(format!(
            "--{} would show the secret in the process list",
            property.name
        ))
        .with_hint(format!(
            "use --{}-file FILE, or `-` for standard input",
            property.name
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Purpose, command, refuse_secret_flags, wanted};
    use crate::prompt::Prompt;
    use notify_schema::{Kind, Property, Schema};

    static SERVER: Property =
        Property::required("server", Kind::text(), "Where to.").example("mail.example.com");
    static PORT: Property =
        Property::fallback("port", Kind::PORT, "by mode", "Which port.").example("25");
    static TO: Property = Property::repeated("mailto", Kind::RECIPIENT, "To whom.").example("a@b");
    static OFF: Property =
        Property::default("disable", Kind::Boolean, "false", "Off.").example("true");
    static TOKEN: Property = Property::required("token", Kind::text(), "The secret.").secret();

    fn schema() -> Schema {
        Schema::new("relay", [&SERVER, &PORT, &TO, &OFF, &TOKEN])
    }

    fn check(purpose: Purpose, line: &str, expected: Result<&[(&str, &[&str])], &str>) {
        let parsed = command("x", &schema(), purpose).try_get_matches_from(line.split(' '));
        let result = parsed
            .map_err(|error| error.to_string())
            .and_then(|matches| {
                wanted(&schema(), &matches, purpose, &mut Prompt::none())
                    .map_err(|stop| stop.message)
            });
        match (result, expected) {
            (Ok(wanted), Ok(values)) => {
                let found: Vec<_> = wanted
                    .values
                    .iter()
                    .map(|(property, values)| (property.name, values.clone()))
                    .collect();
                let values: Vec<_> = values
                    .iter()
                    .map(|(name, values)| {
                        (
                            *name,
                            values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>(),
                        )
                    })
                    .collect();
                assert_eq!(found, values, "{line}");
            }
            (Err(message), Err(part)) => assert!(message.contains(part), "{line}: {message}"),
            (result, _) => panic!("{line}: {result:?}"),
        }
    }

    #[test]
    fn a_property_is_a_flag() {
        check(
            Purpose::Add,
            "r1 --server a --mailto x@y --mailto z@y --disable",
            Ok(&[
                ("server", &["a"]),
                ("mailto", &["x@y", "z@y"]),
                ("disable", &["true"]),
            ]),
        );
        check(
            Purpose::Add,
            "r1 --disable --server a --mailto x@y",
            Ok(&[
                ("server", &["a"]),
                ("mailto", &["x@y"]),
                ("disable", &["true"]),
            ]),
        );
        check(
            Purpose::Set,
            "r1 --disable false --unset port",
            Ok(&[("disable", &["false"])]),
        );
        check(Purpose::Set, "r1 --server -a", Ok(&[("server", &["-a"])]));
    }

    #[test]
    fn bad_values_are_told_at_once() {
        check(
            Purpose::Add,
            "r1 --port 70000 --mailto x",
            Err("--port: 70000 is above 65535\n--mailto: shorter"),
        );
        check(Purpose::Set, "r1 --unset server", Err("invalid value"));
        check(Purpose::Set, "r1 --sevrer x", Err("--server"));
    }

    #[test]
    fn a_secret_is_no_flag() {
        check(Purpose::Add, "r1 --token x", Err("unexpected argument"));
        let words = ["r1", "--token=x"].map(str::to_owned);
        let stop = refuse_secret_flags(&schema(), &words).expect_err("a secret");
        assert!(stop.hint.is_some_and(|hint| hint.contains("--token-file")));
    }
}
