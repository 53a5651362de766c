//! Rank 2: what crosses a process boundary, used by both ends.

pub mod provider;
pub mod rest;
pub mod session_token;
