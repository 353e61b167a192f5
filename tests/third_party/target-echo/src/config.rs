//! What a section says, in types.

use std::path::PathBuf;

use notify_schema::{Fault, Fields, Secret};

use crate::{SOCKET, TOKEN};

/// The token in the server's example configuration.
const EXAMPLE: &str = "change-me";

/// A usable section of the type `echo`.
#[derive(Clone, Debug)]
pub struct Config {
    /// Absolute.
    pub socket: PathBuf,
    /// Of the administrator's own choice.
    pub token: Secret,
}

impl Config {
    /// Reads a checked section.
    ///
    /// # Errors
    /// All that the schema cannot know: a relative path, a token that everyone knows.
    pub fn from_fields(fields: &Fields) -> Result<Self, Vec<Fault>> {
        let socket = PathBuf::from(fields.text(SOCKET.name).unwrap_or_default());
        let token = fields.secret(TOKEN.name).cloned();
        let token = token.expect("a plugin reads only properties that its schema requires");
        let mut faults = Vec::new();
        if !socket.is_absolute() {
            let shown = socket.display();
            faults.push(fields.fault(SOCKET.name, format!("not an absolute path: `{shown}`")));
        }
        if token.expose() == EXAMPLE {
            faults.push(fields.fault(TOKEN.name, "still that of the server's example"));
        }
        match faults.is_empty() {
            true => Ok(Config { socket, token }),
            false => Err(faults),
        }
    }
}
