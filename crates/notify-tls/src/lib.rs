//! TLS for every target: trust roots loaded once, a CA file, a pinned fingerprint.
