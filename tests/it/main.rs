//! The one integration test binary: the real program, both streams and the exit code.

mod apiserver;
mod layers;
mod lifecycle;
mod pattern;
mod server;
#[allow(dead_code, reason = "shared by suites that use parts of it")]
mod support;
