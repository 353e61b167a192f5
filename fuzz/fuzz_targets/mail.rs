//! The mail of another program is read, and sent on.
#![no_main]

#[path = "../../crates/notify-mail/tests/fuzz_bodies.rs"]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_bodies::any_mail(bytes));
