//! Restore: raw creates over as many connections.

use super::connection::{Connection, Connections};
use crate::{
    Result,
    process::peak_rss_mib,
    sample::Sample,
    workload::{Create, Workload},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};
use tokio::task::JoinSet;

/// Creates the workload's namespaces and then its objects.
pub(crate) async fn restore(
    kubeconfig: &Path,
    workload: &Workload,
    width: usize,
) -> Result<Sample> {
    let started = Instant::now();
    let connections = Arc::new(Connections::open(kubeconfig)?);
    let mut connection = connections.take().await?;
    for namespace in workload.namespaces() {
        create(&mut connection, namespace).await?;
    }
    connections.give_back(connection);
    let next = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..width {
        let (connections, next, workload) = (connections.clone(), next.clone(), *workload);
        writers.spawn(async move {
            let mut connection = connections.take().await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= workload.count() {
                    return Ok(());
                }
                create(&mut connection, workload.object(number)).await?;
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        let ended: Result<()> = ended?;
        ended?;
    }
    Ok(Sample {
        seconds: started.elapsed().as_secs_f64(),
        objects: workload.count() as u64,
        archive_bytes: 0,
        peak_rss_mib: peak_rss_mib()?,
        ..Sample::default()
    })
}

async fn create(connection: &mut Connection, create: Create) -> Result<()> {
    connection.create(&create.path, create.body.into()).await
}
