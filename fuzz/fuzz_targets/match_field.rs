//! A field rule is read and held against a value.
#![no_main]

#[path = "../../crates/notify-match/tests/fuzz_bodies.rs"]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::match_field(bytes));
