//! From an index to rows.

use crate::{
    Error, ErrorKind, Result,
    archive::{IndexRow, Member, MemberSpan},
    conversion::TargetApis,
    model::{Discovery, GroupVersionResource, ObjectId},
    restore::{Action, convert::best_version, row::Row},
    select::{LeftOut, LeftOutReason, Patterns, is_system_namespace, never_restored},
    spec::{ClusterScope, RestoreSpec},
    vault::StoredBackup,
};
use futures::TryStreamExt;
use std::collections::{BTreeSet, HashMap};

/// Goes through the index and makes rows of what is selected.
pub(super) struct Planner<'a> {
    spec: &'a RestoreSpec,
    discovery: &'a Discovery,
    names: Patterns,
    resources: Patterns,
    /// Resources and versions of the rows.
    pub(super) kinds: Vec<GroupVersionResource>,
    pub(super) namespaces: Vec<String>,
    /// Where each of them stands.
    places: HashMap<String, usize>,
    pub(super) rows: Vec<Row>,
    pub(super) left_out: BTreeSet<LeftOut>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(spec: &'a RestoreSpec, discovery: &'a Discovery) -> Result<Self> {
        Ok(Self {
            spec,
            discovery,
            names: Patterns::new(
                "namespaces",
                &spec.included_namespaces,
                &spec.excluded_namespaces,
            )?,
            resources: Patterns::new(
                "resources",
                &spec.included_resources,
                &spec.excluded_resources,
            )?,
            kinds: Vec::new(),
            namespaces: Vec::new(),
            places: HashMap::new(),
            rows: Vec::new(),
            left_out: BTreeSet::new(),
        })
    }

    /// Goes through the index once; under a label selector through the archive as well.
    pub(super) async fn select(&mut self, backup: &StoredBackup, apis: &TargetApis) -> Result<()> {
        self.rows
            .reserve_exact(usize::try_from(backup.objects()?.min(1 << 24)).unwrap_or_default());
        let mut rows = backup.rows();
        let mut held: Option<(MemberSpan, Member)> = None;
        let mut versions: Vec<IndexRow> = Vec::new();
        loop {
            // Rows of one object stand together, one a version.
            let next = rows.try_next().await?;
            let ended = next.is_none();
            let row = match (versions.first(), &next) {
                (None, _) => None,
                (Some(own), Some(next)) if own.id == next.id => None,
                _ => Some(best_version(&versions, apis).clone()),
            };
            if row.is_some() {
                versions.clear();
            }
            versions.extend(next);
            let Some(row) = row else {
                if ended {
                    break;
                }
                continue;
            };
            if !self.takes(&row.id) {
                continue;
            }
            if !self.spec.label_selector.is_empty() && row.id.resource().to_string() != "namespaces"
            {
                let member = match held.take() {
                    Some((span, member)) if span == row.member => member,
                    _ => backup.member(row.member).await?,
                };
                let selected = self
                    .spec
                    .label_selector
                    .matches(&member.object(&row)?.meta().labels);
                held = Some((row.member, member));
                if !selected {
                    continue;
                }
            }
            self.push(&row)?;
        }
        if !self.spec.label_selector.is_empty() {
            self.drop_empty_namespaces();
        }
        self.rows.shrink_to_fit();
        Ok(())
    }

    /// Whether the spec takes an object, without a record of what it leaves out.
    pub(super) fn would_take(&self, id: &ObjectId) -> bool {
        let mut look = Self {
            names: self.names.clone(),
            resources: self.resources.clone(),
            kinds: Vec::new(),
            namespaces: Vec::new(),
            places: HashMap::new(),
            rows: Vec::new(),
            left_out: BTreeSet::new(),
            ..*self
        };
        look.takes(id)
    }

    fn takes(&mut self, id: &ObjectId) -> bool {
        let resource = id.resource();
        let plain = resource.to_string();
        let spellings = self
            .discovery
            .resource(resource)
            .map(crate::model::ApiResource::spellings)
            .unwrap_or_default();
        let mut names: Vec<&str> = vec![resource.resource(), &plain];
        names.extend(spellings.iter().map(String::as_str));
        let is_namespace = plain == "namespaces";
        if names.iter().any(|name| self.resources.excludes(name)) {
            self.left_out
                .insert(LeftOut::rule(&plain, LeftOutReason::Excluded, ""));
            return false;
        }
        if !names.iter().any(|name| self.resources.includes(name)) && !is_namespace {
            return false;
        }
        if let Some(why) = never_restored(resource) {
            self.left_out
                .insert(LeftOut::rule(&plain, LeftOutReason::MadeByCluster, why));
            return false;
        }
        let namespace = if is_namespace {
            Some(id.name())
        } else {
            id.namespace()
        };
        match namespace {
            Some(namespace) => self.takes_namespace(namespace),
            None => self.takes_cluster_scoped(&plain, &names),
        }
    }

    fn takes_namespace(&mut self, namespace: &str) -> bool {
        let left = |reason| LeftOut::rule(format!("namespace {namespace}"), reason, "");
        if self.names.excludes(namespace) {
            self.left_out.insert(left(LeftOutReason::Excluded));
            return false;
        }
        if !self.names.includes(namespace) {
            return false;
        }
        if is_system_namespace(namespace) && !self.names.names(namespace) {
            self.left_out.insert(left(LeftOutReason::SystemNamespace));
            return false;
        }
        true
    }

    fn takes_cluster_scoped(&mut self, plain: &str, names: &[&str]) -> bool {
        let taken = match self.spec.cluster_scoped {
            ClusterScope::Include => true,
            ClusterScope::Exclude => false,
            ClusterScope::Auto => {
                self.names.is_all() || names.iter().any(|name| self.resources.names(name))
            }
        };
        if !taken {
            self.left_out
                .insert(LeftOut::rule(plain, LeftOutReason::ClusterScoped, ""));
        }
        taken
    }

    fn push(&mut self, row: &IndexRow) -> Result<()> {
        let too_large = |what: &str| {
            Error::new(
                ErrorKind::Exhausted,
                format!("{what} beyond what a plan can hold"),
            )
            .with_context("object", &row.id)
        };
        let resource = row.id.resource().with_version(&row.version);
        // Rows come sorted by resource, so the place is one of the last.
        let kind = match self.kinds.iter().rposition(|kind| *kind == resource) {
            Some(kind) => kind,
            None => {
                self.kinds.push(resource);
                self.kinds.len() - 1
            }
        };
        let namespace = match row.id.namespace() {
            None => 0,
            Some(namespace) => 1 + self.intern(namespace),
        };
        self.rows.push(Row {
            name: row.id.name().into(),
            sha256: row.sha256,
            member: row.member.offset,
            member_len: u32::try_from(row.member.len).map_err(|_| too_large("member"))?,
            entry: u32::try_from(row.entry).map_err(|_| too_large("entry"))?,
            size: u32::try_from(row.size).map_err(|_| too_large("object"))?,
            namespace: u32::try_from(namespace).map_err(|_| too_large("namespaces"))?,
            kind: u16::try_from(kind).map_err(|_| too_large("kinds"))?,
            preferred: row.preferred,
            action: Action::Create,
            state: 0,
        });
        Ok(())
    }

    fn intern(&mut self, namespace: &str) -> usize {
        if let Some(at) = self.places.get(namespace) {
            return *at;
        }
        let at = self.namespaces.len();
        self.namespaces.push(namespace.to_owned());
        self.places.insert(namespace.to_owned(), at);
        at
    }

    /// Under a label selector, Namespace objects that own nothing selected are left out.
    fn drop_empty_namespaces(&mut self) {
        let namespaces: BTreeSet<&str> = self.namespaces.iter().map(String::as_str).collect();
        let kinds = &self.kinds;
        self.rows.retain(|row| {
            !is_namespaces(&kinds[usize::from(row.kind)]) || namespaces.contains(&*row.name)
        });
    }
}

fn is_namespaces(resource: &GroupVersionResource) -> bool {
    resource.group.is_empty() && resource.resource == "namespaces"
}
