//! The `notify` program. Which plugins it has stands in `targets.rs`.
#![deny(unused_crate_dependencies)]

mod targets;

fn main() -> std::process::ExitCode {
    notify_app::run()
}
