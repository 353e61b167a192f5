//! How other programs talk to the daemon: the unix socket, and HTTP for health and metrics.
