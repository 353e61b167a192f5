//! Searches files for the secrets that tests use: `canary FILE...`.
//!
//! `cargo xtask test` runs it over everything that the tests printed.

use std::fs;
use std::process::ExitCode;

use notify_testkit::canary;

fn main() -> ExitCode {
    let paths: Vec<_> = std::env::args().skip(1).collect();
    let complaints: Vec<_> = paths.iter().filter_map(|path| complaint(path)).collect();
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    println!(
        "canary: {} files searched, {} complaints",
        paths.len(),
        complaints.len()
    );
    ExitCode::from(u8::from(paths.is_empty() || !complaints.is_empty()))
}

/// A file that cannot be read counts as one that holds a secret.
fn complaint(path: &str) -> Option<String> {
    match fs::read(path) {
        Ok(bytes) => canary::find(&bytes).map(|found| {
            let (line, form) = (found.line, found.form);
            format!("{path}:{line}: a secret was written, {form}")
        }),
        Err(error) => Some(format!("{path}: {error}")),
    }
}
