//! Objects that are read by their names, beside or instead of a list.

use crate::{
    Error, Result,
    model::ObjectId,
    port::{Page, ResourceCollector, UnreadableItem},
};
use futures::{StreamExt, stream, stream::BoxStream, stream::Peekable};
use std::{pin::Pin, sync::Arc};

/// How many objects are asked for at the same time.
const GETS: usize = 16;

/// One object that was asked for: a page of it, or of the reason why it cannot be read.
pub(super) type Got = (ObjectId, Result<Page>);

/// Asks for objects in the order of `ids`. What cannot be read is an unreadable item; in a version that is not the best one it breaks
/// the stream off, as a list's failure would.
pub(super) fn gets(
    collector: Arc<dyn ResourceCollector>,
    ids: Vec<ObjectId>,
    version: String,
    best: bool,
) -> BoxStream<'static, Got> {
    stream::iter(ids)
        .map(move |id| {
            let (collector, version) = (collector.clone(), version.clone());
            async move {
                let mut page = Page::default();
                match collector.get(&id, &version).await {
                    Ok(Some(object)) => page.objects.push(object),
                    Ok(None) if best => page.unreadable.push(UnreadableItem {
                        at: place(&id),
                        reason: "it was there at the time of the plan, and is gone".to_owned(),
                    }),
                    Ok(None) => {}
                    Err(error) if best => {
                        page.unreadable
                            .push(UnreadableItem::new(place(&id), &error));
                    }
                    Err(error) => return (id, Err(error)),
                }
                (id, Ok(page))
            }
        })
        .buffered(GETS)
        .boxed()
}

fn place(id: &ObjectId) -> String {
    match id.namespace() {
        Some(namespace) => format!("{namespace}/{}", id.name()),
        None => id.name().to_owned(),
    }
}

/// A list and objects read by name as one list in order, each object once: the list's counts.
pub(super) fn union(
    list: BoxStream<'static, Result<Page>>,
    gets: BoxStream<'static, Got>,
) -> BoxStream<'static, Result<Page>> {
    let both = Both {
        list: Some(list),
        gets: gets.peekable(),
    };
    stream::unfold(Some(both), |both| async {
        let mut both = both?;
        match both.next().await {
            None => None,
            Some(Ok(page)) => Some((Ok(page), Some(both))),
            Some(Err(error)) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Both {
    list: Option<BoxStream<'static, Result<Page>>>,
    gets: Peekable<BoxStream<'static, Got>>,
}

impl Both {
    async fn next(&mut self) -> Option<Result<Page>> {
        let listed = match &mut self.list {
            Some(list) => list.next().await,
            None => None,
        };
        match listed {
            Some(Ok(page)) => Some(self.fill(page).await),
            Some(Err(error)) => Some(Err(error)),
            None => {
                self.list = None;
                self.gets.next().await.map(|(_, page)| page)
            }
        }
    }

    /// Puts what was read by name between a page's objects.
    async fn fill(&mut self, mut page: Page) -> Result<Page> {
        let listed = std::mem::take(&mut page.objects);
        for object in listed {
            while let Some((id, got)) = self.before(object.id()).await {
                let got = got?;
                if id != *object.id() {
                    page.objects.extend(got.objects);
                    page.unreadable.extend(got.unreadable);
                }
            }
            page.objects.push(object);
        }
        Ok(page)
    }

    /// The next one read by name, if it is not after `id`.
    async fn before(&mut self, id: &ObjectId) -> Option<Got> {
        let mut gets = Pin::new(&mut self.gets);
        let head = gets.as_mut().peek().await?;
        if head.0 > *id {
            return None;
        }
        gets.next().await
    }
}

/// An empty list.
pub(super) fn nothing() -> BoxStream<'static, Result<Page>> {
    stream::empty::<std::result::Result<Page, Error>>().boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;
    use futures::FutureExt;

    fn object(name: &str, moment: &str) -> Object {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"{name}","namespace":"a","resourceVersion":"{moment}"}}}}"#
        );
        Object::parse("secrets".parse().unwrap(), json).unwrap()
    }

    #[test]
    fn a_list_and_names_are_one_list_in_order() {
        for (list, names, expected) in [
            ("b d", "a c e", "a2 b1 c2 d1 e2"),
            ("b d", "b d", "b1 d1"),
            ("b d", "", "b1 d1"),
            ("", "a c", "a2 c2"),
            ("b !", "a c", "a2 b1 error"),
            ("b d", "a x? c", "a2 b1 c2 d1"),
        ] {
            let pages: Vec<Result<Page>> = list
                .split_whitespace()
                .map(|name| match name {
                    "!" => Err(Error::cancelled("test")),
                    name => Ok(Page {
                        objects: vec![object(name, "1")],
                        ..Page::default()
                    }),
                })
                .collect();
            let gets: Vec<Got> = names
                .split_whitespace()
                .filter(|name| !name.ends_with('?'))
                .map(|name| {
                    let object = object(name, "2");
                    let page = Page {
                        objects: vec![object.clone()],
                        ..Page::default()
                    };
                    (object.id().clone(), Ok(page))
                })
                .collect();
            let both = union(stream::iter(pages).boxed(), stream::iter(gets).boxed());
            let pages: Vec<Result<Page>> = both.collect().now_or_never().unwrap();
            let mut said = Vec::new();
            for page in pages {
                match page {
                    Ok(page) => said.extend(page.objects.iter().map(|object| {
                        format!("{}{}", object.id().name(), object.meta().resource_version)
                    })),
                    Err(_) => said.push("error".to_owned()),
                }
            }
            assert_eq!(said.join(" "), expected, "{list} + {names}");
        }
    }
}
