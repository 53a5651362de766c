//! Every setting with its value and origin, for `config view`.

use std::fmt::Display;
use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Origin, Setting, Settings, origin};
use crate::base::env;
use crate::ctl::ui::{Answers, Volume};

/// One setting.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Entry {
    /// Name of the setting: the flag's long name, or the key in config.yaml.
    pub setting: &'static str,
    /// Its value; empty when it is not set.
    pub value: String,
    /// Where the value comes from.
    pub origin: String,
}

fn entry(setting: &'static str, value: impl Display, origin: impl Display) -> Entry {
    Entry { setting, value: value.to_string(), origin: origin.to_string() }
}

fn path(setting: &'static str, value: &Setting<Option<impl AsRef<Path>>>) -> Entry {
    let text = value.value.as_ref().map(|path| path.as_ref().display().to_string()).unwrap_or_default();
    entry(setting, text, &value.origin)
}

fn option(setting: &'static str, value: &Setting<Option<String>>) -> Entry {
    entry(setting, value.value.as_deref().unwrap_or_default(), &value.origin)
}

/// One of several words of the same choice: the origin belongs to the word that holds.
fn switch<T: PartialEq + Copy>(setting: &'static str, choice: &Setting<T>, word: T) -> Entry {
    let is_on = choice.value == word;
    entry(setting, is_on, if is_on { &choice.origin } else { &Origin::Default })
}

impl Settings {
    /// Every setting, in a fixed order.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = vec![path("config", &self.config_path), self.home_entry(), option("context", &self.context)];
        entries.extend(self.context_entries());
        let timeout = self.timeout.value.map(|time| format!("{}s", time.as_secs_f64())).unwrap_or_default();
        entries.extend([
            entry("timeout", timeout, &self.timeout.origin),
            path("ca-file", &self.ca_file),
            path("kubeconfig", &self.kubeconfig),
            entry("kube-context", self.kube_context.value.join(","), &self.kube_context.origin),
            option("namespace", &self.namespace),
            entry("protected-contexts", self.protected_contexts.value.join(","), &self.protected_contexts.origin),
            entry("import-allow", self.import_allow.value.join(","), &self.import_allow.origin),
            entry("output", self.output.value.word(), &self.output.origin),
            entry("color", self.color.value.word(), &self.color.origin),
            switch("quiet", &self.volume, Volume::Quiet),
            switch("verbose", &self.volume, Volume::Verbose),
            switch("yes", &self.answers, Answers::Yes),
            switch("no-input", &self.answers, Answers::Never),
        ]);
        entries
    }

    fn home_entry(&self) -> Entry {
        let home = self.home.as_ref().map(|home| home.display().to_string()).unwrap_or_default();
        let by_variable = env::is_set(env::MESHERY_HOME);
        let origin = if by_variable { Origin::Environment(env::MESHERY_HOME.to_owned()) } else { Origin::Default };
        entry("home", home, origin)
    }

    /// What the context says, where the context exists.
    fn context_entries(&self) -> Vec<Entry> {
        let Ok(context) = self.context() else { return Vec::new() };
        let file = origin::of_config(&self.config_path);
        let endpoint = if self.endpoint.value.is_some() { &self.endpoint.origin } else { &file };
        let token = match (&self.token.value, env::is_set(env::MESHERY_TOKEN)) {
            (Some(_), _) => path("token", &self.token),
            (None, true) => entry("token", "(set)", Origin::Environment(env::MESHERY_TOKEN.to_owned())),
            (None, false) => path("token", &Setting { value: self.token_path(&context), origin: file.clone() }),
        };
        vec![
            entry("endpoint", &context.endpoint, endpoint),
            token,
            entry("platform", context.platform, &file),
            entry("channel", &context.channel, &file),
            entry("version", &context.version, &file),
            entry("provider", &context.provider, &file),
        ]
    }
}
