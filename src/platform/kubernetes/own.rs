//! The image made of this program.

use std::path::Path;

use crate::base::Result;
use crate::platform::{Plane, unsupported};

/// The image.
pub(super) struct Own {
    reference: String,
}

impl Own {
    /// Makes it.
    pub(super) fn of(plane: &Plane) -> Result<Self> {
        Err(unsupported(plane))
    }

    /// Its name.
    pub(super) fn reference(&self) -> &str {
        &self.reference
    }

    /// Writes it as an archive.
    pub(super) fn archive_to(&self, _path: &Path) -> Result<()> {
        Ok(())
    }
}
