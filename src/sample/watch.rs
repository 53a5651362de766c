//! Watches: a stream of JSON lines, one a change.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::Instant;

use super::answer::{Form, line, one};
use super::calls::{Call, selected};
use super::cluster::Cluster;
use super::kind::Kind;
use super::object;
use super::selector::{Fields, Labels};
use super::status::{Answer, Cause, Failure};
use super::store::{Event, State, What};

/// How often a bookmark says where the stream stands.
const BOOKMARKS: Duration = Duration::from_secs(30);

/// How long a watch lasts that does not say.
const LONGEST: u64 = 1800;

/// Marks the bookmark that ends the first part of a streamed list.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

struct Watcher {
    cluster: Cluster,
    kind: Arc<Kind>,
    namespace: String,
    name: String,
    labels: Labels,
    fields: Fields,
    form: Form,
    position: u64,
    lines: VecDeque<Vec<u8>>,
    bookmarks: bool,
    next_bookmark: Instant,
    deadline: Instant,
    news: Receiver<u64>,
    closing: Receiver<bool>,
    done: bool,
}

/// Opens a watch.
pub fn open(cluster: &Cluster, kind: &Arc<Kind>, call: &Call<'_>) -> Answer<Body> {
    if !kind.serves('w') || !call.target.subresource.is_empty() {
        return Err(Failure::method());
    }
    let query = &call.query;
    let streamed = query.flag("sendInitialEvents");
    check_options(streamed, call)?;
    let now = Instant::now();
    let seconds = query.number("timeoutSeconds").filter(|seconds| *seconds > 0).unwrap_or(LONGEST).min(86_400);
    let mut watcher = Watcher {
        cluster: cluster.clone(),
        kind: Arc::clone(kind),
        namespace: if kind.namespaced { call.target.namespace.clone() } else { String::new() },
        name: call.target.name.clone(),
        labels: Labels::parse(query.get("labelSelector"))?,
        fields: Fields::parse(query.get("fieldSelector"), kind)?,
        form: call.form.clone(),
        position: 0,
        lines: VecDeque::new(),
        bookmarks: query.flag("allowWatchBookmarks"),
        next_bookmark: now + BOOKMARKS,
        deadline: now + Duration::from_secs(seconds),
        news: cluster.news(),
        closing: cluster.closing(),
        done: false,
    };
    let version = query.get("resourceVersion");
    let listed = streamed || matches!(version, "" | "0");
    if listed {
        cluster.read(|state| watcher.list(state, call, streamed))?;
    } else {
        watcher.position = version.parse().map_err(|_| {
            let why = format!("strconv.ParseUint: parsing \"{version}\": invalid syntax");
            Failure::unfit(format!("resourceVersion: Invalid value: \"{version}\": {why}"))
        })?;
    }
    let lines = stream::unfold(watcher, |mut watcher| async move {
        let line = watcher.next().await?;
        Some((Ok::<Bytes, Infallible>(Bytes::from(line)), watcher))
    });
    Ok(Body::from_stream(lines))
}

fn check_options(streamed: bool, call: &Call<'_>) -> Answer<()> {
    if streamed && call.query.get("resourceVersionMatch") != "NotOlderThan" {
        let cause = Cause::forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        );
        return Err(Failure::invalid("meta.k8s.io", "ListOptions", "", &[cause]));
    }
    Ok(())
}

impl Watcher {
    /// The objects that are there already.
    fn list(&mut self, state: &State, call: &Call<'_>, streamed: bool) -> Answer<()> {
        self.position = state.version();
        for value in selected(state, &self.kind, call)? {
            if self.concerns(&value) {
                self.push("ADDED", &value);
            }
        }
        if streamed && self.bookmarks {
            self.bookmark(true);
        }
        Ok(())
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.done {
                return None;
            }
            self.news.mark_unchanged();
            self.fill();
            if !self.lines.is_empty() {
                continue;
            }
            let wake = self.next_bookmark.min(self.deadline);
            let open = tokio::select! {
                changed = self.news.changed() => changed.is_ok(),
                _ = self.closing.wait_for(|closing| *closing) => false,
                () = tokio::time::sleep_until(wake) => true,
            };
            if !open {
                return None;
            }
            self.tick();
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if now >= self.deadline {
            self.done = true;
        } else if now >= self.next_bookmark {
            self.next_bookmark = now + BOOKMARKS;
            if self.bookmarks {
                self.bookmark(false);
            }
        }
    }

    /// Takes in what happened since the last look.
    fn fill(&mut self) {
        let cluster = self.cluster.clone();
        let (events, newest) = cluster.read(|state| (state.since(self.position, &self.kind.storage), state.version()));
        let Some(events) = events else {
            let text = format!("too old resource version: {} ({newest})", self.position);
            let event = json!({"type": "ERROR", "object": Failure::gone(text).to_value()});
            self.lines.push_back(line(&event));
            self.done = true;
            return;
        };
        for event in events {
            self.event(&event);
        }
        self.position = self.position.max(newest);
    }

    fn concerns(&self, value: &Value) -> bool {
        (self.namespace.is_empty() || self.namespace == object::namespace(value))
            && (self.name.is_empty() || self.name == object::name(value))
            && self.labels.matches(&value["metadata"]["labels"])
            && self.fields.matches(value)
    }

    /// An object that begins to be selected is added, one that ceases to be is deleted.
    fn event(&mut self, event: &Event) {
        let before = event.before.as_ref().is_some_and(|value| self.concerns(value));
        let now = event.what != What::Deleted && self.concerns(&event.object);
        match (before, now) {
            (false, true) => self.push("ADDED", &event.object),
            (true, true) => self.push("MODIFIED", &event.object),
            (true, false) => self.push("DELETED", &event.object),
            (false, false) => {}
        }
    }

    fn push(&mut self, what: &str, value: &Value) {
        let shown = one(&self.kind, value, &self.form);
        self.lines.push_back(line(&json!({"type": what, "object": shown})));
    }

    fn bookmark(&mut self, ends_list: bool) {
        let mut metadata = json!({"resourceVersion": self.position.to_string(), "creationTimestamp": null});
        if ends_list {
            let annotations = json!({INITIAL_EVENTS_END: "true"});
            object::ensure(&mut metadata).insert("annotations".to_owned(), annotations);
        }
        let value = json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(), "metadata": metadata});
        let shown = if self.form.shape.is_empty() { value } else { one(&self.kind, &value, &self.form) };
        self.lines.push_back(line(&json!({"type": "BOOKMARK", "object": shown})));
    }
}
