//! `csdr target-apis`: which APIs a cluster serves, for the commands that take `--target-apis FILE`.

use super::{Exit, args::TargetApisOf, context::Context};
use csdr_core::{Error, ErrorKind, Result};
use std::fs;

pub(super) async fn record(cx: &Context, args: &TargetApisOf) -> Result<Exit> {
    let apis = cx.apis(&args.cluster).await?;
    for gap in &apis.discovery().gaps {
        let version = gap.version.as_deref().unwrap_or("*");
        let (group, reason) = (&gap.group, &gap.reason);
        cx.console
            .line(&format!("not recorded: {group}/{version}: {reason}"));
    }
    let is_whole = apis.discovery().gaps.is_empty();
    let json = apis.to_json()?;
    match &args.to {
        None => cx.console.write(&String::from_utf8_lossy(&json))?,
        Some(file) => {
            fs::write(file, &json).map_err(|source| {
                Error::new(
                    ErrorKind::Unavailable,
                    format!("the file cannot be written ({source}); check --to"),
                )
                .with_operation("record APIs")
                .with_context("file", file.display())
                .with_source(source)
            })?;
            cx.console.print(&format!(
                "recorded {} resources of Kubernetes {}",
                apis.discovery().resources.len(),
                apis.discovery().server_version
            ))?;
        }
    }
    Ok(if is_whole {
        Exit::Complete
    } else {
        Exit::Partial
    })
}
