//! Mail: addresses, and the composition of messages.
