//! The practice cluster: a Kubernetes API server in memory, for trying patterns with no cluster at all.
//!
//! It speaks real HTTP, so kubectl and every client library work against it, and words its refusals as the
//! real server does. `tests/it/apiserver` runs one suite against both, so that it cannot drift.

mod builtin;
mod kind;
mod own;
mod shape;
mod status;
