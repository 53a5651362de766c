//! Range queries of a Prometheus.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::http::is_loopback;
use crate::base::clock::Timestamp;
use crate::base::error::{Code, Error, Result};
use crate::base::http as outbound;
use crate::base::text;
use crate::perf::redact;

/// Limit for one query.
const LIMIT: Duration = Duration::from_secs(10);

/// A Prometheus, or anything that speaks its API.
pub struct Prometheus {
    root: Url,
    client: reqwest::Client,
}

/// A stretch of time, and how far apart its points are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its begin.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// Distance of points.
    pub step: Duration,
}

/// Seconds up to which a window has the step beside them, also in seconds.
const STEPS: [(i64, u64); 16] = [
    (600, 5),
    (1_800, 10),
    (3_600, 20),
    (10_800, 60),
    (21_600, 120),
    (86_400, 480),
    (172_800, 960),
    (345_600, 1_920),
    (604_800, 3_360),
    (1_296_000, 7_200),
    (2_592_000, 14_400),
    (7_776_000, 43_200),
    (15_552_000, 86_400),
    (31_536_000, 172_800),
    (63_072_000, 345_600),
    (157_680_000, 864_000),
];
const LONGEST_STEP: u64 = 2_592_000;

impl Window {
    /// A window with the step that Meshery's boards have for its length.
    pub fn new(start: Timestamp, end: Timestamp) -> Self {
        let length = end.duration_since(start).as_secs();
        let step = STEPS.iter().find(|(limit, _)| length <= *limit).map_or(LONGEST_STEP, |(_, step)| *step);
        Self { start, end, step: Duration::from_secs(step) }
    }
}

impl Prometheus {
    /// One at `address`; nothing is sent yet.
    ///
    /// # Errors
    /// [`Code::PrometheusFailed`] when that is no HTTP address.
    pub fn new(address: &str) -> Result<Self> {
        let shown = redact::url(address);
        let wrong = |cause: String| {
            Error::new(Code::PrometheusFailed, format!("`{shown}` is not the address of a Prometheus")).because(cause)
        };
        let root = Url::parse(address).map_err(|problem| wrong(problem.to_string()))?;
        if !matches!(root.scheme(), "http" | "https") || root.host_str().is_none() {
            return Err(wrong("an absolute http or https URL is wanted".to_owned()));
        }
        let options =
            outbound::Options { timeout: Some(LIMIT), loopback: is_loopback(&root), ..outbound::Options::default() };
        Ok(Self { client: outbound::client(&options)?, root })
    }

    /// The `data` object of a query over a window.
    ///
    /// # Errors
    /// [`Code::PrometheusFailed`] with its own words.
    pub async fn query_range(&self, query: &str, window: Window) -> Result<Value> {
        let mut url = self.root.clone();
        url.set_path(&format!("{}/api/v1/query_range", self.root.path().trim_end_matches('/')));
        url.query_pairs_mut()
            .append_pair("query", query)
            .append_pair("start", &seconds(window.start))
            .append_pair("end", &seconds(window.end))
            .append_pair("step", &window.step.as_secs().to_string());
        let response =
            self.client.get(url).send().await.map_err(|problem| self.failed(query, text::chain(&problem)))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|problem| self.failed(query, text::chain(&problem)))?;
        let reply: Reply = serde_json::from_slice(&body)
            .map_err(|_| self.failed(query, format!("it answered {status} with something that is not its API")))?;
        match reply {
            Reply { status, data: Some(data), .. } if status == "success" => Ok(data),
            Reply { error, .. } => Err(self.failed(query, error.unwrap_or_else(|| format!("it answered {status}")))),
        }
    }

    fn failed(&self, query: &str, cause: String) -> Error {
        let root = redact::url(self.root.as_str());
        Error::new(Code::PrometheusFailed, format!("{root} did not answer `{query}`")).because(cause)
    }
}

#[derive(Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    error: Option<String>,
}

/// A moment as Prometheus writes it: seconds with a fraction.
fn seconds(moment: Timestamp) -> String {
    format!("{}.{:03}", moment.as_second(), moment.subsec_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_grows_with_the_window() {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let step = |length: i64| Window::new(start, Timestamp::from_second(1_000_000 + length).unwrap()).step.as_secs();
        assert_eq!([step(30), step(600), step(601), step(86_400), step(400_000_000)], [5, 5, 10, 480, LONGEST_STEP]);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in ["prometheus:9090", "file:///x", "nothing"] {
            assert_eq!(Prometheus::new(address).err().unwrap().code(), Code::PrometheusFailed, "{address}");
        }
    }

    #[tokio::test]
    async fn an_address_is_told_without_its_password() {
        let wrong = Prometheus::new("ftp://joe:hunter2@h").err().unwrap();
        let start = Timestamp::from_second(1_000_000).unwrap();
        let silent = Prometheus::new("http://joe:hunter2@127.0.0.1:9").unwrap();
        let failed = silent.query_range("up", Window::new(start, start)).await.unwrap_err();
        for error in [wrong, failed] {
            let told = format!("{error} {:?}", error.report());
            assert!(!told.contains("hunter2") && !told.contains("joe"), "{told}");
        }
    }
}
