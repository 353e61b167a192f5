//! The typed data of each kind.

pub(crate) mod fencing;
pub(crate) mod package_updates;
pub(crate) mod replication;
pub(crate) mod system_mail;
pub(crate) mod test;
pub(crate) mod vzdump;
