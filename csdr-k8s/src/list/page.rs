//! From a list's body to a page of objects.

use super::body::{self, ListMeta};
use csdr_core::{
    Error, ErrorKind, Result,
    model::{GroupResource, GroupVersionKind, Object, ObjectId},
    port::UnreadableItem,
};
use serde::Deserialize;
use std::borrow::Cow;

/// What a body held.
#[derive(Debug, Default)]
pub(super) struct Items {
    pub(super) objects: Vec<Object>,
    pub(super) unreadable: Vec<UnreadableItem>,
    pub(super) meta: ListMeta,
    /// Items of either sort.
    pub(super) count: usize,
    /// Bytes of the whole body.
    pub(super) bytes: usize,
}

/// Reads a whole body. `kind` is spliced into items that carry none; without it the list's own kind tells.
pub(super) fn read(
    resource: &GroupResource,
    kind: Option<&GroupVersionKind>,
    body: &[u8],
) -> Result<Items> {
    let list = body::split(body)?;
    let own = match kind {
        Some(kind) => Cow::Borrowed(kind),
        None => Cow::Owned(GroupVersionKind {
            api_version: list.api_version.parse()?,
            kind: list
                .kind
                .strip_suffix("List")
                .unwrap_or(&list.kind)
                .to_owned(),
        }),
    };
    let mut items = Items {
        objects: Vec::with_capacity(list.items.len()),
        count: list.items.len(),
        bytes: body.len(),
        meta: list.meta,
        ..Items::default()
    };
    for (place, item) in list.items.into_iter().enumerate() {
        match object(resource, &own, item) {
            Ok(object) => items.objects.push(object),
            Err(error) => items
                .unreadable
                .push(UnreadableItem::new(name_of(item, place), &error)),
        }
    }
    Ok(items)
}

fn object(resource: &GroupResource, kind: &GroupVersionKind, item: &[u8]) -> Result<Object> {
    let text = std::str::from_utf8(item)
        .map_err(|error| Error::corrupt("object is not UTF-8").with_source(error))?;
    Object::from_list_item(resource.clone(), kind, text)
}

/// `namespace/name` of an item that could not be read, as far as it has one, and else its place in the page.
fn name_of(item: &[u8], place: usize) -> String {
    #[derive(Deserialize)]
    struct Named {
        metadata: Name,
    }
    #[derive(Deserialize)]
    struct Name {
        name: String,
        #[serde(default)]
        namespace: Option<String>,
    }
    match serde_json::from_slice::<Named>(item) {
        Ok(Named { metadata }) => {
            let namespace = metadata
                .namespace
                .map(|text| text + "/")
                .unwrap_or_default();
            format!("{namespace}{}", metadata.name.escape_debug())
        }
        Err(_) => format!("item {place} of the page"),
    }
}

/// Holds a list to its order, (namespace, name): the archive is written in it.
#[derive(Debug, Default)]
pub(super) struct Order {
    last: Option<ObjectId>,
}

impl Order {
    /// Whether the objects stand in order behind those before them.
    pub(super) fn holds(&self, objects: &[Object]) -> bool {
        let joint = match (&self.last, objects.first()) {
            (Some(last), Some(first)) => last < first.id(),
            _ => true,
        };
        joint && objects.is_sorted_by(|a, b| a.id() < b.id())
    }

    /// Checks a page, and sorts it if it is the `only` one.
    ///
    /// # Errors
    /// `Incompatible` if a list of several pages is not ordered.
    pub(super) fn check(&mut self, objects: &mut [Object], only: bool) -> Result<()> {
        if !self.holds(objects) {
            // Aggregated API servers may know neither pages nor an order.
            if !only {
                return Err(Error::new(
                    ErrorKind::Incompatible,
                    "the server does not list in the order of namespace and name; list one namespace at a time",
                ));
            }
            objects.sort_by(|a, b| a.id().cmp(b.id()));
        }
        if let Some(last) = objects.last() {
            self.last = Some(last.id().clone());
        }
        Ok(())
    }
}
