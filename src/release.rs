//! Rank 4: releases of this program: feeds that publish them, and the program's own file that they replace.
//!
//! A feed is a folder, on the web or on this machine, that holds `manifest.json`, its signature `manifest.json.sig` and
//! archives `mesheryctl-VERSION-TARGET.tar.gz`, each signed with the feed's key. `docs/releases.md` tells how to keep one.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`key`] | public keys, and what they sign |
//! | [`manifest`] | what a feed offers |
//! | [`feed`] | asking a feed, and fetching an archive |
//! | [`known`] | what a feed last said, kept for a day |
//! | [`install`] | the program's file: locked, replaced in one step, its predecessor kept |
//! | [`probe`] | a program is run once to say its version |
//! | [`owner`] | package managers that own the program |
//! | [`layout`] | completions and pages that install.sh put beside it |
//! | [`removal`] | everything that belongs to the program |
//! | [`publish`] | making a feed of a folder of archives |

pub mod feed;
pub mod install;
pub mod key;
pub mod known;
pub mod layout;
pub mod manifest;
pub mod owner;
pub mod probe;
pub mod publish;
pub mod removal;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::{Code, Error};

pub use feed::Feed;
pub use install::Installed;
pub use key::Keys;
pub use manifest::{Archive, Manifest, Release};

/// Name of the program, in archives and as a command.
pub const PROGRAM: &str = "mesheryctl";

/// Which releases are wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Releases for everybody.
    #[default]
    Stable,
    /// Builds of what comes next; stable releases count among them.
    Edge,
}

impl Channel {
    /// Every channel, for help and errors.
    pub const NAMES: &'static [&'static str] = &["stable", "edge"];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Stable => "stable",
            Channel::Edge => "edge",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "stable" => Ok(Channel::Stable),
            "edge" => Ok(Channel::Edge),
            other => Err(format!("`{other}` is not one of {}", Self::NAMES.join(", "))),
        }
    }
}

/// Kinds of machine whose programs run here, best first: the one this program was built for, and on Linux the static
/// build, which needs no C library.
pub fn targets() -> Vec<String> {
    let own = self_update::get_target();
    let mut targets = vec![own.to_owned()];
    if own.ends_with("-linux-gnu") {
        targets.push(own.replace("-linux-gnu", "-linux-musl"));
    }
    targets
}

/// Whether `left` is a later version than `right`; what is no version is never later.
pub fn is_later(left: &str, right: &str) -> bool {
    self_update::version::bump_is_greater(right, left).unwrap_or(false)
}

/// Takes the program out of an archive into a folder.
pub async fn unpack(archive: PathBuf, folder: PathBuf) -> Result<PathBuf, Error> {
    let program = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    feed::blocking(move || {
        let broken = |error: &dyn fmt::Display| {
            Error::new(Code::ReleaseBroken, format!("{} cannot be unpacked", archive.display())).because(error)
        };
        std::fs::create_dir_all(&folder).map_err(|error| broken(&error))?;
        self_update::Extract::from_source(&archive).extract_file(&folder, &program).map_err(|error| broken(&error))?;
        let path = folder.join(program);
        std::fs::symlink_metadata(&path).map_err(|error| broken(&error))?;
        Ok(path)
    })
    .await
}
