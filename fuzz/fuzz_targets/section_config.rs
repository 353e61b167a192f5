//! A configuration file is read, and written again.
#![no_main]

#[expect(dead_code, reason = "the other target uses the rest")]
#[path = "../../crates/notify-config/tests/fuzz_bodies.rs"]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::section_config(bytes));
