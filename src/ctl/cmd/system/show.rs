//! How a plane is shown.

use crate::base::{Result, clock};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Rendered};
use crate::model::context::Platform;
use crate::model::plane::{Component, PlaneStatus};

/// Shows a plane: on platform local as a row, elsewhere one row a component, as old scripts read them.
pub(super) fn print(ctx: &Ctl, status: &PlaneStatus) -> Result<()> {
    // A plane that only its API tells of has no components that are known.
    let by_its_api = status.components.is_empty() && status.version.is_some();
    if status.platform == Platform::Local || by_its_api {
        return plane(ctx, status);
    }
    components(ctx, status)
}

fn dash() -> String {
    "-".to_owned()
}

fn plane(ctx: &Ctl, status: &PlaneStatus) -> Result<()> {
    let now = clock::now();
    let columns = [
        Column::new("CONTEXT", |status: &PlaneStatus| status.context.clone()),
        Column::new("STATE", |status: &PlaneStatus| status.state.word().to_owned()),
        Column::new("ENDPOINT", |status: &PlaneStatus| status.endpoint.clone()),
        Column::new("PID", |status: &PlaneStatus| status.pid.map_or_else(dash, |pid| pid.to_string())),
        Column::new("VERSION", |status: &PlaneStatus| status.version.clone().unwrap_or_else(dash)),
        Column::new("AGE", move |status: &PlaneStatus| {
            status.started_at.map_or_else(dash, |since| clock::age(since, now))
        }),
        Column::wide("LOG", |status: &PlaneStatus| {
            status.log.as_ref().map_or_else(dash, |path| path.display().to_string())
        }),
    ];
    ctx.ui.print(&Rendered::table(status, std::slice::from_ref(status), &columns)?.names([status.state.word()]))
}

fn components(ctx: &Ctl, status: &PlaneStatus) -> Result<()> {
    let now = clock::now();
    let text = |value: &Option<String>| value.clone().unwrap_or_else(dash);
    let columns = [
        Column::new("NAME", |component: &Component| component.name.clone()),
        Column::new("READY", |component: &Component| format!("{}/{}", component.ready, component.wanted)),
        Column::new("STATUS", |component: &Component| component.status.clone()),
        Column::new("RESTARTS", |component: &Component| component.restarts.to_string()),
        Column::new("AGE", move |component: &Component| {
            component.started_at.map_or_else(dash, |since| clock::age(since, now))
        }),
        Column::wide("INSTANCE", move |component: &Component| text(&component.instance)),
        Column::wide("IP", move |component: &Component| text(&component.address)),
        Column::wide("NODE", move |component: &Component| text(&component.node)),
        Column::wide("IMAGE", move |component: &Component| text(&component.image)),
    ];
    let names: Vec<String> = status.components.iter().map(|component| component.name.clone()).collect();
    ctx.ui.print(&Rendered::table(status, &status.components, &columns)?.names(names))?;
    for component in status.components.iter().filter(|component| component.ready < component.wanted) {
        if let Some(message) = &component.message {
            ctx.ui.note(&format!("{}: {message}", component.name))?;
        }
    }
    let state = status.state.word();
    ctx.ui.note(&format!(
        "Context {} on {}: the server is {state} at {}",
        status.context, status.platform, status.endpoint
    ))
}
