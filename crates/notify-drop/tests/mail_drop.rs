//! Mails that are left in a drop arrive in the queue, and nothing else does.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use notify_core::EventId;
use notify_drop::{
    Arrival, Bounds, Collected, DropErrorKind, Left, Made, MailDrop, Oddity, Progress, Queue, make,
    unmake,
};

/// Long after every file was made.
const MUCH_LATER: i64 = 1 << 40;

const ODD: &[u8] = b"second\r\n\0\xff";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Place {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        assert_eq!(make(&place.path()).expect("made"), Made::New);
        place
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn path(&self) -> PathBuf {
        self.state().join("incoming")
    }

    fn drop(&self) -> MailDrop {
        MailDrop::open(&self.path()).expect("a drop")
    }

    fn queue(&self) -> Queue {
        Queue::open(&self.state()).expect("a queue")
    }

    fn leave(&self, millis: u64, mail: &[u8]) -> EventId {
        let left = self
            .drop()
            .leave(&mut &*mail, id(millis), Bounds::default());
        assert_eq!(left.expect("left").bytes, mail.len() as u64);
        id(millis)
    }

    fn collect(&self, now: i64) -> Collected {
        let collected = self.drop().collect(&self.queue(), Bounds::default(), now);
        collected.expect("collected")
    }

    /// The names in the drop, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

fn id(millis: u64) -> EventId {
    EventId::new(UNIX_EPOCH + Duration::from_millis(millis), [7; 10])
}

fn mail_name(place: &Place) -> String {
    let names = place.names();
    let mail = names.iter().find(|name| name.starts_with("mail."));
    mail.expect("a mail lies there").clone()
}

#[test]
fn mails_are_taken_oldest_first_and_byte_for_byte() {
    let place = Place::new();
    for (millis, mail) in [(30, &b"third"[..]), (10, b"first"), (20, ODD)] {
        place.leave(millis, mail);
    }
    let collected = place.collect(0);
    assert_eq!(collected.taken, [id(10), id(20), id(30)]);
    assert_eq!((collected.left, collected.oddities), (0, vec![]));
    let queue = place.queue();
    let queued: Vec<_> = queue
        .list()
        .expect("a list")
        .into_iter()
        .map(|mail| mail.id)
        .collect();
    assert_eq!(queued, collected.taken);
    assert_eq!(queue.read(id(20)).expect("a mail"), ODD);
    assert_eq!(place.names(), [""; 0], "the places are free again");
}

#[test]
fn a_mail_is_its_owners_alone_and_remembers_who_left_it() {
    let place = Place::new();
    place.leave(10, b"x");
    let about = fs::metadata(place.path().join(mail_name(&place))).expect("a mail");
    assert_eq!(about.mode() & 0o7777, 0o600);
    place.collect(0);
    let queued = &place.queue().list().expect("a list")[0];
    assert_eq!(queued.progress.arrival.uid, about.uid());
    assert_eq!(queued.progress.arrival.timestamp, about.ctime());
}

#[test]
fn the_folders_have_the_modes_that_keep_users_apart() {
    let place = Place::new();
    let mode = |path: PathBuf| fs::metadata(path).expect("a folder").mode() & 0o7777;
    assert_eq!(mode(place.path()), 0o1733);
    assert_eq!(mode(place.state()), 0o711);
    place.queue();
    for folder in ["mail", "mail/failed", "mail/refused"] {
        assert_eq!(mode(place.state().join(folder)), 0o700, "{folder}");
    }
    assert_eq!(make(&place.path()).expect("made"), Made::Unchanged);
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    let error = MailDrop::open(&place.path()).expect_err("not sticky");
    assert_eq!(error.kind(), DropErrorKind::Unsafe, "{error}");
    assert_eq!(make(&place.path()).expect("made"), Made::Mended);
    assert_eq!(mode(place.path()), 0o1733);
    assert!(unmake(&place.path()).expect("removed"));
    let error = MailDrop::open(&place.path()).expect_err("gone");
    assert_eq!(error.kind(), DropErrorKind::Missing);
}

#[test]
fn a_link_or_a_file_in_its_place_is_no_drop() {
    let place = Place::new();
    let link = place.folder.path().join("link");
    symlink(place.path(), &link).expect("a link");
    let file = place.folder.path().join("file");
    fs::write(&file, "").expect("a file");
    for path in [link, file] {
        let error = MailDrop::open(&path).expect_err("no drop");
        assert_eq!(error.kind(), DropErrorKind::Unsafe, "{error}");
        let error = make(&path).expect_err("no drop");
        assert_eq!(error.kind(), DropErrorKind::Unsafe, "{error}");
    }
}

#[test]
fn what_is_above_the_bound_is_cut_and_read_to_its_end() {
    let place = Place::new();
    let bounds = Bounds { bytes: 5 };
    let mut mail: &[u8] = b"0123456789";
    let left = place.drop().leave(&mut mail, id(10), bounds).expect("left");
    assert_eq!(
        left,
        Left {
            bytes: 5,
            cut: true
        }
    );
    assert!(mail.is_empty(), "the sender need not know");
    let mut exact: &[u8] = b"01234";
    let left = place
        .drop()
        .leave(&mut exact, id(20), bounds)
        .expect("left");
    assert_eq!(
        left,
        Left {
            bytes: 5,
            cut: false
        }
    );
    place.collect(0);
    let queue = place.queue();
    let cut = |at: usize| queue.list().expect("a list")[at].progress.arrival.cut;
    assert_eq!((cut(0), cut(1)), (true, false));
    assert_eq!(queue.read(id(10)).expect("a mail"), b"01234");
}

#[test]
fn an_empty_mail_is_one() {
    let place = Place::new();
    place.leave(10, b"");
    assert_eq!(place.collect(0).taken, [id(10)]);
    assert_eq!(place.queue().read(id(10)).expect("a mail"), b"");
}

#[test]
fn a_reader_that_fails_leaves_nothing() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::other("the pipe broke"));
            }
            let length = buffer.len().min(self.0);
            self.0 -= length;
            Ok(length)
        }
    }
    let place = Place::new();
    // Far enough to have taken a second place.
    let left = place
        .drop()
        .leave(&mut Failing(3 << 20), id(10), Bounds::default());
    assert_eq!(left.expect_err("it failed").kind(), DropErrorKind::Io);
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_full_drop_takes_no_more_until_it_is_emptied() {
    let place = Place::new();
    for slot in 0..999 {
        fs::write(place.path().join(format!("slot.{slot:03}")), "").expect("a place");
    }
    let last = place.leave(10, b"the last place");
    let full = place
        .drop()
        .leave(&mut &b"x"[..], id(20), Bounds::default());
    let error = full.expect_err("full");
    assert_eq!(error.kind(), DropErrorKind::Full);
    assert!(
        error.to_string().ends_with("is full: 1000 mails lie there"),
        "{error}"
    );
    assert_eq!(place.collect(MUCH_LATER).taken, [last]);
    assert_eq!(
        place.names(),
        [""; 0],
        "places without a mail are abandoned"
    );
    place.leave(20, b"x");
}

#[test]
fn large_mails_have_fewer_places() {
    let place = Place::new();
    for big in 0..31 {
        fs::write(place.path().join(format!("big.{big:02}")), "").expect("a place");
    }
    let large = vec![b'x'; (1 << 20) + 1];
    place.leave(10, &large);
    let full = place.drop().leave(&mut &*large, id(20), Bounds::default());
    let error = full.expect_err("full");
    assert!(
        error
            .to_string()
            .ends_with("is full: 32 large mails lie there"),
        "{error}"
    );
    place.leave(30, &large[1..]);
    assert_eq!(place.collect(0).taken, [id(10), id(30)]);
    assert_eq!(
        place.names().len(),
        31,
        "those of a large mail are free again, others are young"
    );
}

#[test]
fn what_a_killed_writer_left_is_cleared_away_when_it_is_old() {
    let place = Place::new();
    let draft = format!("temp.007.{}", id(10));
    for name in ["slot.007", "slot.008", "big.01", &draft] {
        fs::write(place.path().join(name), "half a mail").expect("a file");
    }
    let made = fs::metadata(place.path().join(&draft))
        .expect("a draft")
        .ctime();
    assert_eq!(place.collect(made + 60).taken, []);
    assert_eq!(place.names().len(), 4, "its writer may still be at it");
    assert_eq!(place.collect(made + 3700).taken, []);
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn only_regular_files_with_one_name_are_taken() {
    let place = Place::new();
    let root = place.folder.path();
    let named = |slot: u16| {
        place
            .path()
            .join(format!("mail.{slot:03}.{}", id(slot.into())))
    };
    let secret = root.join("secret");
    fs::write(&secret, "hunter2").expect("a file");
    symlink(&secret, named(1)).expect("a link");
    fs::hard_link(&secret, named(2)).expect("a second name");
    pipe(&named(3));
    std::os::unix::net::UnixListener::bind(named(4)).expect("a socket");
    fs::create_dir(named(5)).expect("a folder");
    fs::create_dir(named(6)).expect("a folder");
    fs::write(named(6).join("x"), "").expect("a file");
    fs::write(place.path().join("notes\u{1b}[31m"), "").expect("a file");
    symlink("/etc", place.path().join("elsewhere")).expect("a link");
    let good = place.leave(900, b"a mail behind all of it");
    let collected = place.collect(0);
    assert_eq!(collected.taken, [good]);
    assert_eq!(fs::read(&secret).expect("a file"), b"hunter2");
    let mut what: Vec<_> = collected
        .oddities
        .iter()
        .map(|odd| (odd.what, &*odd.name))
        .collect();
    what.sort_unstable();
    let name = |slot: u16| format!("mail.{slot:03}.{}", id(slot.into()));
    assert_eq!(
        what,
        [
            ("a file that is no mail, left there", "notes\\u{1b}[31m"),
            ("a file with a second name, moved to mail/refused", &name(2)),
            ("a folder, moved to mail/refused", &name(6)),
            ("a pipe, removed", &name(3)),
            ("a socket, removed", &name(4)),
            ("a symbolic link, removed", "elsewhere"),
            ("a symbolic link, removed", &name(1)),
            ("an empty folder, removed", &name(5)),
        ]
    );
    let refused = place.state().join("mail/refused").join(name(2));
    assert_eq!(fs::read(refused).expect("kept"), b"hunter2");
    let own = fs::metadata(&secret).expect("a file").uid();
    assert!(
        collected
            .oddities
            .iter()
            .all(|Oddity { uid, .. }| *uid == own)
    );
}

#[test]
fn whatever_lies_in_a_place_does_not_close_the_drop() {
    let place = Place::new();
    let named = |slot: u16| place.path().join(format!("slot.{slot:03}"));
    for slot in 0..1000 {
        match slot % 4 {
            0 => fs::create_dir(named(slot)).expect("a folder"),
            1 => symlink("/nowhere", named(slot)).expect("a link"),
            2 => pipe(&named(slot)),
            _ => {
                fs::create_dir(named(slot)).expect("a folder");
                fs::write(named(slot).join("x"), "").expect("a file");
            }
        }
    }
    for big in 0..32 {
        let path = place.path().join(format!("big.{big:02}/x"));
        fs::create_dir_all(path).expect("a folder");
    }
    let collected = place.collect(0);
    assert_eq!(place.names(), [""; 0]);
    assert_eq!(collected.oddities.len(), 1032);
    let own = fs::metadata(place.path()).expect("a folder").uid();
    assert!(collected.oddities.iter().all(|odd| odd.uid == own));
    let refused = fs::read_dir(place.state().join("mail/refused"));
    assert_eq!(refused.expect("a folder").count(), 100, "it is bounded");
    place.leave(10, &vec![b'x'; (1 << 20) + 1]);
}

#[test]
fn a_place_that_is_kept_young_is_known_from_an_earlier_drain() {
    let place = Place::new();
    let draft = format!("temp.007.{}", id(10));
    for name in ["slot.007", "slot.008", "big.01", &draft] {
        fs::write(place.path().join(name), "").expect("a file");
    }
    // Before these files were made: by their own times they are always young.
    let odd = |now| {
        let oddities = place.collect(now).oddities;
        let names = oddities.iter().map(|odd| (odd.name.clone(), odd.what));
        names.collect::<Vec<_>>()
    };
    let lone = "a place without a mail, removed";
    assert_eq!(odd(1000), []);
    assert_eq!(odd(1119), []);
    assert_eq!(odd(1120), [("slot.008".to_owned(), lone)]);
    assert_eq!(odd(4599), []);
    let mut last = odd(4600);
    last.sort_unstable();
    assert_eq!(
        last,
        [
            ("big.01".to_owned(), lone),
            (draft, "a mail that was never finished, removed"),
        ]
    );
    assert_eq!(odd(4719), [], "its draft is gone since 4600");
    assert_eq!(odd(4720), [("slot.007".to_owned(), lone)]);
    assert_eq!(odd(4721), []);
    assert_eq!(place.names(), [""; 0]);
    assert!(!place.state().join("mail/seen.json").exists());
}

#[test]
fn a_mail_is_found_below_any_amount_of_junk() {
    let place = Place::new();
    for number in 0..21_000 {
        fs::write(place.path().join(format!("junk.{number}")), "").expect("a file");
    }
    let mails: Vec<_> = (1..4).map(|millis| place.leave(millis, b"x")).collect();
    for number in 0..500 {
        fs::write(place.path().join(format!("more.{number}")), "").expect("a file");
    }
    let collected = place.collect(0);
    assert_eq!((collected.taken, collected.left), (mails, 0));
    assert_eq!(collected.oddities.len() + collected.more_oddities, 21_500);
    assert_eq!(collected.oddities.len(), 100);
}

#[test]
fn the_oldest_that_was_refused_makes_room() {
    let place = Place::new();
    let secret = place.folder.path().join("secret");
    fs::write(&secret, "hunter2").expect("a file");
    let refused = place.state().join("mail/refused");
    for millis in 0..102 {
        let name = format!("mail.000.{}", id(millis));
        fs::hard_link(&secret, place.path().join(&name)).expect("a second name");
        let collected = place.collect(0);
        assert_eq!(collected.oddities.len(), 1, "{name}");
        assert!(refused.join(&name).exists(), "{name}");
    }
    assert_eq!(fs::read_dir(&refused).expect("a folder").count(), 100);
    assert_eq!(place.names(), [""; 0]);
}

fn pipe(path: &std::path::Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
}

#[test]
fn a_huge_file_costs_no_more_than_the_bound() {
    let place = Place::new();
    let path = place.path().join(format!("mail.001.{}", id(1)));
    let file = fs::File::create(path).expect("a file");
    file.set_len(1 << 40).expect("a hole");
    let bounds = Bounds { bytes: 100 };
    let collected = place
        .drop()
        .collect(&place.queue(), bounds, 0)
        .expect("collected");
    assert_eq!(collected.taken, [id(1)]);
    let queue = place.queue();
    assert_eq!(queue.read(id(1)).expect("a mail").len(), 100);
    assert!(queue.list().expect("a list")[0].progress.arrival.cut);
}

#[test]
fn a_mail_that_was_taken_and_not_removed_is_not_taken_twice() {
    let place = Place::new();
    place.leave(10, b"one");
    let name = mail_name(&place);
    let copy = fs::read(place.path().join(&name)).expect("a mail");
    place.collect(0);
    let queue = place.queue();
    let mut progress = queue.list().expect("a list")[0].progress.clone();
    progress.taken.insert("ops".to_owned());
    queue.record(id(10), &progress).expect("recorded");
    // As if the power had failed before the name was gone from the disk.
    fs::write(place.path().join(&name), copy).expect("a mail");
    place.collect(0);
    let queued = queue.list().expect("a list");
    assert_eq!((queued.len(), &queued[0].progress), (1, &progress));
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_full_queue_leaves_mails_where_they_are() {
    let place = Place::new();
    let queue = place.queue();
    for number in 0..999 {
        fs::write(queue.path().join(format!("{}.mail", id(number))), "").expect("a mail");
    }
    place.leave(2000, b"x");
    place.leave(3000, b"y");
    let collected = place.collect(0);
    assert_eq!((collected.taken, collected.left), (vec![id(2000)], 1));
    queue.remove(id(0)).expect("removed");
    assert_eq!(place.collect(0).taken, [id(3000)]);
}

#[test]
fn progress_is_kept_and_a_damaged_one_begins_anew() {
    let place = Place::new();
    let queue = place.queue();
    let mut progress = Progress::default();
    progress.taken.insert("a".to_owned());
    progress
        .recipients
        .insert("b".to_owned(), vec!["x@y".to_owned()]);
    progress.unanswered.insert("c".to_owned(), 2);
    let put = queue.put(id(1), &mut &b"mail"[..], &progress, Bounds::default());
    assert_eq!(put.expect("put"), 4);
    assert_eq!(queue.list().expect("a list")[0].progress, progress);
    fs::write(queue.path().join(format!("{}.json", id(1))), "{").expect("damaged");
    let written = fs::metadata(queue.path().join(format!("{}.mail", id(1)))).expect("a mail");
    let anew = Progress::begin(Arrival {
        timestamp: written.mtime(),
        ..Arrival::default()
    });
    assert_eq!(queue.list().expect("a list")[0].progress, anew);
}

#[test]
fn a_mail_that_is_given_up_is_kept_aside_and_the_oldest_makes_room() {
    let place = Place::new();
    let queue = place.queue();
    for number in 0..201 {
        let put = queue.put(
            id(number),
            &mut &b"mail"[..],
            &Progress::default(),
            Bounds::default(),
        );
        put.expect("put");
        queue.give_up(id(number)).expect("moved");
    }
    assert_eq!(queue.list().expect("a list"), []);
    let kept = fs::read_dir(queue.failed()).expect("a folder").count();
    assert_eq!(kept, 400, "200 mails, each with its progress");
    assert!(!queue.failed().join(format!("{}.mail", id(0))).exists());
    assert!(queue.failed().join(format!("{}.mail", id(200))).exists());
}

#[test]
fn only_one_empties_the_queue() {
    let place = Place::new();
    let queue = place.queue();
    let held = queue.lock().expect("free");
    let error = place.queue().lock().expect_err("held");
    assert_eq!(error.kind(), DropErrorKind::Busy, "{error}");
    drop(held);
    place.queue().lock().expect("free again");
}

#[test]
fn many_writers_at_once_take_a_place_each() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for writer in 0..8_u64 {
            let place = &place;
            scope.spawn(move || {
                for number in 0..20 {
                    place.leave(
                        1000 * writer + number,
                        format!("{writer} {number}").as_bytes(),
                    );
                }
            });
        }
    });
    let collected = place.collect(0);
    assert_eq!((collected.taken.len(), collected.left), (160, 0));
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_collection_that_is_over_leaves_the_rest_for_the_next() {
    let place = Place::new();
    let ids = [1, 2, 3].map(|number| place.leave(number, b"mail"));
    let queue = place.queue();
    let two_are_there = || queue.list().is_ok_and(|mails| mails.len() == 2);
    let collected =
        place
            .drop()
            .collect_until(&queue, Bounds::default(), MUCH_LATER, &two_are_there);
    let collected = collected.expect("collected");
    assert_eq!((&collected.taken[..], collected.left), (&ids[..2], 1));
    assert_eq!(place.collect(0).taken, ids[2..]);
}

/// A file that nobody may change, and a link to it at a place in the state folder.
fn bait(place: &Place, name: &str) -> PathBuf {
    let victim = place.folder.path().join("victim");
    fs::write(&victim, "precious").expect("room");
    let link = place.state().join(name);
    let _ = fs::remove_file(&link);
    symlink(&victim, link).expect("a link");
    victim
}

#[test]
fn no_link_in_the_state_folder_is_followed() {
    let place = Place::new();
    let notes = format!("{}.json", id(1));
    let names = [
        "mail/lock".to_owned(),
        "mail/seen.json".to_owned(),
        "mail/seen.json.temp".to_owned(),
        format!("mail/{}.temp", id(1)),
        format!("mail/{notes}"),
        format!("mail/{notes}.temp"),
    ];
    for name in &names {
        let queue = place.queue();
        let victim = bait(&place, name);
        assert_eq!(queue.lock().is_err(), name == "mail/lock", "{name}");
        fs::write(place.path().join("mail.t0000"), "").expect("a place");
        let _ = place.collect(0);
        let put = queue.put(
            id(1),
            &mut &b"mail"[..],
            &Progress::default(),
            Bounds::default(),
        );
        assert_eq!(put.expect("put"), 4, "{name}");
        queue.record(id(1), &Progress::default()).expect("noted");
        let kept = fs::read_to_string(&victim).expect("a file");
        assert_eq!(kept, "precious", "{name}");
        queue.remove(id(1)).expect("removed");
        let _ = fs::remove_file(place.state().join(name));
    }
}

#[test]
fn a_mail_that_is_a_link_or_has_a_second_name_is_not_read() {
    let place = Place::new();
    let queue = place.queue();
    let victim = bait(&place, &format!("mail/{}.mail", id(1)));
    fs::hard_link(victim, queue.path().join(format!("{}.mail", id(2)))).expect("a link");
    for number in [1, 2] {
        assert!(queue.read(id(number)).is_err(), "{number}");
    }
}

#[test]
fn a_folder_that_is_a_link_is_not_entered() {
    for name in ["mail", "mail/failed", "mail/refused"] {
        let place = Place::new();
        let _ = place.queue();
        fs::remove_dir_all(place.state().join(name)).expect("removed");
        let elsewhere = place.folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).expect("a folder");
        symlink(&elsewhere, place.state().join(name)).expect("a link");
        let error = Queue::open(&place.state()).expect_err("a link");
        assert_eq!(error.kind(), DropErrorKind::Io, "{name}");
        assert_eq!(fs::read_dir(elsewhere).expect("a folder").count(), 0);
    }
}
