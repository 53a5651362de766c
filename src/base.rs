//! Rank 0: what every other module may use and what knows nothing of the domain.

pub mod clock;
pub mod dirs;
pub mod env;
pub mod error;
pub mod exit;
pub mod http;
pub mod id;
pub mod log;
pub mod process;
pub mod text;
pub mod tls;
pub mod yaml;

pub use error::{Code, Error, Kind, Place, Result};
