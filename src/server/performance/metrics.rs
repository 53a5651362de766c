//! What a Prometheus saw while a measurement ran. Nothing here ever fails a measurement.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::order::Order;
use crate::base::Result;
use crate::client::prometheus::{Prometheus, Window};
use crate::model::performance::result::PerfResult;

/// Queries that say something on a plain Prometheus, without anybody's recording rules; those of containers and meshes
/// are kept only where there are such.
const USUAL: [(&str, &str); 8] = [
    ("targets-up", "sum by (job) (up)"),
    ("cpu", "sum by (job, instance) (rate(process_cpu_seconds_total[1m]))"),
    ("memory", "sum by (job, instance) (process_resident_memory_bytes)"),
    ("open-files", "sum by (job, instance) (process_open_fds)"),
    ("container-cpu", "sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!=\"\"}[1m]))"),
    ("container-memory", "sum by (namespace, pod) (container_memory_working_set_bytes{container!=\"\"})"),
    ("istio-requests", "sum by (destination_service_name, response_code) (rate(istio_requests_total[1m]))"),
    ("linkerd-requests", "sum by (deployment, classification) (rate(response_total[1m]))"),
];

/// Metrics by name, and what went wrong.
#[derive(Debug, Default)]
pub(super) struct Asked {
    metrics: BTreeMap<String, Value>,
    warnings: Vec<String>,
}

impl Asked {
    pub(super) fn into_result(self, result: &mut PerfResult) {
        result.server_metrics.extend(self.metrics);
        result.warnings.extend(self.warnings);
    }
}

/// Queries that are asked at the same time.
const AT_ONCE: usize = 8;

/// Asks the order's Prometheus about the time of the result.
pub(super) async fn ask(order: &Order, result: &PerfResult) -> Asked {
    let Some(address) = &order.prometheus else { return Asked::default() };
    let window = Window::new(result.started_at, result.ended_at);
    match Prometheus::new(address) {
        Ok(prometheus) => collect(&prometheus, &order.metrics, window).await,
        Err(error) => Asked { warnings: vec![error.to_string()], ..Asked::default() },
    }
}

async fn collect(prometheus: &Prometheus, named: &BTreeMap<String, String>, window: Window) -> Asked {
    let usual = named.is_empty();
    let queries: Vec<(&str, &str)> = if usual {
        USUAL.to_vec()
    } else {
        named.iter().map(|(name, query)| (name.as_str(), query.as_str())).collect()
    };
    let mut asked = Asked::default();
    for some in queries.chunks(AT_ONCE) {
        let answers =
            some.iter().map(async |(name, query)| (*name, *query, prometheus.query_range(query, window).await));
        for (name, query, answer) in join_all(answers).await {
            asked.take(name, query, answer, window);
        }
    }
    if usual {
        asked.metrics.retain(|_, metric| metric["data"]["result"].as_array().is_none_or(|series| !series.is_empty()));
        // One sentence says as much as eight when nobody answers.
        asked.warnings.truncate(1);
    }
    asked
}

impl Asked {
    fn take(&mut self, name: &str, query: &str, answer: Result<Value>, window: Window) {
        match answer {
            Ok(data) => {
                let metric =
                    json!({ "query": query, "status": "success", "step_seconds": window.step.as_secs(), "data": data });
                self.metrics.insert(name.to_owned(), metric);
            }
            Err(error) => self.warnings.push(error.to_string()),
        }
    }
}
