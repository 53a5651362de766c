//! Whether this user may do what an act needs, asked before anything is changed.

use serde_json::Value;

use super::target::Target;
use crate::base::{Code, Error, Result};
use crate::plane::kubernetes::Options;
use crate::plane::kubernetes::access::{Act, Need, needs};

/// Lacking permissions that an error lists one by one.
const LISTED: usize = 12;

/// What this user lacks for an act on these objects.
pub(super) async fn lacking(target: &Target, act: Act, objects: &[Value], options: &Options) -> Result<Vec<String>> {
    let mut lacking = target.cluster.lacking(&needs(act, objects, options)).await?;
    if act == Act::Start {
        lacking.extend(ungrantable(target, objects).await?);
    }
    Ok(lacking
        .into_iter()
        .map(|(need, reason)| reason.map_or_else(|| need.to_string(), |reason| format!("{need} ({reason})")))
        .collect())
}

/// Fails when something is lacking, and says who can grant it.
///
/// # Errors
/// [`Code::ClusterForbidden`].
pub(super) async fn review(target: &Target, act: Act, objects: &[Value], options: &Options) -> Result<()> {
    let lacking = lacking(target, act, objects, options).await?;
    if lacking.is_empty() {
        return Ok(());
    }
    let user = target.cluster.user().await?.unwrap_or_else(|| "this user".to_owned());
    let context = &target.cluster.context;
    let more = lacking.len().saturating_sub(LISTED);
    let mut details: Vec<String> = lacking.into_iter().take(LISTED).collect();
    if more > 0 {
        details.push(format!("and {more} more"));
    }
    let verb = match act {
        Act::Start => "start",
        Act::Stop => "stop",
    };
    Err(Error::new(
        Code::ClusterForbidden,
        format!("cluster `{context}` does not permit {user} to {verb} the plane; nothing was changed"),
    )
    .because(format!("{user} may not {}", details.first().cloned().unwrap_or_default()))
    .details(details)
    .remedy(format!(
        "Ask an administrator of the cluster to grant this to {user}, or to apply the output of `mesheryctl system \
         manifest --platform kubernetes`; `--show-rbac` explains what the plane itself may do."
    )))
}

/// Rules of the plane's roles that this user could not hand out: who may not `escalate` can only grant what they have.
async fn ungrantable(target: &Target, objects: &[Value]) -> Result<Vec<(Need, Option<String>)>> {
    let mut lacking = Vec::new();
    for role in objects.iter().filter(|object| matches!(object["kind"].as_str(), Some("ClusterRole" | "Role"))) {
        let namespace = role["metadata"]["namespace"].as_str().map(str::to_owned);
        let resource = if namespace.is_some() { "roles" } else { "clusterroles" };
        let escalate = need(namespace.as_deref(), "rbac.authorization.k8s.io", resource, "escalate");
        if !target.cluster.lacking(&[escalate]).await?.is_empty() {
            lacking.extend(target.cluster.lacking(&rules(role, namespace.as_deref())).await?);
        }
    }
    Ok(lacking)
}

fn need(namespace: Option<&str>, group: &str, resource: &str, verb: &'static str) -> Need {
    Need {
        namespace: namespace.map(str::to_owned),
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb,
        name: None,
    }
}

/// Every permission of a role by itself.
fn rules(role: &Value, namespace: Option<&str>) -> Vec<Need> {
    const VERBS: &[&str] = &["get", "list", "watch", "create", "patch", "delete"];
    let mut all = Vec::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        let words = |key: &str| rule[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        for group in words("apiGroups") {
            for resource in words("resources") {
                let verbs = words("verbs").filter_map(|verb| VERBS.iter().find(|known| **known == verb));
                all.extend(verbs.map(|verb| need(namespace, group, resource, verb)));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_role_is_taken_apart_into_single_permissions() {
        let role = json!({"rules": [{"apiGroups": ["apps"], "resources": ["deployments", "daemonsets"], "verbs": ["get", "patch"]}]});
        let texts: Vec<String> = rules(&role, None).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "get deployments.apps in the whole cluster",
                "patch deployments.apps in the whole cluster",
                "get daemonsets.apps in the whole cluster",
                "patch daemonsets.apps in the whole cluster"
            ]
        );
    }
}
