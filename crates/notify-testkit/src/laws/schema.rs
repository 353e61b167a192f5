//! Laws of what a target type says of itself.

use notify_core::TargetType;
use notify_schema::{Checked, Position, RawProperty, lint};

use super::trial::Findings;
use crate::canary;

pub(super) fn laws(findings: &mut Findings<'_>) {
    let kind = findings.kind;
    for broken in lint(kind.schema().properties()) {
        findings.broken("a property obeys its laws", broken);
    }
    builtins(findings, kind);
    unbuildable(findings, kind);
}

fn builtins(findings: &mut Findings<'_>, kind: &TargetType) {
    for builtin in kind.builtins {
        let raw: Vec<_> = builtin
            .properties
            .iter()
            .map(|(key, value)| RawProperty::new(key, value, Position::NOWHERE))
            .collect();
        let Checked { fields, faults } = kind.schema().check(builtin.name, Position::NOWHERE, &raw);
        let built = fields.is_some_and(|fields| (kind.build)(&fields).is_ok());
        findings.law(
            "a built-in section is good",
            built && faults.is_empty(),
            || format!("`{}`: {faults:?}", builtin.name),
        );
    }
}

fn unbuildable(findings: &mut Findings<'_>, kind: &TargetType) {
    for case in findings.peer.unbuildable() {
        let name = case.section.name();
        let Some(fields) = case.section.checked(kind).fields else {
            findings.broken(
                "an unbuildable section passes the schema",
                format!("`{name}`"),
            );
            continue;
        };
        let Err(faults) = (kind.build)(&fields) else {
            findings.broken("build refuses what it cannot use", format!("`{name}`"));
            continue;
        };
        let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
        for property in &case.properties {
            let quoted = format!("`{property}`");
            let told = faults.iter().any(|fault| fault.message.contains(&quoted));
            findings.law("build reports all faults at once", told, || {
                format!("`{name}`: no fault names {quoted}: {texts:?}")
            });
        }
        for fault in &faults {
            let placed = fault.line.is_some() && fault.section.is_some();
            findings.law("a fault has its place", placed, || {
                format!("`{name}`: {fault}")
            });
        }
        let text = format!("{faults:?}");
        let leaked = canary::find(text.as_bytes());
        findings.law("no secret in any text", leaked.is_none(), || {
            format!("`{name}`: a fault of build")
        });
    }
}
