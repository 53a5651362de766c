//! Which images the components get, and how the one made of this program reaches the nodes.

use std::path::PathBuf;

use serde_json::Value;

use super::load::{self, Loader};
use super::own::Own;
use super::target::Target;
use crate::base::{Error, Result, dirs};
use crate::cluster::status::health;
use crate::model::pattern::Health;
use crate::plane::kubernetes::{Load, Pull, Wishes};
use crate::plane::spec::{SERVER, Spec};
use crate::platform::{Plane, Progress};

/// Name of the step that progress tells of.
const STEP: &str = "image";

/// Images of a plane.
pub(super) struct Images {
    /// Image of the server and of adapters that are not there yet.
    pub reference: String,
    /// When its registry is asked.
    pub pull: Pull,
    /// The image made of this program, when it is the one.
    pub own: Option<Own>,
}

impl Images {
    /// What a start gives the plane: the image that is asked for, else the one that runs, else the one of an earlier
    /// start, else this program's own.
    pub(super) async fn of_start(
        plane: &Plane,
        target: &Target,
        asked: Option<&str>,
        (wishes, pull): (&Wishes, bool),
    ) -> Result<Self> {
        let given = |image: &str| {
            let pull = if pull { Pull::Always } else { Pull::IfNotPresent };
            Self { reference: image.to_owned(), pull, own: None }
        };
        if let Some(image) = asked {
            return Ok(given(image));
        }
        let live = target.deployment(SERVER).await?;
        let running = live.as_ref().and_then(Running::of);
        if let Some(running) = &running
            && health(live.as_ref()).0 == Health::Ready
        {
            return Ok(running.keep());
        }
        if let Some(image) = &wishes.image {
            return Ok(given(image));
        }
        let own = Own::of(plane).await?;
        match running {
            // It was started by another version of this program: that is for an update to change.
            Some(running) if running.image != own.reference() => Ok(running.keep()),
            _ => Ok(Self::of_program(own)),
        }
    }

    /// The image made of this program.
    pub(super) fn of_program(own: Own) -> Self {
        Self { reference: own.reference().to_owned(), pull: Pull::Never, own: Some(own) }
    }
}

struct Running {
    image: String,
    pull: Pull,
}

impl Running {
    fn of(deployment: &Value) -> Option<Self> {
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let pull = match container["imagePullPolicy"].as_str() {
            Some("Never") => Pull::Never,
            Some("Always") => Pull::Always,
            _ => Pull::IfNotPresent,
        };
        Some(Self { image: container["image"].as_str()?.to_owned(), pull })
    }

    fn keep(&self) -> Images {
        Images { reference: self.image.clone(), pull: self.pull, own: None }
    }
}

/// Gives components that are there the images that they have; an update changes them.
pub(super) async fn keep_running(target: &Target, spec: &mut Spec, images: &Images) -> Result<()> {
    if images.own.is_some() {
        return Ok(());
    }
    for part in spec.parts.iter_mut().filter(|part| part.image == images.reference) {
        if let Some(running) = target.deployment(&part.name).await?.as_ref().and_then(Running::of) {
            part.image = running.image;
        }
    }
    Ok(())
}

/// How the image made of this program gets to nodes that lack it.
pub(super) struct Delivery {
    loader: Option<Loader>,
    lacking: Vec<String>,
}

impl Delivery {
    /// Looks at the nodes and how they can be loaded into.
    ///
    /// # Errors
    /// A cluster that cannot be loaded into and whose nodes lack the image.
    pub(super) async fn prepare(target: &Target, own: &Own, load: &Load) -> Result<Self> {
        let nodes = target.list("v1", "Node", "").await?;
        let lacking = load::without_image(&nodes, own.reference()).into_iter().map(str::to_owned).collect::<Vec<_>>();
        if lacking.is_empty() && !nodes.is_empty() && *load == Load::Auto {
            return Ok(Self { loader: load::choose(load, &target.cluster.context, &nodes).ok().flatten(), lacking });
        }
        let loader = load::choose(load, &target.cluster.context, &nodes)?;
        Ok(Self { loader, lacking: if nodes.is_empty() { vec!["its nodes".to_owned()] } else { lacking } })
    }

    /// Loads the image where it is lacking; `again` also where the nodes say that they have it. Whether it was loaded.
    pub(super) async fn carry_out(
        &self,
        plane: &Plane,
        own: &Own,
        again: bool,
        progress: &dyn Progress,
    ) -> Result<bool> {
        let Some(loader) = &self.loader else { return Ok(false) };
        if self.lacking.is_empty() && !again {
            progress.done(STEP, &format!("{} is on the nodes", own.reference()));
            return Ok(false);
        }
        progress.state(STEP, &format!("loading {} into {loader}", own.reference()));
        let archive = Archive(dirs::run(&plane.home).join(format!("image-{}.tar", std::process::id())));
        own.archive_to(&archive.0).await?;
        match loader.load(&archive.0).await {
            Ok(()) => {
                progress.done(STEP, &format!("{} loaded into {loader}", own.reference()));
                Ok(true)
            }
            Err(error) => {
                progress.failed(STEP, error.message());
                Err(error)
            }
        }
    }

    /// Whether there is a way to load at all.
    pub(super) fn can_load(&self) -> bool {
        self.loader.is_some()
    }
}

/// A file that goes when this is dropped. Those of processes that were killed go with the next one.
struct Archive(PathBuf);

impl Drop for Archive {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Removes archives that processes left which are gone.
pub(super) fn clean(plane: &Plane) -> Result<()> {
    let folder = dirs::run(&plane.home);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(()) };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let pid = name.strip_prefix("image-").and_then(|rest| rest.strip_suffix(".tar"));
        let Some(pid) = pid.and_then(|pid| pid.parse().ok()) else { continue };
        if crate::base::process::Identity::of(pid).is_none() {
            std::fs::remove_file(&path).map_err(|error| {
                Error::new(crate::base::Code::ConfigWrite, format!("cannot remove {}", path.display())).because(error)
            })?;
        }
    }
    Ok(())
}
