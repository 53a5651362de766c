//! The one integration test binary: the real program, both streams and the exit code.

mod apiserver;
mod pattern;
mod support;
