//! wrk and wrk2. Both send one request over and over; wrk as fast as answers come, wrk2 at a rate, with response times
//! from the moment a request was due.

mod report;
mod script;

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::outline::{self, per_second};
use super::program::{self, Finished, Program};
use super::scratch::{Scratch, argument};
use crate::base::{Result, env};
use crate::model::performance::plan::{Generator, Plan};
use crate::model::performance::result::{Ending, PerfResult};
use crate::perf::control::Control;
use crate::perf::external::warm_up;
use crate::perf::external::wrk::Job;
use report::Report;

/// The file that the program's script writes its report to.
const REPORT: &str = "report.json";

/// Carries a plan out with wrk or wrk2.
pub(super) async fn run(plan: &Plan, control: &Control) -> Result<PerfResult> {
    let job = Job::of(plan)?;
    let program = find(plan).await?;
    if let Some(first) = warm_up(plan) {
        measure(&first, &program, &Job::of(&first)?, control).await?;
    }
    let (done, report) = measure(plan, &program, &job, control).await?;
    let mut result = result(plan, &program, &done, &report);
    result.generator.threads = job.threads;
    Ok(result)
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

async fn measure(plan: &Plan, program: &Program, job: &Job, control: &Control) -> Result<(Finished, Report)> {
    let scratch = Scratch::new()?;
    let path = scratch.path(REPORT);
    let is_wrk2 = plan.generator == Generator::Wrk2;
    let lua = scratch.write("run.lua", script::text(&job.request, &argument(&path)?, is_wrk2).as_bytes())?;
    let mut command = Command::new(&program.path);
    command.args(&job.arguments).arg("-s").arg(lua).arg(&job.url);
    let done = program::run(plan, command, program::limit(plan), control).await?;
    let report = read(plan, &path, &done)?;
    Ok((done, report))
}

fn read(plan: &Plan, path: &Path, done: &Finished) -> Result<Report> {
    let failed = |cause: String| {
        let words = program::last_lines(&done.stderr, &done.stdout);
        program::failed(plan, "it left no report that can be read").because(cause).details(words)
    };
    let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))
}

fn result(plan: &Plan, program: &Program, done: &Finished, report: &Report) -> PerfResult {
    let elapsed = Duration::from_micros(report.duration_us);
    let mut result = outline::result(plan, program, (done.started, elapsed));
    result.ended_by = done.stopped.unwrap_or(Ending::Duration);
    result.generator.resolution_ns = 1_000;
    report.fill(plan, &mut result);
    result.requests.due = outline::due(plan, elapsed.as_secs_f64(), result.requests.sent);
    result.requests.dropped = result.requests.due - result.requests.sent;
    result.achieved_rate = per_second(report.requests, elapsed.as_secs_f64());
    result
}
