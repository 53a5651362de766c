//! The one integration test binary: the real program, both streams and the exit code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod adapter;
mod apiserver;
mod ctl;
mod defects;
#[cfg(unix)]
mod docker;
mod image;
#[cfg(unix)]
mod kubernetes;
mod layers;
mod lifecycle;
mod login;
mod pattern;
#[cfg(target_os = "linux")]
mod perf;
mod quickstart;
#[cfg(unix)]
mod release;
mod server;
#[allow(dead_code, reason = "shared by suites that use parts of it")]
mod support;
mod ux;
