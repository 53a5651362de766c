//! The inventory: what was applied, as a ConfigMap of the plane's namespace. It is written before the objects and
//! deleted after them, so that a stop finds everything, whatever broke a start off.

use futures_util::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::target::{Target, kind_of, named};
use crate::base::{Code, Error, Result};
use crate::client::credentials;
use crate::cluster::apply::Options as Applying;
use crate::model::kubernetes::ObjectRef;
use crate::model::pattern::Action;
use crate::plane::kubernetes::marks::{INSTANCE, MANAGED_BY, MANAGER, NAME as NAME_LABEL};
use crate::plane::kubernetes::{TOKEN, TOKEN_FILE, Wishes, encode};
use crate::platform::Plane;
use crate::wire::rest::TokenFile;

/// Name of the ConfigMap.
pub(super) const NAME: &str = "meshery-inventory";
/// Objects looked at at the same time.
const AT_ONCE: usize = 8;
/// Its key.
const KEY: &str = "plane.json";

/// A plane and what it is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Inventory {
    /// Tells this plane from others of the same name.
    pub id: String,
    /// Name of the context.
    pub context: String,
    /// The name as it stands in labels.
    pub instance: String,
    /// How it was wanted.
    pub wishes: Wishes,
    /// Whether no start has succeeded yet with these wishes.
    #[serde(default)]
    pub unfinished: bool,
    /// What was applied, or is about to be, in the order of application.
    pub objects: Vec<ObjectRef>,
}

impl Inventory {
    /// The inventory in the target's namespace.
    ///
    /// # Errors
    /// [`Code::PlaneForeign`] when it cannot be read as one.
    pub(super) async fn read(target: &Target) -> Result<Option<Self>> {
        let Some(found) = target.get("v1", "ConfigMap", NAME).await? else { return Ok(None) };
        let text = found["data"][KEY].as_str().unwrap_or_default();
        serde_json::from_str(text).map(Some).map_err(|error| {
            Error::new(
                Code::PlaneForeign,
                format!("ConfigMap {}/{NAME} is not the inventory of a plane", target.namespace),
            )
            .because(error)
            .remedy(format!(
                "Look at it with `kubectl -n {} get configmap {NAME} -o yaml`, or choose another namespace with --namespace.",
                target.namespace
            ))
        })
    }

    /// Whether it holds a plane, and not only what a stop kept of one.
    pub(super) fn is_started(&self) -> bool {
        self.objects.iter().any(|object| object.kind == "Deployment")
    }

    /// What it holds and the cluster does not have.
    pub(super) async fn missing(&self, target: &Target) -> Result<Vec<ObjectRef>> {
        let looks = futures_util::stream::iter(self.objects.clone()).map(async |object| {
            let kind = kind_of(&object.api_version, &object.kind)?;
            let live = target.cluster.get(&kind, &object).await?;
            Ok::<_, Error>(live.is_none().then_some(object))
        });
        let missing: Vec<Option<ObjectRef>> = looks.buffered(AT_ONCE).try_collect().await?;
        Ok(missing.into_iter().flatten().collect())
    }

    /// Keeps it; whether that changed anything.
    pub(super) async fn write(&self, target: &Target) -> Result<bool> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::internal("an inventory cannot be written as JSON").because(error))?;
        let body = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": NAME, "namespace": target.namespace, "labels": {
                NAME_LABEL: "meshery", INSTANCE: self.instance, "app.kubernetes.io/component": "inventory",
                "app.kubernetes.io/part-of": "meshery", MANAGED_BY: MANAGER
            }},
            "data": {KEY: text}
        });
        let (kind, object) = named(&body)?;
        let options = Applying { force: true, ..Applying::default() };
        let applied = target.cluster.apply(&kind, &object, &body, options).await?;
        Ok(applied.action != Action::Unchanged)
    }

    /// Whether the plane is the one that this context means.
    ///
    /// It is when this machine started it, or when the context has its token.
    ///
    /// # Errors
    /// [`Code::PlaneForeign`].
    pub(super) async fn claim(&self, plane: &Plane, target: &Target) -> Result<()> {
        let foreign = |whose: String| {
            Error::new(Code::PlaneForeign, format!("namespace {} holds the plane of {whose}", target.namespace))
        };
        let other = format!("{}-{}", target.namespace, target.instance);
        if self.instance != target.instance {
            return Err(foreign(format!("context `{}`", self.context)).remedy(format!(
                "Choose another namespace, as in `--namespace {other}`, or the context with --context {}.",
                self.context
            )));
        }
        if target.record.as_ref().is_some_and(|record| record.id == self.id) {
            return Ok(());
        }
        if same_token(plane, target).await? {
            return Ok(());
        }
        Err(foreign(format!("a context of the same name, `{}`, that is not this one", self.context))
            .because("this machine did not start it, and the context's token is not its token")
            .detail(format!("the plane's token is in the Secret {}/{TOKEN}", target.namespace))
            .remedy(format!(
                "Choose another namespace, as in `--namespace {other}`, or write the plane's token into {}.",
                plane.token_file.display()
            )))
    }
}

/// Whether the context's token file holds the token of the plane that is there.
pub(super) async fn same_token(plane: &Plane, target: &Target) -> Result<bool> {
    let Some(own) = credentials::read(&plane.token_file)?.filter(|own| !own.token.is_empty()) else {
        return Ok(false);
    };
    let Some(secret) = target.get("v1", "Secret", TOKEN).await? else { return Ok(false) };
    Ok(secret["data"][TOKEN_FILE] == encode(token_text(&own)?.as_bytes()))
}

/// The token file as the plane's server reads it. The plane's own token is the local provider's, whoever keeps it here.
pub fn token_text(token: &TokenFile) -> Result<String> {
    let own = TokenFile { provider: crate::model::provider::LOCAL.to_owned(), token: token.token.clone() };
    serde_json::to_string(&own)
        .map_err(|error| Error::internal("a token file cannot be written as JSON").because(error))
}
