//! The plane on Kubernetes.

mod access;
mod chart;
mod life;
mod manifest;
mod real;
mod world;
