//! `system image save`.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::{ProgramArgs, TagArgs, View, assemble, blocking, summary, view};
use crate::base::{Code, Error, Result, id};
use crate::ctl::Ctl;
use crate::ctl::ui::Rendered;
use crate::oci::Image;

/// Between the name of a file and what marks it as not whole yet.
const PART: &str = ".part-";

/// Write the image of this program as an archive that `docker load`, `podman load` and `ctr images import` take.
///
/// The archive is an OCI image layout as well. Two archives of the same program have the same bytes. The file appears
/// when it is whole.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system image save -f mesheryctl.tar
  mesheryctl system image save -f - | docker load
  mesheryctl system image save -f - | sudo ctr -n k8s.io images import -")]
pub struct Args {
    /// File to write; - for standard output.
    #[arg(short = 'f', long, alias = "out", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    program: ProgramArgs,
    #[command(flatten)]
    tag: TagArgs,
}

/// Where the archive goes.
#[derive(Debug, Clone)]
enum Target {
    /// Standard output.
    Stdout,
    /// A pipe or a device, which is written to as it is.
    Stream(PathBuf),
    /// A file, which is there as a whole or not at all.
    File(PathBuf),
}

impl Target {
    fn of(file: &Path) -> Self {
        if file == Path::new("-") {
            return Target::Stdout;
        }
        let path = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let is_other = fs::metadata(&path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        if is_other { Target::Stream(path) } else { Target::File(path) }
    }
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let target = Target::of(&args.file);
    let to_stdout = matches!(target, Target::Stdout);
    if to_stdout && ctx.ui.has_terminal() {
        return Err(Error::new(Code::ExportTarget, "an image archive does not go to a terminal")
            .because("it is binary, and as large as the program")
            .remedy("Pipe it, as in `mesheryctl system image save -f - | docker load`, or name a file with -f."));
    }
    let image = assemble(args.program, args.tag.tag).await?;
    let view = view(&image);
    if to_stdout {
        ctx.ui.note(&summary(&view))?;
    }
    write_to(ctx, image, target).await?;
    if to_stdout {
        return Ok(());
    }
    let target = args.file.display().to_string();
    let text = format!("{}\nwritten to {target}", summary(&view));
    let view = View { target: Some(target), ..view };
    ctx.ui.print(&Rendered::one(&view, text)?.names([view.reference.clone()]))
}

async fn write_to(ctx: &Ctl, image: Image, target: Target) -> Result<()> {
    let token = ctx.cancel.token();
    // What is half written of a file is taken away before the process ends; a pipe may make its writer wait for ever.
    let _guard = matches!(target, Target::File(_)).then(|| ctx.cancel.guard());
    let written = blocking({
        let token = token.clone();
        move || match target {
            Target::Stdout => image.archive_to(&mut io::stdout().lock()),
            Target::Stream(path) => File::options()
                .write(true)
                .open(&path)
                .map_err(|error| refused(&path, error))
                .and_then(|mut file| image.archive_to(&mut file)),
            Target::File(path) => write(&image, &path, token),
        }
    });
    let written = written.await;
    if written.is_err() && token.is_cancelled() {
        return Err(ctx.cancel.error("the archive was not written"));
    }
    written
}

fn refused(path: &Path, error: impl fmt::Display) -> Error {
    Error::new(Code::OutputFailed, format!("{} cannot be written", path.display())).because(error)
}

/// Writes beside the file first, so that there is a whole archive or none.
fn write(image: &Image, path: &Path, token: CancellationToken) -> Result<()> {
    let fail = |error: io::Error| refused(path, error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let stem = format!(".{}{PART}", path.file_name().unwrap_or_default().to_string_lossy());
    remove_leftovers(folder, &stem);
    let part = folder.join(format!("{stem}{}", id::short()));
    let whole = || {
        let file = File::create_new(&part).map_err(fail)?;
        file.try_lock().map_err(|error| fail(error.into()))?;
        let mut out = Until { file, token };
        image
            .archive_to(&mut out)
            .map_err(|error| if error.code() == Code::OutputFailed { refused(path, error) } else { error })?;
        out.file.sync_all().and_then(|()| fs::rename(&part, path)).map_err(fail)
    };
    whole().inspect_err(|_| {
        // What is left of it is no archive.
        let _ = fs::remove_file(&part);
    })
}

/// Takes away what killed calls left: the system released their locks.
fn remove_leftovers(folder: &Path, stem: &str) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(stem)) {
        let is_free = |file: File| file.try_lock().is_ok();
        if File::open(entry.path()).is_ok_and(is_free) {
            // One that cannot be removed is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A file that is written to until the command is cancelled.
struct Until {
    file: File,
    token: CancellationToken,
}

impl Write for Until {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.token.is_cancelled() {
            return Err(io::Error::other("the command was stopped"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_call_leaves_nothing_and_the_next_clears_up_after_a_killed_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.tar");
        let others = tempfile::tempdir().unwrap();
        let authorities = others.path().join("ca.pem");
        fs::write(&authorities, "-----BEGIN CERTIFICATE-----").unwrap();
        let image = Image::with_authorities(&std::env::current_exe().unwrap(), &authorities).unwrap();
        let of_other = dir.path().join(".x.tar.part-living");
        let living = File::create_new(&of_other).unwrap();
        living.lock().unwrap();
        fs::write(dir.path().join(".x.tar.part-killed"), "half").unwrap();
        let token = CancellationToken::new();
        token.cancel();
        let error = write(&image, &path, token).unwrap_err();
        assert!(error.to_string().contains("x.tar cannot be written"), "{error}");
        let names = || fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        assert_eq!(names(), [".x.tar.part-living"], "what another call writes stays");
        write(&image, &path, CancellationToken::new()).unwrap();
        assert!(fs::metadata(&path).unwrap().len() > image.size() && names().len() == 2, "{:?}", names());
        assert_eq!(write(&image, dir.path(), CancellationToken::new()).unwrap_err().code(), Code::OutputFailed);
    }
}
