//! `pattern`: from a file to a cluster and back.

mod app;
pub mod apply;
mod carry;
mod catalog;
mod delete;
mod drift;
mod export;
mod faults;
mod graph;
mod graphs;
mod hardships;
mod import;
mod istio;
mod live;
mod plan;
mod plan_real;
mod real;
mod registry;
mod render;
mod revisions;
mod same;
mod schema;
mod sources;
mod status;
mod tools;
mod validate;
