//! The image made of this program.

use std::fs::OpenOptions;
use std::path::Path;

use crate::base::{Code, Error, Result, dirs};
use crate::oci::image::Image;
use crate::platform::Plane;

/// The image.
pub(super) struct Own(Image);

impl Own {
    /// Assembles it, apart from the tasks of this process: the program is hashed.
    pub(super) async fn of(plane: &Plane) -> Result<Self> {
        let program = plane.program.clone();
        let made = tokio::task::spawn_blocking(move || Image::of_program(&program)).await;
        made.map_err(|error| Error::internal("the image could not be assembled").because(error))?.map(Self)
    }

    /// Its name, which no other program's image has.
    pub(super) fn reference(&self) -> &str {
        self.0.reference()
    }

    /// Writes it as an archive that only this user may read.
    pub(super) async fn archive_to(&self, path: &Path) -> Result<()> {
        let (image, path) = (self.0.clone(), path.to_owned());
        let written = tokio::task::spawn_blocking(move || write(&image, &path)).await;
        written.map_err(|error| Error::internal("the image could not be written").because(error))?
    }
}

fn write(image: &Image, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        dirs::create_private(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let fail = |error: std::io::Error| {
        Error::new(Code::ConfigWrite, format!("cannot write {}", path.display())).because(error)
    };
    let mut file = std::io::BufWriter::new(options.open(path).map_err(fail)?);
    image.archive_to(&mut file)?;
    std::io::Write::flush(&mut file).map_err(fail)
}
