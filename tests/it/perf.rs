//! `perf`: measurements against a small server in this process.

mod adaptive;
mod distributed;
mod external;
mod profile;
mod rest;
mod result;
mod run;
mod schedule;
pub mod target;
