//! `pattern`: from a file to a cluster and back.

mod apply;
mod delete;
mod faults;
mod live;
mod real;
mod same;
mod sources;
mod validate;
