//! Opening: make, migrate, or set aside.

use std::path::Path;
use std::sync::Arc;

use notify_core::{OpenFor, Opened, SpoolError, SpoolErrorKind, SpoolPlace};
use rusqlite::Connection;

use crate::connection::{reading, writing};
use crate::fault::{fault, told};
use crate::folder::{self, Hold, close_to_others, database, is_marked_damaged};
use crate::presence::Presence;
use crate::readers::Readers;
use crate::schema::{Age, age, migrate};
use crate::spool::SqliteSpool;
use crate::writer::Writer;

/// A database below this size is looked at as a whole.
const SMALL: u64 = 64 << 20;

/// Opens the spool in a folder.
///
/// # Errors
/// `Missing`, `Denied`, `Newer`, `Busy`, `Full`; `Corrupt` when it is damaged and was not opened
/// to work it.
pub(crate) fn open(place: &SpoolPlace) -> Result<Opened, SpoolError> {
    let path = database(&place.folder);
    match place.purpose {
        OpenFor::Work => work(&place.folder, &path),
        OpenFor::Write => {
            there(&path)?;
            let hold = Hold::shared(&place.folder)?;
            // Looked at by one that cannot write: opening to write would touch the file.
            let reader = reading(&path).map_err(|error| told(&error, &path))?;
            usable(&reader, &path)?;
            let connection = writing(&path, false).map_err(|error| told(&error, &path))?;
            let presence = Arc::new(Presence::of(&path)?);
            let writer = Writer::start(&path, connection, &presence)?;
            Ok(opened(&path, Some(hold), Some(writer), presence))
        }
        OpenFor::Read => {
            there(&path)?;
            let connection = reading(&path).map_err(|error| told(&error, &path))?;
            usable(&connection, &path)?;
            // Who may only read cannot lock either, and is not in the way of who sets it aside.
            let hold = Hold::looking(&place.folder).ok();
            let presence = Arc::new(Presence::of(&path)?);
            Ok(opened(&path, hold, None, presence))
        }
    }
}

fn opened(
    path: &Path,
    hold: Option<Hold>,
    writer: Option<Writer>,
    presence: Arc<Presence>,
) -> Opened {
    let spool = Arc::new(SqliteSpool::new(
        path.to_owned(),
        writer,
        Readers::new(path, presence),
        hold,
    ));
    Opened {
        spool: Arc::clone(&spool) as _,
        history: Arc::clone(&spool) as _,
        upkeep: spool,
        alarms: Vec::new(),
    }
}

/// That there is a database.
fn there(path: &Path) -> Result<(), SpoolError> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => {
            let what = "is a symbolic link, which is not followed";
            Err(fault(SpoolErrorKind::Denied, path, what))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(fault(SpoolErrorKind::Denied, path, "may not be looked at").caused_by(error))
        }
        Err(error) => {
            Err(fault(SpoolErrorKind::Missing, path, "there is no spool").caused_by(error))
        }
    }
}

/// That the database has today's layout.
fn usable(connection: &Connection, path: &Path) -> Result<(), SpoolError> {
    match age(connection).map_err(|error| told(&error, path))? {
        Age::Version(crate::schema::VERSION) => Ok(()),
        Age::Version(version) => {
            let what =
                format!("version {version} is old; the next start of the daemon migrates it");
            Err(fault(SpoolErrorKind::Broken, path, &what))
        }
        Age::Empty => Err(fault(
            SpoolErrorKind::Missing,
            path,
            "there is no spool in it yet",
        )),
        Age::Newer(version) => Err(newer(path, version)),
        Age::Foreign => Err(foreign(path)),
    }
}

fn newer(path: &Path, version: i64) -> SpoolError {
    let what = format!("a newer version of this program wrote it (layout {version})");
    fault(SpoolErrorKind::Newer, path, &what)
}

fn foreign(path: &Path) -> SpoolError {
    let what = "it is the database of another program, and was not touched; \
                move it away, and the next start of the daemon makes a spool";
    fault(SpoolErrorKind::Broken, path, what)
}

fn work(folder: &Path, path: &Path) -> Result<Opened, SpoolError> {
    folder::make(folder)?;
    close_to_others(folder);
    let hold = Hold::shared(folder)?;
    let (connection, alarms) = match sound(path) {
        Ok(connection) => (connection, Vec::new()),
        Err(error) if error.kind() == SpoolErrorKind::Corrupt => {
            hold.alone(folder)?;
            let replaced = replaced(folder, path, &error);
            hold.share(folder)?;
            replaced?
        }
        Err(error) => return Err(error),
    };
    let presence = Arc::new(Presence::of(path)?);
    let writer = Writer::start(path, connection, &presence)?;
    Ok(Opened {
        alarms,
        ..opened(path, Some(hold), Some(writer), presence)
    })
}

/// A fresh database in the place of a damaged one, and what to tell people. Nobody else has it open.
fn replaced(
    folder: &Path,
    path: &Path,
    damage: &SpoolError,
) -> Result<(Connection, Vec<String>), SpoolError> {
    // Another start may have been faster.
    match sound(path) {
        Err(error) if error.kind() == SpoolErrorKind::Corrupt => {}
        sound => return Ok((sound?, Vec::new())),
    }
    let aside = folder::set_aside(path)?;
    folder::make(folder)?;
    let alarm = format!(
        "{}; it was set aside as {}, and a fresh spool was started: deliveries that were pending \
         in it do not go out; `sqlite3 {} .recover` reads what can be read",
        notify_core::report(damage),
        aside.display(),
        aside.display(),
    );
    Ok((sound(path)?, vec![alarm]))
}

/// A connection to a database of today's layout without damage, as far as a start looks.
fn sound(path: &Path) -> Result<Connection, SpoolError> {
    let sql = |error: rusqlite::Error| told(&error, path);
    if is_marked_damaged(path) {
        return Err(fault(
            SpoolErrorKind::Corrupt,
            path,
            "an earlier run found it damaged",
        ));
    }
    // Looked at before it is touched: switching on the journal would change the file.
    match reading(path)
        .and_then(|connection| age(&connection))
        .map_err(sql)?
    {
        Age::Newer(version) => return Err(newer(path, version)),
        Age::Foreign => return Err(foreign(path)),
        Age::Empty | Age::Version(_) => {}
    }
    let mut connection = writing(path, true).map_err(sql)?;
    migrate(&mut connection).map_err(sql)?;
    look(&connection, path)?;
    Ok(connection)
}

/// Looks for damage: at all of a small database, at the ends of everything in a large one.
fn look(connection: &Connection, path: &Path) -> Result<(), SpoolError> {
    let sql = |error: rusqlite::Error| told(&error, path);
    if path.metadata().is_ok_and(|about| about.len() < SMALL) {
        let said: String = connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(sql)?;
        if said != "ok" {
            return Err(
                fault(SpoolErrorKind::Corrupt, path, "the spool is damaged").caused_by(said)
            );
        }
        return Ok(());
    }
    ends(connection).map_err(sql)
}

fn ends(connection: &Connection) -> rusqlite::Result<()> {
    const TABLES: [(&str, &str); 5] = [
        ("target", "id"),
        ("event", "seq"),
        ("body", "seq"),
        ("job", "id"),
        ("attempt", "id"),
    ];
    for (table, key) in TABLES {
        for order in ["ASC", "DESC"] {
            let sql = format!("SELECT * FROM {table} ORDER BY {key} {order} LIMIT 1");
            connection.prepare(&sql)?.query([])?.next()?;
        }
    }
    for (index, of) in [
        ("job_due", "state = 0"),
        ("job_pending", "state = 0"),
        ("job_dead", "state = 2"),
        ("job_leased", "leased = 1"),
    ] {
        for order in ["ASC", "DESC"] {
            let sql = format!(
                "SELECT * FROM job INDEXED BY {index} WHERE {of} ORDER BY target {order} LIMIT 1"
            );
            connection.prepare(&sql)?.query([])?.next()?;
        }
    }
    Ok(())
}
