//! The contracts of the notification system: notification, target, outcome, host, registry.
