//! Reads many objects as they are: one list a kind and namespace where it saves calls, else one call an object.

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::base::error::Result;
use crate::cluster::Cluster;
use crate::model::kubernetes::{KindInfo, ObjectRef};
use crate::pattern::object::LABEL_SERVICE;
use crate::server::deploy::PARALLEL;

/// From this many objects of one kind in one namespace on, a list costs less than asking for each.
const LIST_FROM: usize = 4;

/// Kind and namespace: what one list answers.
type Place<'a> = (&'a KindInfo, Option<&'a str>);

/// The live objects, in the order of `wanted`; none for what is not there, or whose kind is not served.
pub(in crate::server::deploy) async fn fetch(
    cluster: &Cluster,
    wanted: &[(Option<&KindInfo>, &ObjectRef)],
) -> Result<Vec<Option<Value>>> {
    let mut listed = lists(cluster, wanted).await;
    let reads: Vec<_> = wanted
        .iter()
        .map(|(kind, object)| {
            let found = kind.and_then(|kind| listed.get_mut(&key(kind, object))?.remove(&object.name));
            let kind = kind.filter(|_| found.is_none());
            async move {
                match kind {
                    // What a list does not hold may still be there without our label.
                    Some(kind) => cluster.get(kind, object).await,
                    None => Ok(found),
                }
            }
        })
        .collect();
    stream::iter(reads).buffered(PARALLEL).try_collect().await
}

fn key<'a>(kind: &KindInfo, object: &'a ObjectRef) -> (String, Option<&'a str>) {
    (kind.gvk.to_string(), object.namespace.as_deref())
}

/// The objects with our label by place and name. A list that is refused is left out: its objects are asked for singly.
async fn lists<'a>(
    cluster: &Cluster,
    wanted: &[(Option<&'a KindInfo>, &'a ObjectRef)],
) -> HashMap<(String, Option<&'a str>), HashMap<String, Value>> {
    let mut places: HashMap<(String, Option<&str>), (Place<'_>, &ObjectRef, usize)> = HashMap::new();
    for (kind, object) in wanted {
        if let Some(kind) = kind {
            let place = (*kind, object.namespace.as_deref());
            places.entry(key(kind, object)).or_insert((place, object, 0)).2 += 1;
        }
    }
    let many = places.into_iter().filter(|(_, (_, _, count))| *count >= LIST_FROM);
    let calls = many.map(|(key, ((kind, _), object, _))| async move {
        let found = cluster.labelled(kind, object, LABEL_SERVICE).await.ok()?;
        let name = |value: &Value| value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        Some((key, found.into_iter().map(|value| (name(&value), value)).collect()))
    });
    stream::iter(calls.collect::<Vec<_>>()).buffer_unordered(PARALLEL).filter_map(|one| async { one }).collect().await
}
