//! Programs on PATH that render what this program does not render itself: helm, kustomize, kubectl.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::base::error::{Code, Error, Result};

/// How a chart is rendered.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// Name of the release; the chart's own name without one.
    pub release: Option<String>,
    /// Namespace of the release.
    pub namespace: Option<String>,
    /// Files of values.
    pub values: Vec<String>,
    /// Single values.
    pub set: Vec<String>,
    /// Version of a chart of a repository.
    pub version: Option<String>,
    /// Address of the repository.
    pub repo: Option<String>,
}

/// Renders a chart with `helm template`: a folder, an archive, or a reference to one of a repository.
///
/// # Errors
/// [`Code::ToolMissing`], [`Code::ToolFailed`] with helm's own words.
pub async fn helm_template(chart: &str, release: &str, options: &Chart) -> Result<String> {
    let mut args = vec!["template".to_owned(), "--include-crds".to_owned(), "--skip-tests".to_owned()];
    let mut pair = |flag: &str, value: &Option<String>| {
        if let Some(value) = value {
            args.push(format!("{flag}={value}"));
        }
    };
    pair("--namespace", &options.namespace);
    pair("--version", &options.version);
    pair("--repo", &options.repo);
    args.extend(options.values.iter().map(|file| format!("--values={file}")));
    args.extend(options.set.iter().map(|item| format!("--set={item}")));
    args.extend(["--".to_owned(), release.to_owned(), chart.to_owned()]);
    match run("helm", &args).await? {
        Some(text) => Ok(text),
        None => Err(Error::new(Code::ToolMissing, "`helm` is not on PATH")
            .because(format!("the chart {chart} is rendered by `helm template`"))
            .remedy("Install Helm (https://helm.sh/docs/intro/install/), or render the chart elsewhere and import the manifests.")),
    }
}

/// Renders a kustomize folder with `kustomize build`, else `kubectl kustomize`; also tells which of them did it.
///
/// # Errors
/// [`Code::ToolMissing`] when neither is there, [`Code::ToolFailed`] with the program's own words.
pub async fn kustomize(folder: &Path) -> Result<(String, &'static str)> {
    let folder = folder.as_os_str();
    if let Some(text) = run("kustomize", &[OsStr::new("build"), folder]).await? {
        return Ok((text, "kustomize build"));
    }
    if let Some(text) = run("kubectl", &[OsStr::new("kustomize"), folder]).await? {
        return Ok((text, "kubectl kustomize"));
    }
    Err(Error::new(Code::ToolMissing, "neither `kustomize` nor `kubectl` is on PATH")
        .because(format!("the folder {} is rendered by one of them", folder.display()))
        .remedy("Install kubectl (https://kubernetes.io/docs/tasks/tools/) or kustomize, or render the folder elsewhere and import the manifests."))
}

/// Lets a cloud's own program (`gcloud`, `az`, `aws`) write a kubeconfig to a file.
///
/// # Errors
/// [`Code::ToolMissing`], [`Code::ToolFailed`] with the program's own words.
pub async fn cloud(program: &str, args: &[&str], kubeconfig: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command.args(args).env("KUBECONFIG", kubeconfig);
    match output(program, args.first().copied().unwrap_or_default(), command).await? {
        Some(_) => Ok(()),
        None => Err(Error::new(Code::ToolMissing, format!("`{program}` is not on PATH"))
            .because("it signs in to the cloud and writes the kubeconfig of the cluster")
            .remedy(format!("Install `{program}` and sign in with it, or send a kubeconfig you have: `mesheryctl system config kubeconfig`."))),
    }
}

/// What a program wrote; `None` when there is no such program.
///
/// # Errors
/// [`Code::ToolFailed`] with the program's own words.
pub async fn run(program: &str, args: &[impl AsRef<OsStr>]) -> Result<Option<String>> {
    let first = args.first().map(|word| word.as_ref().to_string_lossy().into_owned()).unwrap_or_default();
    let mut command = Command::new(program);
    command.args(args);
    output(program, &first, command).await
}

async fn output(program: &str, first: &str, mut command: Command) -> Result<Option<String>> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Error::new(Code::ToolFailed, format!("`{program}` cannot be run")).because(error));
        }
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines = said.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>();
        return Err(Error::new(Code::ToolFailed, format!("`{program} {first}` failed")).details(lines));
    }
    String::from_utf8(output.stdout)
        .map(Some)
        .map_err(|_| Error::new(Code::ToolFailed, format!("`{program}` wrote what is not text in UTF-8")))
}
