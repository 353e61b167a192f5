//! The laws hold for a spool over a store that many share, too: one value for each key, replaced
//! only by who saw the last one; no transaction over two keys and no order.
//!
//! So nothing in the contracts asks for more than a clustered store gives. The names of NATS
//! JetStream are in `docs/adding-a-spool.md`.

mod bucket;
mod document;
mod queue;
mod record;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify_core::{OpenFor, Opened, SpoolError, SpoolErrorKind, SpoolPlace};
use notify_testkit::spool::{Subject, check, examine};

use bucket::Bucket;
use document::Document;
use queue::SharedSpool;

/// The file that stands for a bucket.
const FILE: &str = "bucket";

/// The buckets of a cluster, by the file that names each.
#[derive(Clone, Debug, Default)]
struct Places {
    buckets: Arc<Mutex<HashMap<PathBuf, Arc<Bucket<Document>>>>>,
    are_careless: bool,
}

impl Places {
    fn insert(&self, file: &Path, bucket: Arc<Bucket<Document>>) {
        let mut places = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(file.to_owned(), bucket);
    }

    fn open(&self, place: &SpoolPlace) -> Result<Opened, SpoolError> {
        let file = place.folder.join(FILE);
        let mut places = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = match place.purpose {
            OpenFor::Work => places
                .entry(file)
                .or_insert_with(|| Arc::new(Bucket::new(self.are_careless)))
                .clone(),
            OpenFor::Write | OpenFor::Read => places.get(&file).cloned().ok_or_else(|| {
                let detail = format!("no spool in {}", place.folder.display());
                SpoolError::new(SpoolErrorKind::Missing, detail)
            })?,
        };
        let spool = Arc::new(SharedSpool {
            bucket,
            is_read_only: place.purpose == OpenFor::Read,
            places: self.clone(),
        });
        Ok(Opened {
            spool: spool.clone(),
            history: spool.clone(),
            upkeep: spool,
            alarms: Vec::new(),
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spool_over_a_shared_store_obeys_the_laws() {
    let places = Places::default();
    let report = check(&subject(&|place| places.open(place))).await;
    let ordered = "the oldest due is claimed first";
    assert!(!report.checked.contains(&ordered), "{:#?}", report.checked);
}

/// On one thread, where all claimers come to their turn between the read and the write of one.
#[tokio::test]
async fn a_store_that_forgets_to_compare_revisions_is_caught() {
    let places = Places {
        are_careless: true,
        ..Places::default()
    };
    let report = examine(&subject(&|place| places.open(place))).await;
    let broken: Vec<_> = report.violations.iter().map(|(law, _)| *law).collect();
    let wanted = [
        "a key is put once, from many tasks at once",
        "two tasks never hold one job",
        "two handles never hold one job",
        "nothing is lost when all is done at once",
    ];
    assert_eq!(broken, wanted, "{:#?}", report.violations);
}

fn subject<'s>(
    open: &'s (dyn Fn(&SpoolPlace) -> Result<Opened, SpoolError> + Send + Sync),
) -> Subject<'s> {
    Subject {
        name: "shared",
        open,
        file: FILE,
    }
}
