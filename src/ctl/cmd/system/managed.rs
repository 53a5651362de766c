//! What verbs about planes of Docker and Kubernetes share.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use super::cluster_args::Place;
use crate::base::{Code, Error, Result, dirs};
use crate::client::credentials;
use crate::ctl::Ctl;
use crate::ctl::config::{self, Edit, Field};
use crate::ctl::ui::{Progress, Step, Tone};
use crate::model::context::Context;
use crate::model::provider;
use crate::platform;

/// How long components may take to become ready, or to be gone, when the user sets no --timeout.
const LIMIT: Duration = Duration::from_mins(5);

/// The plane of a context that a platform runs.
pub(super) fn plane(ctx: &Ctl, context: Context) -> Result<platform::Plane> {
    let home = ctx.settings.home()?;
    let kube_context = match ctx.settings.kube_contexts() {
        [] => None,
        [one] => Some(one.clone()),
        several => {
            return Err(Error::new(Code::UsageError, format!("a plane runs in one cluster, not in {}", several.len()))
                .remedy("Name one with --kube-context, and make a context for each plane."));
        }
    };
    let program = std::env::current_exe()
        .map_err(|error| Error::new(Code::ServerStart, "the path of this program is unknown").because(error))?;
    Ok(platform::Plane {
        token_file: token_file(ctx, &context)?,
        kubeconfig: ctx.settings.shell_kubeconfig(),
        kube_context,
        namespace: None,
        limit: ctx.settings.timeout().unwrap_or(LIMIT),
        program,
        home,
        context,
    })
}

/// The same, in the namespace that a flag names where it does.
pub(super) fn plane_in(ctx: &Ctl, context: Context, place: &Place) -> Result<platform::Plane> {
    Ok(platform::Plane { namespace: place.namespace_of(&context)?, ..plane(ctx, context)? })
}

/// Where the plane's own token is kept: never in a file that holds the session of a remote provider.
fn token_file(ctx: &Ctl, context: &Context) -> Result<std::path::PathBuf> {
    let home = ctx.settings.home()?;
    let usual = ctx.settings.token_file(context).unwrap_or_else(|| dirs::token_file(&home));
    match credentials::read(&usual)? {
        Some(found) if !provider::is_local(&found.provider) => Ok(dirs::run(&home).join("token.json")),
        _ => Ok(usual),
    }
}

/// Whether config.yaml says that the context has this platform.
pub(super) fn is_remembered(ctx: &Ctl, context: &Context) -> bool {
    ctx.settings.config().find(&context.name).is_ok_and(|known| known.platform == context.platform)
}

/// Writes into config.yaml that the context's plane runs on another platform than it said, so that later commands look
/// for it there.
pub(super) fn remember_platform(ctx: &Ctl, context: &Context) -> Result<()> {
    write_platform(ctx, context)?.map_or(Ok(()), |note| ctx.ui.note(&note))
}

/// Writes the platform where config.yaml says another; what to tell of it.
fn write_platform(ctx: &Ctl, context: &Context) -> Result<Option<String>> {
    if is_remembered(ctx, context) {
        return Ok(None);
    }
    set(ctx, &context.name, Field::Platform, &context.platform.to_string())?;
    Ok(Some(format!("Context {} has platform {} now.", context.name, context.platform)))
}

/// Writes the address that answered into config.yaml, unless it stands there or the user chose one for this command.
pub(super) fn remember_endpoint(ctx: &Ctl, context: &Context, endpoint: &str) -> Result<()> {
    let known = ctx.settings.config().find(&context.name)?;
    let same = |one: &str, other: &str| one.trim_end_matches('/') == other.trim_end_matches('/');
    if same(&known.endpoint, endpoint) || !same(&known.endpoint, &context.endpoint) {
        return Ok(());
    }
    set(ctx, &context.name, Field::Endpoint, endpoint)?;
    ctx.ui.note(&format!("Context {} has the endpoint {endpoint} now.", context.name))
}

fn set(ctx: &Ctl, context: &str, field: Field, value: &str) -> Result<()> {
    config::update(&ctx.settings.config_path()?, |config| {
        config.find(context)?;
        Ok((vec![Edit::SetField(context.to_owned(), field, value.to_owned())], ()))
    })
}

/// Progress of a platform, one step a component.
pub(super) struct Shown<'p> {
    progress: &'p Progress<'p>,
    steps: Mutex<HashMap<String, Step<'p>>>,
    starting: Option<(&'p Ctl, &'p Context)>,
}

impl<'p> Shown<'p> {
    /// Shows on these steps.
    pub(super) fn new(progress: &'p Progress<'p>) -> Self {
        Self { progress, steps: Mutex::default(), starting: None }
    }

    /// The same for a start: config.yaml learns the context's platform when the first change is made there. A start that
    /// is refused before that leaves nothing to look for.
    pub(super) fn starting(self, ctx: &'p Ctl, context: &'p Context) -> Self {
        Self { starting: Some((ctx, context)), ..self }
    }

    fn end(&self, component: &str, tone: Tone, outcome: &str) {
        let Ok(mut steps) = self.steps.lock() else { return };
        let step = steps.remove(component).unwrap_or_else(|| self.progress.step(component));
        step.end(tone, outcome);
    }
}

impl platform::Progress for Shown<'_> {
    fn begin(&self) -> Result<()> {
        let Some((ctx, context)) = self.starting else { return Ok(()) };
        if let Some(note) = write_platform(ctx, context)? {
            self.progress.line(&note);
        }
        Ok(())
    }

    fn state(&self, component: &str, state: &str) {
        let Ok(mut steps) = self.steps.lock() else { return };
        steps.entry(component.to_owned()).or_insert_with(|| self.progress.step(component)).state(state);
    }

    fn done(&self, component: &str, outcome: &str) {
        self.end(component, Tone::Good, outcome);
    }

    fn failed(&self, component: &str, outcome: &str) {
        self.end(component, Tone::Bad, outcome);
    }

    fn note(&self, note: &str) {
        self.progress.line(note);
    }
}
