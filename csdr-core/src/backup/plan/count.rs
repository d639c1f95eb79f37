//! How many objects there are, without reading more of them than a filter of objects makes necessary.

use super::{
    PlannedKind, PlannedUnit, namespaces::Namespaces, planner::Planner, refused,
    unresolved::did_you_mean,
};
use crate::{
    Error, Result,
    model::ApiResource,
    select::{Asked, LeftOut, LeftOutReason, closest},
};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::BTreeSet;

/// How many counts are asked at the same time.
const PROBES: usize = 32;

/// Most names that are compared with a name that is not there.
const MAX_NAMES: usize = 100_000;

/// What asking for a count gave.
enum Count {
    Known(Option<u64>),
    /// The objects were read; the names of those in the list, where the filter names some.
    Read(u64, BTreeSet<String>),
    Refused(Error),
}

impl Planner<'_> {
    /// Asks how many objects each resource has, and in which namespaces.
    pub(super) async fn count(
        &mut self,
        chosen: Vec<ApiResource>,
        namespaces: &Namespaces,
    ) -> Vec<(ApiResource, PlannedKind)> {
        let totals: Vec<(ApiResource, PlannedKind, Count)> = stream::iter(chosen)
            .map(|resource| {
                let kind = self.planned(&resource);
                let this = &*self;
                async move {
                    let count = this.probe(&kind, None).await;
                    (resource, kind, count)
                }
            })
            .buffered(PROBES)
            .collect()
            .await;
        let mut rows = Vec::new();
        // Rows that are counted namespace by namespace.
        let mut open = Vec::new();
        for (resource, mut kind, count) in totals {
            match count {
                Count::Known(Some(0)) => kind.units.push(PlannedUnit::list(None, Some(0))),
                Count::Known(objects) if !resource.namespaced => {
                    kind.units.push(PlannedUnit::list(None, objects))
                }
                Count::Read(objects, names) => {
                    kind.units.push(PlannedUnit::list(None, Some(objects)));
                    self.warn_of_names(&kind, &names);
                }
                Count::Refused(error)
                    if !resource.namespaced || !self.selection.namespaces().is_literal() =>
                {
                    let what = kind.resource.group_resource().to_string();
                    self.left_out.push(refused(&what, &error, kind.named));
                }
                Count::Known(_) | Count::Refused(_) => open.push(rows.len()),
            }
            rows.push((resource, kind));
        }
        self.count_namespaces(&mut rows, &open, namespaces).await;
        rows
    }

    /// Gives the rows at `open` one unit a namespace, asking for all of them at once.
    async fn count_namespaces(
        &mut self,
        rows: &mut [(ApiResource, PlannedKind)],
        open: &[usize],
        namespaces: &Namespaces,
    ) {
        let mut places: Vec<(usize, String)> = Vec::new();
        for row in open {
            let kind = &rows[*row].1;
            let spellings = kind.spellings();
            for namespace in namespaces.keys() {
                match self.selection.asks_in(&spellings, namespace) {
                    Asked::Yes => places.push((*row, namespace.clone())),
                    Asked::No => {}
                    Asked::Excluded => {
                        let what = kind.in_namespace(Some(namespace));
                        let left = LeftOut::rule(what, LeftOutReason::Excluded, "");
                        self.left_out.push(left);
                    }
                }
            }
        }
        let this = &*self;
        let kinds = &*rows;
        let counts: Vec<(usize, String, Count)> = stream::iter(places)
            .map(|(row, namespace)| async move {
                let count = this.probe(&kinds[row].1, Some(namespace.clone())).await;
                (row, namespace.clone(), count)
            })
            .buffered(PROBES)
            .collect()
            .await;
        let mut seen: Vec<(usize, BTreeSet<String>)> = Vec::new();
        for (row, namespace, count) in counts {
            let kind = &mut rows[row].1;
            match count {
                Count::Known(objects) => {
                    kind.units.push(PlannedUnit::list(Some(namespace), objects))
                }
                Count::Read(objects, names) => {
                    kind.units
                        .push(PlannedUnit::list(Some(namespace), Some(objects)));
                    match seen.last_mut().filter(|(last, _)| *last == row) {
                        Some((_, all)) => all.extend(names),
                        None => seen.push((row, names)),
                    }
                }
                Count::Refused(error) => {
                    let what = kind.in_namespace(Some(&namespace));
                    self.left_out.push(refused(&what, &error, kind.named));
                }
            }
        }
        for (row, names) in seen {
            self.warn_of_names(&rows[row].1, &names);
        }
    }

    /// Warns of objects that the spec names and that are not there.
    fn warn_of_names(&mut self, kind: &PlannedKind, seen: &BTreeSet<String>) {
        let spellings = kind.spellings();
        let units = kind.units.iter();
        let named: BTreeSet<String> = units
            .flat_map(|unit| {
                let test = self.selection.test(&spellings, unit.namespace.as_deref());
                test.literal_names().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect();
        for name in named.iter().filter(|name| !seen.contains(*name)) {
            let near = closest(name, seen.iter().map(String::as_str));
            self.warnings.push(format!(
                "{}/{name} is named, but does not exist{}",
                kind.resource.group_resource(),
                did_you_mean(near)
            ));
        }
    }

    async fn probe(&self, kind: &PlannedKind, namespace: Option<String>) -> Count {
        let unit = PlannedUnit::list(namespace, None);
        let one_place = !kind.namespaced || unit.namespace.is_some();
        let spellings = kind.spellings();
        let test = self.selection.test(&spellings, unit.namespace.as_deref());
        if one_place && !test.is_exact() && !kind.is_namespaces() {
            return match self.read(kind, &unit).await {
                Ok((objects, names)) => Count::Read(objects, names),
                Err(error) => Count::Refused(error),
            };
        }
        // A server has every object in every version, a folder each one in its own.
        let versions = if self.is_folder() { usize::MAX } else { 1 };
        let mut sum = Some(0);
        for version in kind.versions().take(versions) {
            match self.probe_version(kind, version, &unit).await {
                Count::Known(count) => sum = sum.zip(count).map(|(sum, count)| sum + count),
                refused => return refused,
            }
        }
        Count::Known(sum)
    }

    /// Counts what a filter of objects takes of a list that the source cannot filter.
    async fn read(
        &self,
        kind: &PlannedKind,
        unit: &PlannedUnit,
    ) -> Result<(u64, BTreeSet<String>)> {
        let test = self
            .selection
            .test(&kind.spellings(), unit.namespace.as_deref());
        let wants_names = test.literal_names().next().is_some();
        let (mut count, mut names) = (0, BTreeSet::new());
        let versions = if self.is_folder() { usize::MAX } else { 1 };
        for version in kind.versions().take(versions) {
            let request = kind.request(version, unit, &self.selection, 1 << 20)?;
            let mut pages = self.collector.list(request);
            while let Some(page) = pages.try_next().await? {
                count += page.unreadable.len() as u64;
                for object in &page.objects {
                    let name = object.id().name();
                    count += u64::from(test.misses(name, object.meta()).is_none());
                    if wants_names && names.len() < MAX_NAMES {
                        names.insert(name.to_owned());
                    }
                }
            }
        }
        Ok((count, names))
    }

    async fn probe_version(&self, kind: &PlannedKind, version: &str, unit: &PlannedUnit) -> Count {
        // A page of one byte is one object: enough to learn how many follow.
        let request = match kind.request(version, unit, &self.selection, 1) {
            Ok(request) => request,
            Err(error) => return Count::Refused(error),
        };
        match self.collector.list(request).next().await {
            None => Count::Known(Some(0)),
            Some(Err(error)) => Count::Refused(error),
            Some(Ok(page)) => {
                let here = (page.objects.len() + page.unreadable.len()) as u64;
                Count::Known(match (page.next, page.remaining) {
                    (None, _) => Some(here),
                    (Some(_), Some(remaining)) => Some(here + remaining),
                    (Some(_), None) => None,
                })
            }
        }
    }
}
