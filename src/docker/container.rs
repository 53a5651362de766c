//! Containers: look, create, start, stop, remove.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, EndpointSettings, HealthConfig, HostConfig, Mount, MountType,
    NetworkingConfig, PortBinding, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
    RenameContainerOptionsBuilder, StopContainerOptionsBuilder,
};

use super::connect::Engine;
use super::fault;
use super::network::Labels;
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::plane::container::{Container, HOME, HOST_GATEWAY, HOST_NAME};

/// How often a container that is on its way is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a container may take to be gone after the engine was told to remove it.
const GONE_LIMIT: Duration = Duration::from_secs(30);
/// Nanoseconds of a second, in which the engine counts.
const SECOND: i64 = 1_000_000_000;

/// A container as the engine has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: Labels,
    /// Image reference it was made of.
    pub image: String,
    /// Id of that image.
    pub image_id: String,
    /// How it is.
    pub state: State,
    /// How often the engine started it again.
    pub restarts: u32,
    /// Address on its network.
    pub address: Option<String>,
    /// Port of this machine that leads to it.
    pub published: Option<u16>,
}

/// How a container is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The engine's word: `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`.
    pub status: String,
    /// Exit code of its last run.
    pub exit_code: i64,
    /// Whether it ran out of memory.
    pub out_of_memory: bool,
    /// What kept the engine from starting it.
    pub error: Option<String>,
    /// When it was started the last time.
    pub started_at: Option<Timestamp>,
    /// The engine's word for its health, where it is checked.
    pub health: Option<String>,
}

/// A container that has a port of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// Its name.
    pub name: String,
    /// Address of this machine that the port is on.
    pub address: String,
    /// Its own port behind that.
    pub port: u16,
    /// Names of its networks.
    pub networks: Vec<String>,
}

impl Found {
    /// Whether its process runs.
    pub fn is_running(&self) -> bool {
        self.state.status == "running"
    }

    /// Whether its process is there, running or held.
    pub fn is_alive(&self) -> bool {
        self.is_running() || self.is_paused()
    }

    /// Whether its process is held.
    pub fn is_paused(&self) -> bool {
        self.state.status == "paused"
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

impl Engine {
    /// Every container with these labels, running or not, by name.
    pub async fn containers(&self, labels: &[(&str, &str)]) -> Result<Vec<Found>> {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let filters = HashMap::from([("label".to_owned(), labels)]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = self.client.list_containers(Some(options)).await;
        let listed = listed.map_err(|error| self.fault("containers cannot be listed", &error))?;
        let mut found = Vec::with_capacity(listed.len());
        for id in listed.into_iter().filter_map(|one| one.id) {
            // One that went in between is none.
            found.extend(self.container(&id).await?);
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// The container of a name or id.
    pub async fn container(&self, name: &str) -> Result<Option<Found>> {
        let options = None::<bollard::query_parameters::InspectContainerOptions>;
        match self.client.inspect_container(name, options).await {
            Ok(found) => Ok(Some(read(found))),
            Err(error) if fault::is_not_found(&error) => Ok(None),
            Err(error) => Err(self.fault(&format!("container {name} cannot be looked at"), &error)),
        }
    }

    /// The running container that has a port of this machine.
    pub async fn holder_of_port(&self, port: u16) -> Result<Option<Publisher>> {
        let filters = HashMap::from([("publish".to_owned(), vec![port.to_string()])]);
        let options = ListContainersOptionsBuilder::default().filters(&filters).build();
        let listed = self.client.list_containers(Some(options)).await;
        let listed = listed.map_err(|error| self.fault("containers cannot be listed", &error))?;
        Ok(listed.into_iter().find_map(|one| {
            let binding = one.ports?.into_iter().find(|known| known.public_port == Some(port))?;
            let networks = one.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
            let mut networks: Vec<String> = networks.into_keys().collect();
            networks.sort();
            Some(Publisher {
                name: one.names?.first()?.trim_start_matches('/').to_owned(),
                address: binding.ip.unwrap_or_default(),
                port: binding.private_port,
                networks,
            })
        }))
    }

    /// Makes a container, not started; its id.
    ///
    /// # Errors
    /// [`Code::DockerImageMissing`] when the engine has no such image, [`Code::DockerNameTaken`] when a container has
    /// the name, [`Code::DockerFault`] with the engine's words.
    pub async fn create_container(&self, wanted: &Container, labels: &Labels) -> Result<String> {
        let options = CreateContainerOptionsBuilder::default().name(&wanted.name).build();
        let made = self.client.create_container(Some(options), body(wanted, labels)).await;
        made.map(|made| made.id).map_err(|error| {
            let (name, image) = (&wanted.name, &wanted.image);
            let because = fault::words(&error);
            if fault::is_not_found(&error) {
                Error::new(Code::DockerImageMissing, format!("the Docker engine has no image {image}")).because(because)
            } else if fault::is_conflict(&error) {
                Error::new(Code::DockerNameTaken, format!("a container has the name {name}")).because(because)
            } else {
                self.fault(&format!("container {name} cannot be made"), &error)
            }
        })
    }

    /// Starts a container; one that runs is left alone.
    ///
    /// # Errors
    /// [`Code::PortTaken`] when somebody listens on its port, [`Code::DockerFault`] with the engine's words.
    pub async fn start_container(&self, id: &str, name: &str) -> Result<()> {
        let options = None::<bollard::query_parameters::StartContainerOptions>;
        self.client.start_container(id, options).await.map_err(|error| {
            let fault = self.fault(&format!("container {name} cannot be started"), &error);
            if !fault::is_port_taken(&error) {
                return fault;
            }
            Error::new(Code::PortTaken, format!("the port of container {name} is taken")).because(fault::words(&error))
        })
    }

    /// Lets a container that is held go on.
    ///
    /// # Errors
    /// [`Code::DockerFault`] with the engine's words.
    pub async fn resume_container(&self, id: &str, name: &str) -> Result<()> {
        let resumed = self.client.unpause_container(id).await;
        resumed.map_err(|error| self.fault(&format!("container {name} cannot be resumed"), &error))
    }

    /// Asks a container to end, and kills it after `grace` seconds; one that is gone or has ended is as good.
    pub async fn stop_container(&self, id: &str, name: &str, grace: u32) -> Result<()> {
        let options = StopContainerOptionsBuilder::default().t(i32::try_from(grace).unwrap_or(i32::MAX)).build();
        match self.client.stop_container(id, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) if fault::is_not_found(&error) => Ok(()),
            Err(error) => Err(self.fault(&format!("container {name} cannot be stopped"), &error)),
        }
    }

    /// Removes a container, running or not, and waits until it is gone; volumes with a name stay.
    pub async fn remove_container(&self, id: &str, name: &str) -> Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.client.remove_container(id, Some(options)).await {
            // A conflict is a removal that is under way.
            Ok(()) => {}
            Err(error) if fault::is_not_found(&error) || fault::is_conflict(&error) => {}
            Err(error) => return Err(self.fault(&format!("container {name} cannot be removed"), &error)),
        }
        let gone = async {
            while self.container(id).await?.is_some() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        tokio::time::timeout(GONE_LIMIT, gone).await.unwrap_or_else(|_| {
            Err(Error::new(Code::WaitTimeout, format!("container {name} is not gone after {} s", GONE_LIMIT.as_secs()))
                .remedy(format!("See what the engine says: `docker rm -f {name}`.")))
        })
    }

    /// Gives a container another name.
    pub async fn rename_container(&self, id: &str, name: &str, wanted: &str) -> Result<()> {
        let options = RenameContainerOptionsBuilder::default().name(wanted).build();
        let renamed = self.client.rename_container(id, options).await;
        renamed.map_err(|error| self.fault(&format!("container {name} cannot be renamed to {wanted}"), &error))
    }
}

fn read(found: ContainerInspectResponse) -> Found {
    let config = found.config.unwrap_or_default();
    let state = found.state.unwrap_or_default();
    let time = |text: Option<String>| {
        let time: Timestamp = text?.parse().ok()?;
        // The engine writes the year 1 for never.
        (time.as_second() > 0).then_some(time)
    };
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    let bindings = found.host_config.and_then(|config| config.port_bindings).unwrap_or_default();
    Found {
        id: found.id.unwrap_or_default(),
        name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        image: config.image.unwrap_or_default(),
        image_id: found.image.unwrap_or_default(),
        restarts: u32::try_from(found.restart_count.unwrap_or_default()).unwrap_or_default(),
        address: networks.into_values().find_map(|network| text(network.ip_address)),
        published: bindings
            .into_values()
            .flatten()
            .flatten()
            .find_map(|binding| binding.host_port?.parse().ok().filter(|port| *port != 0)),
        state: State {
            status: state.status.map(|status| status.to_string()).unwrap_or_default(),
            exit_code: state.exit_code.unwrap_or_default(),
            out_of_memory: state.oom_killed.unwrap_or_default(),
            error: text(state.error),
            started_at: time(state.started_at),
            health: state.health.and_then(|health| health.status).map(|status| status.to_string()),
        },
    }
}

fn body(wanted: &Container, labels: &Labels) -> ContainerCreateBody {
    let pairs = |map: &BTreeMap<String, String>| map.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let endpoint = EndpointSettings { aliases: Some(vec![wanted.component.clone()]), ..EndpointSettings::default() };
    ContainerCreateBody {
        image: Some(wanted.image.clone()),
        cmd: (!wanted.arguments.is_empty()).then(|| wanted.arguments.clone()),
        user: wanted.user.clone(),
        env: Some(pairs(&wanted.environment)),
        labels: Some(labels.clone().into_iter().collect()),
        exposed_ports: Some(vec![port_key(wanted)]),
        stop_timeout: Some(wanted.grace.into()),
        healthcheck: (!wanted.health.is_empty()).then(|| health(&wanted.health)),
        host_config: Some(host_config(wanted)),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(wanted.network.clone(), endpoint)])),
        }),
        ..ContainerCreateBody::default()
    }
}

fn port_key(wanted: &Container) -> String {
    format!("{}/tcp", wanted.port)
}

fn health(command: &[String]) -> HealthConfig {
    let test = ["CMD".to_owned()].into_iter().chain(command.iter().cloned()).collect();
    HealthConfig {
        test: Some(test),
        interval: Some(30 * SECOND),
        timeout: Some(5 * SECOND),
        retries: Some(3),
        start_period: Some(30 * SECOND),
        start_interval: None,
    }
}

fn host_config(wanted: &Container) -> HostConfig {
    // Loopback only: whoever wants the plane to be reached from elsewhere puts something in front that speaks TLS.
    let binding = |port: u16| PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(port.to_string()) };
    let bindings = wanted.published.map(|port| HashMap::from([(port_key(wanted), Some(vec![binding(port)]))]));
    let mount = |volume: &String| Mount {
        target: Some(HOME.to_owned()),
        source: Some(volume.clone()),
        typ: Some(MountType::VOLUME),
        ..Mount::default()
    };
    HostConfig {
        memory: i64::try_from(wanted.memory).ok(),
        network_mode: Some(wanted.network.clone()),
        port_bindings: bindings,
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        }),
        mounts: wanted.volume.as_ref().map(|volume| vec![mount(volume)]),
        cap_drop: Some(vec!["ALL".to_owned()]),
        extra_hosts: wanted.volume.is_some().then(|| vec![format!("{HOST_NAME}:{HOST_GATEWAY}")]),
        readonly_rootfs: Some(true),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        tmpfs: Some(wanted.in_memory.clone().into_iter().collect()),
        ..HostConfig::default()
    }
}
