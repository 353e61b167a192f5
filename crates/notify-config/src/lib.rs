//! Section-config text: parse with all faults, lossless write, secret merge, digest, store.
