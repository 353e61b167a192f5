//! Flags made at run time from the properties of a section type.

use std::path::Path;

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
        command = command.args(flags(property));
    }
    if purpose == Purpose::Set {
        command = command.arg(unset(schema));
    }
    command.args(guards()).args(globals())
}

fn flags(property: &'static Property) -> Vec<Arg> {
    if property.is_secret() {
        return vec![file_flag(property)];
    }
    if property.kind.is_base64() {
        return vec![flag(property), text_flag(property), file_flag(property)];
    }
    vec![flag(property)]
}

/// `--PROP-file FILE`: a secret, or the text of what is base64 in the configuration.
fn file_flag(property: &'static Property) -> Arg {
    let named = matches!(property.kind, Kind::Pair);
    let source = match named {
        true => "The text of NAME is read from a file; - is standard input.",
        false => "Read from a file; - is standard input.",
    };
    let help = if property.is_secret() {
        // What is expected in the configuration is not what the file holds.
        let what = match named {
            true => format!("{} Any number of times.", property.doc),
            false => notify_docs::flag_help(property),
        };
        format!("{what} {source}")
    } else {
        format!("As --{}, which is encoded for you. {source}", property.name)
    };
    Arg::new(file_id(property))
        .long(file_id(property))
        .value_name(file_value(property))
        .help(help)
        .action(ArgAction::Append)
}

fn file_value(property: &Property) -> &'static str {
    match property.kind {
        Kind::Pair => "NAME=FILE",
        _ => "FILE",
    }
}

/// `--PROP-text TEXT`: what is base64 in the configuration, given as it is.
fn text_flag(property: &'static Property) -> Arg {
    let named = matches!(property.kind, Kind::Pair);
    let value = if named { "NAME=TEXT" } else { "TEXT" };
    Arg::new(text_id(property))
        .long(text_id(property))
        .value_name(value)
        .help(format!(
            "As --{}, which is encoded for you. Plain text.",
            property.name
        ))
        .action(ArgAction::Append)
        .allow_hyphen_values(true)
}

fn file_id(property: &Property) -> String {
    format!("{}-file", property.name)
}

fn text_id(property: &Property) -> String {
    format!("{}-text", property.name)
}

fn flag(property: &'static Property) -> Arg {
    let help = notify_docs::flag_help(property);
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
    refuse_second_standard_input(schema, matches)?;
    for property in schema.properties() {
        if property.is_secret() {
            if let Some(secrets) = secrets(property, matches, purpose, prompt)? {
                wanted.secrets.push((property, secrets));
            }
        } else if let Some(values) = values(property, matches)? {
            wanted.values.push((property, values));
        }
    }
    refuse_bad_values(&wanted)?;
    Ok(wanted)
}

/// Standard input can be read once: who reads after that gets nothing, and says so nowhere.
fn refuse_second_standard_input(schema: &Schema, matches: &ArgMatches) -> Result<(), Stop> {
    let mut readers = Vec::new();
    for property in schema.properties() {
        if !property.is_secret() && !property.kind.is_base64() {
            continue;
        }
        let id = file_id(property);
        let files = matches.get_many::<String>(&id).into_iter().flatten();
        let is_standard_input = |given: &&String| match (property.kind, given.split_once('=')) {
            (Kind::Pair, Some((_, file))) => file == "-",
            (Kind::Pair, None) => false,
            _ => *given == "-",
        };
        readers.extend(files.filter(is_standard_input).map(|_| format!("--{id}")));
    }
    match &readers[..] {
        [] | [_] => Ok(()),
        several => Err(Stop::usage(format!(
            "{} read standard input, which only one can",
            several.join(" and ")
        ))),
    }
}

/// The values of a public property, in whatever flags they were given.
fn values(property: &'static Property, matches: &ArgMatches) -> Result<Option<Vec<String>>, Stop> {
    let given = |id: &str| matches.get_many::<String>(id).into_iter().flatten();
    let mut values: Vec<String> = given(property.name).cloned().collect();
    if property.kind.is_base64() {
        for text in given(&text_id(property)) {
            values.push(encoded(property, text, "text")?);
        }
        for file in given(&file_id(property)) {
            values.push(encoded(property, &text_of(property, file)?, "file")?);
        }
    }
    if values.len() > 1 && !property.is_repeated() {
        let name = property.name;
        return Err(
            Stop::usage(format!("--{name} is given more than once")).with_hint(format!(
                "use one of --{name}, --{name}-text and --{name}-file"
            )),
        );
    }
    Ok((!values.is_empty()).then_some(values))
}

/// The value for the configuration of a plain text, or of `NAME=TEXT`.
fn encoded(property: &Property, text: &str, flag: &str) -> Result<String, Stop> {
    let encoded = property
        .kind
        .encoded(text)
        .unwrap_or_else(|| Ok(text.to_owned()));
    encoded.map_err(|refused| {
        Stop::usage(format!(
            "--{}-{flag}: {}",
            property.name,
            refused.reason_without_value()
        ))
    })
}

/// The text of `FILE`, or of `NAME=FILE` as `NAME=TEXT`. A line end of an editor at its end does not belong to it.
fn text_of(property: &Property, file: &str) -> Result<String, Stop> {
    let (name, file) = match (property.kind, file.split_once('=')) {
        (Kind::Pair, Some((name, file))) => (Some(name), file),
        (Kind::Pair, None) => {
            let message = format!("--{}-file: expected NAME=FILE", property.name);
            return Err(Stop::usage(message));
        }
        _ => (None, file),
    };
    let text = input::secret(Path::new(file))?;
    Ok(match name {
        Some(name) => format!("{name}={}", text.expose()),
        None => text.expose().to_owned(),
    })
}

fn secrets(
    property: &'static Property,
    matches: &ArgMatches,
    purpose: Purpose,
    prompt: &mut Prompt,
) -> Result<Option<Vec<Secret>>, Stop> {
    if let Some(files) = matches.get_many::<String>(&file_id(property)) {
        let secret = |file: &String| {
            let text = text_of(property, file)?;
            encoded(property, &text, "file").map(Secret::new)
        };
        return files.map(secret).collect::<Result<_, _>>().map(Some);
    }
    // Nobody knows how many there are, and what their names are.
    if property.is_repeated() {
        return Ok(None);
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
            "use --{}-file {}, with `-` for standard input",
            property.name,
            file_value(property)
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

    static BODY: Property = Property::optional("body", Kind::Base64, "Body.").example("Zm9v");
    static HEADER: Property =
        Property::repeated("header", Kind::Pair, "Headers.").example("name=a,value=Zm9v");
    static SECRET: Property = Property::repeated("secret", Kind::Pair, "Secrets.").secret();

    fn schema() -> Schema {
        let plain = [&SERVER, &PORT, &TO, &OFF, &TOKEN];
        Schema::new("relay", plain.into_iter().chain([&BODY, &HEADER, &SECRET]))
    }

    /// A file that lives as long as the test.
    fn file(text: &str) -> (tempfile::NamedTempFile, String) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(&file, text).expect("it is ours");
        let path = file.path().to_str().expect("UTF-8").to_owned();
        (file, path)
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
    fn what_is_base64_may_be_given_plain() {
        let (_file, path) = file("{{ title }}\n");
        for body in [
            "--body e3sgdGl0bGUgfX0=".to_owned(),
            format!("--body-file {path}"),
        ] {
            let line = format!("r1 {body}");
            check(Purpose::Set, &line, Ok(&[("body", &["e3sgdGl0bGUgfX0="])]));
        }
        check(
            Purpose::Set,
            "r1 --body-text -x",
            Ok(&[("body", &["LXg="])]),
        );
        let line = format!(
            "r1 --header-text X-A=b=c --header name=X-B,value=Zm9v --header-file X-C={path}"
        );
        let values: &[&str] = &[
            "name=X-B,value=Zm9v",
            "name=X-A,value=Yj1j",
            "name=X-C,value=e3sgdGl0bGUgfX0=",
        ];
        check(Purpose::Set, &line, Ok(&[("header", values)]));
        check(
            Purpose::Set,
            "r1 --body-text x --body Zm9v",
            Err("--body is given more than once"),
        );
        check(
            Purpose::Set,
            "r1 --header-text x",
            Err("--header-text: expected NAME=TEXT"),
        );
        check(
            Purpose::Set,
            "r1 --header-file x",
            Err("--header-file: expected NAME=FILE"),
        );
        check(
            Purpose::Set,
            "r1 --header x",
            Err("--header: expected name=NAME,value=BASE64"),
        );
        check(
            Purpose::Set,
            "r1 --server-text x",
            Err("unexpected argument"),
        );
    }

    #[test]
    fn a_named_secret_comes_from_a_file() {
        let (_file, path) = file("hunter2\n");
        let line = format!("r1 --secret-file a={path} --secret-file b={path}");
        let matches = command("x", &schema(), Purpose::Set)
            .try_get_matches_from(line.split(' '))
            .expect("good flags");
        let wanted = wanted(&schema(), &matches, Purpose::Set, &mut Prompt::none());
        let wanted = wanted.expect("good files");
        let [(property, secrets)] = &wanted.secrets[..] else {
            panic!("one property has secrets: {wanted:?}");
        };
        let secrets: Vec<_> = secrets.iter().map(notify_schema::Secret::expose).collect();
        assert_eq!(property.name, "secret");
        assert_eq!(
            secrets,
            ["name=a,value=aHVudGVyMg==", "name=b,value=aHVudGVyMg=="]
        );
        check(
            Purpose::Set,
            "r1 --secret-file x",
            Err("--secret-file: expected NAME=FILE"),
        );
        check(
            Purpose::Set,
            "r1 --secret-text a=b",
            Err("unexpected argument"),
        );
    }

    #[test]
    fn standard_input_has_one_reader() {
        for (line, readers) in [
            (
                "r1 --token-file - --body-file -",
                "--token-file and --body-file",
            ),
            (
                "r1 --secret-file a=- --header-file X-A=-",
                "--header-file and --secret-file",
            ),
            (
                "r1 --secret-file a=- --secret-file b=-",
                "--secret-file and --secret-file",
            ),
        ] {
            let message = format!("{readers} read standard input, which only one can");
            check(Purpose::Set, line, Err(&message));
        }
        let (_file, path) = file("x");
        let line = format!("r1 --header-text X-A=- --body-file {path}");
        let values: &[(&str, &[&str])] =
            &[("body", &["eA=="]), ("header", &["name=X-A,value=LQ=="])];
        check(Purpose::Set, &line, Ok(values));
    }

    #[test]
    fn a_secret_is_no_flag() {
        check(Purpose::Add, "r1 --token x", Err("unexpected argument"));
        let words = ["r1", "--token=x"].map(str::to_owned);
        let stop = refuse_secret_flags(&schema(), &words).expect_err("a secret");
        assert!(stop.hint.is_some_and(|hint| hint.contains("--token-file")));
    }
}
