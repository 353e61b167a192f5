//! One schema, many readers: help texts, reference pages, property lists.
