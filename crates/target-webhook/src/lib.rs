//! The target type `webhook`: an HTTP request that the section describes.
//!
//! - `config.rs`: a checked section becomes a [`Config`], or all its faults.
//! - `address.rs`: the form that a URL must have before its templates are filled.
//! - `template.rs`: URL, header values and body, compiled once; what would fail is found then.
//! - `named.rs`: the secrets that a template names.
//! - `vocabulary.rs`: what templates may call.
//! - `request.rs`: a notification becomes the bytes of a request. Pure.
//! - `deliver.rs`: the request goes out, and the answer becomes a receipt or a failure.
//!
//! ```
//! use notify_core::Registry;
//! use notify_schema::{Position, RawProperty, Source};
//!
//! let webhook = Registry::of([&target_webhook::WEBHOOK]).expect("one type").target("webhook").expect("this one");
//! let at = |source, line| Position::new(source, line, 2);
//! let section = [
//!     RawProperty::new("method", "post", at(Source::Public, 2)),
//!     RawProperty::new("url", "https://chat.example.com/{{ url-encode secrets.room }}", at(Source::Public, 3)),
//!     // {{ title }}
//!     RawProperty::new("body", "e3sgdGl0bGUgfX0=", at(Source::Public, 4)),
//!     // hunter2
//!     RawProperty::new("secret", "name=room,value=aHVudGVyMg==", at(Source::Private, 2)),
//! ];
//! let checked = webhook.schema().check("chat", Position::new(Source::Public, 1, 1), &section);
//! let target = (webhook.build)(&checked.fields.expect("complete")).expect("templates that compile");
//! assert!(!format!("{target:?}").contains("hunter2"));
//! ```

mod address;
mod config;
mod deliver;
mod named;
mod request;
mod template;
mod vocabulary;

use std::sync::Arc;

use notify_core::{Target, TargetType};
use notify_schema::{Fault, Fields, Kind, Property};
use notify_tls::{CA_FILE, TLS_FINGERPRINT};

pub use config::Config;
pub use deliver::Webhook;
pub use request::{Message, Unrendered, request};
pub use template::Template;

static METHOD: Property = Property::required(
    "method",
    Kind::Choice(&["post", "put", "get"]),
    "Method of the request.",
)
.example("post");

static URL: Property = Property::required(
    "url",
    Kind::Checked {
        what: "an http or https URL whose host holds no template",
        check: address::check,
    },
    "URL of the request. What follows the host is a template.",
)
.example("https://chat.example.com/hooks/{{ secrets.token }}");

static HEADER: Property = Property::repeated(
    "header",
    Kind::Pair,
    "Header of the request. The value is a template, the name is not.",
)
.example("name=Content-Type,value=YXBwbGljYXRpb24vanNvbg==");

static BODY: Property = Property::optional(
    "body",
    Kind::Base64,
    "Body of the request, a template. Without it the body is empty.",
)
.example("eyJ0ZXh0IjoiIn0=");

static SECRET: Property = Property::repeated(
    "secret",
    Kind::Pair,
    "Secret that templates use by its name and that no text shows.",
)
.secret();

static MAX_TITLE: Property = Property::optional(
    "max-title",
    LENGTH,
    "Longest title that the service takes. A longer one is shortened.",
)
.example("256")
.ours();

static MAX_BODY: Property = Property::optional(
    "max-body",
    LENGTH,
    "Longest message that the service takes. A longer one is shortened to what matters most.",
)
.example("4096")
.ours();

static MAX_UNIT: Property = Property::default(
    "max-unit",
    Kind::Choice(&["bytes", "chars", "utf16"]),
    "chars",
    "What the service counts: bytes of UTF-8, characters, or units of UTF-16.",
)
.example("bytes")
.ours();

/// A text of nothing says nothing, and none is as long as a file can be.
const LENGTH: Kind = Kind::Integer {
    min: 1,
    max: 1 << 30,
};

/// The type `webhook`.
pub static WEBHOOK: TargetType = TargetType::new("webhook", "Webhook", build)
    .properties(&[
        &METHOD,
        &URL,
        &HEADER,
        &BODY,
        &SECRET,
        &MAX_TITLE,
        &MAX_BODY,
        &MAX_UNIT,
        &CA_FILE,
        &TLS_FINGERPRINT,
    ])
    .manual(include_str!("../manual.md"));

notify_core::register_target!(WEBHOOK);

fn build(fields: &Fields) -> Result<Arc<dyn Target>, Vec<Fault>> {
    Config::from_fields(fields).map(|config| Arc::new(Webhook::new(config)) as Arc<dyn Target>)
}
