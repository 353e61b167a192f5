//! Templates: lookup order, helpers, escaping.
