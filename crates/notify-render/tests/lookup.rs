//! Which template is used: overrides, a vendor's, those built in; and what is said of those passed over.

use std::fs;
use std::path::Path;

use notify_core::{FailureKind, Message as _, TemplateSet, Zone};
use notify_render::{Part, Templates};
use notify_schema::Fault;
use serde_json::json;

static BUILT_IN: TemplateSet = TemplateSet::new("case", "built in", "text <built in>\n");

/// A configuration folder with overrides, and a vendor's folder.
struct Folders {
    root: tempfile::TempDir,
    templates: Templates,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let overrides = root.path().join("etc/notification-templates/default");
        let vendor = root.path().join("vendor");
        for folder in [&overrides, &vendor] {
            fs::create_dir_all(folder).expect("a folder");
        }
        Folders {
            templates: Templates::new([&BUILT_IN]).with_folders(Some(overrides), Some(vendor)),
            root,
        }
    }

    fn put(&self, path: &str, text: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(path), text).expect("a file");
        self
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        match path.strip_prefix("override/") {
            Some(name) => self
                .root
                .path()
                .join("etc/notification-templates/default")
                .join(name),
            None => self.root.path().join(path),
        }
    }

    /// The part, or the failure; then the faults, with the root folder left out.
    fn check(&self, part: Part, expected: &str, faults: &[&str]) {
        let message = self
            .templates
            .message("case", json!({"x": "<x>"}), Zone::Local);
        match message.part(part) {
            Ok(text) => assert_eq!(text, expected),
            Err(failure) => {
                assert_eq!(failure.kind(), FailureKind::Misconfigured);
                assert_eq!(shown(failure.detail(), self.root.path()), expected);
            }
        }
        assert_eq!(lines(&message.faults(), self.root.path()), faults);
    }
}

fn lines(faults: &[Fault], root: &Path) -> Vec<String> {
    faults
        .iter()
        .map(|fault| shown(&fault.to_string(), root))
        .collect()
}

fn shown(text: &str, root: &Path) -> String {
    text.replace(&*root.to_string_lossy(), "ROOT")
}

#[test]
fn overrides_come_before_the_vendor_before_what_is_built_in() {
    let folders = Folders::new();
    folders.check(Part::Subject, "built in", &[]);
    folders.put("vendor/case-subject.txt.hbs", "vendor {{x}}\n");
    folders.check(Part::Subject, "vendor <x> ", &[]);
    folders.put("override/case-subject.txt.hbs", "override {{x}}\n");
    folders.check(Part::Subject, "override <x> ", &[]);
    // Each part on its own.
    folders.check(Part::Text, "text <built in>\n", &[]);
}

#[test]
fn html_falls_back_to_the_text_in_a_frame() {
    let folders = Folders::new();
    folders.check(
        Part::Html,
        "<html><body><pre>text &lt;built in&gt;\n</pre></body></html>",
        &[],
    );
    folders.put("override/case-body.txt.hbs", "{{x}}");
    folders.check(
        Part::Html,
        "<html><body><pre>&lt;x&gt;</pre></body></html>",
        &[],
    );
    folders.put("vendor/case-body.html.hbs", "<p>{{x}}</p>");
    folders.check(Part::Html, "<p>&lt;x&gt;</p>", &[]);
}

#[test]
fn a_faulty_candidate_is_passed_over_and_named() {
    let folders = Folders::new();
    folders
        .put("override/case-subject.txt.hbs", "a\n{{nosuch x}}")
        .put("vendor/case-subject.txt.hbs", "vendor");
    folders.check(
        Part::Subject,
        "vendor",
        &["notification-templates/default/case-subject.txt.hbs:2:1: error: cannot be rendered: unknown helper `nosuch`"],
    );
    folders.put("override/case-subject.txt.hbs", b"a\n\xffb");
    folders.check(
        Part::Subject,
        "vendor",
        &["notification-templates/default/case-subject.txt.hbs:2:1: error: not UTF-8"],
    );
}

#[test]
fn a_helper_that_is_not_reached_does_no_harm() {
    let folders = Folders::new();
    folders.put(
        "override/case-subject.txt.hbs",
        "{{#if missing}}{{nosuch x}}{{/if}}fine",
    );
    folders.check(Part::Subject, "fine", &[]);
}

#[test]
fn what_is_no_file_is_passed_over() {
    let folders = Folders::new();
    fs::create_dir(folders.path("override/case-subject.txt.hbs")).expect("a folder");
    folders.put("vendor/case-subject.txt.hbs", vec![b'x'; (1 << 20) + 1]);
    folders.check(
        Part::Subject,
        "built in",
        &[
            "notification-templates/default/case-subject.txt.hbs: error: cannot be read: not a regular file",
            "ROOT/vendor/case-subject.txt.hbs: error: cannot be read: larger than 1048576 bytes",
        ],
    );
}

#[test]
fn nothing_usable_is_misconfigured() {
    let folders = Folders::new();
    folders.put("override/other-body.txt.hbs", "{{#if a}}");
    let missing = folders
        .templates
        .message("nosuch", json!({}), Zone::Local)
        .subject()
        .map(drop)
        .expect_err("no such template");
    assert_eq!(missing.kind(), FailureKind::Misconfigured);
    assert_eq!(
        missing.detail(),
        "template `nosuch`: no candidate for its subject can be rendered: there is none"
    );
    let faulty = folders
        .templates
        .message("other", json!({}), Zone::Local)
        .html()
        .map(drop)
        .expect_err("only a faulty text");
    assert!(
        faulty.detail().starts_with("template `other`"),
        "{}",
        faulty.detail()
    );
}

#[test]
fn a_name_cannot_leave_the_folder() {
    let folders = Folders::new();
    folders.put("vendor/case-subject.txt.hbs", "out of its folder");
    for name in ["../../../vendor/case", "/etc/case", "", ".", "a b"] {
        assert!(!folders.templates.contains(name), "{name}");
        let message = folders.templates.message(name, json!({}), Zone::Local);
        assert!(message.subject().is_err(), "{name}");
    }
    assert!(folders.templates.contains("case"));
}

#[test]
fn a_change_is_seen_at_once_and_a_removal_too() {
    let folders = Folders::new();
    for text in ["one", "two", "six"] {
        folders.put("override/case-subject.txt.hbs", text);
        folders.check(Part::Subject, text, &[]);
    }
    fs::remove_file(folders.path("override/case-subject.txt.hbs")).expect("removed");
    folders.check(Part::Subject, "built in", &[]);
}

#[test]
fn a_message_keeps_what_it_rendered() {
    let folders = Folders::new();
    folders.put("override/case-subject.txt.hbs", "before");
    let message = folders.templates.message("case", json!({}), Zone::Local);
    assert_eq!(message.subject().expect("rendered"), "before");
    folders.put("override/case-subject.txt.hbs", "after");
    assert_eq!(message.subject().expect("kept"), "before");
}

#[test]
fn check_names_every_fault_with_its_place() {
    let folders = Folders::new();
    folders
        .put("override/case-body.txt.hbs", "ä\n  {{#if a}}")
        .put(
            "override/case-body.html.hbs",
            "ä {{x}} {{nosuch 1}}\n{{#each a}}{{b (lost c)}}{{/each}}{{> gone}}{{table}}",
        )
        .put("override/case-subject.txt.hbs", "{{x")
        .put(
            "override/loop-body.txt.hbs",
            "{{#*inline \"a\"}}{{> b}}{{/inline}}{{#*inline \"b\"}}{{> a}}{{/inline}}{{> a}}",
        )
        .put("override/deep-body.txt.hbs", "{{#if a}}".repeat(100_000))
        .put("override/notes.txt", "to do")
        .put("vendor/case-body.txt.hbs", "\n{{/if}}");
    insta::assert_snapshot!(lines(&folders.templates.check(), folders.root.path()).join("\n"));
}

#[test]
fn folders_that_are_not_there_have_no_faults() {
    let templates = Templates::linked().with_folders(Some("/nonexistent/x".into()), None);
    assert_eq!(templates.check(), []);
    assert!(templates.contains("message"));
}

#[test]
fn two_sets_of_one_name_are_reported() {
    let faults = Templates::new([&BUILT_IN, &BUILT_IN]).check();
    assert_eq!(
        lines(&faults, Path::new("ROOT")),
        ["error: two template sets are named `case`; link only one of them"]
    );
}

#[test]
fn many_threads_share_one_set_of_templates() {
    let folders = Folders::new();
    folders.put("override/case-subject.txt.hbs", "{{x}}");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    folders.check(Part::Subject, "<x>", &[]);
                }
            });
        }
    });
}
