//! The crate as its callers see it: one module an area.

mod assemble;
mod backup_options;
mod bad_input;
mod cases;
mod chapter;
mod edit;
mod format;
#[path = "../fuzz_bodies.rs"]
mod fuzz_bodies;
mod laws;
mod pve_types;
mod store;
mod syntax;
mod user_cfg;
