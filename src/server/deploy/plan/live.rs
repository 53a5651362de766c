//! Reads many objects as they are, with few calls.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;

use crate::base::error::Result;
use crate::cluster::Cluster;
use crate::cluster::apply::Seen;
use crate::model::kubernetes::{KindInfo, ObjectRef};
use crate::pattern::object::LABEL_SERVICE;
use crate::server::deploy::PARALLEL;

/// The live objects, in the order of `wanted`; none for what is not there, or whose kind is not served.
pub(in crate::server::deploy) async fn fetch(
    cluster: &Cluster,
    wanted: &[(Option<&KindInfo>, &ObjectRef)],
) -> Result<Vec<Option<Value>>> {
    let served = wanted.iter().filter_map(|(kind, object)| Some(((*kind)?, *object)));
    let snapshot = cluster.snapshot(served, LABEL_SERVICE).await;
    let reads: Vec<_> = wanted
        .iter()
        .map(|(kind, object)| {
            let found = match kind.map(|kind| snapshot.of(kind, object)) {
                Some(Seen::Live(live)) => Some(live.clone()),
                _ => None,
            };
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
