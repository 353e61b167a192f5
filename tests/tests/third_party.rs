//! A target from outside: built in a workspace of its own, and known to every command.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};

use notify_tests::{Notify, Run};
use serde_json::Value;

const TOKEN: &str = "correct-horse";

/// The stranger's workspace, in a folder that is not ours.
struct Outside {
    root: PathBuf,
    /// That of our workspace: libraries that both need are built once.
    target: PathBuf,
}

impl Outside {
    fn make() -> Self {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let ours = ours.canonicalize().expect("the workspace");
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let outside = Outside {
            root: temporary.join("third-party"),
            target: temporary
                .parent()
                .expect("it is in the target folder")
                .to_owned(),
        };
        if outside.root.exists() {
            fs::remove_dir_all(&outside.root).expect("an old copy");
        }
        let crates = format!("{}/crates/", ours.display());
        copy(&ours.join("tests/third_party"), &outside.root, &crates);
        // The same versions as ours, so that no registry is asked.
        fs::copy(ours.join("Cargo.lock"), outside.root.join("Cargo.lock")).expect("a lock file");
        outside
    }

    fn cargo(&self, words: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(words)
            .arg("--offline")
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        // Build scripts look at what is told of the package of this test, and would run again.
        for (name, _) in std::env::vars_os() {
            let is_of_a_package = ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|start| name.to_string_lossy().starts_with(start));
            if is_of_a_package {
                command.env_remove(name);
            }
        }
        Run::of(command, b"").expect_code(0)
    }

    /// The program with the stranger's target.
    fn program(&self) -> PathBuf {
        let built = self.cargo(&["build", "--message-format=json", "-p", "notify-with-echo"]);
        let messages = built.json_lines();
        let mut programs = messages
            .iter()
            .filter_map(|line| line["executable"].as_str());
        PathBuf::from(programs.next().expect("a program is built"))
    }
}

/// Copies sources with their times, by which cargo knows what has changed; paths to our crates are made absolute.
fn copy(from: &Path, to: &Path, crates: &str) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("it has a name");
        if name == "target" || name == "Cargo.lock" {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(name), crates);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source");
        let copied = to.join(name);
        fs::write(&copied, text.replace("../../../crates/", crates)).expect("a copy");
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let file = fs::File::options().write(true).open(&copied);
        file.and_then(|file| file.set_modified(modified?))
            .expect("the time of a file");
    }
}

/// A server that the stranger's target speaks to. It takes what has the right token.
struct Wall {
    socket: PathBuf,
    arrived: Receiver<Value>,
}

impl Wall {
    fn start(folder: &Path) -> Self {
        let socket = folder.join("echo.sock");
        let listener = UnixListener::bind(&socket).expect("a new socket");
        let (sender, arrived) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(&stream, &sender);
            }
        });
        Wall { socket, arrived }
    }

    fn arrived(&self) -> Vec<Value> {
        self.arrived.try_iter().collect()
    }
}

fn serve(mut stream: &UnixStream, arrived: &Sender<Value>) -> std::io::Result<()> {
    stream.write_all(b"echo 1\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let message: Value = serde_json::from_str(&line)?;
    if message["token"] != TOKEN {
        return stream.write_all(b"token\n");
    }
    // Before the answer, so that who has the answer finds it here.
    arrived.send(message).map_err(std::io::Error::other)?;
    stream.write_all(b"ok 17\n")
}

#[test]
fn a_stranger_adds_a_target() {
    let outside = Outside::make();
    obeys_the_laws(&outside);
    let notify = Notify::new().of_program(&outside.program());
    is_listed(&notify);
    describes_itself(&notify);
    let wall = Wall::start(notify.scratch());
    is_added(&notify, &wall);
    is_checked(&notify);
    takes_tests_and_events(&notify, &wall);
    gets_what_fits(&notify, &wall);
    fails_by_its_own_words(&notify, &wall);
}

fn obeys_the_laws(outside: &Outside) {
    let run = outside.cargo(&["test", "-p", "target-echo"]);
    assert!(
        run.stdout.contains("test echo_obeys_the_laws ... ok"),
        "{}",
        run.stdout
    );
}

/// With exactly the targets that its `main.rs` names.
fn is_listed(notify: &Notify) {
    let version = notify.run(&["--version", "--verbose"]).expect_code(0);
    let (_, types) = version
        .stdout
        .split_once("target types:\n")
        .expect("a list");
    assert_eq!(types, "  echo    Echo\n  gotify  Gotify\n");
    let help = notify
        .run(&["target", "add", "--help"])
        .expect_code(0)
        .stdout;
    assert!(help.contains("`notify target add echo --help`"), "{help}");
    let flags = notify
        .run(&["target", "add", "echo", "--help"])
        .expect_code(0)
        .stdout;
    for part in [
        "--socket <TEXT>",
        "--token-file <FILE>",
        "Absolute path of the server's socket.",
    ] {
        assert!(flags.contains(part), "{part}: {flags}");
    }
    assert!(!flags.contains("--server"), "{flags}");
}

fn describes_itself(notify: &Notify) {
    let manual = notify.run(&["manual", "echo"]).expect_code(0).stdout;
    for part in [
        "# echo\n",
        "A wall has no recipients",
        "- `socket`: Text of 1 to 100 characters; required.",
    ] {
        assert!(manual.contains(part), "{part}: {manual}");
    }
    let page = notify
        .run(&["manual", "echo", "--man"])
        .expect_code(0)
        .stdout;
    assert!(page.contains(".TH \"NOTIFY\\-ECHO\" 7"), "{page}");
    let schema = notify.run(&["schema", "echo"]).expect_code(0).json();
    assert_eq!(schema["properties"]["socket"]["maxLength"], 100);
    assert_eq!(schema["properties"]["token"]["writeOnly"], true);
    let whole = notify.run(&["schema"]).expect_code(0).json();
    assert!(
        whole["$defs"]["echo"].is_object() && whole["$defs"]["smtp"].is_null(),
        "{whole}"
    );
}

fn is_added(notify: &Notify, wall: &Wall) {
    let socket = wall.socket.to_str().expect("a path in UTF-8");
    let words = [
        "target",
        "add",
        "echo",
        "wall",
        "--socket",
        socket,
        "--token-file",
        "-",
    ];
    let _ = notify.run_with(&words, TOKEN.as_bytes()).expect_code(0);
    let public = notify.read("notifications.cfg");
    assert!(
        public.contains(&format!("echo: wall\n\tsocket {socket}\n")),
        "{public}"
    );
    assert_eq!(
        notify.read("priv/notifications.cfg"),
        format!("echo: wall\n\ttoken {TOKEN}\n")
    );
    let words = [
        "target",
        "add",
        "echo",
        "bad",
        "--socket",
        "relative",
        "--token-file",
        "-",
    ];
    notify
        .run_with(&words, TOKEN.as_bytes())
        .expect_code(2)
        .expect_error_line(&["property `socket`: not an absolute path: `relative`"]);
    let shown = notify.run(&["config", "show"]).expect_code(0).stdout;
    assert!(
        shown.contains("echo: wall\n") && !shown.contains(TOKEN),
        "{shown}"
    );
}

/// The stranger's own words, at the place of the line.
fn is_checked(notify: &Notify) {
    // There is no sendmail in this program, so nothing for the built-in matcher to choose.
    let words = ["matcher", "set", "default-matcher", "--target", "wall"];
    let _ = notify.run(&words).expect_code(0);
    let check = notify.run(&["check"]).expect_code(0);
    assert!(!check.stdout.contains("error"), "{}", check.stdout);
    let pve = notify
        .run(&["check", "--pve", "--json"])
        .expect_code(1)
        .json();
    let of_type = |fault: &&Value| fault["section"] == "echo `wall`" || fault["section"] == "wall";
    assert!(
        pve.as_array()
            .expect("a list")
            .iter()
            .any(|fault| of_type(&fault)),
        "{pve}"
    );
    let other = Notify::new()
        .of_program(&notify.program())
        .file("notifications.cfg", "echo: bad\n\tsocket relative\n")
        .file("priv/notifications.cfg", "echo: bad\n\ttoken change-me\n");
    let check = other.run(&["check"]).expect_code(1).stdout;
    for line in [
        "notifications.cfg:2:2: error: echo `bad`: property `socket`: not an absolute path: `relative`",
        "priv/notifications.cfg:2:2: error: echo `bad`: property `token`: still that of the server's example",
    ] {
        assert!(check.contains(line), "{line}: {check}");
    }
}

fn takes_tests_and_events(notify: &Notify, wall: &Wall) {
    let tested = notify.run(&["test", "wall"]).expect_code(0);
    assert_eq!(tested.stdout, "delivered wall (echo): 17\n");
    assert_eq!(wall.arrived().len(), 1);
    let words = [
        "send",
        "--severity",
        "error",
        "--title",
        "Disk full",
        "--message",
        "sda\n",
        "--json",
    ];
    let sent = notify.run(&words).expect_code(0).json();
    assert_eq!(sent["targets"][0]["type"], "echo");
    assert_eq!(sent["targets"][0]["state"], "delivered");
    let [message] = &wall.arrived()[..] else {
        panic!("one message arrives");
    };
    assert_eq!(message["title"], "Disk full");
    assert_eq!(message["text"], "sda\n");
    assert_eq!(message["severity"], "error");
}

/// The engine keeps to the limits that the stranger stated.
fn gets_what_fits(notify: &Notify, wall: &Wall) {
    let long = "A line of a long report.\n".repeat(400);
    let words = ["send", "--title", "Report", "--message-file", "-"];
    let _ = notify.run_with(&words, long.as_bytes()).expect_code(0);
    let [message] = &wall.arrived()[..] else {
        panic!("one message arrives");
    };
    let text = message["text"].as_str().expect("a text");
    let length = text.chars().count();
    assert!((2000..=4000).contains(&length), "{length}: {text}");
    assert!(text.starts_with("A line of a long report.\n"), "{text}");
}

fn fails_by_its_own_words(notify: &Notify, wall: &Wall) {
    let words = ["target", "set", "wall", "--token-file", "-"];
    let _ = notify.run_with(&words, b"wrong-horse").expect_code(0);
    let run = notify.run(&["send", "--title", "x"]).expect_code(1);
    let said = run.stdout + &run.stderr;
    assert!(said.contains("does not know the token"), "{said}");
    assert!(
        !said.contains("wrong-horse") && wall.arrived().is_empty(),
        "{said}"
    );
}
