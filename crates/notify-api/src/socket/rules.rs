//! How much a client may ask for, and how long it may take.

use std::time::Duration;

use crate::socket::Access;

/// What holds for clients of the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Who may send.
    pub access: Access,
    /// The most bytes of a line, and of a mail. A longer line is refused, the end of a longer mail left out.
    pub max_size: usize,
    /// Events per second and user. Root is not limited.
    pub rate: u32,
    /// Events at once after a pause.
    pub burst: u32,
    /// Connections at once. Users who are not trusted have a quarter of them on top, and
    /// each of these a quarter of that.
    pub connections: usize,
    /// How long a connection may be quiet between requests.
    pub idle: Duration,
    /// How long a client may pause inside of a request, or before it takes an answer.
    pub stall: Duration,
    /// How long one request may take to come.
    pub request: Duration,
}

impl Rules {
    /// The defaults, for these users.
    pub fn new(access: Access) -> Self {
        Rules {
            access,
            max_size: 16 << 20,
            rate: 100,
            burst: 1000,
            connections: 256,
            idle: Duration::from_secs(300),
            stall: Duration::from_secs(10),
            request: Duration::from_secs(120),
        }
    }
}
