//! What the tests share.

pub mod cluster;
pub mod ctl;
#[cfg(unix)]
pub mod docker;
pub mod env;
pub mod feed;
pub mod plane;
pub mod registry;
#[cfg(unix)]
pub mod tty;
