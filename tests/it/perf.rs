//! `perf`: the load generator against targets that behave and those that do not, and what the plane keeps of it.

mod adaptive;
mod distributed;
mod engine;
mod external;
mod front;
mod istio;
mod namespaces;
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
mod secure;
mod selftest;
mod servers;
pub mod target;
mod targets;
mod threads;
mod tls;
