//! wrk and wrk2. Both send one request over and over; wrk as fast as answers come, wrk2 at a rate, with response times
//! from the moment a request was due.

mod report;
mod request;
mod script;

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::options::{self, Known, switch};
use super::outline::{self, per_second};
use super::program::{self, Finished, Program};
use super::refuse::{cannot, one_target, when, whole_seconds};
use super::scratch::{Scratch, argument};
use crate::base::{Result, env};
use crate::model::performance::plan::{Generator, Load, Overload, Pacing, Plan, Protocol, Reuse, Tls};
use crate::model::performance::result::{Ending, PerfResult};
use crate::perf::control::Control;
use crate::perf::engine::machine;
use report::Report;

/// Options that are handed on.
const KNOWN: &[Known] = &[switch("latency"), switch("u_latency")];
/// The file that the program's script writes its report to.
const REPORT: &str = "report.json";

/// Carries a plan out with wrk or wrk2.
pub(super) async fn run(plan: &Plan, control: &Control) -> Result<PerfResult> {
    let job = Job::of(plan)?;
    let program = find(plan).await?;
    if let Some(first) = super::warm_up(plan) {
        Job::of(&first)?.measure(&first, &program, control).await?;
    }
    let (done, report) = job.measure(plan, &program, control).await?;
    Ok(result(plan, &program, &done, &report))
}

async fn find(plan: &Plan) -> Result<Program> {
    let is_wrk2 = plan.generator == Generator::Wrk2;
    let (variable, names): (_, &[&str]) =
        if is_wrk2 { (env::MESHERY_WRK2, &["wrk2"]) } else { (env::MESHERY_WRK, &["wrk"]) };
    let path = program::find(plan, variable, names)?;
    let said = program::version(plan, &path, &["-v"]).await?;
    let version = said.lines().next().unwrap_or_default().split(" Copyright").next().unwrap_or_default().trim();
    let has_rate = said.contains("--rate");
    if !version.contains("wrk") || has_rate != is_wrk2 {
        let message = format!("{} is no {}", path.display(), plan.generator.name());
        let error = crate::base::Error::new(crate::base::Code::GeneratorMissing, message);
        return Err(
            error.because(format!("it says `{version}` and has {} option --rate", if has_rate { "an" } else { "no" }))
        );
    }
    Ok(Program { path, version: version.to_owned() })
}

/// A plan in the words of the program.
#[derive(Debug)]
struct Job {
    url: String,
    request: Vec<u8>,
    arguments: Vec<String>,
}

impl Job {
    /// # Errors
    /// [`crate::base::Code::GeneratorOption`] names the first thing that it cannot do.
    fn of(plan: &Plan) -> Result<Self> {
        let (_, url) = one_target(plan)?;
        refuse(plan, url.scheme())?;
        let threads = threads(plan)?;
        let duration = plan.duration.ok_or_else(|| cannot(plan, "needs a duration: it cannot count requests"))?;
        let mut arguments = vec![
            format!("-c{}", plan.connections),
            format!("-t{threads}"),
            format!("-d{}s", whole_seconds(plan, "a duration", duration)?),
            "--timeout".to_owned(),
            format!("{}s", whole_seconds(plan, "a timeout", plan.timeout)?),
            "--latency".to_owned(),
        ];
        arguments.extend(rate(plan)?);
        let given = options::read(plan, KNOWN)?;
        arguments.extend(given.iter().filter(|option| option.0 != "latency").map(|option| format!("--{}", option.0)));
        Ok(Self { request: request::bytes(plan, &url)?, url: request::address(&url), arguments })
    }

    async fn measure(&self, plan: &Plan, program: &Program, control: &Control) -> Result<(Finished, Report)> {
        let scratch = Scratch::new()?;
        let path = scratch.path(REPORT);
        let is_wrk2 = plan.generator == Generator::Wrk2;
        let lua = scratch.write("run.lua", script::text(&self.request, &argument(&path)?, is_wrk2).as_bytes())?;
        let mut command = Command::new(&program.path);
        command.args(&self.arguments).arg("-s").arg(lua).arg(&self.url);
        let done = program::run(plan, command, program::limit(plan)?, control).await?;
        let report = read(plan, &path, &done)?;
        Ok((done, report))
    }
}

fn read(plan: &Plan, path: &Path, done: &Finished) -> Result<Report> {
    let failed = |cause: String| {
        let words = program::last_lines(&done.stderr, &done.stdout);
        program::failed(plan, "it left no report that can be read").because(cause).details(words)
    };
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))
}

fn refuse(plan: &Plan, scheme: &str) -> Result<()> {
    when(plan, plan.protocol != Protocol::Http1, "speaks HTTP/1.1 only")?;
    when(plan, !["http", "https"].contains(&scheme), "wants a URL that begins with http:// or https://")?;
    when(plan, plan.requests.is_some(), "cannot count requests: name a duration alone")?;
    when(plan, plan.request.method.eq_ignore_ascii_case("HEAD"), "cannot read responses to HEAD")?;
    when(plan, plan.redirects > 0, "follows no redirects")?;
    when(plan, plan.pin, "does not keep its threads on processors")?;
    when(plan, matches!(plan.reuse, Reuse::Range { .. }), "cannot close connections after a number of requests")?;
    when(plan, scheme == "https" && !plan.tls.insecure, "accepts any certificate: allow that with --insecure")?;
    let own = Tls { insecure: plan.tls.insecure, ..Tls::default() };
    when(plan, plan.tls != own, "takes no certificates, keys or names for TLS")
}

/// The program gives each thread the same number of connections and drops the rest.
fn threads(plan: &Plan) -> Result<u32> {
    let processors = machine::processors();
    let threads = match plan.threads {
        0 => (1..=processors.min(plan.connections))
            .rev()
            .find(|count| plan.connections.is_multiple_of(*count))
            .unwrap_or(1),
        count => count,
    };
    let uneven = plan.connections == 0 || !plan.connections.is_multiple_of(threads);
    when(plan, uneven, "wants connections that are a multiple of its threads")?;
    Ok(threads)
}

fn rate(plan: &Plan) -> Result<Option<String>> {
    match (&plan.load, plan.generator) {
        (Load::Closed, Generator::Wrk2) => Err(cannot(plan, "needs a rate: it has no closed model")),
        (Load::Closed, _) => Ok(None),
        (Load::Open { .. }, Generator::Wrk) => {
            Err(cannot(plan, "has no rate: use wrk2, fortio or the native generator"))
        }
        (Load::Open { pacing: Pacing::Constant { rate }, overload: Overload::Queue }, _) => {
            when(plan, rate.fract() != 0.0 || *rate < 1.0, "takes whole requests a second as its rate")?;
            Ok(Some(format!("-R{rate}")))
        }
        (Load::Open { pacing: Pacing::Constant { .. }, .. }, _) => {
            Err(cannot(plan, "lets requests queue, and can neither drop them nor grow"))
        }
        (Load::Open { .. }, _) => Err(cannot(plan, "sends at a constant rate only")),
    }
}

fn result(plan: &Plan, program: &Program, done: &Finished, report: &Report) -> PerfResult {
    let elapsed = Duration::from_micros(report.duration_us);
    let mut result = outline::result(plan, program, (done.started, elapsed));
    result.ended_by = done.stopped.unwrap_or(Ending::Duration);
    result.generator.threads = threads(plan).unwrap_or(plan.threads);
    result.generator.resolution_ns = 1_000;
    report.fill(plan, &mut result);
    result.requests.due = outline::due(plan, elapsed.as_secs_f64(), result.requests.sent);
    result.requests.dropped = result.requests.due - result.requests.sent;
    result.achieved_rate = per_second(report.requests, elapsed.as_secs_f64());
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::{Request, Target};

    fn plan() -> Plan {
        Plan {
            generator: Generator::Wrk,
            targets: vec![Target { url: "http://127.0.0.1:1/x".into(), weight: 1 }],
            connections: 4,
            threads: 2,
            duration: Some(Duration::from_secs(3)),
            ..Plan::default()
        }
    }

    fn constant(rate: f64, overload: Overload) -> Load {
        Load::Open { pacing: Pacing::Constant { rate }, overload }
    }

    #[test]
    fn a_plan_becomes_the_programs_options() {
        let job = Job::of(&plan()).unwrap();
        assert_eq!(job.arguments, ["-c4", "-t2", "-d3s", "--timeout", "10s", "--latency"]);
        assert_eq!(job.url, "http://127.0.0.1:1/");
        let rated = Plan { generator: Generator::Wrk2, load: constant(500.0, Overload::Queue), ..plan() };
        assert_eq!(Job::of(&rated).unwrap().arguments.last().unwrap(), "-R500");
    }

    #[test]
    fn what_it_cannot_do_is_refused_by_name() {
        let two = vec![Target { url: "http://a/".into(), weight: 1 }; 2];
        let secure = vec![Target { url: "https://a/".into(), weight: 1 }];
        let head = Request { method: "HEAD".into(), ..Request::default() };
        let rows = [
            (Plan { load: constant(5.0, Overload::Queue), ..plan() }, "has no rate"),
            (Plan { generator: Generator::Wrk2, ..plan() }, "needs a rate"),
            (Plan { generator: Generator::Wrk2, load: constant(5.5, Overload::Queue), ..plan() }, "whole requests"),
            (Plan { generator: Generator::Wrk2, load: constant(5.0, Overload::Drop), ..plan() }, "neither drop"),
            (Plan { requests: Some(5), ..plan() }, "cannot count requests"),
            (Plan { duration: None, ..plan() }, "needs a duration"),
            (Plan { duration: Some(Duration::from_millis(1500)), ..plan() }, "whole seconds as a duration"),
            (Plan { threads: 3, ..plan() }, "multiple of its threads"),
            (Plan { targets: two, ..plan() }, "sends to one URL"),
            (Plan { targets: secure, ..plan() }, "accepts any certificate"),
            (Plan { protocol: Protocol::Http2, ..plan() }, "HTTP/1.1 only"),
            (Plan { redirects: 1, ..plan() }, "no redirects"),
            (Plan { request: head, ..plan() }, "HEAD"),
            (Plan { reuse: Reuse::Range { min: 1, max: 2 }, ..plan() }, "after a number of requests"),
            (Plan { generator_options: Some("-s /tmp/x.lua".into()), ..plan() }, "option `s`"),
        ];
        for (plan, part) in rows {
            let error = Job::of(&plan).unwrap_err();
            assert_eq!(error.code(), crate::base::Code::GeneratorOption);
            assert!(error.message().contains(part), "{part}: {error}");
        }
    }
}
