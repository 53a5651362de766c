//! Labels by which objects are known as a plane's.

use serde_json::{Value, json};

use super::options::Options;
use crate::plane::spec::{Part, PartKind, Spec};

/// Label that says which program manages an object.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label that names the plane's context.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// Label that names the component.
pub const NAME: &str = "app.kubernetes.io/name";
/// Value of [`MANAGED_BY`].
pub const MANAGER: &str = "mesheryctl";
/// Label that says which product an object is a part of.
const PART_OF: &str = "app.kubernetes.io/part-of";
/// Label of a cluster-scoped object that names the namespace of its plane.
pub const HOME: &str = "meshery.io/plane-namespace";

/// Makes the metadata of a plane's objects.
pub struct Marks<'a> {
    /// The plane.
    pub spec: &'a Spec,
    /// How it is wanted.
    pub options: &'a Options,
}

impl Marks<'_> {
    /// Labels of every object; `component` says what it is for.
    fn labels(&self, name: &str, component: &str) -> Value {
        json!({
            NAME: name, INSTANCE: self.spec.instance, "app.kubernetes.io/component": component, PART_OF: "meshery",
            "app.kubernetes.io/version": self.options.version, MANAGED_BY: MANAGER
        })
    }

    /// Metadata of an object of the plane's namespace.
    pub(super) fn named(&self, name: &str, component: &str) -> Value {
        json!({"name": name, "namespace": self.options.namespace, "labels": self.labels("meshery", component)})
    }

    /// Metadata of an object of no namespace.
    pub(super) fn cluster_wide(&self, name: &str, component: &str) -> Value {
        let mut labels = self.labels("meshery", component);
        labels[HOME] = json!(self.options.namespace);
        json!({"name": name, "labels": labels})
    }

    /// Metadata of an object that all planes of a cluster share.
    pub(super) fn shared(name: &str, component: &str) -> Value {
        json!({"name": name, "labels": {
            NAME: "meshery", "app.kubernetes.io/component": component, PART_OF: "meshery", MANAGED_BY: MANAGER
        }})
    }

    /// Metadata of an object of a component.
    pub(super) fn of_part(&self, part: &Part) -> Value {
        json!({
            "name": part.name, "namespace": self.options.namespace,
            "labels": self.labels(&part.name, component(part.kind))
        })
    }

    /// Labels that choose the pods of a component.
    pub(super) fn selector(&self, part: &Part) -> Value {
        json!({NAME: part.name, INSTANCE: self.spec.instance})
    }
}

/// What a component is, as a label's value.
pub(super) fn component(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Server => "server",
        PartKind::Adapter => "adapter",
        PartKind::Broker => "broker",
    }
}

/// Selector for whatever carries the marks of a context's plane.
pub fn selector(instance: &str) -> String {
    format!("{MANAGED_BY}={MANAGER},{INSTANCE}={instance}")
}

/// Selector for the pods of one component.
pub fn pods(instance: &str, part: &str) -> String {
    format!("{NAME}={part},{INSTANCE}={instance}")
}

/// Whether an object was made by this program for the plane of that instance.
pub fn is_of(object: &Value, instance: &str) -> bool {
    let labels = &object["metadata"]["labels"];
    labels[MANAGED_BY] == MANAGER && (labels[INSTANCE] == instance || labels[INSTANCE].is_null())
}
