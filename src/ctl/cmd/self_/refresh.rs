//! Completions and manual pages follow the program: the one in place now writes them anew where install.sh put them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::base::{Code, Error, Result, dirs, env};
use crate::ctl::Ctl;
use crate::release::Installed;
use crate::release::layout::Layout;

/// How long the program may take for one of them.
const LIMIT: Duration = Duration::from_secs(30);

/// Writes them anew. The program is in place already: what fails here is told and no more.
pub async fn files(ctx: &Ctl, here: &Installed) -> Result<()> {
    if let Err(error) = written(here).await {
        ctx.ui.warn(&format!("completions and manual pages are still the old ones: {error}"))?;
    }
    Ok(())
}

async fn written(here: &Installed) -> Result<()> {
    let Some(layout) = Layout::of(here)? else { return Ok(()) };
    let mut scripts = Vec::new();
    for shell in layout.shells() {
        scripts.push((shell, output(here.path(), &["completion", shell]).await?));
    }
    let pages = if layout.has_pages() { pages(here.path()).await? } else { Vec::new() };
    layout.refresh(&scripts, &pages)?;
    Ok(())
}

async fn pages(program: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let folder = dirs::cache()?.join("man");
    let text = folder.to_string_lossy().into_owned();
    let made = output(program, &["man", "--dir", &text]).await.and_then(|_| read(&folder));
    let _ = std::fs::remove_dir_all(&folder);
    made
}

fn read(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let failed = |error: std::io::Error| dirs::read_error(folder, &error);
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        pages.push((name, std::fs::read(entry.path()).map_err(failed)?));
    }
    Ok(pages)
}

async fn output(program: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let failed = |reason: String| {
        let command = arguments.join(" ");
        Error::new(Code::ReleaseBroken, format!("`mesheryctl {command}` of the new program failed")).because(reason)
    };
    let run = Command::new(program)
        .args(arguments)
        .env(env::MESHERY_NO_UPDATE_CHECK, "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LIMIT, run)
        .await
        .map_err(|_| failed(format!("no end within {} s", LIMIT.as_secs())))?
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    Ok(output.stdout)
}
