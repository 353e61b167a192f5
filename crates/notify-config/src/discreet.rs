//! What a fault does not say of the private file.

use std::collections::HashMap;

use notify_schema::{Fault, SectionName, Source};

use crate::{Document, Schemas};

/// Takes the names of sections whose type nobody knows out of the faults.
///
/// Where somebody wrote `token: …` at the start of a line, what stands in place
/// of the name is the secret.
pub(crate) fn hide_foreign_names(document: &Document, schemas: &Schemas, faults: &mut [Fault]) {
    if document.source() != Source::Private {
        return;
    }
    let foreign: HashMap<SectionName, SectionName> = document
        .sections()
        .filter(|raw| schemas.get(raw.kind()).is_none())
        .map(|raw| (raw.label(), SectionName::unnamed(raw.kind())))
        .collect();
    for fault in faults {
        let section = fault
            .section
            .as_ref()
            .and_then(|section| foreign.get(section));
        if let Some(kind) = section.filter(|_| fault.file.as_deref() == Source::Private.path()) {
            fault.section = Some(kind.clone());
        }
    }
}
