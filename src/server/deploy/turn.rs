//! One operation at a time on one pattern in one cluster, over all processes of a home.

use std::time::Duration;

use crate::base::{Code, Error, Result, dirs, id};
use crate::server::Shared;
use crate::server::operations::Handle;

const POLL: Duration = Duration::from_millis(50);

/// Waits for the turn of an operation; it lasts as long as the lock lives. Two operations at once would mix two
/// versions of a pattern, and each would call itself done.
pub(super) async fn take(state: &Shared, handle: &Handle, pattern: &str, cluster: (&str, &str)) -> Result<dirs::Lock> {
    let (context, cluster_id) = cluster;
    let name = id::stable("turn", &format!("{cluster_id}\n{pattern}")).simple().to_string();
    let path = dirs::run(&state.settings.home).join(format!("pattern-{name}.lock"));
    let mut told = false;
    loop {
        if let Some(lock) = dirs::Lock::take(&path)? {
            return Ok(lock);
        }
        if !told {
            handle.stage("wait for another operation on this pattern", Some(context));
            told = true;
        }
        if handle.cancelled().is_cancelled() {
            return Err(Error::new(Code::OperationCancelled, "the operation was cancelled before its turn came"));
        }
        tokio::time::sleep(POLL).await;
    }
}
