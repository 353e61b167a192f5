//! Delivers notifications to a Gotify server.
