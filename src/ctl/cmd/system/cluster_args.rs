//! What can be chosen about a plane on Kubernetes: the same flags for a start, for the manifest and for the chart.

use super::flags::{Flag, flag};
use crate::base::{Code, Error, Result};
use crate::model::context::{Context, Platform};
use crate::plane::kubernetes::grants::Feature;
use crate::plane::kubernetes::{Expose, Load, Storage, Wishes, options};

/// Choices about a plane on Kubernetes. What is not chosen stays as it was at the last start.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Kubernetes")]
pub struct ClusterArgs {
    /// Namespace; `meshery` without one.
    #[arg(short = 'n', long, value_name = "NAME", value_parser = namespace)]
    pub namespace: Option<String>,
    /// Where the data lives: claim, ephemeral, or hostpath=FOLDER[@NODE] for a folder that is there.
    #[arg(long, value_name = "WHERE")]
    pub storage: Option<Storage>,
    /// Size of the claim; 1Gi without one.
    #[arg(long, value_name = "SIZE", value_parser = quantity)]
    pub storage_size: Option<String>,
    /// Storage class of the claim, instead of the cluster's default one.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub storage_class: Option<String>,
    /// The way in: forward (commands open a port-forward), node-port[=PORT], load-balancer, or ingress=HOST[,CLASS].
    #[arg(long, value_name = "WAY")]
    pub expose: Option<Expose>,
    /// What the plane may do, separated by commas: discovery, patterns, secrets, roles, definitions, operator, or a
    /// mesh, whose adapter brings it by itself; discovery,patterns without it.
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    pub grant: Option<Vec<Feature>>,
    /// Secret in the namespace with the credentials of the image's registry.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub image_pull_secret: Option<String>,
}

/// Where a plane on Kubernetes is, for the verbs that need no other choice.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Place {
    /// Namespace of the plane, instead of the one of its last start (kubernetes).
    #[arg(short = 'n', long, value_name = "NAME", value_parser = namespace)]
    pub namespace: Option<String>,
}

impl Place {
    /// The namespace that was named, for a plane that has one.
    ///
    /// # Errors
    /// [`Code::UsageError`] on another platform than Kubernetes.
    pub fn namespace_of(&self, context: &Context) -> Result<Option<String>> {
        match &self.namespace {
            Some(name) if context.platform != Platform::Kubernetes => Err(Error::new(
                Code::UsageError,
                format!("--namespace {name} means nothing on platform {}", context.platform),
            )
            .because(format!("context `{}` has no namespace", context.name))
            .remedy("Leave it out, or choose a context of platform kubernetes with --context.")),
            name => Ok(name.clone()),
        }
    }
}

impl ClusterArgs {
    /// Each flag, and whether it was given.
    pub(super) fn flags(&self) -> Vec<Flag> {
        let given = [
            ("--namespace", self.namespace.is_some()),
            ("--storage", self.storage.is_some()),
            ("--storage-size", self.storage_size.is_some()),
            ("--storage-class", self.storage_class.is_some()),
            ("--expose", self.expose.is_some()),
            ("--grant", self.grant.is_some()),
            ("--image-pull-secret", self.image_pull_secret.is_some()),
        ];
        given.map(|(name, is_given)| flag(name, is_given, &[Platform::Kubernetes])).to_vec()
    }

    /// What is wished; `load` is how the image of this program reaches the nodes.
    pub fn wishes(&self, load: Option<Load>) -> Wishes {
        Wishes {
            namespace: self.namespace.clone(),
            storage: self.storage.clone(),
            size: self.storage_size.clone(),
            class: self.storage_class.clone(),
            expose: self.expose.clone(),
            grants: self.grant.clone(),
            pull_secret: self.image_pull_secret.clone(),
            image: None,
            broker: None,
            load,
        }
    }
}

fn namespace(text: &str) -> Result<String, String> {
    if options::is_name(text) && !text.contains('.') {
        return Ok(text.to_owned());
    }
    Err("a namespace is at most 63 lower-case letters, digits and `-`".to_owned())
}

/// Reference of an image, as far as it can be judged without a registry.
pub(super) fn reference(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    Err("an image is named as in registry.example.org/meshery/mesheryctl:v1.2.0".to_owned())
}

fn name(text: &str) -> Result<String, String> {
    if options::is_name(text) {
        return Ok(text.to_owned());
    }
    Err("a name is lower-case letters, digits, `-` and `.`".to_owned())
}

/// A size as Kubernetes writes it, with a unit of bytes.
fn quantity(text: &str) -> Result<String, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    let is_number = digits.parse::<f64>().is_ok_and(|number| number > 0.0) && !digits.contains(['e', 'E', '+', '-']);
    if is_number && ["", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"].contains(&unit) {
        return Ok(text.to_owned());
    }
    Err("a size is a number with Ki, Mi, Gi, Ti, k, M, G or T behind it, such as 1Gi".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_names_are_checked_before_a_cluster_is_asked() {
        for text in ["1Gi", "500Mi", "1.5G", "1024"] {
            assert!(quantity(text).is_ok(), "{text}");
        }
        for text in ["", "Gi", "0", "-1Gi", "1gb", "1e3"] {
            assert!(quantity(text).is_err(), "{text}");
        }
        for text in ["nats:2-alpine", "localhost:5000/a/b:1", "h/a@sha256:00"] {
            assert!(reference(text).is_ok(), "{text}");
        }
        for text in ["", "BAD IMAGE", " a", "-a", "a:1\n"] {
            assert!(reference(text).is_err(), "{text:?}");
        }
        assert!(namespace("team-a").is_ok());
        for text in ["Team", "a.b", "-a", "", &"a".repeat(64)] {
            assert!(namespace(text).is_err(), "{text}");
        }
    }
}
