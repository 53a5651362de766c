//! MeshMark: one number for what a mesh costs, by our own published definition (`docs/meshmark.md`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::error::{Code, Error, Result};
use crate::base::text;
use crate::model::performance::result::PerfResult;
use crate::perf::stats::bootstrap::{Intervals, Redrawn};
use crate::perf::stats::random::Random;
use crate::perf::stats::{Bounds, student95};
use crate::perf::summary::{Percentile, error_share, share};
use crate::perf::{units, warnings};

/// The definition, for `perf meshmark --explain`.
pub const DEFINITION: &str = include_str!("../../docs/meshmark.md");
/// Name and version of the definition; a changed formula gets another version.
pub const VERSION: &str = "mesheryctl.meshmark/v2";

/// Percentiles whose growth counts as the cost in latency.
const PERCENTILES: [f64; 3] = [50.0, 90.0, 99.0];
/// Times that a single pair is redrawn.
const DRAWS: usize = 400;
/// The most that functions in use are worth: half of the overhead.
const MOST_VALUE: f64 = 0.5;

/// Share of the requests of a run that may fail: beyond it, its response times are mostly those of failures.
const MOST_FAILED: f64 = 0.1;
/// Rates within this share of each other count as the same.
const SAME_RATE: f64 = 0.01;

/// Functions of a mesh, and the share of its overhead that each is worth.
pub const FUNCTIONS: [(&str, f64); 6] = [
    ("mtls", 0.10),
    ("authorization", 0.05),
    ("telemetry", 0.10),
    ("tracing", 0.05),
    ("retries", 0.05),
    ("traffic-splitting", 0.05),
];

/// A class of cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Response times.
    Latency,
    /// Requests a second.
    Throughput,
    /// Requests that succeed.
    Reliability,
    /// Processor time.
    Compute,
    /// Memory.
    Memory,
}

impl Class {
    /// Its name in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Throughput => "throughput",
            Self::Reliability => "reliability",
            Self::Compute => "compute",
            Self::Memory => "memory",
        }
    }

    /// Its weight before the weights of the classes with inputs are scaled to 1.
    pub fn weight(self) -> f64 {
        match self {
            Self::Latency => 0.4,
            Self::Throughput | Self::Reliability => 0.2,
            Self::Compute | Self::Memory => 0.1,
        }
    }
}

/// What the application and the mesh use of a resource, in one unit of the caller's choice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Usage {
    /// The application.
    pub application: f64,
    /// Everything the mesh added: sidecars, gateways, control plane.
    pub mesh: f64,
}

/// What a mark is computed from.
#[derive(Debug, Clone, Default)]
pub struct Inputs<'a> {
    /// Runs with the mesh, and the run without it that belongs to each.
    pub pairs: Vec<(&'a PerfResult, &'a PerfResult)>,
    /// Processors, where known.
    pub compute: Option<Usage>,
    /// Memory, where known.
    pub memory: Option<Usage>,
    /// Functions in use, of [`FUNCTIONS`].
    pub functions: Vec<String>,
}

/// A mark with all that it was computed from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MeshMark {
    /// [`VERSION`].
    pub definition: String,
    /// 0 to 100; 100 is a mesh without cost.
    pub score: f64,
    /// 95 % interval of the score; none where the runs cannot tell.
    pub interval: Option<Bounds>,
    /// How the interval was found, or why there is none.
    pub because: String,
    /// Efficiency by class.
    pub classes: Vec<Efficiency>,
    /// Efficiency in all, 0 to 1.
    pub efficiency: f64,
    /// Share of the overhead that the functions in use are worth.
    pub value: f64,
    /// Functions in use.
    pub functions: Vec<String>,
    /// Efficiency of each pair, 0 to 1.
    pub pairs: Vec<f64>,
    /// What limits the mark.
    pub notes: Vec<String>,
}

/// Efficiency of one class.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Efficiency {
    /// The class.
    pub class: Class,
    /// Its weight among the classes with inputs; all weights make 1.
    pub weight: f64,
    /// 0 to 1: what is left of the figure without the mesh, in the mean over the pairs.
    pub efficiency: f64,
}

/// The figures of one run.
#[derive(Debug, Clone, PartialEq)]
struct Figures {
    percentiles: [f64; 3],
    /// Rate, as a share of the one asked for in the open model.
    rate: f64,
    success: f64,
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of an hour stay below 2^53")]
    fn of(result: &PerfResult) -> Self {
        Self {
            percentiles: PERCENTILES.map(|percentile| result.latency.response.percentile_ns(percentile) as f64),
            rate: result.achieved_rate / result.requested_rate.filter(|rate| *rate > 0.0).unwrap_or(1.0),
            success: share(result.requests.succeeded, result.requests.ended()),
        }
    }

    fn redrawn(redrawn: &Redrawn, result: &PerfResult) -> Self {
        Self {
            percentiles: PERCENTILES.map(|percentile| redrawn.percentile(percentile)),
            rate: redrawn.rate / result.requested_rate.filter(|rate| *rate > 0.0).unwrap_or(1.0),
            success: 1.0 - redrawn.error_share,
        }
    }
}

/// What is left of `without` when it becomes `with`; more than all counts as all, so that a lucky run earns nothing.
fn left(with: f64, without: f64) -> f64 {
    if without <= 0.0 { 1.0 } else { (with / without).clamp(0.0, 1.0) }
}

fn of_pair(with: &Figures, without: &Figures) -> [(Class, f64); 3] {
    let ratios = with.percentiles.iter().zip(&without.percentiles).map(|(with, without)| left(*without, *with));
    let latency = ratios.product::<f64>().cbrt();
    [
        (Class::Latency, latency),
        (Class::Throughput, left(with.rate, without.rate)),
        (Class::Reliability, left(with.success, without.success)),
    ]
}

/// The weighted mean over the classes with inputs.
fn weighted(classes: &[(Class, f64)]) -> f64 {
    let weights: f64 = classes.iter().map(|(class, _)| class.weight()).sum();
    classes.iter().map(|(class, efficiency)| class.weight() * efficiency).sum::<f64>() / weights
}

/// Functions discount the overhead, so that the score stays between 0 and 100.
fn score(efficiency: f64, value: f64) -> f64 {
    100.0 * (1.0 - (1.0 - efficiency) * (1.0 - value))
}

/// Computes a mark. The same inputs and the same seed give the same mark.
///
/// # Errors
/// There is no pair, a run holds no response, a usage is no usage, or a function is not known.
pub fn compute(inputs: &Inputs<'_>, seed: u64) -> Result<MeshMark> {
    check(inputs)?;
    let value = value(&inputs.functions)?;
    let resources: Vec<(Class, f64)> = [(Class::Compute, inputs.compute), (Class::Memory, inputs.memory)]
        .into_iter()
        .filter_map(|(class, usage)| usage.map(|usage| (class, usage.application / (usage.application + usage.mesh))))
        .collect();
    let with_resources = |pair: [(Class, f64); 3]| [pair.as_slice(), &resources].concat();
    let measured: Vec<Vec<(Class, f64)>> = inputs
        .pairs
        .iter()
        .map(|(with, without)| with_resources(of_pair(&Figures::of(with), &Figures::of(without))))
        .collect();
    let pairs: Vec<f64> = measured.iter().map(|classes| weighted(classes)).collect();
    let efficiency = mean(&pairs);
    let (half, because) = match inputs.pairs.as_slice() {
        [(with, without)] => single(with, without, seed, &with_resources),
        _ => (Some(of_many(&pairs)), format!("from the spread of {} pairs, by Student's distribution", pairs.len())),
    };
    let bound = |efficiency: f64| score(efficiency.clamp(0.0, 1.0), value);
    Ok(MeshMark {
        definition: VERSION.to_owned(),
        score: score(efficiency, value),
        interval: half.map(|half| Bounds { low: bound(efficiency - half), high: bound(efficiency + half) }),
        because,
        classes: classes(&measured),
        efficiency,
        value,
        functions: inputs.functions.clone(),
        pairs,
        notes: notes(inputs),
    })
}

fn check(inputs: &Inputs<'_>) -> Result<()> {
    let invalid = |message: String| Err(Error::new(Code::ComparisonInvalid, message));
    if inputs.pairs.is_empty() {
        return invalid("a MeshMark wants a run with the mesh and one without it".to_owned());
    }
    let runs = inputs.pairs.iter().flat_map(|(with, without)| [with, without]);
    if let Some(empty) = runs.into_iter().find(|result| result.latency.response.is_empty()) {
        return invalid(format!("the result `{}` holds no response", empty.name));
    }
    inputs.pairs.iter().try_for_each(|(with, without)| check_pair(with, without))?;
    for usage in [inputs.compute, inputs.memory].into_iter().flatten() {
        let fits = usage.application > 0.0 && usage.mesh >= 0.0 && (usage.application + usage.mesh).is_finite();
        if !fits {
            return invalid(format!("{} and {} are no use of a resource", usage.application, usage.mesh));
        }
    }
    Ok(())
}

/// Runs that were asked for different things, or whose response times are those of failures, tell no cost of a mesh.
fn check_pair(with: &PerfResult, without: &PerfResult) -> Result<()> {
    let invalid = |message: String| Err(Error::new(Code::ComparisonInvalid, message));
    for result in [with, without] {
        let failed = error_share(result);
        if failed > MOST_FAILED {
            return invalid(format!(
                "{} of the requests of `{}` failed: a MeshMark wants runs of which {} fail at most",
                units::share(failed),
                result.name,
                units::share(MOST_FAILED)
            ));
        }
    }
    let (here, there) = (with.plan.load.model(), without.plan.load.model());
    if here != there {
        return invalid(format!("`{}` is of the {here} model, `{}` of the {there} model", with.name, without.name));
    }
    match with.requested_rate.zip(without.requested_rate) {
        Some((here, there)) if (here / there - 1.0).abs() > SAME_RATE => invalid(format!(
            "`{}` was asked for {}/s, `{}` for {}/s",
            with.name,
            units::rate(here),
            without.name,
            units::rate(there)
        )),
        _ => Ok(()),
    }
}

fn value(functions: &[String]) -> Result<f64> {
    let mut value = 0.0;
    for name in functions {
        let found = FUNCTIONS.iter().find(|(known, _)| known == name).ok_or_else(|| {
            let names = FUNCTIONS.map(|(name, _)| name);
            let error = Error::new(Code::ComparisonInvalid, format!("`{name}` is no function of the definition"))
                .detail(format!("known are {}", names.join(", ")));
            match text::did_you_mean(name, names) {
                Some(near) => error.detail(near),
                None => error,
            }
        })?;
        value += found.1;
    }
    Ok(value.min(MOST_VALUE))
}

#[expect(clippy::cast_precision_loss, reason = "pairs are few")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "pairs are few")]
fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0).max(1.0)).sqrt()
}

#[expect(clippy::cast_precision_loss, reason = "pairs are few")]
fn of_many(pairs: &[f64]) -> f64 {
    let count = pairs.len() as f64;
    student95(count - 1.0) * deviation(pairs) / count.sqrt()
}

/// What is measured of a pair, with the classes that are given.
type Complete<'a> = &'a dyn Fn([(Class, f64); 3]) -> Vec<(Class, f64)>;

/// Half the width of the interval of a single pair, from redrawing both of its runs.
fn single(with: &PerfResult, without: &PerfResult, seed: u64, complete: Complete<'_>) -> (Option<f64>, String) {
    let Some((there, here)) = Intervals::of(with).zip(Intervals::of(without)) else {
        return (None, "one pair of short runs tells no interval: measure longer, or give several pairs".to_owned());
    };
    let mut random = Random::new(seed);
    let drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let with = Figures::redrawn(&there.redraw(&mut random), with);
            let without = Figures::redrawn(&here.redraw(&mut random), without);
            weighted(&complete(of_pair(&with, &without)))
        })
        .collect();
    let freedom = there.blocks() + here.blocks() - 2.0;
    let because = "from one pair, by block bootstrap: what differs from run to run is not in it";
    (Some(student95(freedom) * deviation(&drawn)), because.to_owned())
}

fn classes(measured: &[Vec<(Class, f64)>]) -> Vec<Efficiency> {
    let Some(first) = measured.first() else { return Vec::new() };
    let weights: f64 = first.iter().map(|(class, _)| class.weight()).sum();
    let of = |(at, (class, _)): (usize, &(Class, f64))| Efficiency {
        class: *class,
        weight: class.weight() / weights,
        efficiency: mean(&measured.iter().map(|pair| pair[at].1).collect::<Vec<_>>()),
    };
    first.iter().enumerate().map(of).collect()
}

fn notes(inputs: &Inputs<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    for (with, without) in &inputs.pairs {
        if with.plan.targets != without.plan.targets {
            let told = |result: &PerfResult| -> String {
                result.plan.targets.iter().map(|target| target.url.as_str()).collect::<Vec<_>>().join(", ")
            };
            notes.push(format!(
                "{} and {} have different targets ({} and {}): the mark holds only where both are the same service",
                with.name,
                without.name,
                told(with),
                told(without)
            ));
        }
        if with.plan.protocol != without.plan.protocol || with.plan.connections != without.plan.connections {
            notes.push(format!("{} and {} have another protocol or number of connections", with.name, without.name));
        }
        notes.extend(warnings::looking((&with.name, with), (&without.name, without)));
        for result in [with, without] {
            let found = Percentile::of(result, 99.0).filter(|found| !found.is_fact());
            let reasons = found.map(|found| found.reasons(result.latency.response.count())).unwrap_or_default();
            notes.extend(reasons.into_iter().map(|reason| format!("{}: {reason}", result.name)));
        }
    }
    if inputs.compute.is_none() || inputs.memory.is_none() {
        notes.push("classes without inputs are left out, and the weights of the others scaled to 1".to_owned());
    }
    notes.dedup();
    notes
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "figures of tests are small and exact"
    )]

    use super::*;
    use crate::perf::sample;

    fn mark(with: &[PerfResult], without: &[PerfResult], functions: &[&str]) -> MeshMark {
        let functions = functions.iter().map(|name| (*name).to_owned()).collect();
        compute(&Inputs { pairs: with.iter().zip(without).collect(), functions, ..Inputs::default() }, 1).unwrap()
    }

    #[test]
    fn a_mesh_without_cost_has_a_hundred() {
        let run = [sample::result(30_000)];
        let mark = mark(&run, &run, &[]);
        assert!((mark.score - 100.0).abs() < 1e-9, "{mark:?}");
        assert!(mark.interval.unwrap().holds(mark.score));
    }

    #[test]
    fn twice_the_latency_costs_half_of_its_weight() {
        let (with, without) = ([sample::scaled(30_000, 2.0, 1)], [sample::scaled(30_000, 1.0, 1)]);
        let mark = mark(&with, &without, &[]);
        assert!((mark.score - 75.0).abs() < 0.2, "{}", mark.score);
        let weights: f64 = mark.classes.iter().map(|class| class.weight).sum();
        assert!((weights - 1.0).abs() < 1e-9);
        assert!(mark.interval.unwrap().low < mark.score && mark.interval.unwrap().high > mark.score);
    }

    #[test]
    fn runs_that_tell_no_cost_of_a_mesh_are_refused() {
        let without = sample::result(3_000);
        let refused = |change: &dyn Fn(&mut PerfResult)| {
            let mut with = sample::result(3_000);
            change(&mut with);
            compute(&Inputs { pairs: vec![(&with, &without)], ..Inputs::default() }, 1)
                .map_err(|error| error.to_string())
        };
        let failed = |run: &mut PerfResult| (run.requests.succeeded, run.requests.failed) = (0, 3_000);
        assert!(refused(&failed).unwrap_err().contains("100%"));
        let unsent = |run: &mut PerfResult| (run.requests.succeeded, run.requests.dropped) = (2_000, 910);
        assert!(refused(&unsent).unwrap_err().contains("failed"));
        assert!(refused(&|run| run.requested_rate = Some(200.0)).unwrap_err().contains("200/s"));
        let closed = |run: &mut PerfResult| run.plan.load = crate::model::performance::plan::Load::Closed;
        assert!(refused(&closed).unwrap_err().contains("closed model"));
        let elsewhere = |run: &mut PerfResult| run.plan.targets[0].url = "http://other.example/".to_owned();
        assert!(refused(&elsewhere).unwrap().notes.iter().any(|note| note.contains("http://other.example/")));
        assert!(refused(&|_| ()).is_ok());
    }

    #[test]
    fn functions_discount_the_overhead_and_never_more_than_half() {
        let (with, without) = ([sample::scaled(30_000, 2.0, 1)], [sample::scaled(30_000, 1.0, 1)]);
        let plain = mark(&with, &without, &[]).score;
        let mtls = mark(&with, &without, &["mtls"]).score;
        assert!((mtls - (100.0 - (100.0 - plain) * 0.9)).abs() < 1e-9);
        let all: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
        assert!(mark(&with, &without, &all).value <= MOST_VALUE);
    }

    #[test]
    fn several_pairs_tell_what_differs_from_run_to_run() {
        let runs = |factors: [f64; 3]| -> Vec<PerfResult> {
            (1..).zip(factors).map(|(seed, factor)| sample::scaled(10_000, factor, seed)).collect()
        };
        let mark = mark(&runs([1.4, 1.5, 1.6]), &runs([1.0; 3]), &[]);
        assert_eq!(mark.pairs.len(), 3);
        let interval = mark.interval.unwrap();
        assert!(interval.holds(mark.score) && interval.high - interval.low > 1.0, "{mark:?}");
    }

    #[test]
    fn used_resources_are_classes_of_their_own() {
        let run = sample::result(30_000);
        let usage = Usage { application: 3.0, mesh: 1.0 };
        let inputs =
            Inputs { pairs: vec![(&run, &run)], compute: Some(usage), memory: Some(usage), ..Inputs::default() };
        let mark = compute(&inputs, 1).unwrap();
        assert_eq!(mark.classes.len(), 5);
        assert!((mark.score - 95.0).abs() < 1e-9, "{}", mark.score);
    }

    #[test]
    fn what_cannot_be_marked_is_refused() {
        let run = sample::result(100);
        let code = |inputs: Inputs<'_>| compute(&inputs, 1).unwrap_err().code();
        assert_eq!(code(Inputs::default()), Code::ComparisonInvalid);
        let bad = Usage { application: 0.0, mesh: 1.0 };
        assert_eq!(
            code(Inputs { pairs: vec![(&run, &run)], compute: Some(bad), ..Inputs::default() }),
            Code::ComparisonInvalid
        );
        let functions = vec!["mtl".to_owned()];
        assert_eq!(code(Inputs { pairs: vec![(&run, &run)], functions, ..Inputs::default() }), Code::ComparisonInvalid);
    }

    #[test]
    fn the_published_page_tells_what_is_computed() {
        assert!(DEFINITION.contains(VERSION));
        for (name, value) in FUNCTIONS {
            assert!(DEFINITION.contains(&format!("| {name} | {value:.2} |")), "{name}");
        }
        for class in [Class::Latency, Class::Throughput, Class::Reliability, Class::Compute, Class::Memory] {
            assert!(DEFINITION.contains(&format!("| {} | {} |", class.name(), class.weight())), "{class:?}");
        }
    }
}
