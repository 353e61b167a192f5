//! The properties that the section of every target has.
//!
//! What they mean for a delivery is the engine's business; a target never sees them.

use notify_schema::{Kind, Property};

pub(crate) const COMMON: [&Property; 7] = [
    &COMMENT,
    &DISABLE,
    &MAX_AGE,
    &MIN_INTERVAL,
    &MAX_INTERVAL,
    &UNCERTAIN,
    &CONCURRENCY,
];

/// What holds where a section says nothing.
const OF_THE_DAEMON: &str = "that of `daemon: local` in notify.cfg";

static COMMENT: Property = Property::default("comment", Kind::COMMENT, "", "A remark for people.")
    .example("Mail for the backup team");

static DISABLE: Property = Property::default(
    "disable",
    Kind::Boolean,
    "false",
    "Switches the section off without removing it.",
)
.example("true");

static MAX_AGE: Property = Property::fallback(
    "retry-max-age",
    Kind::DURATION,
    OF_THE_DAEMON,
    "How long a delivery is tried. One that fails at this age is given up.",
)
.example("3d")
.ours();

static MIN_INTERVAL: Property = Property::fallback(
    "retry-min-interval",
    Kind::DURATION,
    OF_THE_DAEMON,
    "The first attempt to repeat a failed one comes within this time, each later one within \
     twice the time of the one before.",
)
.example("10s")
.ours();

static MAX_INTERVAL: Property = Property::fallback(
    "retry-max-interval",
    Kind::DURATION,
    OF_THE_DAEMON,
    "The longest time between two attempts, unless the far side asks for more.",
)
.example("1h")
.ours();

static UNCERTAIN: Property = Property::fallback(
    "retry-uncertain",
    Kind::Choice(&["resend", "hold"]),
    OF_THE_DAEMON,
    "What becomes of a delivery that may have arrived: `resend` sends it again under the same \
     Message-ID, `hold` gives it up until a person decides.",
)
.example("hold")
.ours();

static CONCURRENCY: Property = Property::fallback(
    "concurrency",
    Kind::Integer { min: 1, max: 64 },
    OF_THE_DAEMON,
    "How many deliveries to this target are made at once.",
)
.example("2")
.ours();
