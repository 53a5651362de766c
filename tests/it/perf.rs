//! `perf`: the load generator against targets that behave and those that do not, and what the plane keeps of it.

mod adaptive;
mod callers;
mod distributed;
#[cfg(target_os = "linux")]
mod endings;
mod engine;
mod environment;
mod eras;
mod external;
mod files;
mod front;
mod impossible;
mod istio;
mod namespaces;
#[cfg(unix)]
mod nighthawk;
mod parts;
mod plan;
mod pods;
mod profile;
mod real;
mod rest;
mod result;
mod results;
mod run;
mod schedule;
mod secrets;
mod secure;
mod selftest;
mod servers;
pub mod target;
mod targets;
mod threads;
mod tls;
mod turns;
