//! `docs/examples/vzdump-hook`: called as vzdump calls it, it sends the report of the job.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use notify_testkit::gotify;
use notify_tests::sections::{all_to, gotify as gotify_section, token};
use notify_tests::{Call, Notify, Run, Sendmail};
use serde_json::{Value, json};

const TOKEN: &str = "A.test-token";

/// An instance with the hook beside it, a recorder in place of sendmail, and a Gotify server.
struct Node {
    sendmail: Sendmail,
    push: gotify::Server,
    notify: Notify,
}

impl Node {
    /// The hook tells the program these options.
    fn with(options: &str) -> Self {
        Node::around(Sendmail::taking(), options)
    }

    fn around(sendmail: Sendmail, options: &str) -> Self {
        let push = gotify::Server::start(gotify::Options::token(TOKEN));
        let notify = Notify::new()
            .routing(&(gotify_section("push", &push.url()) + &all_to(&["push"])))
            .file("priv/notifications.cfg", token("push", TOKEN))
            .file(
                "jobs.cfg",
                "vzdump: nightly\n\tmailto a@x.org\n\tmailnotification failure\n",
            );
        let node = Node {
            notify: sendmail.installed(notify),
            sendmail,
            push,
        };
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        std::fs::copy(workspace.join("docs/examples/vzdump-hook"), node.hook()).expect("a copy");
        node.configure(options);
        std::fs::create_dir(node.path("dump")).expect("a new folder");
        node
    }

    /// Writes the file beside the hook. vzdump empties the environment, so what the program needs stands in it.
    fn configure(&self, options: &str) {
        let program = std::path::absolute(notify_tests::program()).expect("a path");
        let mut text = format!(
            "options='{options}'\nnotify={}\nstate={}\nlogs={}\nunsent={}\n",
            program.display(),
            self.path("state-of-hook").display(),
            self.path("dump").display(),
            self.path("unsent").display()
        );
        for (name, value) in self.notify.command(&[]).get_envs() {
            if let (Some(name), Some(value)) =
                (name.to_str(), value.and_then(|value| value.to_str()))
            {
                text.push_str(&format!("export {name}='{value}'\n"));
            }
        }
        std::fs::write(self.path("vzdump-hook.conf"), text).expect("a file of ours");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.notify.scratch().join(name)
    }

    fn hook(&self) -> PathBuf {
        self.path("vzdump-hook")
    }

    /// Plays vzdump with these guests.
    fn vzdump(&self, storage: &str, guests: &[&str]) -> Run {
        let player = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/programs/vzdump");
        let mut command = Command::new(player);
        command.arg(self.hook()).arg(storage).arg(self.path("dump"));
        command.args(guests);
        Run::of(command, b"")
    }

    /// Makes the hook's clock show these seconds.
    fn set_clock(&self, seconds: u64) {
        let folder = self.path("clock");
        std::fs::create_dir_all(&folder).expect("a new folder");
        let date = folder.join("date");
        std::fs::write(&date, format!("#!/bin/sh\necho {seconds}\n")).expect("a file of ours");
        std::fs::set_permissions(&date, std::fs::Permissions::from_mode(0o755)).expect("ours");
        self.set(&format!("PATH={}:$PATH", folder.display()));
    }

    /// Adds a line to the settings.
    fn set(&self, line: &str) {
        let path = self.path("vzdump-hook.conf");
        let text = std::fs::read_to_string(&path).expect("a file of ours");
        std::fs::write(&path, format!("{text}{line}\n")).expect("a file of ours");
    }

    /// The names of the reports in a folder.
    fn kept(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("readable").file_name())
            .map(|name| name.into_string().expect("letters"))
            .collect();
        names.sort();
        names
    }

    /// Calls the hook for a job of one guest with this log.
    fn job_with_log(&self, log: &[u8]) {
        let path = self.path("dump/long.log");
        std::fs::write(&path, log).expect("a file of ours");
        for words in [
            &["job-start"][..],
            &["backup-start", "stop", "100"],
            &["backup-abort", "stop", "100"],
            &["log-end", "stop", "100"],
            &["job-end"],
        ] {
            let mut command = Command::new(self.hook());
            command.env_clear().env("LOGFILE", &path).args(words);
            let _ = Run::of(command, b"").expect_code(0);
        }
    }

    /// Calls the hook once, in an empty environment.
    fn call(&self, words: &[&str]) -> Run {
        let mut command = Command::new(self.hook());
        command.env_clear().args(words);
        Run::of(command, b"")
    }

    /// Legacy mails and events.
    fn arrived(&self) -> (usize, usize) {
        (self.sendmail.calls().len(), self.push.messages().len())
    }

    /// The text that arrived at the Gotify server, of which there is one.
    fn message(&self) -> (String, String) {
        let messages = self.push.messages();
        assert_eq!(messages.len(), 1);
        (messages[0].title.clone(), messages[0].message.clone())
    }
}

#[track_caller]
fn check_lines(text: &str, lines: &[&[&str]]) {
    for words in lines {
        let has = |line: &str| words.iter().all(|word| line.contains(word));
        assert!(text.lines().any(has), "no line has {words:?}\n{text}");
    }
}

#[test]
fn every_guest_is_in_the_report_of_a_job() {
    check_every_guest(&Node::with("--job nightly --mode notification-system"));
}

#[test]
fn bash_reads_the_hook_as_well() {
    let node = Node::with("--job nightly --mode notification-system");
    let text = std::fs::read_to_string(node.hook()).expect("the hook");
    let text = text.replacen("#!/bin/sh", "#!/bin/bash", 1);
    std::fs::write(node.hook(), text).expect("a file of ours");
    check_every_guest(&node);
}

#[track_caller]
fn check_every_guest(node: &Node) {
    let guests = [
        "100:qemu:web:ok",
        "101:lxc:db \"one\" ü:fail",
        "102:qemu::gone",
    ];
    let run = node.vzdump("local", &guests).expect_code(0);
    check_lines(
        &run.stdout,
        &[&["notification-system: "], &["delivered push (gotify)"]],
    );
    let (title, text) = node.message();
    assert!(title.trim_end().ends_with("): backup failed"), "{title}");
    check_lines(
        &text,
        &[
            &["VMID", "Name", "Status", "Time", "Size", "Filename"],
            &["100", "web", "ok", "11 B", "vzdump-qemu-100.vma.zst"],
            &["101", "db \"one\" ü", "err"],
            &["102", "VM 102", "err"],
            &["Total size: 11 B"],
            &["100: ", "Starting Backup of VM 100 (qemu)"],
            &["100: ", "creating archive \"web\" \\ caf"],
            &[
                "101: ",
                "ERROR: Backup of VM 101 failed - no space left on device",
            ],
            &["102: no log available"],
        ],
    );
    assert!(!text.contains("status: 12%"), "{text}");
    assert!(!node.path("state-of-hook").exists(), "nothing stays");
}

#[test]
fn the_options_of_the_job_decide() {
    let node = Node::with("--job nightly");
    let run = node.vzdump("local", &["100:qemu:web:ok"]).expect_code(0);
    check_lines(&run.stdout, &[&["nothing was sent: ", "nothing failed"]]);
    assert_eq!(node.arrived(), (0, 0));
    let _ = node.vzdump("local", &["100:qemu:web:fail"]).expect_code(0);
    assert_eq!(node.arrived(), (1, 0));
    let call = &node.sendmail.calls()[0];
    assert_eq!(call.recipients(), ["a@x.org"]);
    assert!(
        call.mail
            .contains("\nFrom: \"vzdump backup tool\" <root>\n"),
        "{}",
        call.mail
    );
}

#[test]
fn a_backup_server_has_no_files_and_its_logs_are_found_all_the_same() {
    let node = Node::with("");
    let _ = node
        .vzdump("pbs", &["100:qemu:web:ok", "101:lxc:db:ok"])
        .expect_code(0);
    let (title, text) = node.message();
    assert!(
        title.trim_end().ends_with("): backup successful"),
        "{title}"
    );
    check_lines(
        &text,
        &[
            &["100", "web", "ok", "vm/100/2024-01-08T00:00:02Z"],
            &["101", "db", "ok"],
            &["101: ", "Starting Backup of VM 101 (lxc)"],
        ],
    );
}

#[test]
fn a_job_that_is_aborted_is_told_with_the_guests_so_far() {
    for (end, log) in [
        ("signal", "101: 2024-01-08 01:00:18 ERROR"),
        ("killed", "101: no log available"),
    ] {
        let node = Node::with("");
        let guests = [
            "100:qemu:web:ok",
            &format!("101:qemu:db:{end}"),
            "102:qemu:never:ok",
        ];
        let _ = node.vzdump("local", &guests).expect_code(1);
        let (title, text) = node.message();
        assert!(
            title
                .trim_end()
                .ends_with("backup failed: the job was aborted"),
            "{title}"
        );
        check_lines(
            &text,
            &[&["100", "web", "ok"], &["101", "db", "err"], &[log]],
        );
        assert!(!text.contains("never"), "{text}");
    }
}

#[test]
fn a_job_that_dies_before_its_first_guest_is_told() {
    let node = Node::with("");
    let _ = node.call(&["job-abort"]).expect_code(0);
    let (title, _) = node.message();
    assert!(
        title
            .trim_end()
            .ends_with("backup failed: the job was aborted"),
        "{title}"
    );
}

#[test]
fn what_a_job_left_behind_does_not_get_into_the_next_report() {
    let node = Node::with("");
    for words in [&["job-start"][..], &["backup-start", "snapshot", "999"]] {
        let _ = node.call(words).expect_code(0);
    }
    let _ = node.vzdump("local", &["100:qemu:web:ok"]).expect_code(0);
    let (_, text) = node.message();
    assert!(!text.contains("999"), "{text}");
}

#[test]
fn a_report_that_is_not_taken_stays_and_is_sent_after_the_next_job() {
    let node = Node::around(Sendmail::exiting(75), "--mailto a@x.org");
    for (clock, name) in [(1_704_697_200, "one"), (1_704_697_200, "two")] {
        node.set_clock(clock);
        let run = node
            .vzdump("local", &[&format!("100:qemu:{name}:fail")])
            .expect_code(0);
        check_lines(
            &run.stdout,
            &[
                &["vzdump-hook: the report was not sent: exit code 75"],
                &["vzdump-hook: it stays in ", "/unsent/unsent-"],
            ],
        );
    }
    // The second is of the same second, and does not take the place of the first.
    let names = ["unsent-1704697200.json", "unsent-1704697201.json"];
    assert_eq!(node.kept("unsent"), names);
    let kept = std::fs::read(node.path("unsent").join(names[0])).expect("it stays");
    let data: Value = serde_json::from_slice(&kept).expect("JSON");
    assert_eq!(data["error"], Value::Null);
    assert_eq!(data["guest-table"][0]["name"], "one");
    assert_eq!(data["guest-table"][0]["status"], "err");
    // The server is back.
    let later = Sendmail::taking();
    let program = later.installed(Notify::new());
    for (name, value) in program.command(&[]).get_envs() {
        if let (Some(name), Some(value)) = (name.to_str(), value)
            && name.ends_with("SENDMAIL")
        {
            node.set(&format!("export {name}='{}'", value.display()));
        }
    }
    let _ = node.vzdump("local", &["100:qemu:three:ok"]).expect_code(0);
    let calls = later.calls();
    assert_eq!(calls.len(), 3);
    for name in ["one", "two", "three"] {
        let has = |call: &&Call| call.mail.contains(&format!(" {name} "));
        assert_eq!(calls.iter().filter(has).count(), 1, "{name}");
    }
    assert!(node.kept("unsent").is_empty());
}

#[test]
fn a_report_that_someone_may_have_is_left_to_a_person() {
    let node = Node::around(Sendmail::exiting(67), "--mailto a@x.org");
    node.set_clock(1_704_697_200);
    let guest = ["100:qemu:web:fail"];
    let _ = node.vzdump("local", &guest).expect_code(0);
    let names = ["unsent-1704697200-exit-1.json"];
    assert_eq!(node.kept("unsent"), names);
    node.configure("--mailto '' --mode legacy-sendmail");
    let before = node.sendmail.calls().len();
    let _ = node.vzdump("local", &guest).expect_code(0);
    assert_eq!(node.sendmail.calls().len(), before);
    assert!(node.kept("unsent").contains(&names[0].to_owned()));
}

#[test]
fn a_report_stays_where_the_folder_for_it_cannot_be_written() {
    let node = Node::around(Sendmail::exiting(75), "--mailto a@x.org");
    node.set_clock(1_704_697_200);
    node.set("unsent=/dev/null/unsent");
    for _ in 0..2 {
        let _ = node.vzdump("local", &["100:qemu:web:fail"]).expect_code(0);
    }
    let names = ["unsent-1704697200.json", "unsent-1704697201.json"];
    assert_eq!(node.kept("state-of-hook.unsent"), names);
}

#[test]
fn a_report_whose_hook_was_killed_stays() {
    let node = Node::with("");
    node.set_clock(1_704_697_200);
    let _ = node.call(&["job-start"]).expect_code(0);
    std::fs::write(node.path("state-of-hook/report.json"), "{}").expect("a file of ours");
    let run = node.call(&["job-start"]).expect_code(0);
    check_lines(&run.stdout, &[&["its hook was killed"]]);
    let names = ["unsent-1704697200-exit-killed.json"];
    assert_eq!(node.kept("unsent"), names);
}

#[test]
fn a_clock_that_steps_back_costs_no_report() {
    let node = Node::with("");
    node.set_clock(1_704_697_200);
    for words in [&["job-start"][..], &["backup-start", "stop", "100"]] {
        let _ = node.call(words).expect_code(0);
    }
    node.set_clock(1_704_693_600);
    for words in [
        &["backup-end", "stop", "100"][..],
        &["log-end", "stop", "100"],
        &["job-end"],
    ] {
        let _ = node.call(words).expect_code(0);
    }
    let (_, text) = node.message();
    check_lines(&text, &[&["100", "ok", "0s"], &["Total running time: 0s"]]);
}

#[test]
fn logs_begin_with_the_command_line() {
    let node = Node::with("");
    let _ = node
        .vzdump("local", &["100:qemu:web:ok", "101:lxc:db:ok"])
        .expect_code(0);
    let (_, text) = node.message();
    assert!(
        text.contains("\nvzdump 100 101 --storage local\n\n100: "),
        "{text}"
    );
}

#[test]
fn only_what_is_sent_of_a_log_counts() {
    // Much of it is not sent: progress, control characters, and what is no UTF-8, not even
    // where iconv thinks that it is.
    let noise = [
        b"2024-01-08 01:00:02 INFO: status: 12% (1 of 2)\n".repeat(30_000),
        [b"\x01\xff\xf4\x90\x80\x80".repeat(300_000), b"\n".to_vec()].concat(),
    ];
    for noise in noise {
        let node = Node::with("");
        let log = [&noise[..], b"ERROR: no space left on device\n"].concat();
        node.job_with_log(&log);
        let (_, text) = node.message();
        check_lines(&text, &[&["100: ERROR: no space left on device"]]);
    }
}

#[test]
fn a_log_that_is_cut_within_a_character_is_too_long_all_the_same() {
    for first in ["", "a", "ab", "abc"] {
        let node = Node::with("");
        let log = format!("{first}{}\nERROR: no space\n", "\u{1f600}".repeat(262_200));
        node.job_with_log(log.as_bytes());
        let (title, text) = node.message();
        assert!(title.trim_end().ends_with("): backup failed"), "{title}");
        check_lines(&text, &[&["logs", "1 MiB"]]);
    }
}

#[test]
fn no_fault_of_the_hook_fails_a_backup() {
    let node = Node::with("");
    for words in [
        &["job-init"][..],
        &["nonsense"],
        &[],
        &["backup-end", "snapshot", "../x"],
        &["log-end"],
    ] {
        let _ = node.call(words).expect_code(0);
    }
    assert!(!node.path("x").exists());
    // Settings that are no shell, and a program that is not there.
    for settings in [
        "options=(\n",
        "notify=/nonexistent\nstate=/nonexistent\u{0}\n",
        "exit 7\n",
    ] {
        std::fs::write(node.path("vzdump-hook.conf"), settings).expect("a file of ours");
        let _ = node.call(&["nonsense"]).expect_code(0);
    }
    node.configure("--no-such-option");
    let run = node.vzdump("local", &["100:qemu:web:ok"]).expect_code(0);
    check_lines(&run.stdout, &[&["the report was not sent: exit code 2"]]);
}

#[test]
fn long_logs_are_replaced_by_a_sentence() {
    let node = Node::with("");
    let log = node.path("dump/long.log");
    std::fs::write(&log, "2024-01-08 01:00:02 INFO: ü\n".repeat(100_000)).expect("a file of ours");
    let environment = [
        ("VMTYPE", "qemu".into()),
        ("LOGFILE", log.clone().into_os_string()),
    ];
    for words in [
        &["job-start"][..],
        &["backup-start", "stop", "100"],
        &["backup-end", "stop", "100"],
        &["log-end", "stop", "100"],
        &["job-end"],
    ] {
        let mut command = Command::new(node.hook());
        command.env_clear().envs(environment.clone()).args(words);
        let _ = Run::of(command, b"").expect_code(0);
    }
    let (title, text) = node.message();
    assert!(
        title.trim_end().ends_with("): backup successful"),
        "{title}"
    );
    assert!(text.len() < 2000, "{} bytes", text.len());
    check_lines(&text, &[&["logs", "1 MiB"]]);
}

#[test]
fn results_are_for_their_owner_alone() {
    let node = Node::with("");
    for words in [&["job-start"][..], &["backup-start", "snapshot", "100"]] {
        let _ = node.call(words).expect_code(0);
    }
    let state = node.path("state-of-hook");
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&state), mode(&state.join("order"))), (0o700, 0o600));
    let order = std::fs::read_to_string(state.join("order")).expect("readable");
    assert_eq!(json!(order), json!("100\n"));
}
