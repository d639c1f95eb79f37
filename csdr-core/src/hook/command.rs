//! One command of a hook.

use crate::{Error, Result, model::GoDuration};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long a hook may take that does not say so. Source: velero.md section 2.8.
pub(super) const DEFAULT_TIMEOUT: GoDuration = GoDuration::seconds(30);

/// Most bytes of a hook's command.
const MAX_COMMAND: usize = 256 << 10;

/// What a failing hook means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OnError {
    /// An error of the operation.
    Fail,
    /// A warning; the operation goes on.
    Continue,
}

impl fmt::Display for OnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fail => "Fail",
            Self::Continue => "Continue",
        })
    }
}

/// A command in a container. `Debug` and `Display` show the program, never its arguments: they may hold a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookCommand {
    /// The container.
    pub container: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// What its failure means.
    pub on_error: OnError,
    /// How long it may take.
    pub timeout: GoDuration,
}

impl HookCommand {
    /// The program, without its arguments; also of a command line that was written as one word.
    pub fn program(&self) -> &str {
        let first = self.command.first().map_or("", String::as_str);
        first.split_whitespace().next().unwrap_or_default()
    }
}

impl fmt::Debug for HookCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookCommand({self})")
    }
}

impl fmt::Display for HookCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` in container {}, at most {}, on error {}",
            self.program().escape_debug(),
            self.container,
            self.timeout,
            self.on_error
        )
    }
}

/// The words of a command: a JSON array of strings, else the text is the program, without a shell. Source: velero.md section 2.8.
///
/// # Errors
/// `InvalidInput` for an empty command, for one that begins as an array and is none, and beyond a bound. The text is never shown.
pub(super) fn parse_command(text: &str) -> Result<Vec<String>> {
    let words: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|error| {
            Error::invalid(format!(
                "the command begins as a JSON array and is no array of strings (column {})",
                error.column()
            ))
        })?
    } else {
        vec![text.to_owned()]
    };
    check_command(&words)?;
    Ok(words)
}

pub(super) fn check_command(words: &[String]) -> Result<()> {
    if words.first().is_none_or(String::is_empty) {
        return Err(Error::invalid("the command is empty"));
    }
    if words.iter().map(String::len).sum::<usize>() > MAX_COMMAND || words.len() > 10_000 {
        return Err(
            Error::invalid("the command is longer than allowed").with_context("limit", MAX_COMMAND)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velero_2_8_a_command_is_a_json_array_or_one_program_without_shell() {
        let words = |text: &str| parse_command(text).unwrap().join("|");
        assert_eq!(
            words("/sbin/fsfreeze --freeze /d"),
            "/sbin/fsfreeze --freeze /d"
        );
        assert_eq!(words(r#"["sh","-c","a && b"]"#), "sh|-c|a && b");
        for bad in [
            "",
            "[]",
            r#"[""]"#,
            r#"["sh", 1]"#,
            r#"["hunter2""#,
            "[hunter2]",
        ] {
            let error = parse_command(bad).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
            assert!(!error.chain().contains("hunter2"), "{}", error.chain());
        }
    }

    #[test]
    fn arguments_are_not_shown() {
        let hook = HookCommand {
            container: "db".into(),
            command: vec!["mysql".into(), "-phunter2".into()],
            on_error: OnError::Fail,
            timeout: DEFAULT_TIMEOUT,
        };
        let text = format!("{hook} {hook:?}");
        assert!(text.contains("`mysql` in container db, at most 30s, on error Fail"));
        assert!(!text.contains("hunter2"));
        let line = HookCommand {
            command: vec!["mysql -phunter2".into()],
            ..hook
        };
        assert_eq!(line.program(), "mysql");
    }
}
