//! The facts of this host that deliveries need, read once from files in Proxmox VE's layout.
//!
//! Users' addresses come from `user.cfg`, the default sender and the proxy from
//! `datacenter.cfg`, the cluster's name from `corosync.conf`, all in one
//! configuration folder; names from the system; the instance's id from the
//! state folder. Each file may be missing. One that cannot be read, or used, is
//! a fault beside the facts and never an error in their place.
//!
//! After [`HostFacts::read`] no file is touched any more. Nothing here makes a
//! connection: the full name comes from files, not from DNS.
//!
//! ```
//! use notify_core::Host as _;
//! use notify_host::{HostFacts, Places};
//!
//! # let root = std::env::temp_dir().join(format!("notify-host-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&root)?;
//! std::fs::write(root.join("user.cfg"), "user:root@pam:1:0:::admin@example.com:::\n")?;
//! std::fs::write(root.join("datacenter.cfg"), "http_proxy: socks5://proxy:1080\n")?;
//!
//! let places = Places { node_name: "pve1.example.com".into(), ..Places::below(&root) };
//! let (host, faults) = HostFacts::read_at(&places);
//! assert_eq!(host.address_of("root@pam"), Some("admin@example.com"));
//! assert_eq!((host.name(), host.fqdn()), ("pve1", "pve1.example.com"));
//! assert_eq!(
//!     faults[0].to_string(),
//!     "datacenter.cfg:1:13: error: `http_proxy`: expected the scheme http, not `socks5`"
//! );
//! # std::fs::remove_dir_all(&root)?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod corosync;
mod facts;
mod fqdn;
mod instance;
mod places;
mod proxy;
mod read;

pub use facts::HostFacts;
pub use places::Places;
