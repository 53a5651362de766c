//! `completion`.

use clap::ValueEnum;

use crate::base::Result;
use crate::ctl::{Ctl, complete};

/// Print a completion script for a shell.
///
/// It completes commands, flags, values and names of contexts and patterns.
#[derive(Debug, clap::Args)]
#[command(after_help = "EXAMPLES:
  mesheryctl completion bash > /usr/share/bash-completion/completions/mesheryctl
  mesheryctl completion zsh > \"${fpath[1]}/_mesheryctl\"
  mesheryctl completion fish > ~/.config/fish/completions/mesheryctl.fish")]
pub struct Args {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Shells with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(clippy::enum_variant_names, reason = "PowerShell is called so")]
pub enum Shell {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// Elvish.
    Elvish,
    /// PowerShell.
    #[value(name = "powershell", alias = "pwsh")]
    PowerShell,
}

impl Shell {
    /// Every shell, with the name of its script file in `completions/`.
    pub const FILES: [(Shell, &'static str); 5] = [
        (Shell::Bash, "mesheryctl.bash"),
        (Shell::Zsh, "_mesheryctl"),
        (Shell::Fish, "mesheryctl.fish"),
        (Shell::Elvish, "mesheryctl.elv"),
        (Shell::PowerShell, "_mesheryctl.ps1"),
    ];

    /// The script.
    pub fn script(self) -> Result<String> {
        complete::script(match self {
            Shell::Bash => "bash",
            Shell::Zsh => "zsh",
            Shell::Fish => "fish",
            Shell::Elvish => "elvish",
            Shell::PowerShell => "powershell",
        })
    }
}

pub(crate) fn run(ctx: &Ctl, args: &Args) -> Result<()> {
    ctx.ui.text(&args.shell.script()?)
}
