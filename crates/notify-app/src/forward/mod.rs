//! `notify forward-mail`: mail of system daemons for root becomes an event.
//!
//! An MTA reads the exit code as in `sysexits.h`, and a code that it does not
//! know as a refusal for good: the mail would bounce to root and be lost. So the
//! code of a mail on standard input is 0 when it was taken, on its way or kept,
//! and in every other case 75, with which the MTA keeps it.

mod dot_forward;
mod drain;
mod enter;
mod install;
mod intake;
mod loops;
mod outcome;
mod post;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use notify_drop::Bounds;

pub(crate) use self::drain::by_hardness;
pub(crate) use self::enter::{Entered, Entrance};
pub(crate) use self::loops::record as record_loop;
pub(crate) use self::post::{Post, undecided_text};
use crate::args::{self, Global};
use crate::console::Console;
use crate::exit::{Answer, Exit};
use crate::folders::Surroundings;

/// `notify forward-mail`.
pub(crate) fn forward(global: &Global, args: &args::ForwardMail, console: &Console) -> Exit {
    if args.install {
        return told(install::install(args, console), Exit::CannotCreate, console);
    }
    if args.uninstall {
        return told(
            install::uninstall(args, console),
            Exit::CannotCreate,
            console,
        );
    }
    if args.drain {
        return told(
            drain::drain(global, args, console),
            Exit::Misconfigured,
            console,
        );
    }
    if args.dry_run {
        return told(
            intake::dry_run(global, args, console),
            Exit::Misconfigured,
            console,
        );
    }
    // Whatever goes wrong in here, the mail must not bounce.
    let taken =
        std::panic::catch_unwind(AssertUnwindSafe(|| intake::intake(global, args, console)));
    match taken {
        Ok(answer) => told(answer, Exit::TryAgain, console),
        Err(_panic) => Exit::TryAgain,
    }
}

/// The exit code, with `otherwise` in place of those that are no sysexits.
fn told(answer: Answer, otherwise: Exit, console: &Console) -> Exit {
    let exit = answer.unwrap_or_else(|stop| {
        console.stop(&stop);
        stop.exit
    });
    match exit {
        Exit::Failed | Exit::Usage => otherwise,
        exit => exit,
    }
}

/// The exit code of a command line that cannot be read.
///
/// An MTA bounces a mail on `EX_USAGE`, which a mistake in `.forward` is not worth.
pub(crate) fn usage_exit(mut words: impl Iterator<Item = OsString>) -> Exit {
    if !words.any(|word| word == "forward-mail") {
        return Exit::Usage;
    }
    let tasks = ["--dry-run", "--drain", "--install", "--uninstall"];
    let is_task = words.any(|word| tasks.iter().any(|task| word == *task));
    if is_task || std::io::stdin().is_terminal() {
        Exit::MailUsage
    } else {
        Exit::TryAgain
    }
}

fn bounds(args: &args::ForwardMail) -> Bounds {
    Bounds {
        bytes: args.max_size,
    }
}

/// The mail drop: the one that was named, else that of the system.
fn mail_drop(args: &args::ForwardMail) -> PathBuf {
    let system = || {
        Surroundings::of_process(None)
            .system_state()
            .join("incoming")
    };
    args.mail_drop.clone().unwrap_or_else(system)
}

#[cfg(test)]
mod tests {
    use super::usage_exit;
    use crate::exit::Exit;

    #[test]
    fn a_faulty_command_in_a_forward_file_keeps_the_mail() {
        let check = |line: &str, expected| {
            let words = line.split_whitespace().map(Into::into);
            assert_eq!(usage_exit(words), expected, "{line}");
        };
        check("send --bogus", Exit::Usage);
        check("forward-mail --drain --bogus", Exit::MailUsage);
        check("--bogus forward-mail --install", Exit::MailUsage);
    }
}
