//! `system image save`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{ImageArgs, View, blocking, summary, view};
use crate::base::{Code, Error, Result, id};
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::oci::Image;

/// Write the image of this program as an archive that `docker load`, `podman load` and `ctr images import` take.
///
/// The archive is an OCI image layout as well. Two archives of the same program have the same bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system image save -f mesheryctl.tar
  mesheryctl system image save -f - | docker load
  mesheryctl system image save -f - | sudo ctr -n k8s.io images import -")]
pub struct Args {
    /// File to write; - for standard output.
    #[arg(short = 'f', long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    image: ImageArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let to_stdout = args.file == Path::new("-");
    if to_stdout && ctx.ui.has_terminal() {
        return Err(Error::new(Code::ExportTarget, "an image archive does not go to a terminal")
            .remedy("Pipe it, as in `mesheryctl system image save -f - | docker load`, or name a file with -f."));
    }
    let image = args.image.assemble().await?;
    if to_stdout {
        ctx.ui.note(&summary(&view(&image)))?;
        return blocking(move || image.archive_to(&mut std::io::stdout().lock())).await;
    }
    let view = View { target: Some(args.file.display().to_string()), ..view(&image) };
    blocking(move || write(&image, &args.file)).await?;
    let target = view.target.as_deref().unwrap_or_default();
    ctx.ui.print(
        &Rendered::one(&view, format!("{}\nwritten to {target}", summary(&view)))?.names([view.reference.clone()]),
    )
}

/// Writes beside the file first, so that there is a whole archive or none.
fn write(image: &Image, path: &Path) -> Result<()> {
    let fail = |error: std::io::Error| {
        Error::new(Code::OutputFailed, format!("{} cannot be written", path.display())).because(error)
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = folder.join(format!(".mesheryctl-image.{}", id::short()));
    let whole = || {
        let mut out = BufWriter::new(File::create_new(&temporary).map_err(fail)?);
        image.archive_to(&mut out)?;
        out.flush().map_err(fail)?;
        std::fs::rename(&temporary, path).map_err(fail)
    };
    whole().inspect_err(|_| {
        // What is left of it is no archive.
        let _ = std::fs::remove_file(&temporary);
    })
}
