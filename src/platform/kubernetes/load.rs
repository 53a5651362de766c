//! Bringing the image made of this program to the nodes, where no registry has it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::{Code, Error, Result};
use crate::client::tool;
use crate::plane::kubernetes::Load;

/// Sockets of containerd where distributions put them.
const SOCKETS: &[&str] = &[
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
];

/// A way to load an image archive into a cluster's nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loader {
    /// `kind load image-archive` for the cluster of that name.
    Kind(String),
    /// `k3d image import` for the cluster of that name.
    K3d(String),
    /// `minikube image load` for the profile of that name.
    Minikube(String),
    /// `ctr images import` through that socket.
    Containerd(PathBuf),
}

/// The way that the user chose, or that the cluster's names and nodes tell; `None` when nothing is to be loaded.
///
/// # Errors
/// [`Code::ImageNotLoadable`] for a cluster that is none of those that can be loaded into.
pub(super) fn choose(load: &Load, context: &str, nodes: &[Value]) -> Result<Option<Loader>> {
    let known = detect(context, nodes);
    let name = |prefix: &str| context.strip_prefix(prefix).unwrap_or(context).to_owned();
    Ok(Some(match load {
        Load::None => return Ok(None),
        Load::Kind => known.filter(|one| matches!(one, Loader::Kind(_))).unwrap_or_else(|| Loader::Kind(name("kind-"))),
        Load::K3d => known.filter(|one| matches!(one, Loader::K3d(_))).unwrap_or_else(|| Loader::K3d(name("k3d-"))),
        Load::Minikube => {
            known.filter(|one| matches!(one, Loader::Minikube(_))).unwrap_or_else(|| Loader::Minikube(name("")))
        }
        Load::Containerd(Some(socket)) => Loader::Containerd(socket.clone()),
        Load::Containerd(None) => Loader::Containerd(usual_socket()?),
        Load::Auto => known.ok_or_else(|| unknown(context))?,
    }))
}

fn detect(context: &str, nodes: &[Value]) -> Option<Loader> {
    let provider = |prefix: &str| {
        nodes.iter().find_map(|node| node["spec"]["providerID"].as_str()?.strip_prefix(prefix).map(str::to_owned))
    };
    if let Some(name) = context.strip_prefix("kind-") {
        return Some(Loader::Kind(name.to_owned()));
    }
    if let Some(name) = context.strip_prefix("k3d-") {
        return Some(Loader::K3d(name.to_owned()));
    }
    // kind://docker/CLUSTER/NODE
    if let Some(rest) = provider("kind://") {
        return rest.split('/').nth(1).map(|name| Loader::Kind(name.to_owned()));
    }
    // k3s://k3d-CLUSTER-server-0
    if let Some(rest) = provider("k3s://k3d-") {
        let name = rest.split("-server-").next().and_then(|name| name.split("-agent-").next());
        return name.map(|name| Loader::K3d(name.to_owned()));
    }
    let profile = |node: &Value| node["metadata"]["labels"]["minikube.k8s.io/name"].as_str().map(str::to_owned);
    nodes.iter().find_map(profile).map(Loader::Minikube)
}

fn usual_socket() -> Result<PathBuf> {
    let found = SOCKETS.iter().map(Path::new).find(|socket| socket.exists());
    found.map(Path::to_owned).ok_or_else(|| {
        Error::new(Code::ImageNotLoadable, "no socket of containerd is at any of the usual places")
            .because(SOCKETS.join(", "))
            .remedy("Name it with --load containerd=SOCKET, on the machine that is the node.")
    })
}

fn unknown(context: &str) -> Error {
    Error::new(
        Code::ImageNotLoadable,
        format!("cluster `{context}` is none whose nodes an image can be loaded into from here"),
    )
    .because("it is not known as one of kind, k3d or minikube, and its nodes have no image of this program")
    .remedy(
        "Push the image with `mesheryctl system image push REFERENCE` and start with --image REFERENCE; where this \
         machine is the node, load it with --load containerd=SOCKET.",
    )
}

impl Loader {
    /// Loads an archive.
    ///
    /// # Errors
    /// [`Code::ToolMissing`], [`Code::ToolFailed`] with the program's own words.
    pub(super) async fn load(&self, archive: &Path) -> Result<()> {
        let (program, arguments) = self.command(archive);
        match tool::run(program, &arguments).await.map_err(|error| self.failed(program, &error))? {
            Some(_) => Ok(()),
            None => Err(Error::new(Code::ToolMissing, format!("`{program}` is not on PATH"))
                .because(format!("images are loaded into {self} by it"))
                .remedy(
                    "Install it, or push the image with `mesheryctl system image push REFERENCE` and start with --image REFERENCE.",
                )),
        }
    }

    /// A program that failed, with its own last words as the cause.
    fn failed(&self, program: &str, error: &Error) -> Error {
        let (act, remedy) = match self {
            Loader::Kind(name) => {
                ("load image-archive", format!("See that `kind get clusters` on this machine tells of {name}."))
            }
            Loader::K3d(name) => ("image import", format!("See that `k3d cluster list` tells of {name}.")),
            Loader::Minikube(name) => ("image load", format!("See that `minikube profile list` tells of {name}.")),
            Loader::Containerd(socket) => (
                "images import",
                format!(
                    "See that containerd listens at {} and lets this user in, or name its socket with --load \
                     containerd=SOCKET; `ctr --address SOCKET version` tries it.",
                    socket.display()
                ),
            ),
        };
        let report = error.report();
        let words = report.details.last().cloned().or(report.probable_cause).unwrap_or_default();
        let earlier = report.details.len().saturating_sub(1);
        Error::new(Code::ToolFailed, format!("`{program} {act}` failed: the image is not in {self}"))
            .because(words)
            .details(report.details.into_iter().take(earlier))
            .remedy(remedy)
    }

    fn command(&self, archive: &Path) -> (&'static str, Vec<OsString>) {
        let archive = archive.as_os_str();
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        match self {
            Loader::Kind(name) => {
                ("kind", [words(&["load", "image-archive"]), vec![archive.into()], words(&["--name", name])].concat())
            }
            Loader::K3d(name) => {
                ("k3d", [words(&["image", "import"]), vec![archive.into()], words(&["--cluster", name])].concat())
            }
            Loader::Minikube(name) => {
                ("minikube", [words(&["image", "load"]), vec![archive.into()], words(&["--profile", name])].concat())
            }
            Loader::Containerd(socket) => (
                "ctr",
                vec![
                    "--address".into(),
                    socket.as_os_str().into(),
                    "--namespace".into(),
                    "k8s.io".into(),
                    "images".into(),
                    "import".into(),
                    archive.into(),
                ],
            ),
        }
    }
}

impl std::fmt::Display for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Loader::Kind(name) => write!(f, "kind cluster {name}"),
            Loader::K3d(name) => write!(f, "k3d cluster {name}"),
            Loader::Minikube(name) => write!(f, "minikube profile {name}"),
            Loader::Containerd(socket) => write!(f, "containerd at {}", socket.display()),
        }
    }
}

/// Nodes on which pods can be placed.
pub(super) fn usable(nodes: &[Value]) -> impl Iterator<Item = &Value> {
    nodes.iter().filter(|node| node["spec"]["unschedulable"] != true)
}

/// Nodes that do not tell of an image. They tell of their largest fifty only, so that one that tells nothing may have it.
pub(super) fn without_image<'n>(nodes: &'n [Value], reference: &str) -> Vec<&'n str> {
    let wanted = full(reference);
    let has = |node: &Value| {
        let images = node["status"]["images"].as_array().into_iter().flatten();
        let mut names = images.flat_map(|image| image["names"].as_array().into_iter().flatten());
        names.any(|name| name.as_str().is_some_and(|name| full(name) == wanted))
    };
    usable(nodes).filter(|node| !has(node)).filter_map(|node| node["metadata"]["name"].as_str()).collect()
}

/// A reference with the host and folder that it means when it names none.
fn full(reference: &str) -> String {
    match reference.split_once('/') {
        None => format!("docker.io/library/{reference}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => reference.to_owned(),
        Some(_) => format!("docker.io/{reference}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn clusters_are_told_by_their_context_or_their_nodes() {
        let node = |body: Value| vec![body];
        let auto = |context: &str, nodes: &[Value]| choose(&Load::Auto, context, nodes).map(Option::unwrap);
        assert_eq!(auto("kind-dev", &[]).unwrap(), Loader::Kind("dev".into()));
        assert_eq!(auto("k3d-a", &[]).unwrap(), Loader::K3d("a".into()));
        let kind = node(json!({"spec": {"providerID": "kind://docker/dev/dev-control-plane"}}));
        assert_eq!(auto("renamed", &kind).unwrap(), Loader::Kind("dev".into()));
        let k3d = node(json!({"spec": {"providerID": "k3s://k3d-a-b-server-0"}}));
        assert_eq!(auto("renamed", &k3d).unwrap(), Loader::K3d("a-b".into()));
        let minikube = node(json!({"metadata": {"labels": {"minikube.k8s.io/name": "m"}}}));
        assert_eq!(auto("renamed", &minikube).unwrap(), Loader::Minikube("m".into()));
        let error = auto("prod", &[]).unwrap_err();
        assert_eq!(error.code(), Code::ImageNotLoadable);
        assert!(error.report().suggested_remediation.unwrap().contains("system image push"));
        assert_eq!(choose(&Load::None, "prod", &[]).unwrap(), None);
    }

    #[test]
    fn nodes_tell_of_images_in_long_names() {
        let nodes = [
            json!({"metadata": {"name": "a"}, "status": {"images": [{"names": ["docker.io/meshery/mesheryctl:1"]}]}}),
            json!({"metadata": {"name": "b"}, "status": {"images": []}}),
            json!({"metadata": {"name": "c"}, "spec": {"unschedulable": true}}),
        ];
        assert_eq!(without_image(&nodes, "meshery/mesheryctl:1"), ["b"]);
        assert_eq!(full("nats:2"), "docker.io/library/nats:2");
        assert_eq!(full("localhost:5000/a:1"), "localhost:5000/a:1");
    }

    #[test]
    fn commands_name_cluster_and_archive() {
        let (program, arguments) = Loader::Containerd("/run/c.sock".into()).command(Path::new("/x.tar"));
        let text: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(program, "ctr");
        assert_eq!(text.join(" "), "--address /run/c.sock --namespace k8s.io images import /x.tar");
        let (program, arguments) = Loader::Kind("dev".into()).command(Path::new("/x.tar"));
        assert_eq!((program, arguments.len()), ("kind", 5));
    }
}
