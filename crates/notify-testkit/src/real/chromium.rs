//! Chromium without a screen: what a reader sees of an HTML mail.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use super::{PATIENCE, ask_until, folder, program, write};

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Of the window, in CSS pixels.
    pub width: u32,
    /// Of the window, in CSS pixels.
    pub height: u32,
    /// Whether the reader prefers a dark screen.
    pub dark: bool,
}

/// A browser. Each look at a page is a process and a profile of its own.
#[derive(Debug)]
pub struct Chromium {
    program: PathBuf,
    folder: TempDir,
}

impl Chromium {
    /// Finds it.
    ///
    /// # Panics
    /// When it is not installed.
    pub fn find() -> Self {
        Chromium {
            program: program("chromium"),
            folder: folder("notify-chromium-"),
        }
    }

    /// The document of a page as it is after its scripts ran.
    ///
    /// # Panics
    /// When the browser fails or takes longer than a minute.
    pub fn dom(&self, html: &str, view: View) -> String {
        // A window has a least width, which a small screen that it fills does not keep. A
        // picture needs no window.
        let screen = format!(
            "--ozone-override-screen-size={},{}",
            view.width, view.height
        );
        self.look(html, view, &["--dump-dom", "--start-fullscreen", &screen])
    }

    /// Writes a picture of the page to a PNG file.
    ///
    /// # Panics
    /// When the browser fails or takes longer than a minute.
    pub fn picture(&self, html: &str, view: View, png: &Path) {
        self.look(html, view, &[&format!("--screenshot={}", png.display())]);
        assert!(png.is_file(), "chromium wrote no {}", png.display());
    }

    /// What it prints.
    fn look(&self, html: &str, view: View, task: &[&str]) -> String {
        let profile = tempfile::tempdir_in(self.folder.path()).expect("the folder is ours");
        let page = profile.path().join("page.html");
        write(&page, html);
        let printed = profile.path().join("printed");
        let mut command = Command::new(&self.program);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--window-size={},{}", view.width, view.height))
            // What `prefers-color-scheme` says: 0 is dark, 1 is light.
            .arg(format!(
                "--blink-settings=preferredColorScheme={}",
                u8::from(!view.dark)
            ))
            .args(task)
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(File::create(&printed).expect("the folder is ours"))
            .stderr(Stdio::null());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("start {command:?}: {error}"));
        let ended = ask_until(Instant::now() + PATIENCE, || {
            child.try_wait().ok().flatten()
        });
        if ended.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let status = ended.unwrap_or_else(|| panic!("chromium does not end: {command:?}"));
        assert!(status.success(), "chromium: {status}");
        fs::read_to_string(&printed).expect("chromium prints UTF-8")
    }
}
