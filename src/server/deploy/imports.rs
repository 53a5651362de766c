//! Reads what patterns import for the server: stored patterns and permitted addresses, never files of its machine.

use std::time::Duration;

use crate::base::error::{Code, Error, Result};
use crate::base::{env, text};
use crate::client::fetch;
use crate::pattern::import::address::Side;
use crate::pattern::import::{self, Import, Loader, Target};
use crate::server::Shared;

/// Largest import, in bytes.
const SIZE: u64 = 10 * 1024 * 1024;
/// Limit for the download of one.
const TIME: Duration = Duration::from_secs(30);

/// The server as a reader of imports.
pub(super) struct Imports<'a> {
    pub(super) state: &'a Shared,
}

impl Loader for Imports<'_> {
    async fn load(&self, import: &Import) -> Result<String> {
        match &import.target {
            Target::File(path) => Err(Error::new(
                Code::ImportRefused,
                format!("{path} is not imported: the server reads no files of its machine"),
            )
            .remedy("Apply the file with `mesheryctl pattern apply -f`, which sends what it imports along.")),
            Target::Web(url) => {
                let allowed: Vec<String> = env::get(env::MESHERY_IMPORT_ALLOW)
                    .map(|list| list.split(',').map(str::to_owned).collect())
                    .unwrap_or_default();
                let private = import::permit(import, url, &allowed, Side::Server)?;
                fetch::download(url.as_str(), fetch::Limits { size: SIZE, time: TIME, ca_file: None, private }).await
            }
            Target::Stored(name) => {
                if let Some(record) = self.state.store.patterns().find(name).await? {
                    return Ok(record.pattern_file);
                }
                let names = self.state.store.patterns().names().await?;
                Err(Error::new(Code::PatternNotFound, format!("no pattern `{name}` is stored"))
                    .details(text::did_you_mean(name, names.iter().map(String::as_str))))
            }
        }
    }
}
