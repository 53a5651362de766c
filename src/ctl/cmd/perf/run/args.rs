//! The flags of `perf run`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::super::undecided::OnUndecided;
use super::super::workers::WorkerArgs;
use crate::ctl::complete;
use crate::model::performance::plan;

/// Flags that make a plan.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PlanArgs {
    /// Absolute URL to measure, with `,weight=N` for its share; repeatable.
    #[arg(long, value_name = "URL", help_heading = "What")]
    pub(crate) url: Vec<String>,
    /// Name of the test.
    #[arg(long, value_name = "NAME", help_heading = "What")]
    pub(crate) name: Option<String>,
    /// Protocol; without it the URL's scheme decides, and http1 is taken for http and https.
    #[arg(long, value_enum, value_name = "PROTOCOL", help_heading = "What")]
    pub(crate) protocol: Option<Protocol>,
    /// HTTP method.
    #[arg(long, value_name = "METHOD", help_heading = "What")]
    pub(crate) method: Option<String>,
    /// Header field, as `Name: value`, or @FILE with one a line; repeatable.
    #[arg(short = 'H', long, value_name = "FIELD", help_heading = "What")]
    pub(crate) header: Vec<String>,
    /// Cookie, as NAME=VALUE; repeatable.
    #[arg(long, value_name = "COOKIE", help_heading = "What")]
    pub(crate) cookie: Vec<String>,
    /// Body: text, a file, @FILE, or @- for standard input, as for text that begins like a path; GET becomes POST.
    #[arg(short = 'b', long, value_name = "BODY", help_heading = "What")]
    pub(crate) body: Option<String>,
    /// Content-Type of the body.
    #[arg(long, value_name = "TYPE", help_heading = "What", hide_short_help = true)]
    pub(crate) content_type: Option<String>,
    /// Redirects to follow for one request; without it a redirect is the response.
    #[arg(long, value_name = "NUMBER", help_heading = "What", hide_short_help = true)]
    pub(crate) redirects: Option<u32>,
    /// Mesh in front of the target, such as istio; kept with the result.
    #[arg(long, value_name = "MESH", help_heading = "What", add = complete::meshes())]
    pub(crate) mesh: Option<String>,
    /// Mark that is kept with the result, as NAME=VALUE; repeatable.
    #[arg(long, value_name = "LABEL", help_heading = "What", hide_short_help = true)]
    pub(crate) label: Vec<String>,

    /// Requests a second by a law: 500, poisson:500, ramp:0..1000/30s, steps:100/10s,200/10s, or max.
    #[arg(long, value_name = "LAW", allow_hyphen_values = true, help_heading = "How much")]
    pub(crate) rate: Option<String>,
    /// Requests a second; 0 for as many as may be.
    #[arg(long, value_name = "NUMBER", conflicts_with = "rate", allow_hyphen_values = true, help_heading = "How much")]
    pub(crate) qps: Option<f64>,
    /// open: by the clock, whatever answers do; closed: each connection sends when it has its answer.
    #[arg(long, value_enum, value_name = "MODEL", help_heading = "How much")]
    pub(crate) model: Option<Model>,
    /// What happens to a request that is due while every connection is busy: queue, drop, or grow:CONNECTIONS.
    #[arg(long, value_name = "POLICY", help_heading = "How much")]
    pub(crate) overload: Option<String>,
    /// Connections in all.
    #[arg(long, value_name = "NUMBER", help_heading = "How much")]
    pub(crate) connections: Option<u32>,
    /// The same in the words of earlier versions.
    #[arg(long, value_name = "NUMBER", help_heading = "How much", hide = true, conflicts_with = "connections")]
    pub(crate) concurrent_requests: Option<u32>,
    /// How long to measure, such as 30s or 5m.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "How much")]
    pub(crate) duration: Option<String>,
    /// End after so many requests.
    #[arg(long, value_name = "NUMBER", help_heading = "How much")]
    pub(crate) requests: Option<u64>,
    /// Load before the measurement that is counted nowhere.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "How much")]
    pub(crate) warm_up: Option<String>,
    /// Longest wait for a response or a connection.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "How much")]
    pub(crate) request_timeout: Option<String>,
    /// Requests at once on a connection (http2, grpc).
    #[arg(long, value_name = "NUMBER", help_heading = "How much", hide_short_help = true)]
    pub(crate) streams: Option<u32>,
    /// How long connections are kept: keep-alive, per-request, or a range of requests such as 10..50.
    #[arg(long, value_name = "POLICY", help_heading = "How much", hide_short_help = true)]
    pub(crate) reuse: Option<String>,

    /// Program that makes the load: native, fortio, wrk, wrk2 or nighthawk.
    #[arg(long, value_name = "NAME", help_heading = "By whom", add = complete::generators())]
    pub(crate) load_generator: Option<String>,
    /// Options that only this generator has, as text or a file.
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true, help_heading = "By whom", hide_short_help = true)]
    pub(crate) options: Option<String>,
    /// Threads that make the load; 0 for one on each processor.
    #[arg(long, value_name = "NUMBER", help_heading = "By whom", hide_short_help = true)]
    pub(crate) threads: Option<u32>,
    /// Keep each thread on one processor.
    #[arg(long, help_heading = "By whom", hide_short_help = true)]
    pub(crate) pin: bool,
    /// Sleep until a response arrives instead of looking for it: response times become some 30 us longer, and a processor
    /// is left to others. Where others wait for a processor, that is so anyway unless the model is closed.
    #[arg(long, help_heading = "By whom", hide_short_help = true)]
    pub(crate) no_busy: bool,
    /// Look for responses where the profile says --no-busy.
    #[arg(long, help_heading = "By whom", hide_short_help = true, conflicts_with = "no_busy")]
    pub(crate) busy: bool,
    /// Seed of every random choice.
    #[arg(long, value_name = "NUMBER", help_heading = "By whom", hide_short_help = true)]
    pub(crate) seed: Option<u64>,

    /// Certificates (PEM) to trust instead of the usual ones.
    #[arg(long, value_name = "FILE", help_heading = "TLS", hide_short_help = true)]
    pub(crate) ca: Option<PathBuf>,
    /// The same in the words of earlier versions.
    #[arg(long, value_name = "FILE", help_heading = "TLS", hide = true, conflicts_with = "ca")]
    pub(crate) cert_path: Option<PathBuf>,
    /// Own certificate (PEM), for mutual TLS.
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "TLS", hide_short_help = true)]
    pub(crate) cert: Option<PathBuf>,
    /// Key (PEM) of the own certificate.
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "TLS", hide_short_help = true)]
    pub(crate) key: Option<PathBuf>,
    /// Name to ask for and to check instead of the URL's host.
    #[arg(long, value_name = "NAME", help_heading = "TLS", hide_short_help = true)]
    pub(crate) sni: Option<String>,
    /// Accept any certificate.
    #[arg(long, help_heading = "TLS", hide_short_help = true)]
    pub(crate) insecure: bool,
    /// Leave out the certificates that the profile trusts.
    #[arg(long, help_heading = "TLS", hide = true)]
    pub(crate) disable_cert: bool,
}

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Model {
    /// By the clock.
    Open,
    /// When the answer is there.
    Closed,
}

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    /// HTTP/1.1.
    #[value(alias = "http", alias = "http1.1")]
    Http1,
    /// HTTP/2.
    #[value(alias = "h2")]
    Http2,
    /// gRPC, unary.
    Grpc,
    /// gRPC health check.
    GrpcHealth,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl From<Protocol> for plan::Protocol {
    fn from(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http1 => Self::Http1,
            Protocol::Http2 => Self::Http2,
            Protocol::Grpc => Self::Grpc,
            Protocol::GrpcHealth => Self::GrpcHealth,
            Protocol::Tcp => Self::Tcp,
            Protocol::Udp => Self::Udp,
        }
    }
}

/// Measure a target: how fast it answers, and whether it holds what it has to.
///
/// `perf apply` is the same.
/// Flags stand over the file, the file over the profile, the profile over the defaults; the plan that comes of it is
/// shown before it is carried out. With a rate, requests are sent by the clock whatever the answers do, so that a
/// server that stalls cannot hide it. The result is stored. Ctrl-C ends the measurement with the result so far.
/// Exit code 99 says that a threshold is breached, 1 that one cannot be decided, unless --undecided pass lets it pass.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl perf run --url http://localhost:8080 --rate 500 --duration 30s
  mesheryctl perf run --url http://localhost:8080 --rate 500 --threshold 'p99<20ms' --threshold 'errors<0.1%'
  mesheryctl perf run shop --duration 90s
  mesheryctl perf run shop --workers 10.0.0.7:10100,10.0.0.8:10100
  mesheryctl perf run --url http://shop.default/ --rate 900 --workers kubernetes:3 --worker-load auto
  mesheryctl perf run -f test.yaml --export report.html
  mesheryctl perf run --url http://a,weight=3 --url http://b --rate ramp:0..1000/30s --save-profile shop")]
pub struct Args {
    /// Profile to measure by: its whole name, or its id.
    #[arg(value_name = "PROFILE", add = complete::perf_profiles())]
    pub(crate) profile: Option<String>,
    /// The same as a flag.
    #[arg(long = "profile", id = "profile_flag", value_name = "NAME", hide = true, conflicts_with = "profile")]
    pub(crate) profile_flag: Option<String>,
    /// Test file of the Service Mesh Performance specification; - for standard input.
    #[arg(short = 'f', long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) file: Option<String>,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    #[command(flatten)]
    pub(crate) workers: WorkerArgs,
    /// What the run has to hold, such as 'p99<20ms', 'errors<0.1%' or 'rps>=490'; several values, repeatable.
    #[arg(long, value_name = "LIMIT", num_args = 1.., help_heading = "Outcome")]
    pub(crate) threshold: Vec<String>,
    /// What a threshold does that cannot be decided.
    ///
    /// A gate that was never measured is none, so that it fails; the report tells how many requests would decide it.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = OnUndecided::Fail, help_heading = "Outcome")]
    pub(crate) undecided: OnUndecided,
    /// End the run as soon as it breaches a threshold: at once where nothing can mend it, after a second where chance does
    /// not explain it, else after five.
    ///
    /// What was measured so far counts; a rate that grows is held against what the schedule asked for until then.
    #[arg(long, help_heading = "Outcome")]
    pub(crate) abort_on_fail: bool,
    /// Write the result to a file as well, as [FORMAT=]FILE; repeatable. $GITHUB_STEP_SUMMARY is appended to, any other
    /// file replaced. Where a test file has several clients, each gets a file with its number: report-1.html.
    #[arg(long, value_name = "FILE", help_heading = "Outcome")]
    pub(crate) export: Vec<String>,
    /// Keep the plan as a profile under this name; one that has the name already is replaced with --yes.
    #[arg(long, value_name = "NAME", help_heading = "Outcome")]
    pub(crate) save_profile: Option<String>,
    /// Prometheus to ask about the time of the run; empty for none.
    #[arg(long, value_name = "URL", help_heading = "Outcome", hide_short_help = true)]
    pub(crate) prometheus: Option<String>,
    /// Query for it, as NAME=QUERY, instead of the usual ones; repeatable.
    #[arg(long, value_name = "QUERY", help_heading = "Outcome", hide_short_help = true)]
    pub(crate) metric: Vec<String>,
    /// Show the plan with the origin of each value, and send nothing. Whether another program that makes the load is there,
    /// and can do what the plan says, is seen when it runs.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
