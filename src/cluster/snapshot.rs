//! Reads many objects with few calls: one list for each kind and namespace.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::cluster::apply::Seen;
use crate::model::kubernetes::{KindInfo, ObjectRef};

/// Objects of one kind and namespace from which on a list is cheaper than a call for each.
const WORTH_A_LIST: usize = 3;
/// How long a snapshot is taken for the present.
const FRESH: Duration = Duration::from_secs(5);

/// Objects with a label, as they were when it was taken.
pub struct Snapshot {
    taken: Instant,
    covered: HashSet<Place>,
    objects: HashMap<(Place, String), Value>,
}

/// Group, version and kind as one text, and the namespace.
type Place = (String, Option<String>);

fn place(kind: &KindInfo, namespace: Option<&str>) -> Place {
    (kind.gvk.to_string(), namespace.map(str::to_owned))
}

impl Snapshot {
    /// What is known of an object. An object without the label counts as absent.
    pub fn of(&self, kind: &KindInfo, object: &ObjectRef) -> Seen<'_> {
        let place = place(kind, object.namespace.as_deref());
        if !self.covered.contains(&place) || self.taken.elapsed() > FRESH {
            return Seen::Unknown;
        }
        self.objects.get(&(place, object.name.clone())).map_or(Seen::Absent, Seen::Live)
    }
}

impl Cluster {
    /// Lists the objects with `label` in the places of `wanted` where that saves calls. A list that fails leaves its
    /// place unknown: the call for each object will tell why.
    pub async fn snapshot<'w>(
        &self,
        wanted: impl Iterator<Item = (&'w KindInfo, &'w ObjectRef)>,
        label: &str,
    ) -> Snapshot {
        let mut places: HashMap<Place, (&KindInfo, Option<&str>, usize)> = HashMap::new();
        for (kind, object) in wanted {
            let namespace = object.namespace.as_deref();
            places.entry(place(kind, namespace)).or_insert((kind, namespace, 0)).2 += 1;
        }
        let mut snapshot = Snapshot { taken: Instant::now(), covered: HashSet::new(), objects: HashMap::new() };
        let lists = places.into_iter().filter(|(_, (_, _, count))| *count >= WORTH_A_LIST);
        let lists =
            lists.map(async |(place, (kind, namespace, _))| (place, self.list(kind, namespace, Some(label)).await));
        for (place, items) in futures_util::future::join_all(lists).await {
            let Ok(items) = items else { continue };
            for item in items {
                let name = item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                snapshot.objects.insert((place.clone(), name), item);
            }
            snapshot.covered.insert(place);
        }
        snapshot
    }
}
