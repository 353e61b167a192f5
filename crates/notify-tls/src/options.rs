//! What a section says about TLS.

use std::path::{Path, PathBuf};

use notify_schema::{Fault, Fields, Kind, Level, Position, Property, excerpt};

use crate::{Fingerprint, TlsError, roots};

/// `ca-file`: other trust roots than the system's.
pub static CA_FILE: Property = Property::optional(
    "ca-file",
    Kind::Checked {
        what: "an absolute path",
        check: absolute,
    },
    "File with the certificates (PEM) of the authorities that are trusted for this target, instead of those of the system.",
)
.example("/etc/pve/pve-root-ca.pem")
.ours();

/// `tls-fingerprint`: exactly this certificate.
pub static TLS_FINGERPRINT: Property = Property::optional(
    "tls-fingerprint",
    Kind::Checked {
        what: "64 hex digits, colons allowed",
        check: fingerprint,
    },
    "SHA-256 fingerprint of the server's certificate. Only a server that shows exactly this certificate is spoken to; who signed it, the name in it and its dates are then not checked.",
)
.example("5E:0F:2B:71:9A:C4:3D:88:16:E2:7F:B0:45:A9:DC:03:61:F8:1B:94:2E:C7:50:AD:39:8F:E6:12:74:CB:05:D9")
.ours();

/// How a target's server proves who it is.
///
/// Equal options share one TLS configuration, so clients can be shared by them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// PEM file whose certificates replace the trust roots of the system.
    pub ca_file: Option<PathBuf>,
    /// The only certificate that is accepted. It decides alone: the trust roots are not even read.
    pub fingerprint: Option<Fingerprint>,
}

impl TlsOptions {
    /// What a checked section says in [`CA_FILE`] and [`TLS_FINGERPRINT`].
    pub fn from_fields(fields: &Fields) -> Self {
        TlsOptions {
            ca_file: fields.text(CA_FILE.name).map(PathBuf::from),
            fingerprint: fields
                .text(TLS_FINGERPRINT.name)
                .and_then(|text| text.parse().ok()),
        }
    }
}

/// Where a section says `ca-file`, for faults that are found later than the section is checked.
#[derive(Clone, Debug)]
pub struct Place(Fault);

impl Place {
    /// The place of `ca-file`; none when the section does not have it.
    pub fn of(fields: &Fields) -> Option<Self> {
        fields
            .has(CA_FILE.name)
            .then(|| Place(fields.fault(CA_FILE.name, "")))
    }

    fn fault(&self, reason: impl std::fmt::Display) -> Fault {
        Fault {
            message: format!("property `{}`: {reason}", CA_FILE.name),
            ..self.0.clone()
        }
    }
}

/// What only this host can know of the options: whether the CA file, or else
/// the trust roots of the system, can be used.
///
/// Reads that file or those roots, and nothing when a fingerprint decides
/// alone; so it is not for a target that does no TLS. A fault of the system has no place.
///
/// ```
/// use notify_tls::{TlsOptions, prepare};
/// let pinned = TlsOptions {
///     fingerprint: Some("ab".repeat(32).parse().expect("64 hex digits")),
///     ..TlsOptions::default()
/// };
/// assert!(prepare(&pinned, None).is_empty());
/// ```
pub fn prepare(options: &TlsOptions, place: Option<&Place>) -> Vec<Fault> {
    match (&options.ca_file, place, options.fingerprint) {
        (Some(_), Some(place), Some(_)) => {
            let reason = "not used, `tls-fingerprint` decides alone";
            vec![Fault {
                level: Level::Info,
                ..place.fault(reason)
            }]
        }
        (Some(path), Some(place), None) => of_file(path, place),
        (None, _, None) => of_system(),
        _ => Vec::new(),
    }
}

fn of_file(path: &Path, place: &Place) -> Vec<Fault> {
    match roots::read(path) {
        Ok(found) => found
            .warnings
            .iter()
            .map(|warning| Fault {
                level: Level::Warning,
                ..place.fault(warning)
            })
            .collect(),
        Err(error) => vec![place.fault(error.report())],
    }
}

fn of_system() -> Vec<Fault> {
    let warnings = roots::system_warnings();
    let mut faults: Vec<Fault> = warnings
        .iter()
        .map(|warning| Fault::warning(Position::NOWHERE, warning))
        .collect();
    if roots::system_roots().is_empty() {
        let error = TlsError::no_system_roots();
        faults.push(Fault::error(Position::NOWHERE, error.report()));
    }
    faults
}

fn absolute(value: &str) -> Result<(), String> {
    if Path::new(value).is_absolute() {
        Ok(())
    } else {
        Err(format!(
            "expected an absolute path, not `{}`",
            excerpt(value)
        ))
    }
}

fn fingerprint(value: &str) -> Result<(), String> {
    value
        .parse::<Fingerprint>()
        .map(drop)
        .map_err(|refused| refused.to_string())
}
