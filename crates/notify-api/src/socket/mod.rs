//! The daemon's end of the unix socket.

mod access;
mod connection;
mod crowd;
mod file;
mod rates;
mod reader;
mod rules;
mod server;

pub use access::Access;
pub use file::SocketFile;
pub use rules::Rules;
pub use server::Server;
