//! Hooks that a pod's annotations ask for.
//!
//! csdr's spelling, `pre.hook.backup.csdr.alibabacloud.com/…`, goes before Velero's, `pre.hook.backup.velero.io/…`, and that before the old
//! one without a phase, `hook.backup.velero.io/…`, which means `pre`. The first spelling that has a command is the whole hook: they are
//! not mixed.

use super::{
    HookPod,
    command::{DEFAULT_TIMEOUT, HookCommand, OnError, parse_command},
};
use crate::model::GoDuration;

/// What annotations say of one hook.
pub(super) struct Annotated<'a> {
    prefix: String,
    pod: &'a HookPod,
}

impl<'a> Annotated<'a> {
    /// The first of these spellings for which the pod has the annotation `key`.
    pub(super) fn first(
        pod: &'a HookPod,
        prefixes: impl IntoIterator<Item = String>,
        key: &str,
    ) -> Option<Self> {
        prefixes.into_iter().find_map(|prefix| {
            let given = pod.annotations.get(&format!("{prefix}/{key}"))?;
            (!given.is_empty()).then_some(Self { prefix, pod })
        })
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let text = self
            .pod
            .annotations
            .get(&format!("{}/{key}", self.prefix))?;
        Some(text.as_str()).filter(|text| !text.is_empty())
    }

    /// A duration, or the default with a warning. Source: Velero goes on with the default as well.
    pub(super) fn duration(
        &self,
        key: &str,
        default: GoDuration,
        warnings: &mut Vec<String>,
    ) -> GoDuration {
        let Some(text) = self.get(key) else {
            return default;
        };
        text.parse::<GoDuration>().unwrap_or_else(|error| {
            warnings.push(format!(
                "annotation {}/{key}: {error}; {default} is taken",
                self.prefix
            ));
            default
        })
    }

    pub(super) fn on_error(&self, default: OnError, warnings: &mut Vec<String>) -> OnError {
        match self.get("on-error") {
            None => default,
            Some("Fail") => OnError::Fail,
            Some("Continue") => OnError::Continue,
            Some(other) => {
                warnings.push(format!(
                    "annotation {}/on-error: {:?} is neither Fail nor Continue; {default} is taken",
                    self.prefix, other
                ));
                default
            }
        }
    }

    /// The whole hook; `Err` says in words why it cannot be run.
    pub(super) fn hook(
        &self,
        timeout: &str,
        on_error: OnError,
        warnings: &mut Vec<String>,
    ) -> Result<HookCommand, String> {
        let at = |why: &dyn std::fmt::Display| format!("annotations {}/…: {why}", self.prefix);
        let command = parse_command(self.get("command").unwrap_or_default()).map_err(|e| at(&e))?;
        let container = self.pod.container(self.get("container"));
        Ok(HookCommand {
            container: container.map_err(|e| at(&e))?,
            command,
            on_error: self.on_error(on_error, warnings),
            timeout: self.duration(timeout, DEFAULT_TIMEOUT, warnings),
        })
    }
}
