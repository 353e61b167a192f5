//! One HTTP client: proxy, TLS options, deadline, size cap, status to failure.
