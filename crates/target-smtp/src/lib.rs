//! Delivers notifications by mail to an SMTP relay.
