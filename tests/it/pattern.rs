//! `pattern`: from a file to a cluster and back.

mod apply;
mod carry;
mod delete;
mod faults;
mod graph;
mod live;
mod real;
mod revisions;
mod same;
mod sources;
mod status;
mod validate;
