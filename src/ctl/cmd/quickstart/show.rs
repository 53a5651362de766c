//! What is there after quickstart, and what to type next.

use schemars::JsonSchema;
use serde::Serialize;

use super::PATTERN;
use crate::base::error::Result;
use crate::base::{dirs, text};
use crate::ctl::cmd::pattern::graph;
use crate::ctl::cmd::sample;
use crate::ctl::ui::{Format, Rendered};
use crate::ctl::{Ctl, paste};
use crate::model::operation::Operation;
use crate::model::pattern::{Action, ObjectResult, ServiceHealth, ServiceStatus};
use crate::pattern::graph::Graph;

/// What is there after quickstart.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Facts {
    /// Address of the plane.
    pub endpoint: String,
    /// Context of config.yaml that reaches it.
    pub context: String,
    /// Kubernetes contexts the pattern is applied to.
    pub kube_contexts: Vec<String>,
    /// What this run started: `server`, `practice cluster`.
    pub started: Vec<&'static str>,
    /// Name of the pattern.
    pub pattern: String,
    /// What happened to each object in this run.
    pub objects: Vec<ObjectResult>,
    /// How the services are.
    pub services: Vec<ServiceStatus>,
    /// What to type next.
    pub next: Vec<Next>,
    #[serde(skip)]
    #[schemars(skip)]
    graph: Option<Graph>,
}

/// A command to type next.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Next {
    /// The command, to be pasted into this shell.
    pub command: String,
    /// What it does.
    pub about: String,
}

/// Where the pattern is.
pub(super) struct Place {
    pub(super) endpoint: String,
    pub(super) kube_contexts: Vec<String>,
    pub(super) started: Vec<&'static str>,
}

impl Facts {
    pub(super) fn new(
        ctx: &Ctl,
        place: Place,
        operation: Operation,
        (graph, services): (Graph, Vec<ServiceStatus>),
    ) -> Self {
        Self {
            context: ctx.settings.context_name().unwrap_or_default().to_owned(),
            next: next(ctx, &place.kube_contexts),
            endpoint: place.endpoint,
            kube_contexts: place.kube_contexts,
            started: place.started,
            pattern: PATTERN.to_owned(),
            objects: operation.results,
            services,
            graph: Some(graph),
        }
    }

    /// One sentence: what this run did to the objects.
    fn done(&self) -> String {
        let objects = text::count(self.objects.len(), "object");
        if self.objects.iter().all(|result| result.action == Action::Unchanged) {
            return format!("{objects}, all as they were");
        }
        let changed = self.objects.iter().filter(|result| result.action != Action::Unchanged).count();
        if changed == self.objects.len() {
            format!("{objects} applied")
        } else {
            format!("{changed} of {objects} changed")
        }
    }
}

/// Shows the facts: as people read them, or as one value.
pub(super) fn print(ctx: &Ctl, facts: &Facts) -> Result<()> {
    if *ctx.ui.format() == Format::Jsonl {
        // The results went out while they were reached.
        return Ok(());
    }
    let names = facts.objects.iter().map(|result| crate::ctl::cmd::pattern::objects::name(&result.object));
    ctx.ui.print(&Rendered::one(facts, prose(ctx, facts))?.records(&facts.objects)?.names(names))
}

fn prose(ctx: &Ctl, facts: &Facts) -> String {
    let since = |what: &str| if facts.started.contains(&what) { "started now" } else { "ran already" };
    let cluster = facts.kube_contexts.join(", ");
    let practice = facts.kube_contexts.iter().any(|context| context == sample::CONTEXT);
    let cluster_since = if practice { format!(" ({})", since("practice cluster")) } else { String::new() };
    let ready = facts.services.iter().filter(|service| service.health == ServiceHealth::Ready).count();
    let mut out = format!(
        "Plane     {} ({})\nCluster   {cluster}{cluster_since}\nPattern   {}: {}; {ready} of {} ready\n\n",
        facts.endpoint,
        since("server"),
        facts.pattern,
        facts.done(),
        text::count(facts.services.len(), "service"),
    );
    if let Some(graph) = &facts.graph {
        out.push_str(&graph::characters(graph, ctx.ui.paint(), ctx.ui.is_unicode()));
    }
    out.push_str("\nType next:\n");
    let next = facts.next.iter().flat_map(|next| ["  # ", &next.about, "\n  ", &next.command, "\n"]);
    out.extend(next);
    out
}

fn next(ctx: &Ctl, contexts: &[String]) -> Vec<Next> {
    let own =
        |about: &str, words: &[&str]| Next { about: about.to_owned(), command: paste::command(&ctx.settings, words) };
    let list = contexts.join(",");
    let file = format!("{PATTERN}.yaml");
    let mut view = own("a file of your own: change it, for example the replicas", &["pattern", "view", PATTERN]);
    view.command = format!("{} > {file}", view.command);
    let mut next = vec![
        own("every object with its health", &["pattern", "status", PATTERN, "--objects"]),
        view,
        own(
            "apply what you changed; once more, and nothing changes",
            &["pattern", "apply", "-f", &file, "--kube-context", &list, "--wait"],
        ),
        own("a picture of it", &["pattern", "graph", PATTERN, "--status", "--output-file", "quickstart.svg"]),
    ];
    if let [context] = contexts {
        next.push(kubectl(ctx, context));
    }
    next.push(own("take everything back", &["quickstart", "--cleanup"]));
    next
}

fn kubectl(ctx: &Ctl, context: &str) -> Next {
    let practice = ctx.settings.home().ok().map(|home| dirs::practice_kubeconfig(&home));
    let kubeconfig = match (practice, ctx.settings.kubeconfig()) {
        (Some(path), _) if context == sample::CONTEXT => {
            format!("--kubeconfig {} ", paste::quoted(&path.display().to_string()))
        }
        (_, Some(path)) => format!("--kubeconfig {} ", paste::quoted(&path.display().to_string())),
        _ => String::new(),
    };
    Next {
        about: "the same with kubectl".to_owned(),
        command: format!(
            "kubectl {kubeconfig}--context {} --namespace {PATTERN} get deployments,services,configmaps",
            paste::quoted(context)
        ),
    }
}
