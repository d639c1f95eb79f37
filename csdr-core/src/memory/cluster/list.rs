//! Lists in pages.

use super::{
    MemoryCluster,
    state::{State, Stored},
};
use crate::{
    Error, Result,
    port::{ListRequest, Page},
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::sync::Arc;

/// Where a list stands: `<snapshot>/<namespace>/<name>` of the last object that was handed out.
struct Token {
    list: u64,
    namespace: String,
    name: String,
}

impl Token {
    fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(list), Some(namespace), Some(name), None) => Some(Self {
                list: list.parse().unwrap_or_default(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
            .filter(|token| token.list > 0),
            _ => None,
        }
        .ok_or_else(|| Error::invalid("continue token is not one of this server"))
    }

    fn passed(&self, stored: &Stored) -> bool {
        let id = stored.object.id();
        (id.namespace().unwrap_or_default(), id.name()) <= (&self.namespace, &self.name)
    }
}

pub(super) fn pages(
    cluster: MemoryCluster,
    request: ListRequest,
) -> BoxStream<'static, Result<Page>> {
    // Each page is read when it is asked for: what happens between two pages is seen, and tokens may expire.
    stream::unfold(Some((cluster, request)), |next| async move {
        let (cluster, mut request) = next?;
        let page = cluster.state().page(&request);
        let next = match &page {
            Ok(page) => page.next.clone(),
            Err(_) => None,
        };
        let rest = next.map(|token| {
            request.from = Some(token);
            (cluster, request)
        });
        Some((page, rest))
    })
    .boxed()
}

impl State {
    fn page(&mut self, request: &ListRequest) -> Result<Page> {
        let path = &request.resource;
        self.authorise("list", path, request.namespace.as_deref())?;
        let kind = self.served(path)?;
        // The path of a cluster-scoped resource has no place for a namespace.
        let namespace = request.namespace.as_deref().filter(|_| kind.api.namespaced);
        let resource = path.group_resource();
        let token = request.from.as_deref().map(Token::parse).transpose()?;
        let kept = token
            .as_ref()
            .and_then(|token| Some((token.list, self.kept_list(token.list)?)));
        let inconsistent = token.is_some() && kept.is_none();
        let mut list = kept.as_ref().map(|(list, _)| *list);
        let rows = match kept {
            Some((_, rows)) => rows,
            None => Arc::new(self.all(&resource, namespace)),
        };
        let start = token
            .as_ref()
            .map_or(0, |token| rows.partition_point(|row| token.passed(row)));
        let mut page = Page {
            resource_version: self.version().to_string(),
            inconsistent,
            ..Page::default()
        };
        let (mut bytes, mut at) = (0, start);
        for row in &rows[start..] {
            let size = row.object.json().len();
            if !page.objects.is_empty() && bytes + size > request.page_bytes {
                break;
            }
            at += 1;
            if request.selector.matches(&row.object.meta().labels) {
                bytes += size;
                page.objects.push(Self::in_version(row, &path.version)?);
            }
        }
        if let Some(last) = rows.get(at.wrapping_sub(1)).filter(|_| at < rows.len()) {
            let id = last.object.id();
            let list = *list.get_or_insert_with(|| self.keep_list(rows.clone()));
            page.next = Some(format!(
                "{list}/{}/{}",
                id.namespace().unwrap_or_default(),
                id.name()
            ));
            // Source: the server does not count what a selector leaves.
            page.remaining = request
                .selector
                .is_empty()
                .then_some((rows.len() - at) as u64);
        }
        Ok(page)
    }
}
