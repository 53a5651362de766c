//! The practice cluster: a Kubernetes API server in memory, for trying patterns with no cluster at all.
//!
//! It speaks real HTTP, so kubectl and every client library work against it, and words its refusals as the
//! real server does. `tests/it/apiserver` runs one suite against both, so that it cannot drift.
//!
//! The way of a call: `serve` (who asks, which verb) → `calls` (the verb) → `write` (what every writer does:
//! defaults, checks, ownership of fields) → `store` (state and events); `life` then does what a cluster's own
//! controllers would. What is known of the built-in kinds stands in the two tables under `builtin`.

mod allocate;
mod answer;
mod builtin;
mod calls;
pub mod cluster;
mod connection;
mod convert;
mod crd;
mod decode;
mod defaults;
mod discovery;
pub mod faults;
mod kind;
mod life;
mod object;
mod openapi;
mod own;
mod patch;
mod protobuf;
mod request;
mod seed;
mod selector;
mod serve;
mod shape;
mod status;
mod store;
mod table;
mod validate;
mod watch;
mod write;

pub use connection::Certificate;
pub use life::{NEVER_READY, Pace};
