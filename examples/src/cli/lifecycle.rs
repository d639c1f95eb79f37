//! `csdr lifecycle`: what a backup would become on other releases.

use super::{
    Exit,
    args::{Cluster, Lifecycle},
    context::Context,
    convert::{kubernetes, recorded},
};
use csdr_core::{
    Result,
    conversion::TargetApis,
    lifecycle::{ObjectLimits, report, report_objects},
};

pub(super) async fn lifecycle(cx: &Context, args: &Lifecycle) -> Result<Exit> {
    let mut targets: Vec<(String, TargetApis)> = Vec::new();
    for release in &args.targets {
        targets.push((release.to_string(), kubernetes(*release)?));
    }
    for file in &args.target_apis {
        targets.push((file.display().to_string(), recorded(file)?));
    }
    let Cluster {
        kubeconfig,
        context,
    } = &args.cluster;
    if targets.is_empty() || kubeconfig.is_some() || context.is_some() {
        let apis = cx.apis(&args.cluster).await?;
        let name = context.as_deref().unwrap_or("cluster");
        targets.push((
            format!("{name} ({})", apis.discovery().server_version),
            apis,
        ));
    }
    let vault = cx.vault().await?;
    let opened = cx.open(&vault, &args.backup, &args.scratch).await?;
    let converter = args.choices.converter();
    let limits = ObjectLimits {
        examples: args.examples,
        ..ObjectLimits::default()
    };
    let judging = async {
        if args.objects {
            report_objects(&opened.backup, &targets, &converter, &limits).await
        } else {
            report(&opened.backup, &targets, &converter).await
        }
    };
    let report = cx.unless_cancelled("judge backup", judging).await?;
    cx.console.show(cx.output, &report, || report.to_string())?;
    Ok(Exit::Complete)
}
