//! Services that the Ingresses of a restore may lead to: their ports tell what an Ingress of an old version means.

use super::{Restore, row::Row};
use crate::{
    ErrorKind, Result,
    archive::{Member, MemberSpan},
    conversion::{TargetApis, look},
    model::{Discovery, GroupResource, GroupVersionResource, Tree},
    spec::RestoreSpec,
    vault::StoredBackup,
};
use futures::TryStreamExt;
use std::collections::BTreeSet;

/// The namespaces of the backup in which rows are Ingresses; `resource` tells what a row's kind number stands for.
pub(super) fn ingress_namespaces<'a>(
    rows: &[Row],
    namespaces: &'a [String],
    resource: impl Fn(u16) -> Option<&'a GroupVersionResource>,
) -> BTreeSet<&'a str> {
    let is_ingress = |row: &&Row| {
        resource(row.kind).is_some_and(|kind| {
            kind.resource == "ingresses"
                && matches!(kind.group.as_str(), "extensions" | "networking.k8s.io")
        })
    };
    let name = |row: &Row| namespaces.get((row.namespace as usize).checked_sub(1)?);
    let found = rows.iter().filter(is_ingress).filter_map(name);
    found.map(String::as_str).collect()
}

impl Restore {
    /// Tells the converter the ports of the Services in these namespaces of the backup, whether they are selected or not. Where the
    /// backup holds no Service of a namespace, those of the target count.
    pub(super) async fn with_services(
        &self,
        mut apis: TargetApis,
        backup: &StoredBackup,
        discovery: &Discovery,
        spec: &RestoreSpec,
        namespaces: &BTreeSet<&str>,
    ) -> Result<TargetApis> {
        if namespaces.is_empty() {
            return Ok(apis);
        }
        let mut known: BTreeSet<String> = BTreeSet::new();
        each_service(
            backup,
            |namespace| namespaces.contains(namespace),
            |namespace, service| {
                apis.add_service(namespace, service);
                if !known.contains(namespace) {
                    known.insert(namespace.to_owned());
                }
            },
        )
        .await?;
        let Some(services) = discovery.kind("", "Service") else {
            return Ok(apis);
        };
        for namespace in namespaces.iter().filter(|name| !known.contains(**name)) {
            let mut found = Vec::new();
            let there = spec.map_namespace(namespace);
            look(&*self.target, services, Some(there), |object| {
                found.extend(object.tree().ok());
            })
            .await?;
            apis = apis.with_services(found.iter().map(|service| (*namespace, service)));
        }
        Ok(apis)
    }
}

/// Shows the Services of a backup in some namespaces; memory holds one member. Those that cannot be read are passed by: their own rows
/// tell of them.
pub(crate) async fn each_service(
    backup: &StoredBackup,
    takes: impl Fn(&str) -> bool,
    mut show: impl FnMut(&str, &Tree),
) -> Result<()> {
    let mut held: Option<(MemberSpan, Member)> = None;
    let mut rows = backup.rows_of(&GroupResource::new("", "services")?)?;
    while let Some(row) = rows.try_next().await? {
        let Some(namespace) = row.id.namespace().filter(|namespace| takes(namespace)) else {
            continue;
        };
        let member = match held.take() {
            Some((span, member)) if span == row.member => member,
            _ => match backup.member(row.member).await {
                Ok(member) => member,
                Err(error) if error.kind() == ErrorKind::Corrupt => continue,
                Err(error) => return Err(error),
            },
        };
        let service = member.object(&row).and_then(|object| object.tree());
        held = Some((row.member, member));
        match service {
            Ok(service) => show(namespace, &service),
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidInput) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
