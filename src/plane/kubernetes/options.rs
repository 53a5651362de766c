//! What a user can choose about a plane on Kubernetes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::NAMESPACE;
use super::grants::Feature;
use crate::model::context::Context;
use crate::plane::container::Settings;

/// Size of the claim when the user names none.
const SIZE: &str = "1Gi";

/// What is wished; what is absent stays as it is, or gets its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// Namespace; `meshery` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Where the data lives; a claim without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Size of the claim, as Kubernetes writes it: `1Gi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Storage class of the claim; the cluster's default one without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The way in; a port-forward without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose: Option<Expose>,
    /// What the plane may do; discovery and patterns without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<Feature>>,
    /// Secret with the credentials of the image's registry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_secret: Option<String>,
    /// Image, where it is not made of this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Image of the broker, where one is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// How the image made of this program reaches the nodes; told by the cluster without one.
    #[serde(skip)]
    pub load: Option<Load>,
}

impl Wishes {
    /// These wishes, and those of `earlier` where these say nothing.
    pub fn over(self, earlier: &Wishes) -> Wishes {
        let earlier = earlier.clone();
        Wishes {
            namespace: self.namespace.or(earlier.namespace),
            storage: self.storage.or(earlier.storage),
            size: self.size.or(earlier.size),
            class: self.class.or(earlier.class),
            expose: self.expose.or(earlier.expose),
            grants: self.grants.or(earlier.grants),
            pull_secret: self.pull_secret.or(earlier.pull_secret),
            image: self.image.or(earlier.image),
            broker: self.broker.or(earlier.broker),
            load: self.load.or(earlier.load),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(NAMESPACE)
    }
}

/// How a plane is wanted, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Namespace.
    pub namespace: String,
    /// Version for the labels.
    pub version: String,
    /// Content of the token file; without it the objects have no Secret.
    pub token: Option<String>,
    /// Where the data lives.
    pub storage: Storage,
    /// Size of the claim.
    pub size: String,
    /// Storage class of the claim.
    pub class: Option<String>,
    /// The way in.
    pub expose: Expose,
    /// What the plane may do.
    pub grants: Vec<Feature>,
    /// Secret with the credentials of the image's registry.
    pub pull_secret: Option<String>,
    /// Further host names under which the server is addressed.
    pub hosts: Vec<String>,
    /// When the image's registry is asked.
    pub pull: Pull,
    /// Further environment of the server.
    pub environment: BTreeMap<String, String>,
}

impl Options {
    /// The wishes with their defaults, without a token.
    pub fn of(wishes: &Wishes) -> Self {
        let mut grants = wishes.grants.clone().unwrap_or_else(|| Feature::DEFAULT.to_vec());
        grants.sort_unstable();
        grants.dedup();
        Self {
            namespace: wishes.namespace().to_owned(),
            version: label(env!("CARGO_PKG_VERSION")),
            token: None,
            storage: wishes.storage.clone().unwrap_or_default(),
            size: wishes.size.clone().unwrap_or_else(|| SIZE.to_owned()),
            class: wishes.class.clone(),
            expose: wishes.expose.clone().unwrap_or_default(),
            grants,
            pull_secret: wishes.pull_secret.clone(),
            hosts: Vec::new(),
            pull: if wishes.image.is_some() { Pull::IfNotPresent } else { Pull::Never },
            environment: BTreeMap::new(),
        }
    }

    /// The same, with what the context and this shell tell its server.
    pub fn told(self, context: &Context) -> Self {
        Self { environment: Settings::of(context, 0).environment, ..self }
    }
}

/// A text as it can stand in a label.
fn label(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' }).collect()
}

/// When the registry of the plane's image is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pull {
    /// Never: the image was brought to the nodes, and a registry's image of that name would be another's.
    Never,
    /// When a node lacks it.
    IfNotPresent,
    /// At each start of a pod.
    Always,
}

impl Pull {
    /// The value of `imagePullPolicy`.
    pub fn word(self) -> &'static str {
        match self {
            Pull::Never => "Never",
            Pull::IfNotPresent => "IfNotPresent",
            Pull::Always => "Always",
        }
    }
}

/// Where the server's data lives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Storage {
    /// A claim on the cluster's storage.
    #[default]
    Claim,
    /// With the pod: it is lost when the pod is replaced.
    Ephemeral,
    /// A folder of a node, which must exist there, by a volume and a claim of this plane's own.
    HostPath {
        /// The folder.
        path: String,
        /// The node; any without one, which is plain where there is one node only.
        node: Option<String>,
    },
}

impl Storage {
    /// Whether the data outlives pods.
    pub fn lasts(&self) -> bool {
        *self != Storage::Ephemeral
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Storage::Claim => f.write_str("claim"),
            Storage::Ephemeral => f.write_str("ephemeral"),
            Storage::HostPath { path, node: None } => write!(f, "hostpath={path}"),
            Storage::HostPath { path, node: Some(node) } => write!(f, "hostpath={path}@{node}"),
        }
    }
}

impl FromStr for Storage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let host_path = |rest: &str| {
            let (path, node) = rest.rsplit_once('@').map_or((rest, None), |(path, node)| (path, Some(node.to_owned())));
            let plain = path.starts_with('/') && !path.split('/').any(|part| part == "..");
            if !plain || node.as_deref().is_some_and(|node| !is_name(node)) {
                return Err(format!("`{text}` does not name an absolute folder, as in hostpath=/var/lib/meshery@NODE"));
            }
            Ok(Storage::HostPath { path: path.to_owned(), node })
        };
        match text {
            "claim" => Ok(Storage::Claim),
            "ephemeral" => Ok(Storage::Ephemeral),
            _ => match text.strip_prefix("hostpath=") {
                Some(rest) => host_path(rest),
                None => Err(format!("`{text}` is not one of claim, ephemeral, hostpath=FOLDER[@NODE]")),
            },
        }
    }
}

/// The way in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Expose {
    /// None but the API server's: commands open a port-forward for themselves.
    #[default]
    Forward,
    /// A port of each node.
    NodePort(Option<u16>),
    /// A load balancer of the cluster's provider.
    LoadBalancer,
    /// An ingress.
    Ingress {
        /// Its host name.
        host: String,
        /// Its class; the cluster's default one without it.
        class: Option<String>,
    },
}

impl fmt::Display for Expose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expose::Forward => f.write_str("forward"),
            Expose::NodePort(None) => f.write_str("node-port"),
            Expose::NodePort(Some(port)) => write!(f, "node-port={port}"),
            Expose::LoadBalancer => f.write_str("load-balancer"),
            Expose::Ingress { host, class: None } => write!(f, "ingress={host}"),
            Expose::Ingress { host, class: Some(class) } => write!(f, "ingress={host},{class}"),
        }
    }
}

impl FromStr for Expose {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, rest) = text.split_once('=').map_or((text, None), |(word, rest)| (word, Some(rest)));
        match (word, rest) {
            ("forward" | "port-forward", None) => Ok(Expose::Forward),
            ("node-port", None) => Ok(Expose::NodePort(None)),
            ("node-port", Some(port)) => match port.parse() {
                Ok(port @ 1..) => Ok(Expose::NodePort(Some(port))),
                _ => Err(format!("`{port}` is not a port")),
            },
            ("load-balancer", None) => Ok(Expose::LoadBalancer),
            ("ingress", Some(rest)) => {
                let (host, class) =
                    rest.split_once(',').map_or((rest, None), |(host, class)| (host, Some(class.to_owned())));
                if !is_name(host) || class.as_deref().is_some_and(|class| !is_name(class)) {
                    return Err(format!("`{rest}` is not a host name with an ingress class behind a comma or not"));
                }
                Ok(Expose::Ingress { host: host.to_owned(), class })
            }
            _ => Err(format!("`{text}` is not one of forward, node-port[=PORT], load-balancer, ingress=HOST[,CLASS]")),
        }
    }
}

/// How the image made of this program reaches the nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Load {
    /// As the cluster's kind says.
    #[default]
    Auto,
    /// Not at all: it is there.
    None,
    /// `kind load`.
    Kind,
    /// `k3d image import`.
    K3d,
    /// `minikube image load`.
    Minikube,
    /// `ctr images import`, at the usual socket of this machine or at another.
    Containerd(Option<PathBuf>),
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Load::Auto => f.write_str("auto"),
            Load::None => f.write_str("none"),
            Load::Kind => f.write_str("kind"),
            Load::K3d => f.write_str("k3d"),
            Load::Minikube => f.write_str("minikube"),
            Load::Containerd(None) => f.write_str("containerd"),
            Load::Containerd(Some(socket)) => write!(f, "containerd={}", socket.display()),
        }
    }
}

impl FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Load::Auto),
            "none" => Ok(Load::None),
            "kind" => Ok(Load::Kind),
            "k3d" => Ok(Load::K3d),
            "minikube" => Ok(Load::Minikube),
            "containerd" => Ok(Load::Containerd(None)),
            _ => match text.strip_prefix("containerd=").filter(|socket| !socket.is_empty()) {
                Some(socket) => Ok(Load::Containerd(Some(socket.into()))),
                None => Err(format!("`{text}` is not one of auto, kind, k3d, minikube, containerd[=SOCKET], none")),
            },
        }
    }
}

/// Whether a text can be the name of a node, host or class: a DNS subdomain.
pub fn is_name(text: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

macro_rules! text_form {
    ($($name:ident)*) => {$(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }
    )*};
}

text_form!(Storage Expose Load);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_they_are_written() {
        for text in ["claim", "ephemeral", "hostpath=/data/meshery", "hostpath=/data@node-1"] {
            assert_eq!(text.parse::<Storage>().unwrap().to_string(), text);
        }
        for text in ["hostpath=data", "hostpath=/a/../b", "hostpath=/a@", "disk", "hostpath"] {
            assert!(text.parse::<Storage>().is_err(), "{text}");
        }
        for text in ["forward", "node-port", "node-port=30081", "load-balancer", "ingress=m.example.org,nginx"] {
            assert_eq!(text.parse::<Expose>().unwrap().to_string(), text);
        }
        for text in ["node-port=0", "node-port=x", "ingress", "ingress=", "ingress=a b", "tunnel"] {
            assert!(text.parse::<Expose>().is_err(), "{text}");
        }
        for text in ["auto", "none", "kind", "k3d", "minikube", "containerd", "containerd=/run/c.sock"] {
            assert_eq!(text.parse::<Load>().unwrap().to_string(), text);
        }
        assert!("docker".parse::<Load>().is_err());
    }

    #[test]
    fn later_wishes_go_before_earlier_ones_and_survive_storing() {
        let earlier = Wishes {
            namespace: Some("team".into()),
            storage: Some(Storage::Ephemeral),
            grants: Some(vec![Feature::Discovery]),
            ..Wishes::default()
        };
        let later = Wishes { storage: Some(Storage::Claim), ..Wishes::default() }.over(&earlier);
        assert_eq!((later.namespace(), later.storage.clone()), ("team", Some(Storage::Claim)));
        let text = serde_json::to_string(&later).unwrap();
        assert_eq!(serde_json::from_str::<Wishes>(&text).unwrap(), later);
    }
}
