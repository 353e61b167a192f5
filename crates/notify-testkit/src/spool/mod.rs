//! A spool in memory, and the laws that every spool obeys.

mod memory;

pub use memory::{MEMORY_FILE, MemorySpool, MemoryStores};
