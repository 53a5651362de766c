//! fortio: a paced closed loop. It measures from the moment a request is sent, and tells a histogram of fixed buckets.

use std::time::Duration;

use tokio::process::Command;

use super::outline::{self, per_second};
use super::program::{self, Program};
use super::scratch::{Scratch, argument};
use crate::base::{Result, env};
use crate::model::performance::plan::Plan;
use crate::model::performance::result::{Cause, Ending, Latency, PerfResult};
use crate::perf::control::Control;
use crate::perf::external::fortio::Job;
use crate::perf::external::warm_up;
use crate::perf::format;

/// Carries a plan out with fortio.
pub(super) async fn run(plan: &Plan, control: &Control) -> Result<PerfResult> {
    let job = Job::of(plan)?;
    let path = program::find(plan, env::MESHERY_FORTIO, &["fortio"])?;
    let version = program::version(plan, &path, &["version"]).await?.trim().to_owned();
    let program = Program { path, version };
    if let Some(first) = warm_up(plan) {
        measure(&first, &program, &Job::of(&first)?, control).await?;
    }
    let (read, stopped) = measure(plan, &program, &job, control).await?;
    let elapsed = Duration::try_from_secs_f64(read.elapsed_seconds).unwrap_or_default();
    let mut result = outline::result(plan, &program, (read.started_at, elapsed));
    result.ended_by = stopped.unwrap_or(result.ended_by);
    result.generator.threads = plan.connections;
    result.generator.resolution_ns = job.resolution_ns;
    result.requests = read.requests;
    result.requests.due = outline::due(plan, read.elapsed_seconds, read.requests.sent);
    result.requests.dropped = result.requests.due - result.requests.sent;
    let unanswered: u64 =
        read.errors.iter().filter(|(cause, _)| **cause != Cause::Status).map(|(_, count)| *count).sum();
    let answered = read.requests.sent.saturating_sub(unanswered);
    result.achieved_rate = per_second(answered, read.elapsed_seconds);
    (result.statuses, result.errors) = (read.statuses, read.errors);
    (result.connections, result.bytes, result.latency) = (read.connections, read.bytes, read.latency);
    if answered == 0 {
        // what it measured of requests without a response is no response time
        result.latency = Latency::default();
    } else if unanswered > 0 {
        result.warnings.push("durations of requests without a response are among fortio's figures".to_owned());
    }
    result.warnings.extend(read.warnings);
    Ok(result)
}

async fn measure(plan: &Plan, program: &Program, job: &Job, control: &Control) -> Result<(PerfResult, Option<Ending>)> {
    let scratch = Scratch::new()?;
    let mut command = Command::new(&program.path);
    command.args(&job.arguments);
    if !plan.request.body.is_empty() {
        command.arg("-payload-file").arg(argument(&scratch.write("body", &plan.request.body)?)?);
    }
    command.arg(&job.target);
    let done = program::run(plan, command, program::limit(plan), control).await?;
    let read = format::read(done.stdout.as_bytes(), "its report").map_err(|error| {
        let words = program::last_lines(&done.stderr, &done.stdout);
        program::failed(plan, "its report cannot be read").because(error).details(words)
    })?;
    Ok((read, done.stopped))
}
