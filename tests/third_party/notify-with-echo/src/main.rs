//! The notify program with the targets gotify and echo.
#![deny(unused_crate_dependencies)]

use target_echo as _;
use target_gotify as _;

fn main() -> std::process::ExitCode {
    notify_app::run()
}
