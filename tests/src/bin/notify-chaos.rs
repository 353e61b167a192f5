//! The `notify` program with failpoints, for the chaos harness to kill. It is never shipped.

use spool_sqlite as _;
use target_gotify as _;
use target_sendmail as _;
use target_smtp as _;
use target_webhook as _;

fn main() -> std::process::ExitCode {
    notify_app::failpoints::arm();
    notify_app::run()
}
