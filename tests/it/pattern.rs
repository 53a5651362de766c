//! `pattern`: from a file to a cluster and back.

mod app;
mod apply;
mod carry;
mod catalog;
mod delete;
mod export;
mod faults;
mod graph;
mod import;
mod live;
mod real;
mod registry;
mod revisions;
mod same;
mod sources;
mod status;
mod tools;
mod validate;
