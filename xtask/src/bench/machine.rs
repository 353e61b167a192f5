//! The machine that a figure was measured on.

use std::fs;
use std::process::Command;
use std::thread;

/// What a reader needs to know to compare figures.
#[derive(Debug)]
pub(super) struct Machine {
    /// The processor's own name.
    pub(super) processor: String,
    /// How many cores this process may use.
    pub(super) cores: usize,
    /// The release of the kernel.
    pub(super) kernel: String,
    /// The compiler.
    pub(super) rustc: String,
    /// The day, in UTC.
    pub(super) date: String,
}

impl Machine {
    /// This machine, today. What cannot be found is `unknown`.
    pub(super) fn here() -> Self {
        let file = |path| fs::read_to_string(path).unwrap_or_default();
        Machine {
            processor: processor(&file("/proc/cpuinfo")).to_owned(),
            cores: thread::available_parallelism().map_or(0, usize::from),
            kernel: first_line(&file("/proc/sys/kernel/osrelease")),
            rustc: printed("rustc", &["--version"]),
            date: printed("date", &["-u", "+%Y-%m-%d"]),
        }
    }

    /// One line for a person.
    pub(super) fn text(&self) -> String {
        let Machine {
            processor,
            cores,
            kernel,
            rustc,
            date,
        } = self;
        format!("{processor}, {cores} cores, Linux {kernel}, {rustc}, {date}")
    }
}

fn processor(cpuinfo: &str) -> &str {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map_or("unknown", |(_, name)| name.trim())
}

fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map_or_else(|_| Vec::new(), |output| output.stdout);
    first_line(&String::from_utf8_lossy(&text))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::{first_line, processor};

    #[test]
    fn the_processor_is_named_by_itself() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A B: C\n";
        assert_eq!(processor(cpuinfo), "A B: C");
        assert_eq!(processor(""), "unknown");
        assert_eq!(first_line(""), "unknown");
    }
}
