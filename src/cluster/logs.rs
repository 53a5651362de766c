//! Logs of pods, followed over restarts of containers and replacements of pods.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::base::clock::Timestamp;
use crate::base::error::Result;
use crate::cluster::apply::retry;
use crate::cluster::{Cluster, fault};

/// Pause before a log that ended is looked at again, and between looks for new pods.
const PAUSE: Duration = Duration::from_millis(500);
/// Lines that may wait for who takes them.
const WAITING: usize = 1024;

/// Pods whose logs are wanted.
#[derive(Debug, Clone)]
pub struct Source {
    /// What to call them.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Label selector.
    pub selector: String,
}

/// A line and the name of its source.
pub type Line = (String, String);

impl Cluster {
    /// What the pods of a source have written: of each the last `tail` lines, or all.
    ///
    /// # Errors
    /// When they may not be read, or the API server does not answer.
    pub async fn logs(&self, source: &Source, tail: Option<u32>) -> Result<Vec<String>> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &source.namespace);
        let mut lines = Vec::new();
        for pod in self.pods_of(&api, source).await? {
            let Some(name) = pod.metadata.name.as_deref() else { continue };
            let params = LogParams { tail_lines: tail.map(i64::from), ..LogParams::default() };
            match retry(|| api.logs(name, &params)).await {
                Ok(text) => lines.extend(text.lines().map(str::to_owned)),
                // A container that has not started yet has no log, and a pod that is gone has none any more.
                Err(kube::Error::Api(status)) if matches!(status.code, 400 | 404) => {}
                Err(error) => return Err(fault::of_call(self, &error)),
            }
        }
        Ok(lines)
    }

    /// Follows what the pods of the sources write, until the receiver is dropped. Pods that come later are followed too.
    ///
    /// # Errors
    /// When pods may not be listed, or the API server does not answer at first; later it is waited for.
    pub async fn follow_logs(&self, sources: &[Source], tail: Option<u32>) -> Result<Receiver<Line>> {
        let (sender, receiver) = mpsc::channel(WAITING);
        for source in sources {
            let api: Api<Pod> = Api::namespaced(self.client.clone(), &source.namespace);
            self.pods_of(&api, source).await?;
            tokio::spawn(follow_source(self.clone(), api, source.clone(), tail, sender.clone()));
        }
        Ok(receiver)
    }

    async fn pods_of(&self, api: &Api<Pod>, source: &Source) -> Result<Vec<Pod>> {
        let params = ListParams::default().labels(&source.selector);
        let list = retry(|| api.list(&params)).await.map_err(|error| fault::of_call(self, &error))?;
        Ok(list.items)
    }
}

async fn follow_source(cluster: Cluster, api: Api<Pod>, source: Source, tail: Option<u32>, sender: Sender<Line>) {
    let (mut followed, mut tasks) = (HashSet::new(), JoinSet::new());
    let mut tail = tail;
    while !sender.is_closed() {
        // A list that fails is made again: what is followed goes on meanwhile.
        for pod in cluster.pods_of(&api, &source).await.unwrap_or_default() {
            let (Some(uid), Some(name)) = (pod.metadata.uid, pod.metadata.name) else { continue };
            if followed.insert(uid.clone()) {
                let pod = Followed { api: api.clone(), name, uid, source: source.name.clone(), sender: sender.clone() };
                tasks.spawn(pod.follow(tail));
            }
        }
        // What comes later is read from its beginning.
        tail = None;
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = sender.closed() => return,
        }
    }
}

struct Followed {
    api: Api<Pod>,
    name: String,
    uid: String,
    source: String,
    sender: Sender<Line>,
}

/// How far a log was read.
#[derive(Default)]
struct Mark {
    last: Option<Timestamp>,
    restarts: i32,
}

impl Followed {
    /// Reads the log again and again until the pod is gone; lines that were read are left out.
    async fn follow(self, tail: Option<u32>) {
        let mut mark = Mark::default();
        let mut params = LogParams { follow: true, timestamps: true, ..LogParams::default() };
        params.tail_lines = tail.map(i64::from);
        loop {
            let Ok(pod) = self.api.get_opt(&self.name).await else {
                sleep(PAUSE).await;
                continue;
            };
            let Some(pod) = pod.filter(|pod| pod.metadata.uid.as_ref() == Some(&self.uid)) else { return };
            let (restarts, over) = state(&pod);
            if restarts > mark.restarts && mark.last.is_some() {
                // The container that ran before may have said more than was read of it.
                let before = LogParams { previous: true, follow: false, ..params.clone() };
                self.read(before, &mut mark).await;
            }
            mark.restarts = restarts;
            self.read(params.clone(), &mut mark).await;
            if over || self.sender.is_closed() {
                return;
            }
            params.tail_lines = None;
            sleep(PAUSE).await;
        }
    }

    /// Reads until the log ends; whatever breaks it, it is taken up again from the mark.
    async fn read(&self, mut params: LogParams, mark: &mut Mark) {
        // The API server rounds to seconds, and must not round up: what it sends twice is left out here.
        params.since_time = mark.last.and_then(|last| Timestamp::from_second(last.as_second()).ok());
        if params.since_time.is_some() {
            params.tail_lines = None;
        }
        let Ok(stream) = self.api.log_stream(&self.name, &params).await else { return };
        let mut lines = stream.lines();
        while let Ok(Some(line)) = lines.try_next().await {
            let (time, text) = split(&line);
            if let Some(time) = time {
                if mark.last.is_some_and(|last| time <= last) {
                    continue;
                }
                mark.last = Some(time);
            }
            if self.sender.send((self.source.clone(), text.to_owned())).await.is_err() {
                return;
            }
        }
    }
}

/// Restarts of the pod's containers, and whether it has ended for good.
fn state(pod: &Pod) -> (i32, bool) {
    let Some(status) = &pod.status else { return (0, false) };
    let restarts = status.container_statuses.iter().flatten().map(|container| container.restart_count).sum();
    (restarts, matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")))
}

/// A line without the time in front of it.
fn split(line: &str) -> (Option<Timestamp>, &str) {
    match line.split_once(' ') {
        Some((time, text)) => match time.parse() {
            Ok(time) => (Some(time), text),
            Err(_) => (None, line),
        },
        // An empty line is a time alone.
        None => line.parse().map_or((None, line), |time| (Some(time), "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_told_from_the_line() {
        let (time, text) = split("2026-11-26T10:00:00.123456789Z serving at 0.0.0.0");
        assert_eq!(time.unwrap().subsec_nanosecond(), 123_456_789);
        assert_eq!(text, "serving at 0.0.0.0");
        assert_eq!(split("2026-11-26T10:00:00Z").1, "");
        assert_eq!(split("no time"), (None, "no time"));
    }
}
