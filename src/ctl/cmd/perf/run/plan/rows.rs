//! A plan as people read it, value by value.

use crate::model::performance::duration;
use crate::model::performance::plan::{Generator, Load, Overload, Pacing, Plan, Reuse, Step, Target};
use crate::perf::{redact, units};

/// Every value of a plan, by name, as people read it: nothing in it authorises.
pub(in crate::ctl::cmd::perf) fn rows(plan: &Plan) -> Vec<(&'static str, String)> {
    let target = |target: &Target| match (redact::url(&target.url), target.weight) {
        (url, 1) => url,
        (url, weight) => format!("{url} (weight {weight})"),
    };
    let targets: Vec<String> = plan.targets.iter().map(target).collect();
    let mut rows = vec![
        ("name", plan.name.clone()),
        ("targets", targets.join(", ")),
        ("protocol", plan.protocol.name().to_owned()),
        ("generator", plan.generator.name().to_owned()),
        ("options", plan.generator_options.clone().unwrap_or_default()),
        ("model", plan.load.model().to_owned()),
        ("rate", rate(&plan.load)),
        ("overload", overload(&plan.load)),
        ("connections", units::count(u64::from(plan.connections))),
        ("streams", plan.streams.to_string()),
        ("reuse", reuse(plan.reuse)),
        ("threads", if plan.threads == 0 { "one for each processor".to_owned() } else { plan.threads.to_string() }),
        ("pinned", if plan.pin { "each thread to a processor".to_owned() } else { String::new() }),
        ("busy", busy(plan)),
        ("duration", plan.duration.map_or_else(String::new, duration::format_single)),
        ("requests", plan.requests.map_or_else(String::new, units::count)),
        ("warm-up", duration::format_single(plan.warm_up)),
        ("timeout", duration::format_single(plan.timeout)),
        ("method", plan.request.method.clone()),
        ("headers", plan.request.headers.iter().map(|header| header.name.as_str()).collect::<Vec<_>>().join(", ")),
        ("cookies", plan.request.cookies.keys().cloned().collect::<Vec<_>>().join(", ")),
        ("body", body(&plan.request.body)),
        ("redirects", plan.redirects.to_string()),
        ("tls", tls(plan)),
        ("mesh", plan.mesh.clone().unwrap_or_default()),
        ("labels", plan.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")),
        ("seed", plan.seed.to_string()),
    ];
    rows.retain(|(name, value)| !value.is_empty() || *name == "targets");
    rows
}

/// Whether responses are looked for or slept for; nothing where another program decides that.
fn busy(plan: &Plan) -> String {
    match (plan.generator, plan.busy) {
        (Generator::Native, true) => "where a processor is free".to_owned(),
        (Generator::Native, false) => "no".to_owned(),
        _ => String::new(),
    }
}

fn body(bytes: &[u8]) -> String {
    match bytes.len() {
        0 => String::new(),
        1 => "1 byte".to_owned(),
        many => format!("{} bytes", units::count(many as u64)),
    }
}

fn rate(load: &Load) -> String {
    let Load::Open { pacing, .. } = load else { return "max".to_owned() };
    match pacing {
        Pacing::Constant { rate } => format!("{}/s", per_second(*rate)),
        Pacing::Poisson { rate } => format!("{}/s, Poisson", per_second(*rate)),
        Pacing::Ramp { from, to, over } => {
            format!("{}/s to {}/s in {}", per_second(*from), per_second(*to), duration::format_single(*over))
        }
        Pacing::Steps { steps } => {
            let step =
                |step: &Step| format!("{}/s for {}", per_second(step.rate), duration::format_single(step.length));
            steps.iter().map(step).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A rate as results write it, with every digit where that would round it.
fn per_second(rate: f64) -> String {
    let text = units::rate(rate);
    if text.replace(',', "").parse() == Ok(rate) { text } else { rate.to_string() }
}

fn overload(load: &Load) -> String {
    match load {
        Load::Closed => String::new(),
        Load::Open { overload: Overload::Queue, .. } => "queue".to_owned(),
        Load::Open { overload: Overload::Drop, .. } => "drop".to_owned(),
        Load::Open { overload: Overload::Grow { limit }, .. } => {
            format!("grow to {} connections", units::count(u64::from(*limit)))
        }
    }
}

fn reuse(reuse: Reuse) -> String {
    match reuse {
        Reuse::KeepAlive => "keep-alive".to_owned(),
        Reuse::PerRequest => "per-request".to_owned(),
        Reuse::Range { min, max } => format!("{min} to {max} requests"),
    }
}

fn tls(plan: &Plan) -> String {
    let tls = &plan.tls;
    let facts = [
        tls.ca.as_ref().map(|path| format!("trusts {path}")),
        tls.cert.as_ref().map(|path| format!("shows {path}")),
        tls.server_name.as_ref().map(|name| format!("asks for {name}")),
        tls.insecure.then(|| "trusts anybody".to_owned()),
    ];
    facts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_grouped_and_never_rounded() {
        assert_eq!([0.05, 2.5, 500.0, 12_345.0, 1234.5].map(per_second), ["0.05", "2.5", "500", "12,345", "1234.5"]);
    }
}
