//! What the target does not have and a restore needs: classes, room in quotas, rights.

use super::{Restore, RestorePlan};
use crate::{
    Error, ErrorKind, Result,
    conversion::template_path,
    model::{
        ApiVersion, Discovery, GroupVersionKind, GroupVersionResource, LabelSelector, Object,
        ObjectId, Tree,
    },
    port::{AccessRequest, ListRequest},
    restore::{Action, Wave},
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Questions that are asked at the same time.
const QUESTIONS: usize = 8;

/// Classes that are remembered by name; no cluster has so many.
const CLASSES: usize = 10_000;

/// Something that the target does not have and the restore needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// What is missing.
    pub what: String,
    /// How many objects cannot be restored, or do not come to life, without it.
    pub objects: u64,
}

/// A cluster-scoped class that objects name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Class {
    group: &'static str,
    kind: &'static str,
    name: String,
}

/// Classes that objects name, as they come in.
#[derive(Debug, Default)]
pub(super) struct Demands {
    places: BTreeMap<Class, u32>,
    /// Row and class.
    demands: Vec<(u32, u32)>,
}

impl Demands {
    /// Looks at an object as it will be written.
    pub(super) fn look(&mut self, row: usize, kind: &GroupVersionKind, tree: &Tree) {
        let (group, kind) = (kind.api_version.group(), kind.kind.as_str());
        let template = template_path(group, kind);
        let looks = template.is_some()
            || matches!(
                (group, kind),
                ("", "PersistentVolumeClaim") | ("networking.k8s.io", "Ingress")
            );
        if !looks {
            return;
        }
        let mut named: BTreeSet<Class> = BTreeSet::new();
        let mut add = |group, kind, name: Option<&str>| {
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                let name = name.to_owned();
                named.insert(Class { group, kind, name });
            }
        };
        let storage = ("storage.k8s.io", "StorageClass");
        if let Some(spec) = template.and_then(|path| tree.at(path)?.at(&["spec"])) {
            add(
                "scheduling.k8s.io",
                "PriorityClass",
                spec.text_at(&["priorityClassName"]),
            );
            add(
                "node.k8s.io",
                "RuntimeClass",
                spec.text_at(&["runtimeClassName"]),
            );
        }
        match (group, kind) {
            ("", "PersistentVolumeClaim") => {
                add(
                    storage.0,
                    storage.1,
                    tree.text_at(&["spec", "storageClassName"]),
                );
            }
            ("networking.k8s.io", "Ingress") => {
                let name = tree.text_at(&["spec", "ingressClassName"]);
                add("networking.k8s.io", "IngressClass", name);
            }
            ("apps", "StatefulSet") => {
                let claims = tree
                    .at(&["spec", "volumeClaimTemplates"])
                    .and_then(Tree::as_array);
                for claim in claims.into_iter().flatten() {
                    add(
                        storage.0,
                        storage.1,
                        claim.text_at(&["spec", "storageClassName"]),
                    );
                }
            }
            _ => {}
        }
        for class in named {
            self.push(row, class);
        }
    }

    fn push(&mut self, row: usize, class: Class) {
        let count = self.places.len();
        let place = match self.places.get(&class) {
            Some(place) => Some(*place),
            None if count >= CLASSES => None,
            None => u32::try_from(count).ok().inspect(|place| {
                self.places.insert(class, *place);
            }),
        };
        if let (Some(place), Ok(row)) = (place, u32::try_from(row)) {
            self.demands.push((row, place));
        }
    }
}

/// Finds what is missing.
pub(super) struct Needs<'a> {
    pub(super) restore: &'a Restore,
    pub(super) discovery: &'a Discovery,
    pub(super) demands: Demands,
}

impl Needs<'_> {
    /// Every unmet need of a plan whose actions are known: kinds that are not served, classes that are not there, quotas without room,
    /// rights that are not given.
    pub(super) async fn of(&self, plan: &RestorePlan) -> Result<Vec<Need>> {
        let mut needs = kinds(plan);
        if self.discovery.server_version.is_empty() {
            // A folder has neither classes nor rights of its own.
            return Ok(needs);
        }
        needs.extend(self.classes(plan).await?);
        needs.extend(self.quotas(plan).await?);
        needs.extend(self.rights(plan).await?);
        Ok(needs)
    }

    async fn classes(&self, plan: &RestorePlan) -> Result<Vec<Need>> {
        let mut counts = vec![0u64; self.demands.places.len()];
        for (row, place) in &self.demands.demands {
            let writes = plan
                .rows
                .get(*row as usize)
                .is_some_and(|row| row.action.writes());
            if let Some(count) = counts.get_mut(*place as usize).filter(|_| writes) {
                *count += 1;
            }
        }
        // Classes that are restored themselves, and are there when others name them.
        let mut restored: BTreeSet<(String, String, String)> = BTreeSet::new();
        for row in plan.rows.iter() {
            let kind = plan.kind(row)?;
            if kind.wave == Wave::Classes && !matches!(row.action, Action::Skip | Action::Blocked) {
                restored.insert((
                    kind.target.group.clone(),
                    kind.kind.clone(),
                    row.name.to_string(),
                ));
            }
        }
        let mut needs = Vec::new();
        for (class, place) in &self.demands.places {
            let objects = counts.get(*place as usize).copied().unwrap_or_default();
            let own = (
                class.group.to_owned(),
                class.kind.to_owned(),
                class.name.clone(),
            );
            if objects == 0 || restored.contains(&own) || self.has(class).await? {
                continue;
            }
            let advice = match class.kind {
                // R258–R261.
                "StorageClass" => {
                    ": make it, or map it to another; claims stay Pending unless a volume of this class is there"
                }
                _ => "",
            };
            needs.push(Need {
                what: format!("{} {}{advice}", class.kind, class.name),
                objects,
            });
        }
        Ok(needs)
    }

    /// Whether the target has a class, or does not let it be looked at.
    async fn has(&self, class: &Class) -> Result<bool> {
        let Some(kind) = self.discovery.kind(class.group, class.kind) else {
            return Ok(false);
        };
        // A name that cannot be one is nowhere.
        let Ok(id) = ObjectId::new(kind.resource.clone(), None, &*class.name) else {
            return Ok(false);
        };
        match self
            .restore
            .target
            .get(&id, &kind.preferred().version)
            .await
        {
            Ok(there) => Ok(there.is_some()),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Objects that a ResourceQuota of the target has no room for. Counted are the objects of the plan, not the pods that workloads start.
    async fn quotas(&self, plan: &RestorePlan) -> Result<Vec<Need>> {
        let mut created: BTreeMap<(String, String), u64> = BTreeMap::new();
        for row in plan.rows.iter().filter(|row| row.action == Action::Create) {
            let id = plan.target_id(row)?;
            if let Some(namespace) = id.namespace() {
                let key = (namespace.to_owned(), id.resource().to_string());
                *created.entry(key).or_default() += 1;
            }
        }
        let Some(kind) = self
            .discovery
            .kind("", "ResourceQuota")
            .filter(|_| !created.is_empty())
        else {
            return Ok(Vec::new());
        };
        let resource = kind.preferred();
        let request = ListRequest {
            kind: GroupVersionKind {
                api_version: ApiVersion::new(&*resource.group, &*resource.version)?,
                kind: kind.kind.clone(),
            },
            resource,
            namespace: None,
            selector: LabelSelector::default(),
            page_bytes: 1 << 20,
            from: None,
        };
        let mut needs = Vec::new();
        let mut pages = self.restore.target.list(request);
        loop {
            match pages.try_next().await {
                Ok(Some(page)) => {
                    for quota in &page.objects {
                        needs.extend(exceeded(quota, &created)?);
                    }
                }
                Ok(None) => break,
                Err(error) if error.kind() == ErrorKind::PermissionDenied => break,
                Err(error) => return Err(error),
            }
        }
        Ok(needs)
    }

    /// Rights that the run will need and the writer does not have.
    async fn rights(&self, plan: &RestorePlan) -> Result<Vec<Need>> {
        // What will be done how often, by verb, resource and namespace.
        let mut wanted: BTreeMap<(&'static str, u16), BTreeMap<String, u64>> = BTreeMap::new();
        for row in &plan.rows {
            let namespace = plan
                .target_id(row)?
                .namespace()
                .unwrap_or_default()
                .to_owned();
            let admission = plan.kind(row)?.wave == Wave::Admission;
            for verb in verbs(row.action, admission) {
                let own = wanted.entry((verb, row.kind)).or_default();
                *own.entry(namespace.clone()).or_default() += 1;
            }
        }
        let mut asks: Vec<BoxFuture<'_, Result<Vec<Need>>>> = Vec::new();
        for ((verb, kind), namespaces) in wanted {
            let kind = plan.head.kinds.get(usize::from(kind));
            if let Some(kind) = kind.filter(|kind| kind.blocked.is_none()) {
                asks.push(self.may(verb, kind.target.clone(), namespaces).boxed());
            }
        }
        if !plan.head.bare_namespaces.is_empty()
            && let Some(kind) = self.discovery.kind("", "Namespace")
        {
            let count = plan.head.bare_namespaces.len() as u64;
            let namespaces = BTreeMap::from([(String::new(), count)]);
            asks.push(self.may("create", kind.preferred(), namespaces).boxed());
        }
        let needs = stream::iter(asks).buffered(QUESTIONS);
        let needs: Vec<Vec<Need>> = needs.try_collect().await?;
        Ok(needs.into_iter().flatten().collect())
    }

    /// Asks for all namespaces at once, and for each only if that is not allowed.
    async fn may(
        &self,
        verb: &'static str,
        resource: GroupVersionResource,
        namespaces: BTreeMap<String, u64>,
    ) -> Result<Vec<Need>> {
        let ask = async |namespace: Option<String>| {
            let request = AccessRequest {
                verb: verb.to_owned(),
                resource: resource.clone(),
                namespace,
                name: None,
            };
            self.restore.target.can_i(&request).await
        };
        let answer = match ask(None).await {
            Ok(answer) => answer,
            // A target that cannot say refuses when it is written to.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Unsupported | ErrorKind::PermissionDenied
                ) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(about(error)),
        };
        if answer.allowed {
            return Ok(Vec::new());
        }
        let mut needs = Vec::new();
        let what = resource.group_resource();
        for (namespace, objects) in namespaces {
            let (answer, place) = match namespace.is_empty() {
                true => (answer.clone(), String::new()),
                false => {
                    let place = format!(" in namespace {namespace}");
                    (ask(Some(namespace)).await.map_err(about)?, place)
                }
            };
            if !answer.allowed {
                let reason = match answer.reason.is_empty() {
                    true => String::new(),
                    false => format!(" ({})", answer.reason),
                };
                let what = format!("the right to {verb} {what}{place}{reason}");
                needs.push(Need { what, objects });
            }
        }
        Ok(needs)
    }
}

fn about(error: Error) -> Error {
    error.with_operation("ask for rights")
}

/// What a run does for a row. Source: the verbs of Kubernetes' authorization; objects whose owners or webhooks are finished later are
/// patched, which is only known for webhooks.
fn verbs(action: Action, admission: bool) -> &'static [&'static str] {
    match action {
        Action::Create if admission => &["create", "patch"],
        Action::Create => &["create"],
        Action::Update | Action::Merge | Action::Apply => &["patch"],
        Action::Recreate if admission => &["delete", "create", "patch"],
        Action::Recreate => &["delete", "create"],
        Action::SkipExisting
        | Action::Equal
        | Action::Fail
        | Action::CreatedBefore
        | Action::Blocked
        | Action::Skip => &[],
    }
}

/// Kinds that the target does not serve.
fn kinds(plan: &RestorePlan) -> Vec<Need> {
    let mut counts = vec![0u64; plan.head.kinds.len()];
    for row in plan.rows.iter().filter(|row| row.action == Action::Blocked) {
        if let Some(count) = counts.get_mut(usize::from(row.kind)) {
            *count += 1;
        }
    }
    let blocked = plan
        .head
        .kinds
        .iter()
        .zip(counts)
        .filter(|(_, objects)| *objects > 0);
    blocked
        .filter_map(|(kind, objects)| {
            Some(Need {
                what: kind.blocked.clone()?,
                objects,
            })
        })
        .collect()
}

/// Resources whose objects a quota counts under a name of its own. Source: `k8s.io/kubernetes/pkg/quota/v1/evaluator/core`.
const PLAIN: [&str; 7] = [
    "pods",
    "services",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
];

/// Where a quota leaves less room than the plan takes.
fn exceeded(quota: &Object, created: &BTreeMap<(String, String), u64>) -> Result<Vec<Need>> {
    let tree = quota.tree()?;
    // A quota with scopes counts only some pods.
    let is_scoped = ["scopes", "scopeSelector"].iter().any(|field| {
        tree.at(&["spec", field])
            .is_some_and(|value| !value.is_null())
    });
    let Some(namespace) = quota.id().namespace().filter(|_| !is_scoped) else {
        return Ok(Vec::new());
    };
    let mut needs = Vec::new();
    for (name, hard) in tree.texts_at(&["status", "hard"]) {
        let resource = match name.strip_prefix("count/") {
            Some(resource) => resource,
            None if PLAIN.contains(&name.as_str()) => &name,
            None => continue,
        };
        let key = (namespace.to_owned(), resource.to_owned());
        let used = tree
            .text_at(&["status", "used", &name])
            .and_then(whole)
            .unwrap_or_default();
        let (Some(hard), Some(objects)) = (whole(&hard), created.get(&key)) else {
            continue;
        };
        if used.saturating_add(*objects) > hard {
            needs.push(Need {
                what: format!(
                    "room in ResourceQuota {namespace}/{}: {name} allows {hard}, {used} are used",
                    quota.id().name()
                ),
                objects: *objects,
            });
        }
    }
    Ok(needs)
}

/// A quantity that counts things: `10`, `2k`.
fn whole(text: &str) -> Option<u64> {
    let (digits, factor) = match text.strip_suffix('k') {
        Some(digits) => (digits, 1_000),
        None => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}
