//! Images: look, load, pull.

use bollard::auth::DockerCredentials;
use bollard::query_parameters::{CreateImageOptionsBuilder, ImportImageOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::connect::{Engine, LONG_LIMIT};
use super::fault;
use crate::base::error::{Code, Error, Result};

/// Who asks a registry.
#[derive(Clone)]
pub struct Login {
    /// Host of the registry.
    pub host: String,
    /// User; `<token>` when the password is an identity token.
    pub user: String,
    /// Password or token.
    pub password: String,
}

impl Engine {
    /// The id of an image; `None` when the engine does not have it.
    pub async fn image(&self, reference: &str) -> Result<Option<String>> {
        match self.client.inspect_image(reference).await {
            Ok(found) => Ok(found.id),
            Err(error) if fault::is_not_found(&error) => Ok(None),
            Err(error) => Err(self.fault(&format!("image {reference} cannot be looked at"), &error)),
        }
    }

    /// Loads an archive as `docker save` writes it.
    pub async fn load_image(
        &self,
        reference: &str,
        archive: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<()> {
        let client = self.client.clone().with_timeout(LONG_LIMIT);
        let options = ImportImageOptionsBuilder::default().quiet(true).build();
        let mut answer = client.import_image_stream(options, archive, None);
        while let Some(line) = answer.next().await {
            line.map_err(|error| self.fault(&format!("image {reference} cannot be loaded"), &error))?;
        }
        Ok(())
    }

    /// Pulls an image; `hear` is told how it goes on.
    ///
    /// # Errors
    /// [`Code::DockerImageMissing`] with the words of the engine or the registry.
    pub async fn pull_image(&self, reference: &str, login: Option<&Login>, hear: &(dyn Fn(&str) + Sync)) -> Result<()> {
        let client = self.client.clone().with_timeout(LONG_LIMIT);
        let (name, tag) = split(reference);
        let options = CreateImageOptionsBuilder::default().from_image(name).tag(tag).build();
        let mut answer = client.create_image(Some(options), None, login.map(credentials));
        while let Some(line) = answer.next().await {
            let line = line.map_err(|error| match error {
                bollard::errors::Error::DockerResponseServerError { .. }
                | bollard::errors::Error::DockerStreamError { .. } => {
                    Error::new(Code::DockerImageMissing, format!("image {reference} cannot be pulled"))
                        .because(fault::words(&error))
                }
                error => self.fault(&format!("image {reference} cannot be pulled"), &error),
            })?;
            if let Some(status) = &line.status {
                hear(status);
            }
        }
        Ok(())
    }
}

fn credentials(login: &Login) -> DockerCredentials {
    let text = |text: &str| Some(text.to_owned());
    let mut found = DockerCredentials { serveraddress: text(&login.host), ..DockerCredentials::default() };
    if login.user == "<token>" {
        found.identitytoken = text(&login.password);
    } else {
        (found.username, found.password) = (text(&login.user), text(&login.password));
    }
    found
}

/// Name and tag or digest of a reference, as the engine wants them.
fn split(reference: &str) -> (&str, &str) {
    if let Some((name, digest)) = reference.split_once('@') {
        return (name, digest);
    }
    match reference.rsplit_once(':') {
        // What follows a port is a path.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

/// The registry that a reference names, as docker reads it: the first part, when it looks like a host.
pub fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_split_as_docker_does() {
        assert_eq!(split("nats"), ("nats", "latest"));
        assert_eq!(split("nats:2-alpine"), ("nats", "2-alpine"));
        assert_eq!(split("h:5000/a/b"), ("h:5000/a/b", "latest"));
        assert_eq!(split("h:5000/a:1"), ("h:5000/a", "1"));
        assert_eq!(split("a@sha256:00"), ("a", "sha256:00"));
        assert_eq!(
            ["nats", "meshery/x:1", "ghcr.io/a", "localhost/a", "h:1/a"].map(registry),
            ["docker.io", "docker.io", "ghcr.io", "localhost", "h:1"]
        );
    }
}
