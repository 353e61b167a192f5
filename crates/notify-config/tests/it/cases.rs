//! Whole folders, one a case: `tests/cases/NAME` and what is said of it, in a snapshot beside it.

use std::fs;
use std::path::Path;

use notify_config::{Configuration, Document, Files, Store, format};
use notify_schema::{Audience, Source};

use crate::pve_types::{faults, lines, report, schemas};

/// Sections and faults, what Proxmox VE alone refuses, and the formatted file.
fn told(folder: &Path) -> String {
    let files = Files {
        // Version control keeps no modes.
        private_is_exposed: false,
        ..Store::open(folder).read().files
    };
    let configuration = Configuration::assemble(&files, &schemas());
    let formatted = format(
        &Document::parse(Source::Public, files.public.bytes()),
        &schemas(),
    );
    format!(
        "{}\n--- for Proxmox VE\n{}\n--- formatted\n{}--- left out\n{}{}",
        report(&files),
        faults(&configuration, Audience::Pve),
        formatted.text,
        lines(&formatted.left_out),
        lines(&formatted.superseded),
    )
}

fn check(name: &str) {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&cases);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, told(&cases.join(name))));
}

#[test]
fn every_folder_has_its_test() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let folders = fs::read_dir(cases)
        .expect("the cases")
        .map(|entry| entry.expect("an entry"));
    let mut names: Vec<_> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert_eq!(names, ["crlf", "refused-by-pve", "site"]);
}

#[test]
fn a_site_with_everything() {
    check("site");
}

#[test]
fn everything_that_proxmox_ve_refuses() {
    check("refused-by-pve");
}

#[test]
fn a_file_from_another_system() {
    check("crlf");
}
