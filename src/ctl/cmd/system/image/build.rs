//! `system image build`.

use super::{FileView, ProgramArgs, TagArgs, assemble, summary, view};
use crate::base::{Result, text};
use crate::ctl::Ctl;
use crate::ctl::ui::{Column, Format, Rendered};

/// Assemble the image of this program, and show what is in it.
///
/// No engine and no base image are needed: the image holds the program, the loader and shared objects it needs (none when
/// it is static), certificate authorities and a user that is not root. The same program and authorities give the same
/// digests everywhere. Nothing is kept: `system start`, `save` and `push` assemble it again.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl system image build
  mesheryctl system image build -o wide
  mesheryctl system image build --program target/x86_64-unknown-linux-gnu/release/mesheryctl -o json")]
pub struct Args {
    #[command(flatten)]
    program: ProgramArgs,
    #[command(flatten)]
    tag: TagArgs,
}

pub(crate) async fn run(ctx: &Ctl, args: Args) -> Result<()> {
    let view = view(&assemble(args.program, args.tag.tag).await?);
    if *ctx.ui.format() != Format::Wide {
        return ctx.ui.print(&Rendered::one(&view, summary(&view))?.names([view.reference.clone()]));
    }
    let columns = [
        Column::new("PATH", |file: &FileView| file.path.clone()),
        Column::new("MODE", |file: &FileView| file.mode.clone()),
        Column::new("SIZE", |file: &FileView| text::bytes(file.size)),
        Column::new("SOURCE", |file: &FileView| {
            file.source.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string())
        }),
    ];
    ctx.ui.note(&summary(&view))?;
    ctx.ui.print(&Rendered::table(&view, &view.files, &columns)?)
}
