//! How connections are set up.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::fault::is_read_only;

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
    let connection = match is_sealed(path) {
        true => Connection::open_with_flags(sealed(path), flags | OpenFlags::SQLITE_OPEN_URI)?,
        false => Connection::open_with_flags(path, flags)?,
    };
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

/// Whether it lies on a file system that cannot be written, whole and without a journal.
///
/// Nobody can make the index of a journal there, which even a reader wants.
fn is_sealed(path: &Path) -> bool {
    let folder = path.parent().unwrap_or(path);
    is_read_only(folder) && !path.with_file_name("spool.db-wal").exists()
}

/// The path as SQLite's address of a file that nobody changes (sqlite.org/uri.html).
fn sealed(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' => address.push(char::from(*byte)),
            plain if plain.is_ascii_alphanumeric() => address.push(char::from(*plain)),
            other => address.push_str(&format!("%{other:02x}")),
        }
    }
    address + "?immutable=1"
}

#[cfg(test)]
mod tests {
    use super::sealed;
    use std::path::Path;

    #[test]
    fn an_address_names_every_path() {
        let address = sealed(Path::new("/a b/c?d#e%f/spool.db"));
        assert_eq!(address, "file:/a%20b/c%3fd%23e%25f/spool.db?immutable=1");
    }
}
