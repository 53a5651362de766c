//! `perf selftest`.

mod serve;

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Code, Error, Result, exit};
use crate::ctl::Ctl;
use crate::ctl::cmd::Outcome;
use crate::ctl::ui::{Column, Rendered};
use crate::model::performance::duration;
use crate::model::performance::result::Ending;
use crate::perf::control::Control;
use crate::perf::selftest::{self, Law, LawReport, Options, Point, Report, Verdict};

/// Measure servers of known delay, and report the generator's own error.
///
/// The servers run in this process and know when they really answered. Each law of delays is measured at a fixed rate; a
/// percentile passes when it differs from what the server knows by at most 1 % or 20 us, and by what the generator was
/// late to send. Where the machine kept one of the two from running for too long, it is called unmeasurable.
/// The exit code is 1 when a percentile lies outside its bound, or a median cannot be measured.
///
/// With --serve nothing is measured: one such server stands alone until Ctrl-C, for any generator of HTTP/1.1. `GET /.law`
/// tells as JSON how long its answers really took, from a request's arrival to the sending of its answer, and
/// `DELETE /.law` begins that anew. While there is load it never sleeps, which takes one processor.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf selftest
  mesheryctl perf selftest --law pause --law heavy-tail
  mesheryctl perf selftest --rate 5000 --duration 10s -o json
  mesheryctl perf selftest --serve 127.0.0.1:8099 --law bimodal")]
pub struct Args {
    /// Serve one law at this address instead of measuring; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", requires = "law", conflicts_with_all = ["rate", "duration"])]
    serve: Option<String>,
    /// Requests a second.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000.0, value_parser = rate)]
    rate: f64,
    /// How long each law is measured.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = length)]
    duration: Duration,
    /// Measure only this law; repeatable. With --serve, the law of the server. `immediate` has no delay: it shows what the
    /// way there and back takes, and is measured only when it is named.
    #[arg(long, value_name = "LAW", value_parser = law_parser())]
    law: Vec<Law>,
    /// Seed of the random delays.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "a number of requests a second is wanted".to_owned())?;
    // the servers have one thread, which has to be able to follow
    if (1.0..=20_000.0).contains(&rate) { Ok(rate) } else { Err("it has to be from 1 to 20000".to_owned()) }
}

fn length(text: &str) -> Result<Duration, String> {
    let length = duration::parse_single(text)?;
    // the server that stands still does so for half a second
    if length >= Duration::from_secs(1) { Ok(length) } else { Err("at least 1s is wanted".to_owned()) }
}

fn law_parser() -> impl TypedValueParser<Value = Law> {
    let known = |name: String| Law::ALL.into_iter().find(|law| law.name() == name).ok_or("no such law");
    PossibleValuesParser::new(Law::ALL.map(Law::name)).try_map(known)
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<Outcome> {
    if let Some(address) = &args.serve {
        return serve::run(ctx, address, &args.law, args.seed).await.map(Into::into);
    }
    let laws = if args.law.is_empty() { Law::JUDGED.to_vec() } else { args.law };
    let options = Options { rate: args.rate, duration: args.duration, laws, seed: args.seed };
    let report = measure(ctx, options).await?;
    print(ctx, &report)?;
    Ok(if report.passed { Outcome::GOOD } else { Outcome::verdict(exit::FAILED) })
}

async fn measure(ctx: &Ctl, options: Options) -> Result<Report> {
    let _guard = ctx.cancel.guard();
    let token = ctx.cancel.token();
    let control = Control::default();
    let reins = control.clone();
    let mut work = tokio::task::spawn_blocking(move || selftest::run(&options, &reins));
    let ended = tokio::select! {
        ended = &mut work => ended,
        () = token.cancelled() => {
            control.stop(Ending::Stopped);
            // half a measurement says nothing of the error
            let _ = work.await;
            let error = ctx.cancel.error("the selftest was stopped before it was done");
            return Err(error.remedy("Run it again: it begins anew, and keeps nothing."));
        }
    };
    ended.map_err(|problem| Error::internal(format!("the selftest ended: {problem}")))?
}

/// What standard output gets: a report, or where the server listens.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Shown {
    /// After a measurement.
    Report(Report),
    /// With --serve.
    Serving(serve::View),
}

/// A row of the table: a percentile of a law.
type Row<'a> = (&'a LawReport, &'a Point);

fn print(ctx: &Ctl, report: &Report) -> Result<()> {
    let rows: Vec<Row<'_>> =
        report.laws.iter().flat_map(|law| law.points.iter().map(move |point| (law, point))).collect();
    let columns = [
        Column::new("LAW", |(law, _): &Row<'_>| law.law.name().to_owned()),
        Column::new("PERCENTILE", |(_, point): &Row<'_>| format!("p{}", point.percentile)),
        Column::new("EXPECTED", |(_, point): &Row<'_>| microseconds(point.expected_us)),
        Column::new("MEASURED", |(_, point): &Row<'_>| microseconds(point.measured_us)),
        Column::new("ERROR", |(_, point): &Row<'_>| microseconds(point.error_us)),
        Column::new("ERROR %", |(_, point): &Row<'_>| format!("{:.2}", point.error_percent)),
        Column::new("BOUND", |(_, point): &Row<'_>| microseconds(point.bound_us)),
        Column::new("VERDICT", |(_, point): &Row<'_>| point.verdict.word().to_owned()),
        Column::wide("SLIP", |(_, point): &Row<'_>| microseconds(point.floor_us)),
        Column::wide("CPU WAIT %", |(law, _): &Row<'_>| format!("{:.1}", law.cpu_wait * 100.0)),
        Column::wide("STEAL %", |(law, _): &Row<'_>| {
            law.steal.map_or("-".to_owned(), |steal| format!("{:.1}", steal * 100.0))
        }),
    ];
    ctx.ui.print(
        &Rendered::table(&Shown::Report(report.clone()), &rows, &columns)?.records(&report.laws)?.names(names(report)),
    )?;
    if !report.passed && ctx.ui.format().is_table() {
        let outside = rows.iter().filter(|(_, point)| point.verdict == Verdict::Outside).count();
        let text = match outside {
            0 => format!("{}: the machine is too busy to measure a median.", Code::PerfSelftest.name()),
            _ => format!(
                "{}: {outside} of {} percentiles are outside their bounds.",
                Code::PerfSelftest.name(),
                rows.len()
            ),
        };
        ctx.ui.note(&text)?;
    }
    Ok(())
}

fn microseconds(value: f64) -> String {
    format!("{value:.1}us")
}

/// The laws that passed.
fn names(report: &Report) -> Vec<&'static str> {
    report.laws.iter().filter(|law| law.passed).map(|law| law.law.name()).collect()
}
