//! `pattern`: from a file to a cluster and back.

mod apply;
mod delete;
mod faults;
mod graphs;
mod istio;
mod real;
mod same;
mod sources;
mod validate;
