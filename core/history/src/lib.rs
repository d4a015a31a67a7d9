//! The embedded store: engine state and events, durable when acknowledged.
