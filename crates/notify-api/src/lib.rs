//! How other programs talk to the daemon: the unix socket, and HTTP for health and metrics.
//!
//! [`protocol`] has the requests and answers that docs/reference/socket.md describes.
//! [`Server`] answers them on a listener that is given to it, with an [`Intake`] behind it;
//! [`client`] is the other end, for a command line. [`SocketFile`] makes the socket.
//! [`http`] tells monitoring how the daemon fares, from the same [`Status`] as the socket does.
//!
//! No request is answered with `accepted` before the event is durable. Nothing
//! that a client sends costs more memory than [`Rules`] say.

pub mod client;
mod error;
mod health;
pub mod http;
mod intake;
pub mod protocol;
mod socket;
pub mod status;

pub use error::{ApiError, ApiErrorKind};
pub use health::bus_status;
pub use intake::{Declined, Intake, RawMail};
pub use socket::{Access, Rules, Server, SocketFile};
pub use status::Status;
