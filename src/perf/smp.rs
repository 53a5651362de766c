//! Files of the Service Mesh Performance specification: tests ([`read()`], [`write()`]) and results ([`result`]).

mod client;
mod fields;
pub mod result;
mod test;
mod unsaid;
mod write;

use std::collections::BTreeMap;

use crate::model::performance::plan::Plan;

pub use crate::wire::mesh::known as mesh_name;
pub use test::read;
pub use write::{Written, write};

/// Version of the specification that is written.
pub const VERSION: &str = "v0.0.1";

/// Label of a plan whose client is to run inside the mesh.
pub const INTERNAL: &str = "smp.client.internal";
/// Label with the version of the mesh that a test is for.
pub const MESH_VERSION: &str = "smp.mesh.version";
/// Begin of the names of labels that hold the labels of the mesh.
pub const MESH_LABEL: &str = "smp.mesh.label.";
/// Begin of the names of labels that hold the annotations of the mesh.
pub const MESH_ANNOTATION: &str = "smp.mesh.annotation.";
/// Begin of the names of every label that stands for a field of the mesh.
pub const MESH_FIELDS: &str = "smp.mesh.";

/// A test file: what it is called, and one plan for each of its clients.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SmpTest {
    /// Name of the test; empty when it has none.
    pub name: String,
    /// Id of the test, or of the profile it belongs to.
    pub id: Option<String>,
    /// Version of the specification it was written for.
    pub smp_version: Option<String>,
    /// Marks.
    pub labels: BTreeMap<String, String>,
    /// The mesh by its name in the specification, as `ISTIO`.
    pub mesh: Option<String>,
    /// One plan for each client, each with every endpoint of the client as a target.
    pub plans: Vec<Plan>,
    /// For each plan the keys of the specification that the file gives for it. What is null, empty text, an empty list or
    /// an empty mapping gives nothing.
    pub given: Vec<Vec<&'static str>>,
    /// What is odd about the file, each with its place.
    pub warnings: Vec<String>,
}
