//! The effective plan: flags over file over profile over default, each value with where it comes from.

mod file;
mod flags;
mod rows;

use schemars::JsonSchema;
use serde::Serialize;

use super::args::PlanArgs;
use crate::base::error::Result;
use crate::model::performance::plan::{Generator, Load, Plan};
use crate::model::performance::workers::Workers;

pub(in crate::ctl::cmd::perf) use rows::rows;

/// One value of a plan as people read it.
#[expect(clippy::struct_field_names, reason = "the fields are the columns of the output")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Value {
    /// Name of the value.
    pub name: &'static str,
    /// The value.
    pub value: String,
    /// Where it comes from: `default`, `profile NAME`, `file NAME` or `--FLAG`.
    pub origin: String,
}

/// A plan that is being settled, layer by layer.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) plan: Plan,
    values: Vec<Value>,
}

impl Draft {
    /// The defaults.
    pub(crate) fn new() -> Self {
        let plan = Plan::default();
        let values = rows(&plan).into_iter().map(|(name, value)| Value { name, value, origin: "default".to_owned() });
        Self { values: values.collect(), plan }
    }

    /// A stored profile over what is there.
    pub(crate) fn profile(&mut self, name: &str, plan: Plan) {
        self.plan = plan;
        self.note(&format!("profile {name}"));
    }

    /// A test file over what is there. `given` are the keys that say something in it: what they give comes from the file,
    /// though it may be the same as before; about everything else the file is silent.
    pub(crate) fn file(&mut self, name: &str, file: &Plan, given: &[&str]) {
        file::overlay(&mut self.plan, file, given);
        let origin = format!("file {name}");
        self.note(&origin);
        given.iter().flat_map(|key| file::values(key)).for_each(|value| self.originate(value, &origin));
    }

    /// Flags over what is there.
    ///
    /// # Errors
    /// The first flag that cannot be read or contradicts another value.
    pub(crate) fn flags(&mut self, args: &PlanArgs) -> Result<()> {
        args.target_flags(&mut self.plan)?;
        args.load_flags(&mut self.plan)?;
        args.limit_flags(&mut self.plan)?;
        args.request_flags(&mut self.plan)?;
        args.tls_flags(&mut self.plan);
        self.note("flags");
        // A body changes the method, and a URL the protocol.
        for (name, flag) in [("method", "--body"), ("protocol", "--url")] {
            if self.values.iter().any(|value| value.name == name && value.origin == "flags") {
                self.originate(name, flag);
            }
        }
        if let Some(flag) = args.rate_flag() {
            self.originate("model", flag);
            self.originate("overload", flag);
        }
        args.given().into_iter().for_each(|(name, flag)| self.originate(name, flag));
        Ok(())
    }

    fn originate(&mut self, name: &str, origin: &str) {
        if let Some(value) = self.values.iter_mut().find(|value| value.name == name) {
            origin.clone_into(&mut value.origin);
        }
    }

    /// Notes the origin of every value that changed.
    fn note(&mut self, origin: &str) {
        let now = rows(&self.plan);
        let known = std::mem::take(&mut self.values);
        let settle = |(name, value): (&'static str, String)| match known.iter().find(|old| old.name == name) {
            Some(old) if old.value == value => old.clone(),
            _ => Value { name, value, origin: origin.to_owned() },
        };
        self.values = now.into_iter().map(settle).collect();
    }

    /// Opens as many connections as answers within a tenth of a second want at the highest rate, where requests come by the
    /// clock and nobody said how many there are to be: on one connection, they would wait behind each other.
    pub(crate) fn connect(&mut self) {
        const ANSWERED_WITHIN: f64 = 0.1;
        const MOST: f64 = 100.0;
        let is_default = self.values.iter().any(|value| value.name == "connections" && value.origin == "default");
        let Load::Open { pacing, .. } = &self.plan.load else { return };
        if !is_default || self.plan.generator != Generator::Native {
            return;
        }
        let wanted = (pacing.highest_rate() * ANSWERED_WITHIN).ceil().clamp(1.0, MOST);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let wanted = wanted as u32;
        self.plan.connections = self.plan.connections.max(wanted);
        self.note("default: for answers within 100ms");
    }

    /// Gives each worker a connection where nobody said how many there are to be.
    pub(crate) fn share(&mut self, workers: &Workers) {
        let is_default =
            self.values.iter().any(|value| value.name == "connections" && value.origin.starts_with("default"));
        if is_default {
            self.plan.connections = self.plan.connections.max(u32::try_from(workers.count()).unwrap_or(u32::MAX));
            self.note("default: one for each worker");
        }
    }

    /// Every value with its origin.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// A value that is settled after all layers, such as a name nobody gave.
    pub(crate) fn settle(&mut self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.plan);
        self.note("default");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::performance::plan::Target;

    fn origin(draft: &Draft, name: &str) -> String {
        draft.values().iter().find(|value| value.name == name).unwrap().origin.clone()
    }

    #[test]
    fn flags_stand_over_file_over_profile_over_default() {
        let mut draft = Draft::new();
        let profile =
            Plan { connections: 4, threads: 2, duration: Some(std::time::Duration::from_secs(5)), ..Plan::default() };
        draft.profile("p", profile);
        let file =
            Plan { connections: 8, targets: vec![Target { url: "http://f/".into(), weight: 1 }], ..Plan::default() };
        draft.file("t.yaml", &file, &["load_generator", "connections", "endpoint_urls"]);
        draft.flags(&PlanArgs { url: vec!["http://a/".into()], qps: Some(10.0), ..PlanArgs::default() }).unwrap();
        let plan = &draft.plan;
        assert_eq!((plan.threads, plan.connections, plan.targets[0].url.as_str()), (2, 8, "http://a/"));
        assert_eq!(origin(&draft, "threads"), "profile p");
        assert_eq!(origin(&draft, "connections"), "file t.yaml");
        assert_eq!((origin(&draft, "rate"), origin(&draft, "targets")), ("--qps".into(), "--url".into()));
        assert_eq!((origin(&draft, "generator"), origin(&draft, "protocol")), ("file t.yaml".into(), "default".into()));
        assert_eq!(origin(&draft, "method"), "default");
    }

    #[test]
    fn workers_get_a_connection_each_where_no_number_is_given() {
        let workers = Workers::Local { count: 3 };
        let shared = |given: Option<u32>| {
            let mut draft = Draft::new();
            draft.flags(&PlanArgs { connections: given, ..PlanArgs::default() }).unwrap();
            draft.share(&workers);
            (draft.plan.connections, origin(&draft, "connections"))
        };
        assert_eq!(shared(None), (3, "default: one for each worker".to_owned()));
        assert_eq!(shared(Some(1)), (1, "--connections".to_owned()));
    }

    #[test]
    fn a_number_of_requests_replaces_the_duration() {
        let mut draft = Draft::new();
        draft.flags(&PlanArgs { requests: Some(10), ..PlanArgs::default() }).unwrap();
        assert_eq!((draft.plan.duration, draft.plan.requests), (None, Some(10)));
    }
}
