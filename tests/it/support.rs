//! What the tests share.

pub mod cluster;
pub mod ctl;
pub mod env;
#[cfg(unix)]
pub mod tty;
