//! A calendar is read and asked whether it matches.
#![no_main]

#[path = "../../crates/notify-match/tests/fuzz_bodies.rs"]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::calendar(bytes));
