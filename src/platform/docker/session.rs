//! What every verb begins with: the engine, what marks the plane's things, and one change at a time.

use std::time::Duration;

use crate::base::dirs;
use crate::base::error::{Code, Error, Result};
use crate::client::process;
use crate::docker::Engine;
use crate::docker::container::Found;
use crate::docker::network::Labels;
use crate::plane::container::{LABEL_COMPONENT, LABEL_CONTEXT, LABEL_HOME, LABEL_SPEC, container_name, plane_name};
use crate::plane::spec;
use crate::platform::{Plane, Progress};

/// How often another command that changes the same plane is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What the name of a container ends with while another image is tried in its place.
const PREVIOUS: &str = "-previous";

/// The engine and the plane that is meant.
pub(super) struct Session<'p> {
    /// The engine.
    pub engine: Engine,
    /// The plane.
    pub plane: &'p Plane,
    /// The context's name as it stands in names.
    pub instance: String,
    home: String,
    lock: Option<dirs::Lock>,
}

impl<'p> Session<'p> {
    /// Connects to the engine that this shell means.
    pub async fn open(plane: &'p Plane) -> Result<Self> {
        Ok(Self {
            engine: Engine::connect().await?,
            instance: spec::instance(&plane.context.name),
            home: process::home_id(&plane.home).to_string(),
            plane,
            lock: None,
        })
    }

    /// Waits until no other command of this home changes the plane, and keeps others from it until the end.
    pub async fn lock(&mut self, progress: &dyn Progress) -> Result<()> {
        let path = dirs::run(&self.plane.home).join(format!("docker-{}.lock", self.instance));
        let mut told = false;
        while self.lock.is_none() {
            self.lock = dirs::Lock::take(&path)?;
            if self.lock.is_some() {
                break;
            }
            if !told {
                progress.note("Another mesheryctl is changing this plane: waiting for its end.");
                told = true;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Name of the network and of the volume.
    pub fn name(&self) -> String {
        plane_name(&self.instance)
    }

    /// Name of a component's container.
    pub fn container_name(&self, component: &str) -> String {
        container_name(&self.instance, component)
    }

    /// Name that a component's container has while another image is tried in its place.
    pub fn previous_name(&self, component: &str) -> String {
        format!("{}{PREVIOUS}", self.container_name(component))
    }

    /// What marks a thing of this plane.
    pub fn labels(&self) -> Labels {
        let pairs = [(LABEL_CONTEXT, self.plane.context.name.as_str()), (LABEL_HOME, &self.home)];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// What marks a container of this plane.
    pub fn container_labels(&self, component: &str, digest: &str) -> Labels {
        let mut labels = self.labels();
        labels.insert(LABEL_COMPONENT.to_owned(), component.to_owned());
        labels.insert(LABEL_SPEC.to_owned(), digest.to_owned());
        labels
    }

    /// Whether a thing with these labels is this plane's.
    pub fn is_ours(&self, labels: &Labels) -> bool {
        self.labels().iter().all(|(name, value)| labels.get(name) == Some(value))
    }

    /// Every container of this plane, running or not.
    pub async fn ours(&self) -> Result<Vec<Found>> {
        let labels = self.labels();
        let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.engine.containers(&labels).await
    }

    /// Fails when somebody else's thing has a name that this plane needs.
    pub async fn refuse_strangers<'n>(&self, containers: impl IntoIterator<Item = &'n str>) -> Result<()> {
        let name = self.name();
        if let Some(network) = self.engine.network(&name).await?
            && !self.is_ours(&network.labels)
        {
            return Err(self.stranger("network", &name, &network.labels));
        }
        if let Some(labels) = self.engine.volume(&name).await?
            && !self.is_ours(&labels)
        {
            return Err(self.stranger("volume", &name, &labels));
        }
        for name in containers {
            if let Some(found) = self.engine.container(name).await?
                && found.name == name
                && !self.is_ours(&found.labels)
            {
                return Err(self.stranger("container", name, &found.labels));
            }
        }
        Ok(())
    }

    fn stranger(&self, kind: &str, name: &str, labels: &Labels) -> Error {
        let owner = match (labels.get(LABEL_CONTEXT), labels.get(LABEL_HOME)) {
            (Some(context), Some(home)) if *home != self.home => {
                format!("it belongs to context `{context}` of another Meshery home")
            }
            (Some(context), _) => format!("it belongs to context `{context}`"),
            (None, _) => "it does not carry the labels of a plane".to_owned(),
        };
        let remove = match kind {
            "container" => format!("docker rm -f {name}"),
            kind => format!("docker {kind} rm {name}"),
        };
        Error::new(Code::DockerNameTaken, format!("the {kind} {name} is not this plane's")).because(owner).remedy(format!(
            "Remove it where it is not needed (`{remove}`), or make a context with another name: `mesheryctl system context create NAME`."
        ))
    }
}

/// Component of a container of ours.
pub(super) fn component(found: &Found) -> &str {
    found.label(LABEL_COMPONENT).unwrap_or_default()
}

/// Whether a container is one that was put aside while another image is tried.
pub(super) fn is_previous(found: &Found) -> bool {
    found.name.ends_with(PREVIOUS)
}
