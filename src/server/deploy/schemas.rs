//! Objects against the schemas that decide: the bundled ones first, and the cluster's own where those know no better.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::base::error::{Error, Result};
use crate::cluster::Cluster;
use crate::pattern::schema::{Schemas, check_object};
use crate::pattern::{Compiled, Document, validate};

/// The faults of each object, by its index; objects marked in `skip` are not looked at.
///
/// What the bundled schemas of Kubernetes' own kinds accept is accepted. What they do not, and all other kinds, the
/// cluster's OpenAPI documents decide, which are fetched only then; without them only the pattern's own CRDs do.
pub(super) async fn faults(
    cluster: &Cluster,
    document: &Document,
    compiled: &Compiled,
    skip: &[bool],
) -> Result<Vec<Vec<Error>>> {
    let objects = &compiled.objects;
    let mut schemas = Schemas::bundled().with_definitions_of(objects);
    let mut faults: Vec<Vec<Error>> = objects
        .iter()
        .enumerate()
        .map(|(index, planned)| match skip.get(index) {
            Some(true) => Vec::new(),
            _ => check_object(document, planned, &schemas),
        })
        .collect();
    let open: Vec<usize> = (0..objects.len())
        .filter(|index| skip.get(*index) != Some(&true))
        .filter(|index| {
            let gvk = &objects[*index].kind.gvk;
            !schemas.knows(gvk) || (schemas.is_bundled(gvk) && !faults[*index].is_empty())
        })
        .collect();
    let versions: BTreeSet<String> = open.iter().map(|index| objects[*index].kind.gvk.api_version()).collect();
    let fetched = join_all(versions.iter().map(async |version| (version, cluster.openapi(version).await))).await;
    for (version, found) in fetched {
        if let Some(found) = found? {
            schemas.add_document(version, found);
        }
    }
    for index in open {
        let planned = &objects[index];
        // Whether a cluster that shows no schemas has the field is for its own checks to say.
        let silent = schemas.is_bundled(&planned.kind.gvk);
        faults[index] = if silent { Vec::new() } else { check_object(document, planned, &schemas) };
    }
    Ok(faults)
}

/// As [`faults`] for all objects, as one error.
///
/// # Errors
/// [`crate::base::Code::PatternSchema`] with every fault; what keeps the cluster from answering.
pub(super) async fn check(cluster: &Cluster, document: &Document, compiled: &Compiled) -> Result<()> {
    let all = faults(cluster, document, compiled, &[]).await?.into_iter().flatten().collect();
    validate::combine(all).map_or(Ok(()), Err)
}
