//! What the tests share.

pub mod cluster;
pub mod ctl;
pub mod env;
pub mod feed;
pub mod plane;
#[cfg(unix)]
pub mod tty;
