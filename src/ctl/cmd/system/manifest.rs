//! `system manifest`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::cluster_args::{ClusterArgs, reference};
use super::flags;
use super::{managed, plane};
use crate::base::{Code, Error, Result, yaml};
use crate::client::{credentials, process};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::context::{Context, DEFAULT_PORT, Platform};
use crate::oci::image::Image;
use crate::plane::Spec;
use crate::plane::compose::{self, ComposeOptions};
use crate::plane::container::Settings;
use crate::plane::kubernetes::grants::{self, Grant};
use crate::plane::kubernetes::{self, Options, Wishes};
use crate::plane::spec::BROKER_IMAGE;
use crate::platform;

/// Print what a start brings to its platform: Kubernetes objects, or a Compose file.
///
/// It is what `mesheryctl system start` applies with the same flags; nothing is sent anywhere. What was chosen at the
/// last start of the context's plane holds here too. The token is left out unless --with-token is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system manifest --platform kubernetes
  mesheryctl system manifest --platform kubernetes --with-token | kubectl apply -f -
  mesheryctl system manifest --platform kubernetes --show-rbac --grant discovery,patterns,secrets
  mesheryctl system manifest --platform docker >compose.yaml")]
pub struct Args {
    /// Platform, instead of the context's own: docker or kubernetes.
    #[arg(short = 'p', long, value_name = "PLATFORM")]
    pub platform: Option<String>,
    /// Image of the plane, instead of one made of this program.
    #[arg(long, value_name = "REFERENCE", value_parser = reference)]
    pub image: Option<String>,
    /// Run a broker (NATS) beside the server, of the usual image or of the one that is named.
    #[arg(long, value_name = "REFERENCE", num_args = 0..=1, require_equals = true, default_missing_value = BROKER_IMAGE, value_parser = reference)]
    pub broker: Option<String>,
    /// Print what the plane may do in its cluster instead, with the reason of each rule.
    #[arg(long, conflicts_with = "with_token")]
    pub show_rbac: bool,
    /// Print the token as well; one is made where there is none.
    #[arg(long)]
    pub with_token: bool,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What is printed: the objects, the rules, or a Compose file.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum View {
    /// Objects, as a List that kubectl takes.
    Objects(List),
    /// Rules of what the plane may do.
    Rules(Vec<Grant>),
    /// A Compose file.
    Compose(serde_json::Map<String, Value>),
}

/// A List of Kubernetes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct List {
    /// `v1`.
    pub api_version: &'static str,
    /// `List`.
    pub kind: &'static str,
    /// The objects, in the order of application.
    pub items: Vec<Value>,
}

pub(crate) async fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    let context = plane::context(ctx, args.platform.as_deref())?;
    flags::warn_idle(ctx, context.platform, &args.cluster.flags())?;
    match context.platform {
        Platform::Kubernetes => cluster(ctx, context, args).await,
        Platform::Docker => docker(ctx, context, args).await,
        Platform::Local => Err(Error::new(
            Code::PlatformUnsupported,
            format!("context `{}` has platform local, which has no manifest", context.name),
        )
        .because("a local plane is a process of this program")
        .remedy("Pass --platform kubernetes or --platform docker.")),
    }
}

/// A plane as it is wanted, without its token.
pub(super) struct Wanted {
    /// Its components.
    pub spec: Spec,
    /// How it is wanted.
    pub options: Options,
    /// The plane.
    pub plane: platform::Plane,
}

/// What flags and the last start say of a context's plane.
pub(super) async fn wanted(ctx: &Ctl, context: Context, wishes: Wishes) -> Result<Wanted> {
    let plane = managed::plane(ctx, context)?;
    let wishes = wishes.over(&platform::kubernetes::remembered(&plane.home, &plane.context.name)?);
    let image = match &wishes.image {
        Some(image) => image.clone(),
        None => own_image(&plane).await?,
    };
    let spec = Spec::new(&plane.context, &image, wishes.broker.as_deref())?;
    let options = Options::of(&wishes).told(&plane.context);
    Ok(Wanted { spec, options, plane })
}

/// Name of the image made of this program; it is hashed for that.
async fn own_image(plane: &platform::Plane) -> Result<String> {
    let program = plane.program.clone();
    let made = tokio::task::spawn_blocking(move || Image::of_program(&program)).await;
    let image = made.map_err(|error| Error::internal("the image could not be assembled").because(error))?;
    let image = image.map_err(|error| error.remedy("Name an image with --image."))?;
    Ok(image.reference().to_owned())
}

async fn cluster(ctx: &Ctl, context: Context, args: &Args) -> Result<()> {
    let wishes = Wishes { image: args.image.clone(), broker: args.broker.clone(), ..args.cluster.wishes(None) };
    if args.show_rbac {
        return rules(ctx, context, wishes);
    }
    let Wanted { spec, mut options, plane } = wanted(ctx, context, wishes).await?;
    options.token = Some(if args.with_token {
        platform::kubernetes::token_text(&credentials::ensure_in(&plane.token_file)?)?
    } else {
        String::new()
    });
    let mut objects = kubernetes::objects(&spec, &options);
    if !args.with_token {
        objects = kubernetes::redacted(objects);
        ctx.ui.note("The token is left out of the Secret; --with-token prints it.")?;
    }
    let mut text = String::new();
    for object in &objects {
        text.push_str("---\n");
        text.push_str(&yaml::write_kubernetes(object)?);
    }
    let name = |object: &Value| {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        format!("{}/{}", word(&object["kind"]), word(&object["metadata"]["name"]))
    };
    let names: Vec<String> = objects.iter().map(name).collect();
    let view = View::Objects(List { api_version: "v1", kind: "List", items: objects });
    ctx.ui.print(&Rendered::one(&view, text.clone())?.yaml(text).names(names))
}

fn rules(ctx: &Ctl, context: Context, wishes: Wishes) -> Result<()> {
    let plane = managed::plane(ctx, context)?;
    let options = Options::of(&wishes.over(&platform::kubernetes::remembered(&plane.home, &plane.context.name)?));
    let rules = grants::of_plane(&Spec::new(&plane.context, "", None)?, &options.grants);
    let view = View::Rules(rules.clone());
    let columns =
        [
            Column::new("FEATURE", |rule: &Grant| rule.feature.to_owned()),
            Column::new("GROUP", |rule: &Grant| if rule.group.is_empty() { "core" } else { rule.group }.to_owned()),
            Column::new("VERBS", |rule: &Grant| rule.verbs.join(",")),
            Column::new("RESOURCES", |rule: &Grant| rule.resources.join(",")),
            Column::wide("WHERE", |rule: &Grant| {
                if rule.own_namespace { options.namespace.clone() } else { "whole cluster".to_owned() }
            }),
            Column::new("REASON", |rule: &Grant| rule.reason.to_owned()),
        ];
    let names: Vec<&str> = rules.iter().map(|rule| rule.feature).collect();
    ctx.ui.print(&Rendered::table(&view, &rules, &columns)?.names(names))?;
    ctx.ui.note(&format!(
        "Whoever grants more binds another role to the account {}/meshery; --grant takes or gives whole features.",
        options.namespace
    ))
}

/// A Compose file of the same plane. Secrets stand in files that it names; --with-token makes the token's where there is
/// none.
async fn docker(ctx: &Ctl, context: Context, args: &Args) -> Result<()> {
    let plane = managed::plane(ctx, context)?;
    let image = match &args.image {
        Some(image) => image.clone(),
        None => own_image(&plane).await?,
    };
    let spec = Spec::new(&plane.context, &image, args.broker.as_deref())?;
    let port = Url::parse(&plane.context.endpoint).ok().and_then(|url| url.port_or_known_default());
    let options = ComposeOptions {
        settings: Settings::of(&plane.context, port.unwrap_or(DEFAULT_PORT)),
        token_file: plane.token_file.display().to_string(),
        kubeconfig: None,
        home: process::home_id(&plane.home).to_string(),
    };
    if args.with_token {
        credentials::ensure_in(&plane.token_file)?;
    }
    let text = compose::compose(&spec, &options)?;
    let value =
        yaml::read(&text).map_err(|fault| Error::internal("a Compose file cannot be read").because(fault.message))?;
    let names: Vec<String> = spec.parts.iter().map(|part| part.name.clone()).collect();
    ctx.ui.print(&Rendered::one(&View::Compose(value), text.clone())?.yaml(text).names(names))
}
