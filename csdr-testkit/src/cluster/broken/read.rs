//! What breaks in reading.

use super::{Broken, Defect};
use async_trait::async_trait;
use csdr_core::{
    Error, ErrorKind, Result,
    model::{Discovery, Object, ObjectId},
    port::{
        Access, AccessRequest, ListRequest, Page, ResourceCollector, ResourceTarget, WatchEvent,
        WatchRequest,
    },
};
use futures::{
    StreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use std::sync::PoisonError;

impl Broken {
    async fn discovery(&self) -> Result<Discovery> {
        let mut discovery = ResourceCollector::discover(&self.inner).await?;
        match self.defect {
            Defect::UnsortedDiscovery => discovery.resources.reverse(),
            Defect::OnlyPreferred => {
                for row in &mut discovery.resources {
                    row.versions.truncate(1);
                }
            }
            Defect::CachesDiscovery => {
                let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(cached.get_or_insert(discovery).clone());
            }
            _ => {}
        }
        Ok(discovery)
    }

    fn pages(&self, mut request: ListRequest) -> BoxStream<'static, Result<Page>> {
        let asked = request.clone();
        match self.defect {
            Defect::IgnoresExpressions => request.selector.match_expressions.clear(),
            Defect::OnePage => request.page_bytes = usize::MAX,
            Defect::NamespaceByPrefix => request.namespace = None,
            Defect::MissingNamespaceIsAnError if !self.stands(&request) => {
                return stream::iter([Err(Error::new(ErrorKind::NotFound, "no such namespace"))])
                    .boxed();
            }
            _ => {}
        }
        let broken = self.clone();
        let mut first = true;
        let pages = ResourceCollector::list(&self.inner, request).map(move |page| {
            let is_first = std::mem::take(&mut first);
            broken.page(page, &asked, is_first)
        });
        if self.has(Defect::GoesOnAfterErrors) {
            pages
                .flat_map(|page| {
                    let again = page
                        .as_ref()
                        .err()
                        .map(|error| Err(Error::new(error.kind(), "the same again")));
                    stream::iter([Some(page), again].into_iter().flatten())
                })
                .boxed()
        } else {
            pages.boxed()
        }
    }

    fn stands(&self, request: &ListRequest) -> bool {
        let id = request
            .namespace
            .as_ref()
            .and_then(|namespace| format!("namespaces/{namespace}").parse().ok());
        id.is_none_or(|id: ObjectId| self.inner.object(&id).is_some())
    }

    fn page(&self, page: Result<Page>, asked: &ListRequest, first: bool) -> Result<Page> {
        let mut page = match page {
            Err(error)
                if (self.has(Defect::EmptyWhenUnserved) && error.kind() == ErrorKind::NotFound)
                    || (self.has(Defect::ForbiddenIsEmpty)
                        && error.kind() == ErrorKind::PermissionDenied) =>
            {
                return Ok(Page::default());
            }
            other => other?,
        };
        let objects = &mut page.objects;
        match self.defect {
            Defect::SkipsDottedNames => objects.retain(|object| !object.id().name().contains('.')),
            Defect::ByLength => objects.sort_by_key(|object| object.id().name().len()),
            Defect::NameFirst if asked.namespace.is_none() => {
                objects.sort_by_key(|object| object.id().name().to_owned());
            }
            Defect::NamespaceByPrefix => objects.retain(|object| {
                let own = object.id().namespace().unwrap_or_default();
                own.starts_with(asked.namespace.as_deref().unwrap_or_default())
            }),
            Defect::StoredVersion => {
                for object in objects {
                    if let Some(stored) = self.inner.object(object.id()) {
                        *object = stored;
                    }
                }
            }
            Defect::HidesClusterScoped => {
                objects.retain(|object| object.id().namespace().is_some())
            }
            Defect::FailsWhenExpired if page.inconsistent => {
                return Err(Error::new(ErrorKind::Expired, "the token has expired"));
            }
            Defect::RepeatsTheLast if first => {
                // The token of a MemoryCluster ends in the last object's namespace and name.
                let last = asked
                    .from
                    .as_deref()
                    .and_then(|token| token.split_once('/'));
                let id = last.and_then(|(_, last)| format!("configmaps/{last}").parse().ok());
                if let Some(object) = id.and_then(|id| self.inner.object(&id)) {
                    objects.insert(0, object);
                }
            }
            _ => {}
        }
        Ok(page)
    }

    async fn find(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        let found = ResourceCollector::get(&self.inner, id, version).await?;
        match (self.defect, found) {
            (Defect::MissingIsAnError, None) => {
                Err(Error::new(ErrorKind::NotFound, "no such object"))
            }
            (Defect::GetDropsLabels, Some(object)) => {
                let mut tree = object.tree()?;
                tree.remove(&["metadata", "labels"]);
                Object::from_tree(id.resource().clone(), &tree).map(Some)
            }
            (_, found) => Ok(found),
        }
    }
}

#[async_trait]
impl ResourceCollector for Broken {
    async fn discover(&self) -> Result<Discovery> {
        self.discovery().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        self.pages(request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.find(id, version).await
    }
}

#[async_trait]
impl ResourceTarget for Broken {
    async fn discover(&self) -> Result<Discovery> {
        self.discovery().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        self.pages(request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.find(id, version).await
    }

    async fn can_i(&self, request: &AccessRequest) -> Result<Access> {
        let mut access = self.inner.can_i(request).await?;
        access.allowed |= self.has(Defect::AlwaysAllowed);
        Ok(access)
    }

    fn watch(&self, mut request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>> {
        if self.has(Defect::IgnoresTheName) {
            request.name = None;
        }
        let defect = self.defect;
        self.inner
            .watch(request)
            .enumerate()
            .map(move |(number, event)| match (defect, event) {
                (Defect::SecondIsDeleted, Ok(WatchEvent::Applied(object))) if number == 1 => {
                    Ok(WatchEvent::Deleted(object))
                }
                (Defect::DeletedIsApplied, Ok(WatchEvent::Deleted(object))) => {
                    Ok(WatchEvent::Applied(object))
                }
                (_, event) => event,
            })
            .take_while(move |event| ready(defect != Defect::EndsSilently || event.is_ok()))
            .boxed()
    }
}
