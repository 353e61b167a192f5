//! How connections are set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How long a writer waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);

/// Statements that a connection keeps ready.
const STATEMENTS: usize = 64;

/// The connection that writes. Makes the file when `create`.
pub(crate) fn writing(path: &Path, create: bool) -> rusqlite::Result<Connection> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Before the first table: later it would need a rewrite of the whole file.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 2000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    tune(&connection, -16_000)?;
    Ok(connection)
}

/// A connection that only reads.
pub(crate) fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "query_only", true)?;
    tune(&connection, -4_000)?;
    Ok(connection)
}

/// Bounds its memory: the cache in KiB as a negative number, as SQLite wants it.
fn tune(connection: &Connection, cache: i64) -> rusqlite::Result<()> {
    connection.pragma_update(None, "cache_size", cache)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}
