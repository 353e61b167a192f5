//! The contracts do no input and no output.

use super::Violation;
use super::tokens::{Piece, Token};
use super::tree::Tree;

const PURE: [&str; 2] = ["notify-schema", "notify-core"];

/// Modules of `std` that open files and sockets, or start programs.
const MODULES: [&str; 4] = ["fs", "net", "process", "os"];

/// Whose `now` asks a clock.
const CLOCKS: [&str; 4] = ["SystemTime", "Instant", "Utc", "Local"];

/// Reads the system's time zone data through chrono, for `Zone::Local`.
const ZONE: &str = "crates/notify-core/src/zone.rs";

/// Libraries that do input and output.
const LIBRARIES: [&str; 14] = [
    "async-std",
    "hyper",
    "lettre",
    "libc",
    "mio",
    "nix",
    "reqwest",
    "rusqlite",
    "rustix",
    "rustls",
    "smol",
    "socket2",
    "tempfile",
    "tokio",
];

/// notify-schema and notify-core open no file and no socket, and ask no clock.
pub(super) fn purity(tree: &Tree) -> Vec<Violation> {
    PURE.iter()
        .filter_map(|name| tree.package(name))
        .flat_map(|package| {
            let sources = tree.sources();
            let own = sources.filter(|source| source.folder == package.folder);
            let impure =
                own.flat_map(|source| impure_code(source.path, tree.code(source).as_slice()));
            impure.chain(impure_libraries(package)).collect::<Vec<_>>()
        })
        .collect()
}

fn impure_libraries(package: &crate::workspace::Package) -> impl Iterator<Item = Violation> {
    package
        .dependencies
        .iter()
        .filter(|dependency| LIBRARIES.contains(&dependency.name.as_str()))
        .map(|dependency| {
            let message = format!("{} does input and output", dependency.name);
            Violation::new(format!("{}/Cargo.toml", package.folder), 1, message)
        })
}

fn impure_code(path: &str, tokens: &[Token<'_>]) -> Vec<Violation> {
    (0..tokens.len())
        .flat_map(|at| {
            let clock =
                asks_clock(&tokens[at..]).map(|clock| (tokens[at].line, format!("`{clock}::now`")));
            let modules = modules_of_std(&tokens[at..]);
            let modules = modules.map(|(line, name)| (line, format!("`std::{name}`")));
            let zone = chrono_local(&tokens[at..]).filter(|_| path != ZONE);
            let zone = zone.map(|line| (line, "`chrono::Local`".to_owned()));
            clock
                .into_iter()
                .chain(modules)
                .chain(zone)
                .collect::<Vec<_>>()
        })
        .map(|(line, what)| Violation::new(path, line, format!("{what} in a crate of contracts")))
        .collect()
}

fn asks_clock<'a>(tokens: &[Token<'a>]) -> Option<&'a str> {
    match tokens {
        [clock, a, b, now, ..] if is_path(a, b) && now.piece == Piece::Word("now") => {
            word(clock).filter(|name| CLOCKS.contains(name))
        }
        _ => None,
    }
}

/// Where chrono's `Local` stands in the path `chrono::x` or `chrono::{x, y::z}` that
/// begins here; its module `offset` has it, too.
fn chrono_local(tokens: &[Token<'_>]) -> Option<usize> {
    let second = match tokens {
        [module, a, b, second @ ..]
            if is_path(a, b) && ["chrono", "offset"].contains(&word(module)?) =>
        {
            second
        }
        _ => return None,
    };
    heads(second)
        .into_iter()
        .find(|token| token.piece == Piece::Word("Local"))
        .map(|token| token.line)
}

/// The impure modules in the path `std::x` or `std::{x, y::z}` that begins here.
fn modules_of_std<'a>(tokens: &[Token<'a>]) -> impl Iterator<Item = (usize, &'a str)> {
    let second = match tokens {
        [std, a, b, second @ ..] if std.piece == Piece::Word("std") && is_path(a, b) => second,
        _ => &[],
    };
    heads(second)
        .into_iter()
        .filter_map(|token| Some((token.line, word(token)?)))
        .filter(|(_, name)| MODULES.contains(name))
}

/// The first words of a path or of each path in braces.
fn heads<'a, 't>(tokens: &'t [Token<'a>]) -> Vec<&'t Token<'a>> {
    if tokens.first().map(|token| token.piece) != Some(Piece::Mark('{')) {
        return tokens.first().into_iter().collect();
    }
    let mut depth = 0_usize;
    let mut heads = Vec::new();
    for pair in tokens.windows(2) {
        match pair[0].piece {
            Piece::Mark('{') => depth += 1,
            Piece::Mark('}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(pair[0].piece, Piece::Mark('{' | ',')) {
            heads.push(&pair[1]);
        }
    }
    heads
}

fn is_path(a: &Token<'_>, b: &Token<'_>) -> bool {
    a.piece == Piece::Mark(':') && b.piece == Piece::Mark(':')
}

fn word<'a>(token: &Token<'a>) -> Option<&'a str> {
    match token.piece {
        Piece::Word(word) => Some(word),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, purity};
    use crate::tidy::said;
    use crate::workspace::Need::Normal;

    fn check(package: &str, source: &str, expected: &[&str]) {
        let path = format!("crates/{package}/src/a.rs");
        let tree = Tree::of(&[(&path, source)]).with(package, &[]);
        assert_eq!(said(purity, &tree), expected, "{source}");
    }

    #[test]
    fn contracts_open_nothing() {
        for (source, what) in [
            ("std::fs::read(p)", "`std::fs`"),
            ("use std::net::TcpStream;", "`std::net`"),
            (
                "use std::{fmt, process::{Command, Stdio}};",
                "`std::process`",
            ),
            ("use std::{io::{a}, os};", "`std::os`"),
            ("let now = SystemTime::now();", "`SystemTime::now`"),
            ("chrono::Utc::now()", "`Utc::now`"),
            ("use chrono::{DateTime, Local};", "`chrono::Local`"),
            ("a.with_timezone(&chrono::Local)", "`chrono::Local`"),
            ("use chrono::offset::Local;", "`chrono::Local`"),
            ("use chrono::{offset::{Local}, Utc};", "`chrono::Local`"),
        ] {
            let expected = format!("crates/notify-core/src/a.rs:1: {what} in a crate of contracts");
            check("notify-core", source, &[&expected]);
        }
    }

    #[test]
    fn paths_times_and_tests_are_no_input() {
        for source in [
            "use std::{path::Path, error::{fs}};",
            "use std::time::{Instant, SystemTime};",
            "use chrono::{DateTime, Utc}; Zone::Local.at(0)",
            "fn now(&self) {} now()",
            "// std::fs",
            "#[cfg(test)] mod t { use std::fs; }",
        ] {
            check("notify-schema", source, &[]);
        }
        check("notify-host", "std::fs::read(p)", &[]);
    }

    #[test]
    fn the_zone_of_the_system_is_known_in_one_file() {
        let check = |source: &str, expected: &[&str]| {
            let tree = Tree::of(&[(super::ZONE, source)]).with("notify-core", &[]);
            assert_eq!(said(purity, &tree), expected, "{source}");
        };
        check("use chrono::{Local, Utc};", &[]);
        check(
            "Local::now()",
            &["crates/notify-core/src/zone.rs:1: `Local::now` in a crate of contracts"],
        );
    }

    #[test]
    fn contracts_use_no_library_that_opens_something() {
        let tree = Tree::default().with("notify-core", &[("tokio", Normal), ("serde", Normal)]);
        assert_eq!(
            said(purity, &tree),
            ["crates/notify-core/Cargo.toml:1: tokio does input and output"]
        );
    }
}
