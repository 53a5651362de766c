//! `pattern`: from a file to a cluster and back.

mod apply;
mod carry;
mod delete;
mod drift;
mod faults;
mod graph;
mod live;
mod plan;
mod real;
mod render;
mod revisions;
mod same;
mod schema;
mod sources;
mod status;
mod validate;
