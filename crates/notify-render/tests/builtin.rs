//! The templates `test` and `message`.

use notify_core::Zone;
use notify_render::{Part, Templates};
use serde_json::{Value, json};

fn all_parts(template: &str, data: Value) -> String {
    let message = Templates::linked().message(template, data, Zone::Local);
    let parts = Part::ALL.map(|part| {
        let text = message.part(part).expect("the template is built in");
        format!("--- {}\n{text}", part.name())
    });
    assert_eq!(message.faults(), []);
    parts.join("\n")
}

#[test]
fn both_are_linked() {
    let templates = Templates::linked();
    assert_eq!(templates.names().collect::<Vec<_>>(), ["message", "test"]);
    assert_eq!(templates.check(), []);
}

#[test]
fn a_test_names_its_target() {
    insta::assert_snapshot!(all_parts("test", json!({"target": "mail<1>"})));
}

#[test]
fn a_routed_test_has_no_target() {
    insta::assert_snapshot!(all_parts("test", json!({})));
}

#[test]
fn a_message_has_title_text_and_fields() {
    insta::assert_snapshot!(all_parts(
        "message",
        json!({
            "title": "Disk <sda> full",
            "text": "/var: 100 %\n  <1 MiB left & shrinking",
            "fields": {"hostname": "pve1", "type": "a&b"},
        })
    ));
}

#[test]
fn a_message_of_a_title_alone_says_it() {
    insta::assert_snapshot!(all_parts("message", json!({"title": "It is \"done\""})));
}

#[test]
fn html_that_is_a_document_is_left_alone() {
    let message = Templates::linked().message(
        "message",
        json!({"title": "t", "text": "x", "html": "<html><body><b>x</b></body></html>"}),
        Zone::Local,
    );
    assert_eq!(
        message.part(Part::Html).expect("rendered").trim_end(),
        "<html><body><b>x</b></body></html>"
    );
}

#[test]
fn html_that_is_a_fragment_is_framed() {
    insta::assert_snapshot!(all_parts(
        "message",
        json!({"title": "t", "text": "x", "html": "<b>x</b>"})
    ));
}
