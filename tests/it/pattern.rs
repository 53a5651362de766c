//! `pattern`: from a file to a cluster and back.

mod apply;
mod delete;
mod faults;
mod graph;
mod live;
mod real;
mod same;
mod sources;
mod status;
mod validate;
