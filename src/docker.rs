//! Rank 4: a Docker engine, and nothing of what is made of it.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`address`] | where the engine is: DOCKER_HOST, docker's contexts, the default socket |
//! | [`connect`] | a connection that is known to work, in a version of the API that both sides speak |
//! | [`network`] | networks by name |
//! | [`volume`] | volumes by name |
//! | [`container`] | containers: look, create, start, stop, remove |
//! | [`files`] | files into and out of a container |
//! | [`image`] | images: look, load, pull |
//! | [`logs`] | logs of a container, line by line |
//! | `fault` | what the engine says, as our errors |

pub mod address;
pub mod connect;
pub mod container;
mod fault;
pub mod files;
pub mod image;
pub mod logs;
pub mod network;
pub mod volume;

pub use address::Address;
pub use connect::Engine;
