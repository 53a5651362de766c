//! The load generator against targets that behave, and against those that do not.

mod engine;
mod servers;
mod targets;
