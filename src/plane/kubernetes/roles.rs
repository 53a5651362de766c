//! The account of the server, and its roles.

use serde_json::{Value, json};

use super::cluster_name;
use super::grants::{self, Grant};
use super::marks::Marks;
use crate::plane::spec::SERVER;

const GROUP: &str = "rbac.authorization.k8s.io";

/// Account, roles and bindings; a role without rules is left out.
pub(super) fn objects(marks: &Marks<'_>) -> Vec<Value> {
    let (own, everywhere): (Vec<Grant>, Vec<Grant>) =
        grants::of_plane(marks.spec, &marks.options.grants).into_iter().partition(|grant| grant.own_namespace);
    let mut objects = vec![account(marks)];
    if !everywhere.is_empty() {
        let name = cluster_name(&marks.options.namespace);
        let metadata = marks.cluster_wide(&name, "access");
        objects.extend(role_and_binding(marks, ("ClusterRole", "ClusterRoleBinding"), &metadata, &everywhere));
    }
    if !own.is_empty() {
        let metadata = marks.named(SERVER, "access");
        objects.extend(role_and_binding(marks, ("Role", "RoleBinding"), &metadata, &own));
    }
    objects
}

/// Tokens of it are mounted into the server's pods only.
fn account(marks: &Marks<'_>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": marks.named(SERVER, "access"),
        "automountServiceAccountToken": false
    })
}

fn role_and_binding(
    marks: &Marks<'_>,
    (role, binding): (&str, &str),
    metadata: &Value,
    grants: &[Grant],
) -> [Value; 2] {
    let rules: Vec<Value> = grants.iter().map(Grant::rule).collect();
    let subject = json!({"kind": "ServiceAccount", "name": SERVER, "namespace": marks.options.namespace});
    [
        json!({"apiVersion": format!("{GROUP}/v1"), "kind": role, "metadata": metadata, "rules": rules}),
        json!({
            "apiVersion": format!("{GROUP}/v1"), "kind": binding, "metadata": metadata,
            "roleRef": {"apiGroup": GROUP, "kind": role, "name": metadata["name"]}, "subjects": [subject]
        }),
    ]
}
