//! How many objects there are, without reading them.

use super::{PlannedKind, PlannedUnit, planner::Planner, refused};
use crate::{Error, model::ApiResource};
use futures::{StreamExt, stream};

/// How many counts are asked at the same time.
const PROBES: usize = 32;

/// What asking for a count gave.
enum Count {
    Known(Option<u64>),
    Refused(Error),
}

impl Planner<'_> {
    /// Asks how many objects each resource has, and in which namespaces.
    pub(super) async fn count(
        &mut self,
        chosen: Vec<ApiResource>,
        namespaces: &[String],
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
                Count::Known(Some(0)) => kind.units.push(PlannedUnit {
                    namespace: None,
                    objects: Some(0),
                }),
                Count::Known(objects) if !resource.namespaced => kind.units.push(PlannedUnit {
                    namespace: None,
                    objects,
                }),
                Count::Refused(error) if !resource.namespaced || !self.names.is_literal() => {
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
        namespaces: &[String],
    ) {
        let this = &*self;
        let kinds = &*rows;
        let places: Vec<(usize, String)> = open
            .iter()
            .flat_map(|row| {
                namespaces
                    .iter()
                    .map(move |namespace| (*row, namespace.clone()))
            })
            .collect();
        let counts: Vec<(usize, String, Count)> = stream::iter(places)
            .map(|(row, namespace)| async move {
                let count = this.probe(&kinds[row].1, Some(namespace.clone())).await;
                (row, namespace.clone(), count)
            })
            .buffered(PROBES)
            .collect()
            .await;
        for (row, namespace, count) in counts {
            let kind = &mut rows[row].1;
            match count {
                Count::Known(objects) => kind.units.push(PlannedUnit {
                    namespace: Some(namespace),
                    objects,
                }),
                Count::Refused(error) => {
                    let resource = kind.resource.group_resource();
                    let what = format!("{resource} in namespace {namespace}");
                    self.left_out.push(refused(&what, &error, kind.named));
                }
            }
        }
    }

    async fn probe(&self, kind: &PlannedKind, namespace: Option<String>) -> Count {
        let unit = PlannedUnit {
            namespace,
            objects: None,
        };
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

    async fn probe_version(&self, kind: &PlannedKind, version: &str, unit: &PlannedUnit) -> Count {
        // A page of one byte is one object: enough to learn how many follow.
        let request = match kind.request(version, unit, &self.spec.label_selector, 1) {
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
