//! The template `message`.

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
fn it_is_linked_and_without_fault() {
    let templates = Templates::linked();
    assert_eq!(templates.names().collect::<Vec<_>>(), ["message"]);
    assert_eq!(templates.check(), []);
}

#[test]
fn a_message_has_title_text_and_fields() {
    insta::assert_snapshot!(all_parts(
        "message",
        json!({
            "title": "Disk <sda> full",
            "text": "/var: 100 %\n  <1 MiB left & shrinking",
            "fields": {"hostname": "pve1", "type": "a&b"},
            "severity": "warning", "hostname": "pve1", "cluster-name": "prod",
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
