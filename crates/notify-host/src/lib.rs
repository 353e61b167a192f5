//! Facts of this host from files in PVE's layout: users' addresses, datacenter options, names.
