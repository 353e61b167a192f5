//! The engine: assemble a configuration, route an event, deliver to every chosen target.
