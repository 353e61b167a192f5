//! What a section says about TLS.

use std::path::{Path, PathBuf};

use notify_schema::{Fault, Fields, Kind, Property, excerpt};

use crate::{Fingerprint, roots};

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

/// What only this host can know of the options: whether the CA file can be used. Reads it.
///
/// ```
/// use notify_tls::{TlsOptions, prepare};
/// assert!(prepare(&TlsOptions::default(), None).is_empty());
/// ```
pub fn prepare(options: &TlsOptions, place: Option<&Place>) -> Vec<Fault> {
    let (Some(path), Some(place)) = (&options.ca_file, place) else {
        return Vec::new();
    };
    if options.fingerprint.is_some() {
        let reason = "not used, `tls-fingerprint` decides alone";
        return vec![Fault {
            level: notify_schema::Level::Info,
            ..place.fault(reason)
        }];
    }
    match roots::read(path) {
        Ok(read) => read
            .warnings
            .iter()
            .map(|warning| Fault {
                level: notify_schema::Level::Warning,
                ..place.fault(warning)
            })
            .collect(),
        Err(error) => vec![place.fault(error.report())],
    }
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
