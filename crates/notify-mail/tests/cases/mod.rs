//! The mails of `tests/cases/mail`.

use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/mail")
}

/// All of them, by name.
pub(crate) fn cases() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder()).expect("the cases are there");
    let mut mails: Vec<PathBuf> = files
        .map(|file| file.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "eml"))
        .collect();
    mails.sort();
    mails
}

/// The bytes of one.
pub(crate) fn case(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name).with_extension("eml")).expect("there is such a case")
}
