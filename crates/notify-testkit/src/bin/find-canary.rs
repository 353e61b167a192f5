//! Reads a text from standard input and fails when a test's secret stands in it.

use std::io::Read;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut text = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut text) {
        eprintln!("standard input: {error}");
        return ExitCode::from(2);
    }
    match notify_testkit::canary::find(&text) {
        Some(found) => {
            eprintln!("line {}: a secret, {}", found.line, found.form);
            ExitCode::FAILURE
        }
        None => ExitCode::SUCCESS,
    }
}
