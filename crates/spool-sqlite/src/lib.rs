//! The durable spool of one host: a queue and a history in one SQLite file.
