//! The containers as they are wanted.

use sha2::{Digest, Sha256};
use url::Url;

use super::payload::Payload;
use super::session::Session;
use crate::base::error::{Error, Result};
use crate::base::id;
use crate::client::http::is_loopback;
use crate::docker::container::Found;
use crate::docker::network::Labels;
use crate::model::context::DEFAULT_PORT;
use crate::plane::container::{Container, LABEL_SPEC, Settings, containers};
use crate::plane::spec::{PartKind, Spec};

/// A container as it is wanted.
pub(super) struct Wanted {
    /// What the component is.
    pub kind: PartKind,
    /// What the engine is told.
    pub container: Container,
    /// Its labels.
    pub labels: Labels,
    /// Files of the server.
    pub payload: Option<Payload>,
}

impl Wanted {
    /// Name of the component.
    pub fn component(&self) -> &str {
        &self.container.component
    }

    /// Whether a container was made as this one is wanted.
    pub fn is_like(&self, found: &Found) -> bool {
        found.label(LABEL_SPEC) == self.labels.get(LABEL_SPEC).map(String::as_str)
    }
}

/// An image by its name and by what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    /// Reference.
    pub reference: String,
    /// Id.
    pub id: String,
}

/// The containers of a plane; `image` gives the image of each component.
pub(super) fn wanted(
    session: &Session<'_>,
    spec: &Spec,
    port: u16,
    payload: &Payload,
    image: &dyn Fn(&str) -> Option<Image>,
) -> Result<Vec<Wanted>> {
    let made = containers(spec, &Settings::of(&session.plane.context, port));
    spec.parts
        .iter()
        .map(|part| part.kind)
        .zip(made)
        .map(|(kind, mut container)| {
            let image = image(&container.component)
                .ok_or_else(|| Error::internal(format!("component {} has no image", container.component)))?;
            container.image = image.reference;
            let payload = (kind == PartKind::Server).then(|| payload.clone());
            let digest = digest(&container, &image.id, payload.as_ref())?;
            let labels = session.container_labels(&container.component, &digest);
            Ok(Wanted { kind, container, labels, payload })
        })
        .collect()
}

/// Tells a container from one that is made of another image, with other settings or other files. The files hold
/// secrets of 256 random bits, so that their digest gives nothing away.
fn digest(container: &Container, image_id: &str, payload: Option<&Payload>) -> Result<String> {
    // The name of an image is no change while it stands for the same one.
    let container = Container { image: image_id.to_owned(), ..container.clone() };
    let text = serde_json::to_vec(&container)
        .map_err(|error| Error::internal("a container cannot be written as JSON").because(error))?;
    let mut hash = Sha256::new();
    hash.update(text);
    hash.update(payload.map(|payload| payload.digest.as_bytes()).unwrap_or_default());
    Ok(id::hex(&hash.finalize())[..16].to_owned())
}

/// Port of this machine for a context whose start names none.
pub(super) fn port_of(endpoint: &str) -> u16 {
    let url = Url::parse(endpoint).ok();
    let port = url.as_ref().and_then(|url| if is_loopback(url) { url.port_or_known_default() } else { url.port() });
    port.unwrap_or(DEFAULT_PORT)
}

/// The address of a server that is published on a port of this machine.
pub(super) fn endpoint_of(endpoint: &str, port: u16) -> String {
    let fits = Url::parse(endpoint)
        .is_ok_and(|url| url.scheme() == "http" && is_loopback(&url) && url.port_or_known_default() == Some(port));
    if fits { endpoint.to_owned() } else { format!("http://localhost:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_made_for_these_containers() {
        use crate::oci::image::files;
        use crate::plane::container::{HOME, PROGRAM, USER};
        assert_eq!((files::DATA, format!("/{}", files::PROGRAM).as_str()), (HOME, PROGRAM));
        assert_eq!(u64::from(files::USER), USER);
    }

    #[test]
    fn endpoints_give_ports_and_ports_endpoints() {
        for (endpoint, port, back) in [
            ("http://localhost:9090", 9090, "http://localhost:9090"),
            ("http://127.0.0.1:9090/", 9090, "http://127.0.0.1:9090/"),
            ("https://localhost:9443", 9443, "http://localhost:9443"),
            ("https://plane.example.org", 9081, "http://localhost:9081"),
            ("https://plane.example.org:9443", 9443, "http://localhost:9443"),
            ("nonsense", 9081, "http://localhost:9081"),
        ] {
            assert_eq!(port_of(endpoint), port, "{endpoint}");
            assert_eq!(endpoint_of(endpoint, port), back, "{endpoint}");
        }
        assert_eq!(endpoint_of("http://localhost:9081", 9082), "http://localhost:9082");
    }
}
