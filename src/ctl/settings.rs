//! Settings: flag, environment, project file `.meshery.yaml`, config.yaml, default, in this order; each with its origin.

mod entries;
mod origin;
mod project;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;

use super::cli::Global;
use super::config::Config;
use super::context::{ConnectRequest, TokenSource};
use super::ui::{self, Answers, ColorChoice, Format, Volume};
use crate::base::{Code, Error, Result, dirs, env};
use crate::client::process;
use crate::model::context::{Context, Platform};
use crate::model::performance::duration;

pub use entries::Entry;
pub use origin::{Origin, Setting};

use origin::Sources;
use project::Project;

/// The settled settings of one run.
#[derive(Debug)]
pub struct Settings {
    home: Option<PathBuf>,
    config_path: Setting<Option<PathBuf>>,
    config: Config,
    context: Setting<Option<String>>,
    endpoint: Setting<Option<String>>,
    token: Setting<Option<PathBuf>>,
    ca_file: Setting<Option<PathBuf>>,
    timeout: Setting<Option<Duration>>,
    kubeconfig: Setting<Option<PathBuf>>,
    kube_context: Setting<Vec<String>>,
    namespace: Setting<Option<String>>,
    protected_contexts: Setting<Vec<String>>,
    import_allow: Setting<Vec<String>>,
    output: Setting<Format>,
    color: Setting<ColorChoice>,
    volume: Setting<Volume>,
    answers: Setting<Answers>,
}

impl Settings {
    /// Settles every value. Reads files, never writes.
    pub fn resolve(global: &Global, matches: &ArgMatches) -> Result<Self> {
        let sources = Sources::new(matches);
        let config_path = config_path(global, &sources);
        let config = match &config_path.value {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        let project = Project::search()?;
        Self::merge(global, &sources, project, (config_path, config))
    }

    /// For commands that need no files, when those cannot be read: flags, environment and defaults.
    pub fn without_files(global: &Global, matches: &ArgMatches) -> Self {
        let sources = Sources::new(matches);
        let path = config_path(global, &sources);
        let plain = Global { timeout: None, ..global.clone() };
        let (output, color) = (global.output.clone(), global.color);
        Self::merge(&plain, &sources, Project::default(), (path, Config::default())).unwrap_or_else(|_| Self {
            home: None,
            config_path: Setting::default(),
            config: Config::default(),
            context: Setting::default(),
            endpoint: Setting::default(),
            token: Setting::default(),
            ca_file: Setting::default(),
            timeout: Setting::default(),
            kubeconfig: Setting::default(),
            kube_context: Setting::default(),
            namespace: Setting::default(),
            protected_contexts: Setting::default(),
            import_allow: Setting::default(),
            output: sources.settle("output", output, None),
            color: sources.settle("color", color, None),
            volume: volume(global, &sources),
            answers: answers(global, &sources),
        })
    }

    fn merge(
        global: &Global,
        sources: &Sources<'_>,
        project: Project,
        (config_path, config): (Setting<Option<PathBuf>>, Config),
    ) -> Result<Self> {
        let timeout = global.timeout.as_deref().map(|text| duration(text, "--timeout")).transpose()?;
        let kube_context = (!global.kube_context.is_empty()).then(|| global.kube_context.clone());
        let mut context = sources.settle_option("context", global.context.clone(), project.context);
        if context.value.is_none()
            && let Some(current) = &config.current
        {
            context = Setting { value: Some(current.clone()), origin: origin::of_config(&config_path) };
        }
        Ok(Self {
            home: dirs::home().ok(),
            context,
            endpoint: sources.settle_option("endpoint", global.endpoint.clone(), project.endpoint),
            token: sources.settle_option("token", global.token.clone(), None),
            ca_file: sources.settle_option("ca_file", global.ca_file.clone(), None),
            timeout: sources.settle_option("timeout", timeout, project.timeout),
            kubeconfig: sources.settle_option("kubeconfig", global.kubeconfig.clone(), None),
            kube_context: sources.settle("kube_context", kube_context, project.kube_context),
            namespace: Setting::from_project(project.namespace),
            protected_contexts: protected_contexts(project.protected_contexts),
            import_allow: sources.settle("import_allow", None, project.import_allow),
            output: sources.settle("output", global.output.clone(), project.output),
            color: sources.settle("color", global.color, project.color),
            volume: volume(global, sources),
            answers: answers(global, sources),
            config_path,
            config,
        })
    }

    /// Kubernetes contexts, with wildcards, in which changes ask for consent.
    pub fn protected_contexts(&self) -> &[String] {
        &self.protected_contexts.value
    }

    /// Folder of config.yaml, auth.json and data.
    pub fn home(&self) -> Result<PathBuf> {
        self.home.clone().map_or_else(dirs::home, Ok)
    }

    /// Path of config.yaml, whether or not it exists.
    pub fn config_path(&self) -> Result<PathBuf> {
        match &self.config_path.value {
            Some(path) => Ok(path.clone()),
            None => Ok(dirs::home()?.join("config.yaml")),
        }
    }

    /// The content of config.yaml as it was read.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Name of the chosen context.
    pub fn context_name(&self) -> Result<&str> {
        self.context.value.as_deref().ok_or_else(|| {
            Error::new(Code::ContextNotFound, "no context is chosen")
                .because("config.yaml has several contexts and no `current-context`")
                .remedy("Choose one with `mesheryctl system context switch NAME`, or for one command with --context.")
        })
    }

    /// The chosen context, its endpoint replaced where `--endpoint` or its like says so.
    pub fn context(&self) -> Result<Context> {
        let mut context = self.config.find(self.context_name()?)?.clone();
        if let Some(endpoint) = &self.endpoint.value {
            context.endpoint.clone_from(endpoint);
        }
        Ok(context)
    }

    /// Kubeconfig files that this shell means, separated as in PATH and absolute, so that they mean the same to a
    /// running server: `--kubeconfig`, else KUBECONFIG, else `~/.kube/config` with the plane's own. For a plane of
    /// another machine only what the flag says, and for one in a cluster, to which the flag leads, nothing; `None` leaves
    /// the choice to it.
    pub fn kubeconfig_list(&self) -> Option<String> {
        match self.context().map(|context| context.platform) {
            Ok(Platform::Local) => self.shell_kubeconfig(),
            Ok(Platform::Kubernetes) => None,
            _ => self.kubeconfig.value.as_ref().and_then(|_| self.shell_kubeconfig()),
        }
    }

    /// Kubeconfig files that this shell means, in the same form, whatever the platform of the context.
    pub fn shell_kubeconfig(&self) -> Option<String> {
        let own = || {
            let user = dirs::user_home().map(|home| home.join(".kube").join("config"));
            user.into_iter().chain(self.home.as_ref().map(|home| home.join("kubeconfig.yaml"))).collect::<Vec<_>>()
        };
        let files = match (&self.kubeconfig.value, env::get(env::KUBECONFIG)) {
            (Some(path), _) => vec![path.clone()],
            (None, Some(list)) => std::env::split_paths(&list).collect(),
            (None, None) => own(),
        };
        let absolute = files.into_iter().map(|path| std::path::absolute(&path).unwrap_or(path));
        std::env::join_paths(absolute).ok().map(|joined| joined.to_string_lossy().into_owned())
    }

    /// What flags of this run chose among planes and clusters, and another command has to choose too; variables of the
    /// shell and files stay.
    pub fn chosen_by_flag(&self) -> Vec<(&'static str, String)> {
        let path = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string();
        let is_flag = |origin: &Origin| matches!(origin, Origin::Flag(_));
        let mut chosen = Vec::new();
        let text = [("context", &self.context), ("endpoint", &self.endpoint)];
        chosen.extend(
            text.into_iter()
                .filter(|(_, setting)| is_flag(&setting.origin))
                .filter_map(|(flag, setting)| Some((flag, setting.value.clone()?))),
        );
        let paths = [("token", &self.token), ("config", &self.config_path), ("kubeconfig", &self.kubeconfig)];
        chosen.extend(
            paths
                .into_iter()
                .filter(|(_, setting)| is_flag(&setting.origin))
                .filter_map(|(flag, setting)| Some((flag, path(setting.value.as_ref()?)))),
        );
        chosen
    }

    /// Kubeconfig named by flag or variable.
    pub fn kubeconfig(&self) -> Option<PathBuf> {
        self.kubeconfig.value.clone()
    }

    /// Kubernetes contexts to work on; empty means the plane's choice.
    pub fn kube_contexts(&self) -> &[String] {
        &self.kube_context.value
    }

    /// Namespace of the project file, for services that name none.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.value.as_deref()
    }

    /// Hosts of the project file that imports may be read from without a checksum.
    pub fn import_allow(&self) -> &[String] {
        &self.import_allow.value
    }

    /// Limit for the whole command, where the user set one.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.value
    }

    /// PEM file with further certificate authorities.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.value.as_deref()
    }

    /// How to speak.
    pub fn ui(&self) -> ui::Options {
        ui::Options {
            format: self.output.value.clone(),
            color: self.color.value,
            volume: self.volume.value,
            answers: self.answers.value,
        }
    }

    /// What is needed to reach the plane.
    pub fn connect_request(&self) -> Result<ConnectRequest> {
        let context = self.context()?;
        Ok(ConnectRequest {
            endpoint_chosen: self.endpoint.value.is_some(),
            token: self.token_source(&context),
            home: self.home.clone(),
            // Such a plane is found by the kubeconfig of this shell.
            kubeconfig: if context.platform == Platform::Kubernetes {
                self.shell_kubeconfig()
            } else {
                self.kubeconfig_list()
            },
            ca_file: self.ca_file.value.clone(),
            timeout: self.timeout.value,
            context,
        })
    }

    fn token_source(&self, context: &Context) -> TokenSource {
        if let Some(path) = &self.token.value {
            return TokenSource::File { path: path.clone(), chosen: true };
        }
        if let Some(value) = env::get(env::MESHERY_TOKEN) {
            return TokenSource::Value(value);
        }
        match self.token_path(context) {
            Some(path) => TokenSource::File { path, chosen: false },
            None => TokenSource::None,
        }
    }

    /// Whether a server of this home runs, so that it is worth asking.
    pub fn local_plane_is_recorded(&self) -> bool {
        let Some(home) = &self.home else { return false };
        process::find(process::Role::Server, home).is_ok_and(|running| running.is_some())
    }

    /// The token file that a context's commands use: the one the user named, else the context's own.
    pub fn token_file(&self, context: &Context) -> Option<PathBuf> {
        self.token.value.clone().or_else(|| self.token_path(context))
    }

    /// The token file of a context; one that names no known entry uses the default file.
    pub fn token_path(&self, context: &Context) -> Option<PathBuf> {
        let home = self.home.as_deref()?;
        Some(match self.config.token_of(context) {
            Some(entry) => location(home, &entry.location),
            None => dirs::token_file(home),
        })
    }
}

/// A token location: relative ones are below the home folder, `~/` is the user's.
pub fn location(home: &Path, text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), dirs::user_home()) {
        (Some(rest), Some(user)) => user.join(rest),
        _ => home.join(text),
    }
}

/// The variable adds to nothing: it stands for the project file's list.
fn protected_contexts(project: Option<(Vec<String>, PathBuf)>) -> Setting<Vec<String>> {
    if let Some(text) = env::get(env::MESHERY_PROTECTED_CONTEXTS) {
        let value = text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        return Setting { value, origin: Origin::Environment(env::MESHERY_PROTECTED_CONTEXTS.to_owned()) };
    }
    match project {
        Some((value, path)) => Setting { value, origin: Origin::File(path) },
        None => Setting::default(),
    }
}

fn volume(global: &Global, sources: &Sources<'_>) -> Setting<Volume> {
    match (global.quiet, global.verbose) {
        (_, true) => sources.settle("verbose", Some(Volume::Verbose), None),
        (true, false) => sources.settle("quiet", Some(Volume::Quiet), None),
        (false, false) => Setting::default(),
    }
}

fn answers(global: &Global, sources: &Sources<'_>) -> Setting<Answers> {
    match (global.yes, global.no_input) {
        (true, _) => sources.settle("yes", Some(Answers::Yes), None),
        (false, true) => sources.settle("no_input", Some(Answers::Never), None),
        (false, false) => Setting::default(),
    }
}

fn config_path(global: &Global, sources: &Sources<'_>) -> Setting<Option<PathBuf>> {
    if global.config.is_some() {
        return sources.settle_option("config", global.config.clone(), None);
    }
    let Ok(home) = dirs::home() else { return Setting::default() };
    let usual = home.join("config.yaml");
    if env::is_set(env::MESHERY_HOME) {
        return Setting { value: Some(usual), origin: Origin::Environment(env::MESHERY_HOME.to_owned()) };
    }
    let xdg = env::get(env::XDG_CONFIG_HOME).map(|dir| PathBuf::from(dir).join("meshery").join("config.yaml"));
    match xdg {
        Some(path) if !usual.exists() && path.exists() => {
            Setting { value: Some(path), origin: Origin::Environment(env::XDG_CONFIG_HOME.to_owned()) }
        }
        _ => Setting { value: Some(usual), origin: Origin::Default },
    }
}

/// A duration in the grammar of [`duration::parse`], or a bare number of seconds. Plans of measurements refuse bare numbers,
/// because their files come from programs with other units; settings have always taken them.
pub fn duration(text: &str, name: &str) -> Result<Duration> {
    let wrong = || {
        Error::new(Code::ConfigValue, format!("`{text}` is not a time for {name}"))
            .remedy("Write a number of seconds or a time such as 30s, 5m or 1h30m.")
    };
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    duration::parse(text).map_err(|problem| wrong().because(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let read = |text| duration(text, "--timeout").map(|time| time.as_millis());
        assert_eq!(read("30").unwrap(), 30_000);
        assert_eq!(read("30s").unwrap(), 30_000);
        assert_eq!(read("1h30m").unwrap(), 5_400_000);
        assert_eq!(read("500ms").unwrap(), 500);
        assert_eq!((read("1.5s").unwrap(), read(" 2h0.5s ").unwrap()), (1_500, 7_200_500));
        for wrong in ["-5s", "-5", "soon", "", "1d", "PT5S", "5 parsecs"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
