//! The plan of a measurement: what is sent where, when, for how long, and by whom. Every value is settled; a plan stands
//! whole in the result, so that anyone can repeat it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration;

/// A measurement that can be carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Plan {
    /// Name of the test.
    pub name: String,
    /// The mesh in front of the targets, by the name of the Service Mesh Performance specification (`ISTIO`), where one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mesh: Option<String>,
    /// Marks that travel into the result.
    pub labels: BTreeMap<String, String>,
    /// The program that makes the load.
    pub generator: Generator,
    /// Options that only this generator has, as its command line or its JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_options: Option<String>,
    /// What is spoken to the targets.
    pub protocol: Protocol,
    /// Where requests go. Never empty in a valid plan.
    pub targets: Vec<Target>,
    /// What each request carries.
    pub request: Request,
    /// When requests are sent.
    pub load: Load,
    /// Connections in all, over all threads.
    pub connections: u32,
    /// Requests at once on one connection: HTTP/2 and gRPC only.
    pub streams: u32,
    /// How long connections are kept.
    pub reuse: Reuse,
    /// Threads, each with its own event loop; 0 is one for each processor.
    pub threads: u32,
    /// Whether each thread stays on one processor.
    pub pin: bool,
    /// Whether a thread looks for responses for a few milliseconds instead of sleeping, where there are more processors than
    /// threads: response times are some 30 us finer, targets on the same machine need not wake it, and a processor is busy.
    /// In the open model it does so only while the kernel says that hardly anybody waits for a processor.
    pub busy: bool,
    /// Ends the measurement, not counting the warm-up. With `requests` as well, the first of the two ends it. Left out, it is the
    /// default; null is none, and so it is always written.
    #[serde(with = "duration::optional")]
    #[schemars(with = "Option<String>")]
    pub duration: Option<Duration>,
    /// Ends the measurement after so many requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Load of the same kind before the measurement, which is counted nowhere.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub warm_up: Duration,
    /// Longest wait for one response, and for a connection.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub timeout: Duration,
    /// TLS to targets that want it.
    pub tls: Tls,
    /// Redirects that are followed for one request; 0 counts the redirect as the response.
    pub redirects: u32,
    /// Seed of every random choice.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            name: String::new(),
            mesh: None,
            labels: BTreeMap::new(),
            generator: Generator::default(),
            generator_options: None,
            protocol: Protocol::default(),
            targets: Vec::new(),
            request: Request::default(),
            load: Load::default(),
            connections: 1,
            streams: 1,
            reuse: Reuse::default(),
            threads: 1,
            pin: false,
            busy: true,
            duration: Some(Duration::from_secs(30)),
            requests: None,
            warm_up: Duration::ZERO,
            timeout: Duration::from_secs(10),
            tls: Tls::default(),
            redirects: 0,
            seed: 1,
        }
    }
}

impl Plan {
    /// Connections that there may be at one time.
    pub fn most_connections(&self) -> u32 {
        match self.load {
            Load::Open { overload: Overload::Grow { limit }, .. } => limit.max(self.connections),
            _ => self.connections,
        }
    }
}

/// A program that makes load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Generator {
    /// The one in this binary.
    #[default]
    Native,
    /// fortio, an external program.
    Fortio,
    /// wrk, an external program.
    Wrk,
    /// wrk2, an external program.
    Wrk2,
    /// Nighthawk, an external program or service.
    Nighthawk,
}

impl Generator {
    /// Every generator.
    pub const ALL: [Self; 5] = [Self::Native, Self::Fortio, Self::Wrk, Self::Wrk2, Self::Nighthawk];

    /// Its name in flags, files and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Fortio => "fortio",
            Self::Wrk => "wrk",
            Self::Wrk2 => "wrk2",
            Self::Nighthawk => "nighthawk",
        }
    }
}

/// What is spoken to the targets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2: by ALPN over TLS, with prior knowledge without.
    Http2,
    /// gRPC, one unary call a request: the URL's path is the method, the body its message without the frame.
    Grpc,
    /// `grpc.health.v1.Health/Check`; the URL's path, if any, is the service.
    GrpcHealth,
    /// The body over TCP; a response is as many bytes as were sent (an echo).
    Tcp,
    /// The body as one UDP datagram; a response is one datagram.
    Udp,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 6] = [Self::Http1, Self::Http2, Self::Grpc, Self::GrpcHealth, Self::Tcp, Self::Udp];

    /// Its name in flags, files and results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::GrpcHealth => "grpc-health",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Absolute URL: `http`, `https`, `grpc`, `grpcs`, `tcp`, `tls` or `udp`.
    pub url: String,
    /// Its share of the requests, relative to the other targets' weights.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Header fields in order; a name may occur several times.
    pub headers: Vec<Header>,
    /// Cookies, sent as one `Cookie` field.
    pub cookies: BTreeMap<String, String>,
    /// The body, as base64.
    #[serde(with = "body", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "String")]
    pub body: Vec<u8>,
    /// `Content-Type`, when there is a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            headers: Vec::new(),
            cookies: BTreeMap::new(),
            body: Vec::new(),
            content_type: None,
        }
    }
}

/// A header field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value. Values of fields that authorise are shown as `[redacted]` in results.
    pub value: String,
}

/// When requests are sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "model", rename_all = "lowercase")]
#[derive(Default)]
pub enum Load {
    /// By the clock, whatever the answers do: response times count from the moment a request was due, so that a stalled
    /// server cannot hide behind requests that were never sent.
    Open {
        /// When requests are due.
        pacing: Pacing,
        /// What happens to a request that is due while every connection is busy.
        overload: Overload,
    },
    /// Each connection (with HTTP/2: each stream) sends its next request as soon as it has its answer.
    #[default]
    Closed,
}

impl Load {
    /// Its name in results: `open` or `closed`.
    pub fn model(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Closed => "closed",
        }
    }

    /// The rate that was asked for, in requests a second: the mean over the run where it changes; `None` without one.
    pub fn rate(&self, over: Option<Duration>) -> Option<f64> {
        match self {
            Self::Open { pacing, .. } => Some(pacing.mean_rate(over)),
            Self::Closed => None,
        }
    }
}

/// When requests are due. Rates are requests a second over all connections and threads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "law", rename_all = "lowercase")]
pub enum Pacing {
    /// At equal distances.
    Constant {
        /// Requests a second.
        rate: f64,
    },
    /// At exponentially distributed distances, as independent users send.
    Poisson {
        /// Mean requests a second.
        rate: f64,
    },
    /// From one rate to another in a straight line, then at the second rate.
    Ramp {
        /// Rate at the start.
        from: f64,
        /// Rate at the end of the ramp.
        to: f64,
        /// Length of the ramp.
        #[serde(with = "duration")]
        #[schemars(with = "String")]
        over: Duration,
    },
    /// One constant rate after the other; the last one holds until the end.
    Steps {
        /// The steps in order.
        steps: Vec<Step>,
    },
}

/// One step of [`Pacing::Steps`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Requests a second.
    pub rate: f64,
    /// How long.
    #[serde(rename = "for", with = "duration")]
    #[schemars(with = "String")]
    pub length: Duration,
}

impl Pacing {
    /// The highest rate that it comes to, in requests a second.
    pub fn highest_rate(&self) -> f64 {
        match self {
            Self::Constant { rate } | Self::Poisson { rate } => *rate,
            Self::Ramp { from, to, .. } => from.max(*to),
            Self::Steps { steps } => steps.iter().map(|step| step.rate).fold(0.0, f64::max),
        }
    }

    /// How long it takes until its last rate has been reached, or held for its own time; none where it never changes.
    pub fn length(&self) -> Option<Duration> {
        match self {
            Self::Constant { .. } | Self::Poisson { .. } => None,
            Self::Ramp { over, .. } => Some(*over),
            Self::Steps { steps } => {
                Some(steps.iter().map(|step| step.length).fold(Duration::ZERO, Duration::saturating_add))
            }
        }
    }

    /// Requests a second in the mean over a run of `over`; the last rate where the run has no known length.
    pub fn mean_rate(&self, over: Option<Duration>) -> f64 {
        match self {
            Self::Constant { rate } | Self::Poisson { rate } => *rate,
            Self::Ramp { from, to, over: ramp } => {
                let ramp = ramp.as_secs_f64();
                // A run that ends within the ramp reaches a part of it only.
                let part = over.map_or(1.0, |over| if ramp > 0.0 { (over.as_secs_f64() / ramp).min(1.0) } else { 1.0 });
                let mean = from + (to - from) * part / 2.0;
                mean_of(&[(mean, ramp), (*to, f64::INFINITY)], over).unwrap_or(*to)
            }
            Self::Steps { steps } => {
                let last = steps.last().map_or(0.0, |step| step.rate);
                let mut parts: Vec<(f64, f64)> =
                    steps.iter().map(|step| (step.rate, step.length.as_secs_f64())).collect();
                parts.push((last, f64::INFINITY));
                mean_of(&parts, over).unwrap_or(last)
            }
        }
    }
}

/// The mean of rates with their lengths in seconds over the first `over`.
fn mean_of(parts: &[(f64, f64)], over: Option<Duration>) -> Option<f64> {
    let whole = over?.as_secs_f64();
    let mut left = whole;
    let mut sum = 0.0;
    for (rate, length) in parts {
        let taken = length.min(left);
        sum += rate * taken;
        left -= taken;
    }
    (whole > 0.0).then(|| sum / whole)
}

/// What happens to a request that is due while every connection is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "policy", rename_all = "lowercase")]
pub enum Overload {
    /// It waits, and its response time counts the wait.
    Queue,
    /// It is not sent, and counted as dropped.
    Drop,
    /// A further connection is opened, up to `limit` in all; beyond that it waits.
    Grow {
        /// Connections in all.
        limit: u32,
    },
}

/// How long connections are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "policy", rename_all = "kebab-case")]
pub enum Reuse {
    /// Until the far side closes them.
    #[default]
    KeepAlive,
    /// For one request each.
    PerRequest,
    /// For a number of requests drawn anew for each connection.
    Range {
        /// The fewest.
        min: u32,
        /// The most.
        max: u32,
    },
}

/// TLS to targets that want it. Paths are read by the generator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tls {
    /// Certificates (PEM) that are trusted instead of the usual roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Own certificate (PEM), for mutual TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert: Option<String>,
    /// Key (PEM) of the own certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Name that is asked for and checked instead of the URL's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Whether any certificate is accepted.
    pub insecure: bool,
    /// What the files hold, where the generator cannot read them.
    #[serde(skip)]
    pub contents: Contents,
}

/// What the files of a plan's TLS hold (PEM). Only workers are told it: it is written nowhere and shown nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Certificates that are trusted.
    pub ca: Option<Vec<u8>>,
    /// Own certificate.
    pub cert: Option<Vec<u8>>,
    /// Its key.
    pub key: Option<Vec<u8>>,
}

impl fmt::Debug for Contents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Contents").finish_non_exhaustive()
    }
}

mod body {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(body))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_json() {
        let plan = Plan {
            targets: vec![Target { url: "http://a/".into(), weight: 2 }],
            load: Load::Open {
                pacing: Pacing::Steps { steps: vec![Step { rate: 5.0, length: Duration::from_secs(2) }] },
                overload: Overload::Grow { limit: 9 },
            },
            reuse: Reuse::Range { min: 2, max: 5 },
            request: Request { body: vec![0, 255], ..Request::default() },
            ..Plan::default()
        };
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn a_plan_without_a_duration_stays_without_one() {
        let plan = Plan { duration: None, requests: Some(9), ..Plan::default() };
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
        assert_eq!(serde_json::from_str::<Plan>("{}").unwrap().duration, Plan::default().duration);
    }

    #[test]
    fn the_mean_rate_covers_the_run() {
        let ramp = Pacing::Ramp { from: 0.0, to: 100.0, over: Duration::from_secs(10) };
        assert!((ramp.mean_rate(Some(Duration::from_secs(20))) - 75.0).abs() < 1e-9);
        assert!(
            (ramp.mean_rate(Some(Duration::from_secs(5))) - 25.0).abs() < 1e-9,
            "a part of the ramp has its own mean"
        );
        let steps = Pacing::Steps { steps: vec![Step { rate: 10.0, length: Duration::from_secs(1) }] };
        assert!((steps.mean_rate(Some(Duration::from_secs(4))) - 10.0).abs() < 1e-9);
        assert!((steps.mean_rate(None) - 10.0).abs() < 1e-9);
    }
}
