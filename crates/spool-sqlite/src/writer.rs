//! The one thread that writes, and how it joins calls into transactions.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

use notify_core::failpoint;
use notify_core::{SpoolError, SpoolErrorKind};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::batch::{Batch, Names};
use crate::call::{Call, Pending};
use crate::fault::{Failed, fault, told};
use crate::folder::mark_damaged;
use crate::pace::Pace;
use crate::presence::Presence;
use crate::schema::VERSION;

/// Bytes that one permit of the queue stands for.
const GRAIN: usize = 64 << 10;

/// Permits of the queue: so many calls, or so many grains of large ones.
const PERMITS: u32 = 1024;

/// A handle to the writer. The thread ends after the last call, when this is dropped.
pub(crate) struct Writer {
    path: PathBuf,
    queue: Option<mpsc::Sender<Box<dyn Call>>>,
    room: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread, which owns the connection from now on.
    pub(crate) fn start(
        path: &Path,
        connection: Connection,
        presence: &Arc<Presence>,
    ) -> Result<Self, SpoolError> {
        let (queue, calls) = mpsc::channel();
        let work = Work {
            path: path.to_owned(),
            connection,
            presence: Arc::clone(presence),
            names: Names::default(),
            pace: Pace::default(),
        };
        let thread = std::thread::Builder::new()
            .name("spool-writer".to_owned())
            .spawn(move || work.run(&calls))
            .map_err(|error| {
                fault(SpoolErrorKind::Broken, path, "no thread to write").caused_by(error)
            })?;
        Ok(Writer {
            path: path.to_owned(),
            queue: Some(queue),
            room: Arc::new(Semaphore::new(PERMITS as usize)),
            thread: Some(thread),
        })
    }

    /// Has the writer do this in a transaction, and answers when it is on disk.
    ///
    /// `bytes` is about how much memory the call holds. `call` may run twice, when the first
    /// transaction was rolled back for another call's sake.
    pub(crate) async fn call<T, F>(&self, bytes: usize, call: F) -> Result<T, SpoolError>
    where
        T: Send + 'static,
        F: FnMut(&mut Batch<'_>) -> Result<T, Failed> + Send + 'static,
    {
        let grains = u32::try_from(bytes / GRAIN + 1).unwrap_or(PERMITS);
        let room = Arc::clone(&self.room).acquire_many_owned(grains.min(PERMITS));
        let permit = room.await.map_err(|_| self.ended())?;
        let (pending, answer) = Pending::new(bytes, call, permit);
        let queue = self.queue.as_ref().ok_or_else(|| self.ended())?;
        queue.send(Box::new(pending)).map_err(|_| self.ended())?;
        answer.await.map_err(|_| self.ended())?
    }

    fn ended(&self) -> SpoolError {
        fault(SpoolErrorKind::Broken, &self.path, "its writer has ended")
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has answered nobody; there is nothing more to say.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Work {
    path: PathBuf,
    connection: Connection,
    presence: Arc<Presence>,
    names: Names,
    pace: Pace,
}

impl Work {
    fn run(mut self, queue: &Receiver<Box<dyn Call>>) {
        while let Ok(first) = queue.recv() {
            let calls = self.pace.gathered(first, queue);
            self.pace.began(calls.len());
            self.serve(calls);
            self.pace.ended();
        }
    }

    fn serve(&mut self, mut calls: Vec<Box<dyn Call>>) {
        if answers_too_early() {
            return self.serve_unsafely(calls);
        }
        match self.transact(&mut calls) {
            Ok(()) => answer(calls),
            Err(Trouble::Begin(error) | Trouble::Lost(error)) => self.fail(calls, &error),
            Err(Trouble::Within(error)) if calls.len() == 1 => self.fail(calls, &error),
            // Each alone: one bad call costs only itself.
            Err(Trouble::Within(_)) => calls.into_iter().for_each(|call| self.serve(vec![call])),
        }
    }

    /// None of these is on disk.
    fn fail(&self, calls: Vec<Box<dyn Call>>, error: &SpoolError) {
        if error.kind() == SpoolErrorKind::Corrupt {
            mark_damaged(&self.path);
        }
        for call in calls {
            call.fail(again(error));
        }
    }

    /// What must never be done: for a test that shows that it would be noticed.
    fn serve_unsafely(&mut self, mut calls: Vec<Box<dyn Call>>) {
        let Ok(()) = self.begun() else { return };
        let mut batch = Batch::new(&self.connection, &mut self.names);
        let all = calls
            .iter_mut()
            .try_for_each(|call| call.attempt(&mut batch));
        let flushed = all.and_then(|()| batch.flush());
        answer(calls);
        failpoint::reached("before-commit");
        if flushed.is_ok() && self.committed().is_ok() {
            self.names.keep();
        }
        failpoint::reached("after-commit");
    }

    /// All calls in one transaction, on disk or not at all.
    fn transact(&mut self, calls: &mut [Box<dyn Call>]) -> Result<(), Trouble> {
        self.begun().map_err(Trouble::Begin)?;
        let mut batch = Batch::new(&self.connection, &mut self.names);
        // A call that panics costs only itself, too: what it did is rolled back.
        let done = catch_unwind(AssertUnwindSafe(|| {
            calls
                .iter_mut()
                .try_for_each(|call| call.attempt(&mut batch))
                .and_then(|()| batch.flush())
        }));
        failpoint::reached("before-commit");
        let error = match done.map(|done| done.and_then(|()| self.committed())) {
            Ok(Ok(())) => {
                failpoint::reached("after-commit");
                self.names.keep();
                return self.presence.check_written().map_err(Trouble::Lost);
            }
            Ok(Err(error)) => told(&error, &self.path),
            Err(_) => fault(SpoolErrorKind::Broken, &self.path, "the writer panicked"),
        };
        self.roll_back();
        Err(Trouble::Within(error))
    }

    fn committed(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("COMMIT")
    }

    /// Begins a transaction in a database of this program's version.
    fn begun(&mut self) -> Result<(), SpoolError> {
        self.presence.check()?;
        let version = self
            .connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]))
            .and_then(|_| self.connection.prepare_cached("PRAGMA user_version"))
            .and_then(|mut version| version.query_row([], |row| row.get::<_, i64>(0)));
        let error = match version {
            Ok(VERSION) => return Ok(()),
            Ok(version) => {
                let what = format!("another program made it version {version} meanwhile");
                fault(SpoolErrorKind::Newer, &self.path, &what)
            }
            Err(error) => told(&error, &self.path),
        };
        self.roll_back();
        Err(error)
    }

    fn roll_back(&mut self) {
        self.names.forget();
        // A full disk may have rolled it back already.
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// Why a transaction is not on disk.
enum Trouble {
    /// It did not even begin.
    Begin(SpoolError),
    /// It was written to a file that is no longer there.
    Lost(SpoolError),
    /// One of its calls failed, or its commit.
    Within(SpoolError),
}

fn answer(calls: Vec<Box<dyn Call>>) {
    for call in calls {
        call.answer();
    }
}

/// The same error for another caller.
fn again(error: &SpoolError) -> SpoolError {
    let copy = SpoolError::new(error.kind(), error.to_string());
    match std::error::Error::source(error) {
        Some(cause) => copy.caused_by(cause.to_string()),
        None => copy,
    }
}

/// Whether a test wants to see that a spool that answers before it commits is found out.
fn answers_too_early() -> bool {
    cfg!(feature = "failpoints")
        && std::env::var_os("NOTIFY_BREAK").is_some_and(|what| what == "answer-before-commit")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use notify_core::SpoolErrorKind;
    use rusqlite::Connection;
    use tempfile::TempDir;
    use tokio::sync::oneshot;

    use super::Writer;
    use crate::connection::{reading, writing};
    use crate::fault::{Failed, fault};
    use crate::presence::Presence;
    use crate::schema::migrate;

    struct Stage {
        folder: TempDir,
        writer: Writer,
    }

    impl Stage {
        /// A writer on a fresh database of at most so many pages; 0 means any number.
        fn new(pages: u32) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("spool.db");
            let mut connection = writing(&path, true).expect("a database");
            migrate(&mut connection).expect("a layout");
            if pages > 0 {
                let most = format!("PRAGMA max_page_count = {pages}");
                let set = connection.query_row(&most, [], |row| row.get::<_, u32>(0));
                assert_eq!(set, Ok(pages));
            }
            let presence = Arc::new(Presence::of(&path).expect("it is there"));
            let writer = Writer::start(&path, connection, &presence).expect("a thread");
            Stage { folder, writer }
        }

        fn read(&self) -> Connection {
            reading(&self.folder.path().join("spool.db")).expect("a reader")
        }

        fn names(&self) -> Vec<String> {
            let reader = self.read();
            let mut names = reader
                .prepare("SELECT name FROM target ORDER BY name")
                .expect("sql");
            let names = names.query_map([], |row| row.get(0)).expect("rows");
            names.collect::<Result<_, _>>().expect("names")
        }

        /// Holds the writer until the answer is dropped, so that what is called meanwhile comes
        /// into one transaction.
        async fn held(&self) -> Held {
            let (begun, wait) = oneshot::channel();
            let (go, going) = std::sync::mpsc::channel::<()>();
            let mut begun = Some(begun);
            let room = self.writer.call(0, move |_| {
                if let Some(begun) = begun.take() {
                    let _ = begun.send(());
                }
                let _ = going.recv();
                Ok(())
            });
            // The call is in the queue after one poll, and needs no more to be done.
            let mut room = Box::pin(room);
            let polled = std::future::poll_fn(|context| {
                std::task::Poll::Ready(room.as_mut().poll(context).is_ready())
            });
            assert!(!polled.await, "it cannot be done yet");
            wait.await.expect("it has begun");
            Held { _go: go }
        }
    }

    struct Held {
        _go: std::sync::mpsc::Sender<()>,
    }

    #[tokio::test]
    async fn one_bad_call_costs_only_itself() {
        let stage = Stage::new(0);
        let held = stage.held().await;
        let runs = Arc::new(AtomicU32::new(0));
        let good = |name: &'static str| {
            let runs = Arc::clone(&runs);
            stage.writer.call(0, move |batch| {
                runs.fetch_add(1, SeqCst);
                Ok(batch.target(name)?)
            })
        };
        let refused = stage.writer.call::<(), _>(0, |_| {
            let path = std::path::Path::new("x");
            Err(Failed::Refused(fault(SpoolErrorKind::Stale, path, "stale")))
        });
        let broken = stage.writer.call::<usize, _>(0, |batch| {
            batch.run("UPDATE target SET name = 'half'", [])?;
            Ok(batch.run("INSERT INTO target (id) VALUES (1)", [])?)
        });
        let panicked = stage.writer.call::<(), _>(0, |batch| {
            batch.run("INSERT INTO target (name) VALUES ('gone')", [])?;
            panic!("a bug")
        });
        let calls = async { tokio::join!(good("a"), refused, broken, panicked, good("b")) };
        let (first, refused, broken, panicked, last) = queued_then(calls, held).await;
        assert_eq!(panicked.expect_err("a bug").kind(), SpoolErrorKind::Broken);
        first.expect("a");
        last.expect("b");
        assert_eq!(refused.expect_err("stale").kind(), SpoolErrorKind::Stale);
        assert_eq!(broken.expect_err("null").kind(), SpoolErrorKind::Broken);
        assert_eq!(stage.names(), ["a", "b"]);
        // `a` once before `broken` failed and once alone; `b` only alone.
        assert_eq!(runs.load(SeqCst), 3);
    }

    #[tokio::test]
    async fn calls_that_wait_share_a_transaction() {
        let stage = Stage::new(0);
        let held = stage.held().await;
        let change = |batch: &crate::batch::Batch<'_>| {
            let sql = "SELECT count(*) FROM target";
            batch.run("INSERT INTO target (name) VALUES (random())", [])?;
            let mut count = batch.statement(sql)?;
            count.query_row([], |row| row.get::<_, i64>(0))
        };
        let call = || stage.writer.call(0, move |batch| Ok(change(batch)?));
        let reader = stage.read();
        let version = || {
            let version = reader.pragma_query_value(None, "data_version", |row| row.get(0));
            version.expect("a version")
        };
        let before: i64 = version();
        let calls = async { tokio::join!(call(), call(), call()) };
        let (one, two, three) = queued_then(calls, held).await;
        let counts = [one, two, three].map(|count| count.expect("counted"));
        assert_eq!(counts, [1, 2, 3]);
        assert!(
            version() > before,
            "others see that something was committed"
        );
    }

    #[tokio::test]
    async fn a_full_disk_stores_nothing_of_what_it_refuses() {
        let stage = Stage::new(40);
        let held = stage.held().await;
        let put = |name: &'static str, bytes: usize| {
            stage.writer.call(bytes, move |batch| {
                let target = batch.target(name)?;
                let sql = "INSERT INTO body (seq, content, trace) VALUES (?1, zeroblob(?2), '')";
                let sql = sql.replace("zeroblob(?2)", "hex(zeroblob(?2 / 2))");
                Ok(batch.run(&sql, [target, i64::try_from(bytes).unwrap_or(0)])?)
            })
        };
        let calls =
            async { tokio::join!(put("small", 10), put("large", 1 << 20), put("last", 10)) };
        let (small, large, last) = queued_then(calls, held).await;
        assert_eq!((small.ok(), last.ok()), (Some(1), Some(1)));
        assert_eq!(large.expect_err("full").kind(), SpoolErrorKind::Full);
        assert_eq!(stage.names(), ["last", "small"]);
        // The number that the large one had for a moment is not taken for known.
        let again = stage
            .writer
            .call(0, |batch| Ok(batch.known_target("large")?));
        assert_eq!(again.await.expect("read"), None);
    }

    /// Puts the calls in the queue, then lets the writer go on.
    async fn queued_then<T>(calls: impl Future<Output = T>, held: Held) -> T {
        let mut calls = Box::pin(calls);
        let mut held = Some(held);
        std::future::poll_fn(move |context| {
            let polled = calls.as_mut().poll(context);
            held.take();
            polled
        })
        .await
    }
}
