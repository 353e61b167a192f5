//! The pictures of HTML mails in the documentation. `cargo xtask screenshots` runs it.
//!
//! Takes the folder to write to; uses the program that `NOTIFY_BIN` names, and Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use notify_testkit::real::{Chromium, View};
use notify_tests::mails::{KINDS, case, html};

/// As high as any of the mails, so that all of each is seen.
const TALLEST: u32 = 2000;

fn main() {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.expect("the first argument is the folder to write to");
    let chromium = Chromium::find();
    for kind in KINDS {
        let html = html(kind, &case(kind));
        for (device, width) in [("desk", 800), ("phone", 390)] {
            for (scheme, dark) in [("light", false), ("dark", true)] {
                let height = height(&chromium, &html, width);
                let view = View {
                    width,
                    height,
                    dark,
                };
                let png = folder.join(format!("mail-{kind}-{device}-{scheme}.png"));
                chromium.picture(&html, view, &png);
                compress(&png);
                println!("{}", png.display());
            }
        }
    }
}

/// How high the page is at this width.
fn height(chromium: &Chromium, html: &str, width: u32) -> u32 {
    let script = "<script>document.title = document.body.firstElementChild.getBoundingClientRect().height</script></body>";
    let view = View {
        width,
        height: TALLEST,
        dark: false,
    };
    let dom = chromium.dom(&html.replace("</body>", script), view);
    let title = dom
        .split_once("<title>")
        .and_then(|(_, rest)| rest.split_once("</title>"));
    let height = title.and_then(|(title, _)| title.parse::<f64>().ok());
    height.expect("the script has run").ceil() as u32
}

/// Fewer colours, where pngquant is installed; it says so where it is not.
fn compress(png: &Path) {
    let status = Command::new("pngquant")
        .args([
            "--force",
            "--skip-if-larger",
            "--ext",
            ".png",
            "--quality",
            "70-95",
            "64",
        ])
        .arg(png)
        .status();
    if let Err(error) = status {
        eprintln!("pngquant: {error}; {} stays large", png.display());
    }
}
