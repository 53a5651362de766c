//! Rank 3: the management plane as data: which components it has, their names, ports and images, independent of the
//! platform that runs them.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`adapter`] | the adapters a context can name, and their ports |
//! | [`spec`] | a context as a list of components |
//! | [`container`] | a component as a container of Docker |
//! | [`compose`] | a plane as a compose file |
//! | [`kubernetes`] | a plane as Kubernetes objects and as a Helm chart |

pub mod adapter;
pub mod compose;
pub mod container;
pub mod kubernetes;
pub mod spec;

pub use spec::{Part, PartKind, Spec};
