//! `perf`: measurements and their results.

mod results;
