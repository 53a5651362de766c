//! A context as a list of components.

use super::adapter;
use crate::base::error::Result;
use crate::model::context::Context;

/// Name of the server's component, and of the objects around it.
pub const SERVER: &str = "meshery";
/// Name of the broker's component.
pub const BROKER: &str = "broker";
/// Port the server listens on inside its platform.
pub const SERVER_PORT: u16 = 9081;
/// Port that the broker's clients use.
pub const BROKER_PORT: u16 = 4222;
/// Image of the broker where the user names none.
pub const BROKER_IMAGE: &str = "nats:2-alpine";
/// Repository of the plane's own image.
pub const REPOSITORY: &str = "meshery/mesheryctl";

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// The server: `mesheryctl serve server`.
    Server,
    /// An adapter: `mesheryctl serve adapter MESH`.
    Adapter,
    /// The broker: a NATS server.
    Broker,
}

/// One component: one container or one Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Name: `meshery`, `meshery-istio`, `broker`.
    pub name: String,
    /// What it is.
    pub kind: PartKind,
    /// Image reference.
    pub image: String,
    /// Arguments of the image's entry point.
    pub arguments: Vec<String>,
    /// Port it listens on inside its platform.
    pub port: u16,
}

/// The plane of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Name of the context.
    pub context: String,
    /// The context's name as it can stand in names of containers and objects: lower-case letters, digits and `-`.
    pub instance: String,
    /// The server first, then adapters in the context's order, then the broker where it was asked for.
    pub parts: Vec<Part>,
}

impl Spec {
    /// The plane of `context` with the plane's own `image`; `broker` is the image of a broker, where one is wanted.
    ///
    /// # Errors
    /// An adapter that no era knew.
    pub fn new(context: &Context, image: &str, broker: Option<&str>) -> Result<Self> {
        let mut parts = vec![server(image)];
        for name in &context.components {
            let found = adapter::find(name)?;
            if !parts.iter().any(|part| part.name == found.name) {
                parts.push(adapter_part(found, image));
            }
        }
        parts.extend(broker.map(broker_part));
        Ok(Self { context: context.name.clone(), instance: instance(&context.name), parts })
    }

    /// The server.
    pub fn server(&self) -> &Part {
        &self.parts[0]
    }

    /// The adapters.
    pub fn adapters(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.kind == PartKind::Adapter)
    }
}

/// The server's part, of the plane's own image.
pub(super) fn server(image: &str) -> Part {
    let arguments = ["serve", "server", "--host", "0.0.0.0", "--port"].map(str::to_owned);
    Part {
        name: SERVER.to_owned(),
        kind: PartKind::Server,
        image: image.to_owned(),
        arguments: arguments.into_iter().chain([SERVER_PORT.to_string()]).collect(),
        port: SERVER_PORT,
    }
}

/// Arguments of an adapter's entry point.
pub(super) fn adapter_arguments(mesh: &str, port: u16) -> Vec<String> {
    let arguments = ["serve", "adapter", mesh, "--host", "0.0.0.0", "--port"].map(str::to_owned);
    arguments.into_iter().chain([port.to_string()]).collect()
}

fn adapter_part(adapter: adapter::Adapter, image: &str) -> Part {
    Part {
        name: adapter.name.to_owned(),
        kind: PartKind::Adapter,
        image: image.to_owned(),
        arguments: adapter_arguments(adapter.mesh(), adapter.port),
        port: adapter.port,
    }
}

fn broker_part(image: &str) -> Part {
    Part {
        name: BROKER.to_owned(),
        kind: PartKind::Broker,
        image: image.to_owned(),
        arguments: Vec::new(),
        port: BROKER_PORT,
    }
}

/// A context's name as it can stand in names of containers and objects (RFC 1123 labels, 40 characters at most). Names
/// that are changed by this get a short digest behind them, so that two contexts never share one.
pub fn instance(context: &str) -> String {
    let plain: String =
        context.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let plain = plain.trim_matches('-');
    if !plain.is_empty() && plain == context {
        return plain.to_owned();
    }
    let digest = crate::base::id::stable("context", context).simple().to_string();
    let (stem, digest) = (plain.chars().take(32).collect::<String>(), &digest[..6]);
    let stem = stem.trim_matches('-');
    if stem.is_empty() { format!("c-{digest}") } else { format!("{stem}-{digest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_labels_and_never_shared() {
        assert_eq!(instance("local"), "local");
        for name in ["Local", "lo.cal", "日本", "-x-", "", &"a".repeat(60)] {
            let made = instance(name);
            assert!(made.len() <= 40 && made.starts_with(|c: char| c.is_ascii_alphanumeric()), "{name}: {made}");
            assert!(made.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'), "{made}");
        }
        assert_ne!(instance("Local"), instance("local"));
        assert_ne!(instance("lo.cal"), instance("lo-cal"));
    }
}
