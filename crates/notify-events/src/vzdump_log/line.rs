//! One line of a log of vzdump, and what it tells.

use chrono::NaiveDateTime;

/// What a line tells of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told<'l> {
    /// The job begins; its command line.
    JobBegins(&'l str),
    /// These guests are on other nodes.
    Elsewhere(Vec<u64>),
    /// The backup of a guest begins.
    GuestBegins(u64),
    /// The moment at which it began, on a clock on the wall.
    BeganAt(NaiveDateTime),
    /// The name of the guest.
    Name(&'l str),
    /// Where the backup goes to.
    Archive(&'l str),
    /// The size of the backup, in bytes.
    Size(u64),
    /// The size of what a backup server keeps, in bytes, as far as a line about progress tells.
    SizeSoFar(u64),
    /// The backup of a guest succeeded and took so many seconds.
    GuestEnds(u64, Option<u64>),
    /// The backup of a guest failed.
    GuestFails(u64),
    /// The moment at which a backup ended.
    EndedAt(NaiveDateTime),
    /// The job has ended, with errors or not.
    JobEnds { failed: bool },
    /// Something of the job as a whole went wrong.
    JobError(&'l str),
    /// Nothing that a report needs.
    Nothing,
}

/// How messages begin that only vzdump writes, beside those that tell of guests.
const CERTAIN: [&str; 4] = [
    "Backup job finished ",
    "Backup job failed - ",
    "trying to get global lock",
    "can't acquire lock '/var/run/vzdump.lock'",
];

/// Whether only vzdump writes such a line; others write `ERROR: `, too.
pub(super) fn is_certain(line: &str, told: &Told<'_>) -> bool {
    let of_backups = matches!(
        told,
        Told::JobBegins(_)
            | Told::Elsewhere(_)
            | Told::GuestBegins(_)
            | Told::GuestEnds(..)
            | Told::GuestFails(_)
            | Told::Archive(_)
    );
    of_backups || {
        let (level, message) = leveled(line);
        let is_vzdumps = CERTAIN.iter().any(|begin| message.starts_with(begin));
        is_vzdumps && !matches!(level, Level::None)
    }
}

/// The line without what a report or a system log puts before it, and what it tells.
pub(super) fn read(line: &str) -> (&str, Told<'_>) {
    let line = line.trim_end();
    let (level, message) = leveled(line);
    let told = match level {
        Level::Info => info(message),
        Level::Error => error(message),
        Level::TaskError if message == "job errors" => Told::JobEnds { failed: true },
        Level::TaskError => Told::JobError(message),
        Level::TaskOk => Told::JobEnds { failed: false },
        Level::None => Told::Nothing,
    };
    (without_number(line), told)
}

#[derive(Clone, Copy)]
enum Level {
    Info,
    Error,
    TaskError,
    TaskOk,
    None,
}

/// The level of a line and what follows it.
fn leveled(line: &str) -> (Level, &str) {
    const LEVELS: [(&str, Level); 5] = [
        ("INFO: ", Level::Info),
        ("TASK ERROR: ", Level::TaskError),
        ("TASK OK", Level::TaskOk),
        ("ERROR: ", Level::Error),
        ("WARN: ", Level::None),
    ];
    let found = LEVELS
        .iter()
        .filter_map(|(word, level)| Some((line.find(word)?, word, *level)))
        .min_by_key(|(at, ..)| *at);
    match found {
        Some((at, word, level)) if is_before_level(&line[..at]) => {
            (level, line[at + word.len()..].trim())
        }
        _ => (Level::None, line),
    }
}

/// Whether this can stand before a level: nothing, a guest's number, a time, or
/// the host and the program as a system log has them.
fn is_before_level(text: &str) -> bool {
    let is_time = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit() || b" -:.+TZ".contains(&byte))
    };
    is_time(text) || text.ends_with("]: ") || {
        // `100: Jan 08 01:00:00 `, in reports of older versions.
        let (month, rest) = without_number(text).split_once(' ').unwrap_or((text, "x"));
        month.len() == 3 && month.bytes().all(|byte| byte.is_ascii_alphabetic()) && is_time(rest)
    }
}

/// The line without `VMID: `.
fn without_number(line: &str) -> &str {
    match line.split_once(": ") {
        Some((number, rest)) if number.parse::<u64>().is_ok() => rest,
        _ => line,
    }
}

fn info(message: &str) -> Told<'_> {
    let after = |start: &str| message.strip_prefix(start).map(str::trim);
    if let Some(command) = after("starting new backup job: ") {
        return Told::JobBegins(command);
    }
    if let Some(list) = after("skip external VMs: ") {
        return Told::Elsewhere(
            list.split(',')
                .filter_map(|id| id.trim().parse().ok())
                .collect(),
        );
    }
    if let Some(vmid) = after("Starting Backup of VM ").and_then(first_number) {
        return Told::GuestBegins(vmid);
    }
    if let Some(rest) = after("Finished Backup of VM ")
        && let Some(vmid) = first_number(rest)
    {
        return Told::GuestEnds(
            vmid,
            rest.split_once('(').and_then(|(_, time)| duration(time)),
        );
    }
    if let Some(name) = after("VM Name: ").or_else(|| after("CT Name: ")) {
        return Told::Name(name);
    }
    if let Some(archive) = archive(message) {
        return Told::Archive(archive);
    }
    if let Some(at) = after("Backup started at ").and_then(moment) {
        return Told::BeganAt(at);
    }
    let ended = after("Backup finished at ").or_else(|| after("Failed at "));
    if let Some(at) = ended.and_then(moment) {
        return Told::EndedAt(at);
    }
    if let Some(size) = after("archive file size: ").and_then(size) {
        return Told::Size(size);
    }
    match message {
        "Backup job finished successfully" => Told::JobEnds { failed: false },
        "Backup job finished with errors" => Told::JobEnds { failed: true },
        _ => kept(message).map_or(Told::Nothing, Told::SizeSoFar),
    }
}

fn error(message: &str) -> Told<'_> {
    if let Some(rest) = message.strip_prefix("Backup of VM ")
        && rest.contains(" failed")
        && let Some(vmid) = first_number(rest)
    {
        return Told::GuestFails(vmid);
    }
    Told::JobError(
        message
            .strip_prefix("Backup job failed - ")
            .unwrap_or(message),
    )
}

/// `creating vzdump archive '…'`, `creating Proxmox Backup Server archive '…'`.
fn archive(message: &str) -> Option<&str> {
    let (_, quoted) = message.strip_prefix("creating ")?.split_once("archive '")?;
    quoted.strip_suffix('\'')
}

/// What a backup server keeps of a guest, which its client tells in passing:
/// `… dirty of 32.0 GiB total`, `100% (32.0 GiB of 32.0 GiB) in 3s`,
/// `root.pxar: had to backup 1 MiB of 1.2 GiB (compressed …)`.
fn kept(message: &str) -> Option<u64> {
    if let Some((_, total)) = message.split_once(" dirty of ") {
        return size(total.strip_suffix(" total")?);
    }
    if let Some((_, rest)) = message.split_once(": had to backup ") {
        let (_, total) = rest.split_once(" of ")?;
        return size(total.split(['(', ')']).next()?);
    }
    let rest = message.strip_prefix("100% (")?;
    let (progress, _) = rest.split_once(") in ")?;
    size(progress.split_once(" of ")?.1)
}

fn first_number(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

/// `HH:MM:SS)`, where the hours may be many.
fn duration(text: &str) -> Option<u64> {
    let mut parts = text
        .trim_end_matches(')')
        .rsplit(':')
        .map(str::parse::<u64>);
    let (seconds, minutes, hours) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = hours.ok()?.checked_mul(3600)?;
    whole
        .checked_add(minutes.ok()?.checked_mul(60)?)?
        .checked_add(seconds.ok()?)
}

fn moment(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").ok()
}

/// `430.75MB`, `1.2 GiB`, `512 B`: units of 1,024 whatever they are called, as vzdump means them.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let power = match text[end..].trim() {
        "" | "B" => 0,
        "KB" | "KiB" | "K" => 1,
        "MB" | "MiB" | "M" => 2,
        "GB" | "GiB" | "G" => 3,
        "TB" | "TiB" | "T" => 4,
        _ => return None,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "digits and a point are not negative, and `as` saturates"
    )]
    let bytes = (number * 1024_f64.powi(power)).round() as u64;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Told, read, size};

    fn check(line: &str, expected: &Told<'_>) {
        assert_eq!(read(line).1, *expected, "{line}");
    }

    #[test]
    fn what_stands_before_the_level_does_not_matter() {
        for before in [
            "",
            "100: ",
            "2024-01-08 01:00:00 ",
            "100: 2024-01-08 01:00:00 ",
            "2024-01-08T01:00:00+0100 ",
            "100: Jan 08 01:00:00 ",
            "Jan 08 01:00:00 pve1 vzdump[123]: ",
        ] {
            let line = format!("{before}INFO: VM Name: web");
            check(&line, &Told::Name("web"));
        }
        // A guest may print what it likes.
        check("100: echo INFO: VM Name: web", &Told::Nothing);
        check("WARN: INFO: VM Name: web", &Told::Nothing);
    }

    #[test]
    fn lines_are_shown_without_the_number_of_the_guest() {
        assert_eq!(
            read("100: 2024-01-08 01:00:00 INFO: a").0,
            "2024-01-08 01:00:00 INFO: a"
        );
        assert_eq!(read("INFO: 100: a").0, "INFO: 100: a");
    }

    #[test]
    fn each_line_tells_one_thing() {
        check(
            "INFO: starting new backup job: vzdump 100 --mode stop",
            &Told::JobBegins("vzdump 100 --mode stop"),
        );
        check(
            "INFO: skip external VMs: 103, 104",
            &Told::Elsewhere(vec![103, 104]),
        );
        check(
            "INFO: Starting Backup of VM 100 (qemu)",
            &Told::GuestBegins(100),
        );
        check(
            "INFO: Finished Backup of VM 100 (26:00:11)",
            &Told::GuestEnds(100, Some(93611)),
        );
        check(
            "INFO: Finished Backup of VM 100",
            &Told::GuestEnds(100, None),
        );
        check(
            "ERROR: Backup of VM 101 failed - no space",
            &Told::GuestFails(101),
        );
        check(
            "ERROR: Backup job failed - interrupted",
            &Told::JobError("interrupted"),
        );
        check("ERROR: got timeout", &Told::JobError("got timeout"));
        check("TASK ERROR: job errors", &Told::JobEnds { failed: true });
        check(
            "TASK ERROR: no such storage",
            &Told::JobError("no such storage"),
        );
        check("TASK OK", &Told::JobEnds { failed: false });
        check(
            "INFO: creating vzdump archive '/a b.vma'",
            &Told::Archive("/a b.vma"),
        );
        check(
            "INFO: creating Proxmox Backup Server archive 'vm/100/2024-01-08T00:00:02Z'",
            &Told::Archive("vm/100/2024-01-08T00:00:02Z"),
        );
        check("INFO: creating vzdump archive", &Told::Nothing);
        check("INFO: archive file size: 1.5KB", &Told::Size(1536));
        check(
            "INFO: 100% (2.0 GiB of 2.0 GiB) in 3s, read: 1 B/s",
            &Told::SizeSoFar(2 << 30),
        );
        check(
            "INFO: using fast incremental mode (dirty-bitmap), 2.1 GiB dirty of 32.0 GiB total",
            &Told::SizeSoFar(32 << 30),
        );
        check(
            "INFO: root.pxar: had to backup 12.5 MiB of 1.5 GiB (compressed 3.1 MiB) in 5.06 s",
            &Told::SizeSoFar(3 << 29),
        );
    }

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, bytes) in [
            ("0B", Some(0)),
            ("512 B", Some(512)),
            ("1KB", Some(1024)),
            ("430.75MB", Some(451_674_112)),
            ("1.5 GiB", Some(1_610_612_736)),
            ("2TB", Some(1 << 41)),
            ("7", Some(7)),
            ("", None),
            ("MB", None),
            ("1.2.3MB", None),
            ("1 XB", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }
}
