//! Performance: what a measurement is to do ([`plan`]), what came of it ([`result`]), what is told of it while it
//! runs and in lists ([`summary`]), what its thresholds came to ([`verdict`]), and what is kept between measurements
//! ([`profile`]).

pub mod duration;
pub mod environment;
pub mod histogram;
pub mod plan;
pub mod profile;
pub mod result;
pub mod summary;
pub mod verdict;
pub mod workers;
