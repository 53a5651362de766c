//! Other images for components, one after the other; one that does not become ready gets its old image back.

use serde_json::{Value, json};

use super::images::{Delivery, Images, clean};
use super::inventory::Inventory;
use super::own::Own;
use super::ready::{self, Limit};
use super::target::{Target, named, short};
use super::{apply, logs, status};
use crate::base::{Code, Error, Kind, Result};
use crate::cluster::apply::Options as Applying;
use crate::cluster::status::health;
use crate::model::pattern::Health;
use crate::model::plane::{UpdateOutcome, Updated};
use crate::plane::kubernetes::{self, Options, Pull, Wishes};
use crate::plane::spec::{BROKER, SERVER, Spec};
use crate::platform::{Plane, Progress, Update, component};

/// Annotation of a Deployment whose image is being changed: the image it had.
const BEFORE: &str = "meshery.io/image-before";

/// See [`crate::platform::update`].
pub(super) async fn update(plane: &Plane, how: &Update, progress: &dyn Progress) -> Result<Vec<Updated>> {
    let target = Target::find(plane).await?;
    let Some(mut inventory) = Inventory::read(&target).await?.filter(|found| found.instance == target.instance) else {
        return Err(logs::absent(plane, &target));
    };
    inventory.claim(plane, &target).await?;
    let running = status::running(&target).await?;
    if running.is_empty() {
        return Err(logs::absent(plane, &target));
    }
    let gone = inventory.missing(&target).await?;
    let (deployments, others): (Vec<_>, Vec<_>) = gone.iter().partition(|object| object.kind == "Deployment");
    let lacking = deployments.iter().map(|object| object.name.clone());
    let known: Vec<String> = running.iter().cloned().chain(lacking).collect();
    let (mut parts, missing): (Vec<_>, Vec<_>) =
        component::choose(&how.components, &known)?.into_iter().partition(|part| running.contains(part));
    // The broker is another program: it gets another image only when it is named with one.
    if how.components.is_empty() || how.image.is_none() {
        parts.retain(|part| part != BROKER);
    }
    let images = images(plane, how).await?;
    let work = Work { plane, target: &target, images: &images, inventory: &inventory, progress };
    let mut updated = Vec::new();
    for part in &parts {
        updated.push(work.one(part, updated.is_empty()).await?);
    }
    if parts.iter().any(|part| part == SERVER) && updated.iter().all(|one| one.outcome != UpdateOutcome::RolledBack) {
        inventory.wishes.image.clone_from(&how.image);
        inventory.write(&target).await?;
    }
    updated.extend(missing.into_iter().map(Updated::missing));
    if how.components.is_empty() {
        updated.extend(others.into_iter().map(|object| Updated::missing(short(object))));
    }
    Ok(updated)
}

async fn images(plane: &Plane, how: &Update) -> Result<Images> {
    match &how.image {
        Some(image) => Ok(Images { reference: image.clone(), pull: Pull::IfNotPresent, own: None }),
        None => Ok(Images::of_program(Own::of(plane).await?)),
    }
}

struct Work<'a> {
    plane: &'a Plane,
    target: &'a Target,
    images: &'a Images,
    inventory: &'a Inventory,
    progress: &'a dyn Progress,
}

impl Work<'_> {
    /// Updates one component; for the `first`, an image that cannot be had is told as that, because nothing was changed.
    async fn one(&self, part: &str, first: bool) -> Result<Updated> {
        let live = self.target.deployment(part).await?.unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let image = text(&live["spec"]["template"]["spec"]["containers"][0]["image"]);
        let to = self.images.reference.clone();
        let begun = live["metadata"]["annotations"][BEFORE].as_str().map(str::to_owned);
        let from = if image == to { begun.clone().unwrap_or_else(|| image.clone()) } else { image.clone() };
        let report = |outcome, reason| Updated {
            component: part.to_owned(),
            from: from.clone(),
            to: to.clone(),
            outcome,
            reason,
        };
        if image == to && begun.is_none() {
            if health(Some(&live)).0 != Health::Ready {
                self.deliver().await?;
                ready::wait(self.target, &[part.to_owned()], Limit::of(self.plane.limit), self.progress).await?;
            }
            self.progress.done(part, "unchanged");
            return Ok(report(UpdateOutcome::Unchanged, None));
        }
        self.deliver().await?;
        let wanted = self.wanted(part, &live, &to, self.images.pull)?;
        match self.roll(part, &wanted, Some(&from)).await {
            Ok(()) => {
                // The mark of a change that is under way goes when it is done.
                self.apply(&wanted).await?;
                Ok(report(UpdateOutcome::Updated, None))
            }
            Err(error) if is_about_the_image(&error) && from != to => {
                self.progress.state(part, "going back to the old image");
                let pull = pull_of(&live, if image == to { Pull::IfNotPresent } else { self.images.pull });
                let old = self.wanted(part, &live, &from, pull)?;
                self.roll(part, &old, None).await?;
                if first && error.kind() == Kind::NotFound {
                    return Err(error.detail(format!("{part} keeps {from}")));
                }
                let report_of = error.report();
                let cause = report_of.probable_cause.map(|cause| format!(": {cause}")).unwrap_or_default();
                Ok(report(UpdateOutcome::RolledBack, Some(format!("{}{cause}", report_of.message))))
            }
            Err(error) => Err(error),
        }
    }

    /// Brings the image made of this program to the nodes, where it is that one.
    async fn deliver(&self) -> Result<()> {
        let Some(own) = &self.images.own else { return Ok(()) };
        clean(self.plane)?;
        let delivery = Delivery::prepare(self.target, own, &self.target.load(None)).await?;
        delivery.carry_out(self.plane, own, false, self.progress).await.map(drop)
    }

    /// The component's Deployment as a start applies it, with another image.
    fn wanted(&self, part: &str, live: &Value, image: &str, pull: Pull) -> Result<Value> {
        let wishes: &Wishes = &self.inventory.wishes;
        let spec = Spec::new(&self.plane.context, image, wishes.broker.as_deref())?;
        let hosts = hosts_of(live);
        let options = Options { pull, ..Options::of(wishes).told(&self.plane.context) };
        let find = |options: &Options| {
            let mut objects = kubernetes::objects(&spec, options).into_iter();
            objects.find(|object| object["kind"] == "Deployment" && object["metadata"]["name"] == part)
        };
        let plain = find(&options);
        let known = plain.as_ref().map(hosts_of).unwrap_or_default();
        let hosts: Vec<String> = hosts.into_iter().filter(|host| !known.contains(host)).collect();
        let mut found =
            if hosts.is_empty() { plain } else { find(&Options { hosts, ..options }) }.ok_or_else(|| {
                Error::new(
                    Code::UsageError,
                    format!("context `{}` no longer has the component {part}", self.plane.context.name),
                )
                .remedy("Apply what the context says with `mesheryctl system start`.")
            })?;
        found["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        Ok(found)
    }

    async fn roll(&self, part: &str, wanted: &Value, before: Option<&str>) -> Result<()> {
        let mut wanted = wanted.clone();
        if let Some(before) = before {
            wanted["metadata"]["annotations"] = json!({BEFORE: before});
        }
        self.apply(&wanted).await?;
        let limit = Limit::of(self.plane.limit);
        ready::wait(self.target, &[part.to_owned()], limit, self.progress).await
    }

    async fn apply(&self, object: &Value) -> Result<()> {
        let (kind, name) = named(object)?;
        if let Some(live) =
            self.target.cluster.get(&kind, &name).await?.filter(|live| !apply::is_ours(live, self.target))
        {
            return Err(Error::new(Code::PlaneForeign, format!("{name} was made by others"))
                .detail(format!("labels: {}", live["metadata"]["labels"])));
        }
        let options = Applying { force: true, ..Applying::default() };
        self.target.cluster.apply(&kind, &name, object, options).await.map(drop)
    }
}

fn is_about_the_image(error: &Error) -> bool {
    matches!(error.code(), Code::PlaneBlocked | Code::PlaneNotReady)
}

fn pull_of(live: &Value, otherwise: Pull) -> Pull {
    match live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"].as_str() {
        Some("Never") => Pull::Never,
        Some("Always") => Pull::Always,
        Some("IfNotPresent") => Pull::IfNotPresent,
        _ => otherwise,
    }
}

/// Host names that the server was told.
fn hosts_of(deployment: &Value) -> Vec<String> {
    let arguments = &deployment["spec"]["template"]["spec"]["containers"][0]["args"];
    let words: Vec<&str> = arguments.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    words.windows(2).filter(|pair| pair[0] == "--allow-host").map(|pair| pair[1].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_policies_are_read_from_what_runs() {
        let live = json!({"spec": {"template": {"spec": {"containers": [
            {"args": ["serve", "--allow-host", "a", "--allow-host", "b"], "imagePullPolicy": "Never"}
        ]}}}});
        assert_eq!(hosts_of(&live), ["a", "b"]);
        assert_eq!(pull_of(&live, Pull::Always), Pull::Never);
        assert_eq!(pull_of(&json!({}), Pull::Always), Pull::Always);
    }
}
