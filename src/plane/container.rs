//! A component as a container of Docker: what the engine is told, and what a compose file says.

use std::collections::BTreeMap;

use serde::Serialize;

use super::spec::{Part, PartKind, Spec};
use crate::base::env;
use crate::model::context::Context;
use crate::model::provider;

/// Label with the name of the context.
pub const LABEL_CONTEXT: &str = "io.meshery.context";
/// Label with the id of the Meshery home, which tells planes of the same context name apart.
pub const LABEL_HOME: &str = "io.meshery.home";
/// Label with the name of the component.
pub const LABEL_COMPONENT: &str = "io.meshery.component";
/// Label with the digest of what was wanted when the container was made.
pub const LABEL_SPEC: &str = "io.meshery.spec";

/// The program in the plane's own image.
pub const PROGRAM: &str = "/usr/local/bin/mesheryctl";
/// User and group of the plane's own image.
pub const USER: u64 = 65532;
/// The server's home folder in its container, where the plane's volume lies.
pub const HOME: &str = "/var/lib/meshery";
/// Name of the kubeconfig in the server's home folder.
pub const KUBECONFIG_FILE: &str = "host-kubeconfig.yaml";
/// Name of the token file in the server's home folder.
pub const TOKEN_FILE: &str = "auth.json";
/// Folder for what is thrown away.
const SCRATCH: &str = "/tmp";
/// How folders in memory are mounted.
const IN_MEMORY: &str = "rw,noexec,nosuid,nodev,size=64m";
/// Name by which a container reaches the machine it runs on.
pub const HOST_NAME: &str = "host.docker.internal";
/// What engines since 20.10 put the address of their machine for.
pub const HOST_GATEWAY: &str = "host-gateway";

/// Seconds that a server may take to end: its running operations have 10 s, cancelled ones 5 s more.
const SERVER_GRACE: u32 = 20;
/// Seconds that others may take.
const GRACE: u32 = 10;

/// What a plane on Docker is told beside its components.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Port of this machine under which the server is reached.
    pub port: u16,
    /// Environment of the server.
    pub environment: BTreeMap<String, String>,
}

impl Settings {
    /// The settings of a context, with what this shell passes on to its server.
    pub fn of(context: &Context, port: u16) -> Self {
        let mut environment = BTreeMap::new();
        if !provider::is_local(&context.provider) {
            environment.insert("PROVIDER".to_owned(), context.provider.clone());
        }
        for name in [env::PROVIDER_BASE_URLS, env::MESHERY_SERVER_CALLBACK_URL] {
            environment.extend(env::get(name).map(|value| (name.to_owned(), value)));
        }
        Self { port, environment }
    }
}

/// A component as a container. Every container has a read-only root, no capabilities, and is started again by the
/// engine unless it was stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// Name of the component, by which the others reach it.
    pub component: String,
    /// Name of the container.
    pub name: String,
    /// Image reference.
    pub image: String,
    /// Arguments of the image's entry point; without any, the image's own.
    pub arguments: Vec<String>,
    /// User and group; without them, the image's own.
    pub user: Option<String>,
    /// Environment.
    pub environment: BTreeMap<String, String>,
    /// Network.
    pub network: String,
    /// Volume at [`HOME`].
    pub volume: Option<String>,
    /// Folders in memory, with how they are mounted.
    pub in_memory: BTreeMap<String, String>,
    /// Port it listens on.
    pub port: u16,
    /// Port of this machine's loopback that leads there.
    pub published: Option<u16>,
    /// Command that tells whether it is healthy; without one, running is.
    pub health: Vec<String>,
    /// Most memory, in bytes.
    pub memory: u64,
    /// Seconds it may take to end.
    pub grace: u32,
}

/// Name of the network, and of the volume, of a plane.
pub fn plane_name(instance: &str) -> String {
    format!("meshery-{instance}")
}

/// Name of a component's container.
pub fn container_name(instance: &str, component: &str) -> String {
    format!("meshery-{instance}-{component}")
}

/// The containers of a plane, in the order of its components.
pub fn containers(spec: &Spec, settings: &Settings) -> Vec<Container> {
    spec.parts.iter().map(|part| container(spec, part, settings)).collect()
}

fn container(spec: &Spec, part: &Part, settings: &Settings) -> Container {
    let is_server = part.kind == PartKind::Server;
    let (memory, grace) = match part.kind {
        PartKind::Server => (1 << 30, SERVER_GRACE),
        PartKind::Adapter => (512 << 20, GRACE),
        PartKind::Broker => (256 << 20, GRACE),
    };
    Container {
        component: part.name.clone(),
        name: container_name(&spec.instance, &part.name),
        image: part.image.clone(),
        arguments: part.arguments.clone(),
        user: (part.kind != PartKind::Broker).then(|| format!("{USER}:{USER}")),
        environment: environment(spec, part, settings),
        network: plane_name(&spec.instance),
        volume: is_server.then(|| plane_name(&spec.instance)),
        in_memory: in_memory(part.kind),
        port: part.port,
        published: is_server.then_some(settings.port),
        health: if is_server { [PROGRAM, "system", "status"].map(str::to_owned).to_vec() } else { Vec::new() },
        memory,
        grace,
    }
}

/// The root is read-only. Components that keep nothing get their home in memory, where the image would have a volume.
fn in_memory(kind: PartKind) -> BTreeMap<String, String> {
    let mut found = BTreeMap::from([(SCRATCH.to_owned(), format!("{IN_MEMORY},mode=1777"))]);
    if kind == PartKind::Adapter {
        found.insert(HOME.to_owned(), format!("{IN_MEMORY},mode=0700,uid={USER},gid={USER}"));
    }
    found
}

fn environment(spec: &Spec, part: &Part, settings: &Settings) -> BTreeMap<String, String> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    match part.kind {
        PartKind::Broker => BTreeMap::new(),
        PartKind::Adapter => [pair(env::MESHERY_HOME, HOME.to_owned())].into(),
        PartKind::Server => {
            let mut found = settings.environment.clone();
            found.extend([
                pair(env::MESHERY_HOME, HOME.to_owned()),
                pair(env::KUBECONFIG, format!("{HOME}/{KUBECONFIG_FILE}")),
            ]);
            let adapters: Vec<String> = spec.adapters().map(|part| format!("{}:{}", part.name, part.port)).collect();
            if !adapters.is_empty() {
                found.insert(env::ADAPTER_URLS.to_owned(), adapters.join(" "));
            }
            found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::context::Platform;

    fn context() -> Context {
        Context {
            name: "local".into(),
            endpoint: "http://localhost:9081".into(),
            token: "default".into(),
            platform: Platform::Docker,
            components: vec!["meshery-istio".into(), "meshery-linkerd".into()],
            channel: "stable".into(),
            version: "latest".into(),
            provider: "Meshery".into(),
        }
    }

    #[test]
    fn only_the_server_is_published_and_keeps_data_and_it_knows_the_adapters() {
        let spec = Spec::new(&context(), "i:1", Some("nats:2")).unwrap();
        let made = containers(&spec, &Settings::of(&context(), 9090));
        let names: Vec<&str> = made.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "meshery-local-meshery",
                "meshery-local-meshery-istio",
                "meshery-local-meshery-linkerd",
                "meshery-local-broker"
            ]
        );
        assert_eq!(made[0].environment["ADAPTER_URLS"], "meshery-istio:10000 meshery-linkerd:10001");
        assert_eq!(made[0].environment["PROVIDER"], "Meshery");
        assert_eq!((made[0].published, made[0].volume.as_deref()), (Some(9090), Some("meshery-local")));
        assert!(made[1..].iter().all(|one| one.published.is_none() && one.volume.is_none()));
        assert_eq!((made[1].user.as_deref(), &made[3].user), (Some("65532:65532"), &None));
    }
}
