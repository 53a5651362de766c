//! `pattern`: from a file to a cluster and back.

mod apply;
mod delete;
mod drift;
mod faults;
mod plan;
mod real;
mod same;
mod schema;
mod sources;
mod validate;
