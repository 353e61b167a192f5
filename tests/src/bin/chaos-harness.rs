//! Runs the chaos harness. `cargo xtask chaos` builds it and the program, and runs it.

use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use notify_tests::chaos::{Options, Plan, Report, ground, run, with_own_mounts};

const USAGE: &str = "usage: cargo xtask chaos [--kills N] [--seed S] [--break NAME]";

/// How often the daemon is killed when nothing else is said.
const KILLS: usize = 30;

fn main() -> ExitCode {
    with_own_mounts();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = Asked::of(&arguments).and_then(|asked| asked.run());
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// What the command line says.
struct Asked {
    kills: usize,
    seed: u64,
    /// What the program is made to do wrong, which must be found out.
    fault: Option<String>,
}

impl Asked {
    fn of(arguments: &[String]) -> Result<Self, String> {
        let mut asked = Asked {
            kills: KILLS,
            seed: RandomState::new().hash_one(0),
            fault: None,
        };
        let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
        for pair in arguments.chunks(2) {
            match pair {
                [flag, value] if flag == "--kills" => asked.kills = number(value)? as usize,
                [flag, value] if flag == "--seed" => asked.seed = number(value)?,
                [flag, value] if flag == "--break" => asked.fault = Some(value.clone()),
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(asked)
    }

    /// Whether every law holds.
    fn run(&self) -> Result<bool, String> {
        let folder = ground().and_then(tempfile::tempdir_in);
        let folder = folder.map_err(|error| error.to_string())?;
        let plan = match self.fault {
            Some(_) => Plan::of_commits(self.seed, self.kills),
            None => Plan::of(self.seed, self.kills),
        };
        let fault = self.fault.iter().cloned();
        let options = Options {
            program: program()?,
            folder: folder.path().to_owned(),
            seed: self.seed,
            plan,
            variables: fault.map(|fault| ("NOTIFY_BREAK", fault)).collect(),
        };
        eprintln!("seed {}", self.seed);
        let began = Instant::now();
        let report = run(&options, &|line| {
            eprintln!("{:>7.1} s  {line}", began.elapsed().as_secs_f64());
        });
        let well = matches!(&report, Ok(report) if report.broken.is_empty());
        if let Ok(report) = &report {
            print!("{report}");
        }
        println!("again: {}", self.again());
        if !well {
            println!("folders: {}", kept(folder.path())?.display());
        }
        match report {
            Ok(Report { broken, .. }) => Ok(broken.is_empty()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn again(&self) -> String {
        let fault = self.fault.iter().map(|fault| format!(" --break {fault}"));
        let fault: String = fault.collect();
        format!(
            "cargo xtask chaos --kills {} --seed {}{fault}",
            self.kills, self.seed
        )
    }
}

/// The program with failpoints, which is built beside this one.
fn program() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name("notify-chaos");
    match program.is_file() {
        true => Ok(program),
        false => Err(format!("{} is not built", program.display())),
    }
}

/// Copies the folders of a run to a place that outlives this process.
fn kept(folder: &Path) -> Result<PathBuf, String> {
    let copy = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut copied = Command::new("cp");
    copied.arg("-a").arg(folder).arg(copy.path());
    match copied.status() {
        Ok(status) if status.success() => Ok(copy.keep()),
        Ok(status) => Err(format!("cp: {status}")),
        Err(error) => Err(format!("cp: {error}")),
    }
}
