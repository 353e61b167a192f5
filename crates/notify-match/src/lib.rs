//! Matchers: calendar, field and severity rules, compiled once, evaluated without failing.
