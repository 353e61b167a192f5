//! The page about adding a spool shows the code of this crate.

use std::fs;
use std::path::Path;

#[test]
fn the_page_shows_code_that_is_compiled() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| fs::read_to_string(crates.join(path)).expect(path);
    let page = read("../docs/adding-a-spool.md");
    let code = [
        "spool-sqlite/src/lib.rs",
        "spool-sqlite/tests/laws.rs",
        "notify-bin/src/targets.rs",
    ]
    .map(read);
    let blocks: Vec<_> = page
        .split("\n```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("\n```").next())
        .collect();
    assert!(blocks.len() >= 5, "the page has {} blocks", blocks.len());
    for block in blocks {
        let is_there = code.iter().any(|file| file.contains(block));
        assert!(is_there, "no file has this block:\n{block}");
    }
}
