//! The plugins of this program, one `use` each.
//!
//! A plugin registers itself when it is linked, and it is linked only when it
//! is named here. A crate in `Cargo.toml` without its line is a compile error.

use spool_sqlite as _;
use target_gotify as _;
use target_sendmail as _;
use target_smtp as _;
use target_webhook as _;
