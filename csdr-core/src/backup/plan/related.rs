//! What captured objects need, beyond the filters.

use super::{
    PlannedKind, PlannedUnit, RelatedObject, namespaces::Namespaces, planner::Planner, refused,
};
use crate::{
    Result,
    backup::collect::{ListEvent, OrderedLists},
    model::{ApiResource, Object, ObjectId},
    port::Page,
    related::{Closure, Found, ItemBlock, Wanted, blocks},
    select::{Asked, LeftOut, LeftOutReason, never_stored, object_left_out},
};
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use std::collections::{BTreeMap, BTreeSet};

/// Most objects that are followed.
const MAX_RELATED: usize = 1_000_000;

/// How many objects are read at the same time.
const READS: usize = 32;

/// How many lists are; each holds a page of [`PAGE`] bytes.
const LISTS: usize = 8;

/// About how many bytes a page of a list holds.
const PAGE: usize = 1 << 20;

/// What the plan says of objects that belong together.
#[derive(Default)]
pub(super) struct Together {
    pub(super) related: Vec<RelatedObject>,
    pub(super) blocks: Vec<ItemBlock>,
}

impl Planner<'_> {
    /// Follows what the selected objects need. A selection to which nothing can be added is not read, unless blocks are asked for.
    pub(super) async fn relate(
        &mut self,
        kinds: &mut Vec<PlannedKind>,
        namespaces: &Namespaces,
    ) -> Result<Together> {
        let adds = !self.selection.is_closed();
        let wants_blocks = self.blocks || !self.spec.ordered_resources.is_empty();
        if self.actions.is_empty() || !adds && !wants_blocks {
            return Ok(Together::default());
        }
        let mut closure = Closure::new(self.actions, self.discovery, MAX_RELATED);
        if let Some(resource) = self.discovery.kind("", "Namespace") {
            for namespace in namespaces.keys() {
                closure.mark(&ObjectId::new(
                    resource.resource.clone(),
                    None,
                    namespace.as_str(),
                )?)?;
            }
        }
        self.seed(&mut closure, kinds, adds).await?;
        let mut related = Vec::new();
        if adds {
            self.look_for_servants(&mut closure, kinds, namespaces)
                .await?;
            related = self.follow(&mut closure, kinds, namespaces).await?;
            self.record_unknown(&closure);
        }
        for (id, error) in &closure.unread {
            let mut left = LeftOut::object(id, LeftOutReason::Unreadable);
            left.detail = format!("what it needs is not known: {}", error.chain());
            self.left_out.push(left);
        }
        let ordered = self.ordered(&closure, kinds, &related);
        let blocks = blocks(&closure.pairs, &ordered);
        related.sort_by(|one, other| one.id.cmp(&other.id));
        self.plan_units(kinds, &related, namespaces);
        Ok(Together { related, blocks })
    }

    /// Reads the selected objects that may need others.
    async fn seed(
        &mut self,
        closure: &mut Closure<'_>,
        kinds: &[PlannedKind],
        adds: bool,
    ) -> Result<()> {
        let mut lists = Vec::new();
        for kind in kinds {
            let resource = kind.resource.group_resource();
            let wanted = closure.wanted(&resource);
            let units = || kind.units.iter().filter(|unit| unit.objects != Some(0));
            if adds && units().next().is_some() {
                closure.captured_kind(&resource)?;
            }
            // What lies in the object's own namespace is missing only where a filter looks at single objects.
            let tested = self.selection.tests_objects();
            let is_seed = wanted.far || wanted.all || wanted.near && tested;
            if is_seed && (adds || is_of_blocks(kind)) {
                lists.extend(units().map(|unit| (kind, unit)));
            }
        }
        let starts = lists.clone();
        let mut pages =
            OrderedLists::new(lists.len(), LISTS, |list: usize| match starts.get(list) {
                Some((kind, unit)) => self.all_versions(kind, unit),
                None => stream::empty().boxed(),
            });
        let mut failed = Vec::new();
        while let Some((list, event)) = pages.next().await {
            let Some((kind, unit)) = lists.get(list) else {
                continue;
            };
            match event {
                ListEvent::Page(page) => {
                    let test = self
                        .selection
                        .test(&kind.spellings(), unit.namespace.as_deref());
                    for object in &page.objects {
                        if test.misses(object.id().name(), object.meta()).is_none()
                            && object_left_out(object).is_none()
                        {
                            closure.captured(object)?;
                        }
                    }
                }
                ListEvent::Failed(error) => {
                    let place = kind.in_namespace(unit.namespace.as_deref());
                    failed.push(refused(&format!("what {place} need"), &error, false));
                }
            }
        }
        drop(pages);
        self.left_out.extend(failed);
        Ok(())
    }

    /// The list of a unit, in every version that its source has objects in.
    fn all_versions(
        &self,
        kind: &PlannedKind,
        unit: &PlannedUnit,
    ) -> BoxStream<'static, Result<Page>> {
        let versions = if self.is_folder() { usize::MAX } else { 1 };
        let lists = kind.versions().take(versions).map(|version| {
            match kind.request(version, unit, &self.selection, PAGE) {
                Ok(request) => self.collector.list(request),
                Err(error) => stream::once(async { Err(error) }).boxed(),
            }
        });
        stream::iter(lists.collect::<Vec<_>>()).flatten().boxed()
    }

    /// Reads all objects of kinds that may serve captured ones without being selected.
    async fn look_for_servants(
        &mut self,
        closure: &mut Closure<'_>,
        kinds: &[PlannedKind],
        namespaces: &Namespaces,
    ) -> Result<()> {
        if namespaces.is_empty() {
            return Ok(());
        }
        for resource in &self.discovery.resources {
            let Wanted { all: true, .. } = closure.wanted(&resource.resource) else {
                continue;
            };
            let spellings = resource.spellings();
            let by_name =
                |namespace: Option<&str>| self.selection.may_add(&spellings, namespace, "");
            let places: Vec<Option<String>> = if resource.namespaced {
                let tested = |namespace: &&String| {
                    by_name(Some(namespace.as_str()))
                        && !self.selection.test(&spellings, Some(namespace)).is_all()
                };
                namespaces
                    .keys()
                    .filter(tested)
                    .map(|name| Some(name.clone()))
                    .collect()
            } else {
                let planned = kinds.iter().any(|kind| is_of(kind, resource));
                let taken = planned && self.selection.test(&spellings, None).is_all();
                (by_name(None) && !taken)
                    .then_some(None)
                    .into_iter()
                    .collect()
            };
            let kind = self.planned(resource);
            for place in places {
                let unit = PlannedUnit::list(place, None);
                let mut request =
                    kind.request(&kind.resource.version, &unit, &self.selection, PAGE)?;
                request.selector = crate::model::LabelSelector::default();
                let mut pages = self.collector.list(request);
                loop {
                    match pages.try_next().await {
                        Ok(None) => break,
                        Ok(Some(page)) => {
                            let own = page.objects.iter();
                            for object in own.filter(|object| object_left_out(object).is_none()) {
                                closure
                                    .candidate(object, &|id| self.covers(kinds, namespaces, id))?;
                            }
                        }
                        Err(error) => {
                            let place = kind.in_namespace(unit.namespace.as_deref());
                            let what = format!("{place} that serve captured objects");
                            self.left_out.push(refused(&what, &error, false));
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the plan lists an object's kind at its place without looking at single objects: then it is captured if it is there.
    fn covers(&self, kinds: &[PlannedKind], namespaces: &Namespaces, id: &ObjectId) -> bool {
        let Some(kind) = kinds
            .iter()
            .find(|kind| kind.resource.group_resource() == *id.resource())
        else {
            return false;
        };
        let spellings = kind.spellings();
        let place = match id.namespace() {
            Some(namespace) => {
                namespaces.contains_key(namespace)
                    && self.selection.asks_in(&spellings, namespace) == Asked::Yes
            }
            None => true,
        };
        place && self.selection.test(&spellings, id.namespace()).is_all()
    }

    /// Reads what was found until nothing new is.
    async fn follow(
        &mut self,
        closure: &mut Closure<'_>,
        kinds: &[PlannedKind],
        namespaces: &Namespaces,
    ) -> Result<Vec<RelatedObject>> {
        let mut related = Vec::new();
        let mut refused_kinds: BTreeMap<String, (u64, Found)> = BTreeMap::new();
        loop {
            let found = closure.take();
            if found.is_empty() {
                break;
            }
            let mut wanted = Vec::new();
            for found in found {
                if self.covers(kinds, namespaces, &found.id) {
                    closure.mark(&found.id)?;
                    continue;
                }
                match self.why_not(&found.id, namespaces) {
                    None => wanted.push(found),
                    Some((_, why)) => {
                        let resource = found.id.resource();
                        let key = format!("{resource} {why}");
                        refused_kinds.entry(key).or_insert((0, found)).0 += 1;
                    }
                }
            }
            let this = &*self;
            let read: Vec<(Found, Result<Option<Object>>)> = stream::iter(wanted)
                .map(|found| async move {
                    let object = this.get(&found.id).await;
                    (found, object)
                })
                .buffered(READS)
                .collect()
                .await;
            for (found, object) in read {
                if let Some(found) = self.take(closure, kinds, found, object)? {
                    related.push(found);
                }
            }
        }
        for (_, (count, first)) in refused_kinds {
            let Some((reason, why)) = self.why_not(&first.id, namespaces) else {
                continue;
            };
            let detail = format!("{} by {}; {why}", first.id, first.by);
            self.left_out.push(LeftOut::rule(
                format!("{count} {} that captured objects need", first.id.resource()),
                reason,
                detail,
            ));
        }
        Ok(related)
    }

    /// Why an object that is needed may not be taken; none if it may.
    fn why_not(
        &self,
        id: &ObjectId,
        namespaces: &Namespaces,
    ) -> Option<(LeftOutReason, &'static str)> {
        let Some(resource) = self.discovery.resource(id.resource()) else {
            return Some((LeftOutReason::Missing, "its kind is not served"));
        };
        if let Some(why) = never_stored(id.resource()) {
            return Some((LeftOutReason::MadeByCluster, why));
        }
        let lies_outside = |namespace: &str| !namespaces.contains_key(namespace);
        if id.namespace().is_some_and(lies_outside) {
            return Some((LeftOutReason::Excluded, "its namespace is not selected"));
        }
        let spellings = resource.spellings();
        (!self
            .selection
            .may_add(&spellings, id.namespace(), id.name()))
        .then_some((LeftOutReason::Excluded, "the filters do not let it in"))
    }

    async fn get(&self, id: &ObjectId) -> Result<Option<Object>> {
        let Some(resource) = self.discovery.resource(id.resource()) else {
            return Ok(None);
        };
        // A folder has an object in one version, whichever it is.
        let versions = if self.is_folder() { usize::MAX } else { 1 };
        for served in resource.versions.iter().take(versions) {
            let object = self.collector.get(id, &served.version).await?;
            if object.is_some() {
                return Ok(object);
            }
        }
        Ok(None)
    }

    /// Decides about one object that was read.
    fn take(
        &mut self,
        closure: &mut Closure<'_>,
        kinds: &[PlannedKind],
        found: Found,
        object: Result<Option<Object>>,
    ) -> Result<Option<RelatedObject>> {
        let needed = format!("needed by {}", found.by);
        let mut leave = |reason, detail: String| {
            let mut left = LeftOut::object(&found.id, reason);
            left.detail = detail;
            self.left_out.push(left);
        };
        let object = match object {
            Ok(Some(object)) => object,
            Ok(None) => {
                leave(LeftOutReason::Missing, needed);
                return Ok(None);
            }
            Err(error) => {
                let reason = refused("", &error, false).reason;
                let reason = match reason {
                    LeftOutReason::Forbidden => reason,
                    _ => LeftOutReason::Unreadable,
                };
                leave(reason, format!("{needed}: {}", error.chain()));
                return Ok(None);
            }
        };
        if let Some(left) = object_left_out(&object) {
            // The run records it where it lists the kind.
            let listed = kinds
                .iter()
                .any(|kind| kind.resource.group_resource() == *found.id.resource());
            if !listed {
                let detail = match left.detail.as_str() {
                    "" => needed,
                    detail => format!("{detail}; {needed}"),
                };
                leave(left.reason, detail);
            }
            return Ok(None);
        }
        closure.captured(&object)?;
        let is_selected = kinds
            .iter()
            .find(|kind| kind.resource.group_resource() == *found.id.resource())
            .is_some_and(|kind| {
                let spellings = kind.spellings();
                let test = self.selection.test(&spellings, found.id.namespace());
                let place = found.id.namespace().is_none_or(|namespace| {
                    self.selection.asks_in(&spellings, namespace) == Asked::Yes
                });
                place && test.misses(found.id.name(), object.meta()).is_none()
            });
        Ok((!is_selected).then_some(RelatedObject {
            id: found.id,
            by: found.by,
            action: found.action,
        }))
    }

    fn record_unknown(&mut self, closure: &Closure<'_>) {
        for (target, (by, _)) in &closure.unknown {
            let detail = format!("its kind is not served; needed by {by}");
            let left = LeftOut::rule(target.to_string(), LeftOutReason::Missing, detail);
            self.left_out.push(left);
        }
    }

    /// The ids of `orderedResources`, in their order; resources in the order of the archive.
    fn ordered(
        &mut self,
        closure: &Closure<'_>,
        kinds: &[PlannedKind],
        related: &[RelatedObject],
    ) -> Vec<ObjectId> {
        let mut ordered = Vec::new();
        let mut outside = Vec::new();
        for (name, objects) in &self.spec.ordered_resources {
            for resource in self.discovery.resolve(name) {
                for object in objects {
                    let (namespace, name) = match object.split_once('/') {
                        Some((namespace, name)) => (Some(namespace.to_owned()), name),
                        None => (None, object.as_str()),
                    };
                    let id = ObjectId::new(resource.resource.clone(), namespace, name);
                    let Ok(id) = id else { continue };
                    let scoped = id.namespace().is_some() == resource.namespaced;
                    let planned = kinds.iter().any(|kind| is_of(kind, resource))
                        || related.iter().any(|one| one.id == id);
                    // Pods and claims were read: whether one is there is known.
                    let is_read = is_of_blocks_resource(&id);
                    if scoped && planned && (!is_read || closure.knows(&id)) {
                        ordered.push(id);
                    } else {
                        outside.push(id);
                    }
                }
            }
        }
        for id in outside {
            self.warnings.push(format!(
                "{id} is ordered, but the plan does not take such an object: it does not exist, or is not selected"
            ));
        }
        ordered.dedup();
        ordered
    }

    /// The pods of `orderedResources` as `namespace/name`, with their places in the order (velero.md section 2.5).
    pub(super) fn pod_order(&self) -> BTreeMap<String, usize> {
        let mut order = BTreeMap::new();
        for (name, objects) in &self.spec.ordered_resources {
            let mut resolved = self.discovery.resolve(name).into_iter();
            if resolved.any(|row| is_pods(row.resource.group(), row.resource.resource())) {
                for object in objects {
                    let next = order.len();
                    order.entry(object.clone()).or_insert(next);
                }
            }
        }
        order
    }

    /// Gives every related object a unit that reads it.
    fn plan_units(
        &self,
        kinds: &mut Vec<PlannedKind>,
        related: &[RelatedObject],
        namespaces: &Namespaces,
    ) {
        let mut places: BTreeMap<(String, Option<&str>), u64> = BTreeMap::new();
        for one in related {
            let key = (one.id.resource().to_string(), one.id.namespace());
            *places.entry(key).or_default() += 1;
        }
        for ((name, namespace), count) in places {
            let Some(resource) = self
                .discovery
                .resources
                .iter()
                .find(|row| row.resource.to_string() == name)
            else {
                continue;
            };
            let at = kinds.iter().position(|kind| is_of(kind, resource));
            let at = at.unwrap_or_else(|| {
                let mut kind = self.planned(resource);
                kind.named = false;
                kinds.push(kind);
                kinds.len() - 1
            });
            let Some(kind) = kinds.get_mut(at) else {
                continue;
            };
            split_open_unit(kind, namespaces);
            let own = kind
                .units
                .iter_mut()
                .find(|unit| unit.namespace.as_deref() == namespace);
            match own {
                Some(unit) => unit.objects = unit.objects.map(|objects| objects + count),
                None => {
                    let mut unit = PlannedUnit::list(namespace.map(str::to_owned), Some(count));
                    unit.by_name = true;
                    kind.units.push(unit);
                }
            }
            // Units go in the order of the archive.
            kind.units
                .sort_by(|one, other| one.namespace.cmp(&other.namespace));
        }
    }
}

/// A list over all namespaces stands for a kind of which nothing was there: it becomes one list a namespace, so that what is read by
/// name has a place between them.
fn split_open_unit(kind: &mut PlannedKind, namespaces: &Namespaces) {
    if kind.namespaced && kind.units.iter().any(|unit| unit.namespace.is_none()) {
        kind.units = namespaces
            .keys()
            .map(|namespace| PlannedUnit::list(Some(namespace.clone()), Some(0)))
            .collect();
    }
}

fn is_of(kind: &PlannedKind, resource: &ApiResource) -> bool {
    kind.resource.group == resource.resource.group()
        && kind.resource.resource == resource.resource.resource()
}

/// Whether pairs of objects that are captured together come from this kind.
fn is_of_blocks(kind: &PlannedKind) -> bool {
    is_pod_or_claim(&kind.resource.group, &kind.resource.resource)
}

fn is_of_blocks_resource(id: &ObjectId) -> bool {
    is_pod_or_claim(id.resource().group(), id.resource().resource())
}

fn is_pods(group: &str, plural: &str) -> bool {
    group.is_empty() && plural == "pods"
}

fn is_pod_or_claim(group: &str, plural: &str) -> bool {
    group.is_empty() && matches!(plural, "pods" | "persistentvolumeclaims")
}

/// The namespaces that related objects lie in.
pub(super) fn namespaces_of(related: &[RelatedObject]) -> BTreeSet<&str> {
    related
        .iter()
        .filter_map(|one| one.id.namespace())
        .collect()
}
