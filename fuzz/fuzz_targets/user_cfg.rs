//! The file of users and their addresses is read.
#![no_main]

#[expect(dead_code, reason = "the other target uses the rest")]
#[path = "../../crates/notify-config/tests/fuzz_bodies.rs"]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::user_cfg(bytes));
