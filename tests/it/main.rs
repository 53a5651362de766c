//! The one integration test binary: the real program, both streams and the exit code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod apiserver;
mod layers;
mod lifecycle;
mod server;
#[allow(dead_code, reason = "shared by suites that use parts of it")]
mod support;
