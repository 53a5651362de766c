//! The plane on Kubernetes.

mod access;
mod chart;
mod gateway;
mod life;
mod manifest;
mod real;
mod world;
