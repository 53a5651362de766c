//! Performance: what a measurement is to do ([`plan`]), what came of it ([`result`]), and what is kept between
//! measurements ([`profile`]).

pub mod duration;
pub mod environment;
pub mod histogram;
pub mod plan;
pub mod profile;
pub mod result;
pub mod workers;
