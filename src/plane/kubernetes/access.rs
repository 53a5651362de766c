//! What a user must be permitted to bring a plane up, look at it, and take it away.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::options::{Expose, Options};
use super::resource;
use crate::model::kubernetes::GroupVersionKind;

/// One permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// Namespace; absent for what lives in none.
    pub namespace: Option<String>,
    /// API group, empty for core.
    pub group: String,
    /// Plural of the kind, with a subresource behind a slash where one is meant.
    pub resource: String,
    /// Verb.
    pub verb: &'static str,
    /// Object, where one is meant.
    pub name: Option<String>,
}

impl fmt::Display for Need {
    /// `create deployments.apps in namespace meshery`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " `{name}`")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in the whole cluster"),
        }
    }
}

/// A command and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Apply the objects and wait for them.
    Start,
    /// Delete them.
    Stop,
}

/// What an act on these objects needs, each once.
pub fn needs(act: Act, objects: &[Value], options: &Options) -> Vec<Need> {
    let verbs: &[&str] = match act {
        Act::Start => &["get", "create", "patch"],
        Act::Stop => &["get", "delete"],
    };
    let mut needs = BTreeSet::new();
    for object in objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        let group = GroupVersionKind::parse(object["apiVersion"].as_str().unwrap_or_default(), kind).group;
        let Some((plural, namespaced)) = resource(kind) else { continue };
        let namespace = namespaced.then(|| options.namespace.clone());
        for verb in verbs {
            needs.insert(Need {
                namespace: namespace.clone(),
                group: group.clone(),
                resource: plural.to_owned(),
                verb,
                name: None,
            });
        }
    }
    let own = |group: &str, resource: &str, verb| Need {
        namespace: Some(options.namespace.clone()),
        group: group.to_owned(),
        resource: resource.to_owned(),
        verb,
        name: None,
    };
    // The inventory is a ConfigMap; ready is what the pods say.
    needs.extend(["get", "create", "patch", "delete"].map(|verb| own("", "configmaps", verb)));
    needs.insert(own("", "pods", "list"));
    if act == Act::Start {
        // What the kinds of the last start were is not known before its inventory is read.
        needs.insert(own("apps", "deployments", "delete"));
        needs.insert(own("", "services", "delete"));
    }
    if options.expose == Expose::Forward && act == Act::Start {
        // The API server asks for both of clients that speak WebSocket.
        needs.extend(["get", "create"].map(|verb| own("", "pods/portforward", verb)));
    }
    needs.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::made;
    use super::super::{Options, Wishes};
    use super::*;

    #[test]
    fn needs_are_told_with_verb_resource_and_place() {
        let wishes = Wishes::default();
        let needs = needs(Act::Start, &made(&[], &wishes), &Options::of(&wishes));
        let texts: Vec<String> = needs.iter().map(ToString::to_string).collect();
        for text in [
            "create deployments.apps in namespace meshery",
            "patch clusterroles.rbac.authorization.k8s.io in the whole cluster",
            "create namespaces in the whole cluster",
            "get pods/portforward in namespace meshery",
        ] {
            assert!(texts.contains(&text.to_owned()), "{text} in {texts:#?}");
        }
        assert_eq!(texts.len(), texts.iter().collect::<BTreeSet<_>>().len());
    }

    #[test]
    fn an_exposed_plane_needs_no_port_forward() {
        let wishes = Wishes { expose: Some(Expose::LoadBalancer), ..Wishes::default() };
        let needs = needs(Act::Start, &made(&[], &wishes), &Options::of(&wishes));
        assert!(needs.iter().all(|need| need.resource != "pods/portforward"));
    }
}
