//! How a command ended, from the `Status` of its websocket.

use crate::error::{self, Refusal, Status, malformed};
use csdr_core::{Result, port::ExecStatus};
use http::StatusCode;
use serde::Deserialize;

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    status: String,
    #[serde(flatten)]
    rest: Status,
}

/// Source: `k8s.io/kubelet/pkg/cri/streaming/remotecommand`: `Success`, or `Failure` with reason `NonZeroExitCode` and a cause
/// `ExitCode`, or with `InternalError` where the runtime told no code.
pub(super) fn judge(json: &[u8], command: &[String]) -> Result<ExecStatus> {
    let end: End = serde_json::from_slice(json)
        .map_err(|_| malformed("does not say how the command ended"))?;
    if end.status == "Success" {
        return Ok(ExecStatus::Success);
    }
    let code = |reason: &str| {
        let causes = end.rest.details.as_ref()?.causes.as_deref()?;
        let cause = causes
            .iter()
            .find(|cause| cause.reason.as_deref() == Some(reason))?;
        cause.message.as_deref()?.trim().parse().ok()
    };
    match end.rest.reason.as_deref() {
        Some("NonZeroExitCode") => {
            if let Some(code) = code("ExitCode") {
                return Ok(ExecStatus::Exit(code));
            }
        }
        Some("InternalError") | None => {}
        // Anything else is an answer about the request, not about the command.
        Some(_) => {
            let code = end
                .rest
                .code
                .and_then(|code| StatusCode::from_u16(code).ok());
            let code = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Err(error::from_refusal(&Refusal::from_status(end.rest, code)));
        }
    }
    let said = end.rest.message.unwrap_or_default();
    Ok(ExecStatus::Failed(without_words(&said, command)))
}

/// The server's words on one line, bounded, without the command's arguments: a runtime may quote them, and they may hold a password.
fn without_words(said: &str, command: &[String]) -> String {
    let mut line: String = said
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let program = command.first().map(String::as_str).unwrap_or_default();
    let rest = program.split_whitespace().skip(1);
    let arguments = command.iter().skip(1).map(String::as_str);
    for word in arguments.chain(rest).filter(|word| word.len() > 2) {
        line = line.replace(word, "…");
    }
    let end = line
        .char_indices()
        .nth(300)
        .map_or(line.len(), |(end, _)| end);
    line.truncate(end);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use csdr_core::ErrorKind;

    #[test]
    fn how_a_command_ended() {
        let command = ["mysql".to_owned(), "-phunter2".to_owned()];
        for (json, expected) in [
            (
                r#"{"metadata":{},"status":"Success"}"#,
                "Success".to_owned(),
            ),
            (
                r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#,
                "Exit(3)".to_owned(),
            ),
            // kwok, and runtimes that do not tell.
            (
                r#"{"metadata":{},"status":"Failure","message":"Internal error occurred: cannot run mysql -phunter2:\n no such file","reason":"InternalError","code":500}"#,
                r#"Failed("Internal error occurred: cannot run mysql …:  no such file")"#
                    .to_owned(),
            ),
            (r#"{"status":"Failure"}"#, r#"Failed("")"#.to_owned()),
        ] {
            let status = judge(json.as_bytes(), &command).unwrap();
            assert_eq!(format!("{status:?}"), expected);
        }
        for (json, kind) in [
            (
                r#"{"status":"Failure","reason":"Forbidden","message":"no","code":403}"#,
                ErrorKind::PermissionDenied,
            ),
            (
                r#"{"status":"Failure","reason":"Timeout","code":504}"#,
                ErrorKind::Timeout,
            ),
            ("hunter2", ErrorKind::Corrupt),
        ] {
            let error = judge(json.as_bytes(), &command).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(!error.chain().contains("hunter2"));
        }
    }
}
