//! How many objects there are, without reading them.

use super::{PlannedKind, PlannedUnit, planned, planner::Planner, refused};
use crate::{Error, model::ApiResource};
use futures::{StreamExt, stream};

/// How many counts are asked at the same time.
const PROBES: usize = 16;

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
                let kind = planned(&resource, self.is_named(&resource));
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
                    self.left_out
                        .push(refused(&kind.resource.group_resource().to_string(), &error));
                    continue;
                }
                Count::Known(_) | Count::Refused(_) => {
                    kind.units = self.count_namespaces(&kind, namespaces).await
                }
            }
            rows.push((resource, kind));
        }
        rows
    }

    async fn count_namespaces(
        &mut self,
        kind: &PlannedKind,
        namespaces: &[String],
    ) -> Vec<PlannedUnit> {
        let this = &*self;
        let counts: Vec<(String, Count)> = stream::iter(namespaces.to_vec())
            .map(|namespace| async move {
                let count = this.probe(kind, Some(namespace.clone())).await;
                (namespace, count)
            })
            .buffered(PROBES)
            .collect()
            .await;
        let mut units = Vec::new();
        for (namespace, count) in counts {
            match count {
                Count::Known(objects) => units.push(PlannedUnit {
                    namespace: Some(namespace),
                    objects,
                }),
                Count::Refused(error) => {
                    self.left_out.push(refused(
                        &format!(
                            "{} in namespace {namespace}",
                            kind.resource.group_resource()
                        ),
                        &error,
                    ));
                }
            }
        }
        units
    }

    async fn probe(&self, kind: &PlannedKind, namespace: Option<String>) -> Count {
        let unit = PlannedUnit {
            namespace,
            objects: None,
        };
        // A page of one byte is one object: enough to learn how many follow.
        let request = match kind.request(&unit, &self.spec.label_selector, 1) {
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
