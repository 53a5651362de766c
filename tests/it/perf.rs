//! The load generator against targets that behave, and against those that do not.

mod engine;
mod real;
mod selftest;
mod servers;
mod targets;
