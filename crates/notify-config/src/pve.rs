//! What Proxmox VE refuses although it is accepted here.
//!
//! Its parser (proxmox-section-config) gives up the whole file for any one of
//! these, so they are errors, but only for who asks for them.

use notify_schema::{Fault, FaultCode, Level, Position, RawProperty, Schema, Source};

use crate::assembly::whole;
use crate::document::RawSection;
use crate::schemas::{has_secrets, known_to_pve};
use crate::{Files, Schemas};

/// The most that a file on pmxcfs can hold, in bytes.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

const WHOLE_FILE: &str = "Proxmox VE refuses the whole file for it";

pub(crate) fn too_large(files: &Files) -> Vec<Fault> {
    [Source::Public, Source::Private]
        .into_iter()
        .filter(|source| files.content(*source).bytes().len() > MOST_BYTES)
        .map(|source| {
            let size = files.content(source).bytes().len();
            let message = format!(
                "the file system of Proxmox VE holds at most 1048576 bytes of it, this has {size}"
            );
            Fault::error(whole(source), message).for_pve()
        })
        .collect()
}

/// Adds to the faults of a section, as checked, what they do not say yet.
pub(crate) fn add_twins(
    schema: &Schema,
    header: Position,
    lines: &[RawProperty<'_>],
    faults: &mut Vec<Fault>,
) {
    // What is forgiven here is not forgiven there.
    let forgiven = |fault: &&Fault| fault.level == Level::Warning && read_by_pve_file(fault);
    let mut twins: Vec<Fault> = faults.iter().filter(forgiven).cloned().map(twin).collect();
    twins.extend(unknown_there(schema, header, lines));
    faults.append(&mut twins);
}

/// Everything wrong with a section that is not used, and of which therefore nobody else says anything.
pub(crate) fn of_unused(raw: &RawSection<'_>, schemas: &Schemas) -> Vec<Fault> {
    let header = raw.header();
    let Some(schema) = schemas.get(raw.kind()).filter(|schema| schema.in_pve()) else {
        return vec![unknown_type(raw.kind(), header).in_section(raw.label())];
    };
    if header.source == Source::Private && !has_secrets(schema) {
        return Vec::new();
    }
    let lines: Vec<_> = raw.properties().collect();
    let mut faults = schema.check(raw.name(), header, &lines).faults;
    faults.retain(|fault| !missing_elsewhere(fault, header));
    let mut faults: Vec<Fault> = faults.into_iter().map(twin).collect();
    let more = unknown_there(schema, header, &lines);
    faults.extend(more.into_iter().map(|fault| fault.in_section(raw.label())));
    faults
}

/// What a section lacks in one file may stand in the other.
fn missing_elsewhere(fault: &Fault, header: Position) -> bool {
    let is_private = header.source == Source::Private;
    matches!(fault.code, FaultCode::MissingProperty { secret, .. } if secret != is_private)
}

fn unknown_there(schema: &Schema, header: Position, lines: &[RawProperty<'_>]) -> Vec<Fault> {
    if !schema.in_pve() {
        let in_file = read_by_pve(header);
        return in_file
            .then(|| unknown_type(schema.kind(), header))
            .into_iter()
            .collect();
    }
    let unknown = lines
        .iter()
        .filter(|line| read_by_pve(line.at) && !known_to_pve(schema, line.key))
        // Unknown to everybody: the check has said so.
        .filter(|line| schema.property(line.key).is_some())
        .map(|line| {
            let message = format!("property `{}` is unknown to Proxmox VE", line.key);
            let hint = format!(
                "{WHOLE_FILE}; move it to the section of the same type and name in notify.cfg"
            );
            Fault::error(line.at, message).with_hint(hint).for_pve()
        });
    let origins = lines
        .iter()
        .filter(|line| line.key == "origin" && !ORIGINS.contains(&line.value))
        .map(|line| {
            twin(Fault::error(
                line.at,
                "property `origin`: no origin that Proxmox VE knows",
            ))
        });
    unknown.chain(origins).collect()
}

const ORIGINS: [&str; 3] = ["user-created", "builtin", "modified-builtin"];

fn unknown_type(kind: &str, header: Position) -> Fault {
    let message = format!(
        "section type {} is unknown to Proxmox VE",
        crate::quote::quoted(kind)
    );
    Fault::error(header, message)
        .with_hint(WHOLE_FILE)
        .for_pve()
}

fn twin(fault: Fault) -> Fault {
    Fault {
        level: Level::Error,
        ..fault
    }
    .with_hint(WHOLE_FILE)
    .for_pve()
}

fn read_by_pve(at: Position) -> bool {
    matches!(at.source, Source::Public | Source::Private)
}

fn read_by_pve_file(fault: &Fault) -> bool {
    let paths = [Source::Public.path(), Source::Private.path()];
    paths.contains(&fault.file.as_deref())
}
