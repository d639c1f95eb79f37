//! The lists of all versions of one kind, brought together object by object.

use crate::{
    Error, Result,
    model::Object,
    port::{Page, UnreadableItem},
};
use futures::{StreamExt, future::join_all, stream, stream::BoxStream};
use std::collections::VecDeque;

/// A page of objects in the order of the archive.
#[derive(Debug, Default)]
pub(super) struct VersionedPage {
    /// Objects, each in every version that the lists had; `true` marks the best version of an object.
    pub(super) objects: Vec<(Object, bool)>,
    pub(super) unreadable: Vec<UnreadableItem>,
    pub(super) inconsistent: bool,
    /// Versions whose lists broke off: objects are there in the others.
    pub(super) lost: Vec<(String, Error)>,
}

/// One version's list.
struct Source {
    version: String,
    pages: Option<BoxStream<'static, Result<Page>>>,
    objects: VecDeque<Object>,
}

/// Brings lists together; the first one is that of the preferred version, and the only one whose failure ends the stream.
///
/// Memory: one page of each list beside the one that is handed out.
pub(super) fn merge(
    mut lists: Vec<(String, BoxStream<'static, Result<Page>>)>,
) -> BoxStream<'static, Result<VersionedPage>> {
    // Nearly every kind has one version: then there is nothing to bring together.
    if lists.len() == 1
        && let Some((_, pages)) = lists.pop()
    {
        return pages
            .map(|page| {
                page.map(|page| VersionedPage {
                    objects: page
                        .objects
                        .into_iter()
                        .map(|object| (object, true))
                        .collect(),
                    unreadable: page.unreadable,
                    inconsistent: page.inconsistent,
                    lost: Vec::new(),
                })
            })
            .boxed();
    }
    let sources: Vec<Source> = lists
        .into_iter()
        .map(|(version, pages)| Source {
            version,
            pages: Some(pages),
            objects: VecDeque::new(),
        })
        .collect();
    stream::unfold(Some(sources), |sources| async {
        let mut sources = sources?;
        let mut page = VersionedPage::default();
        if let Err(error) = fill(&mut sources, &mut page).await {
            return Some((Err(error), None));
        }
        while sources
            .iter()
            .all(|source| source.pages.is_none() || !source.objects.is_empty())
        {
            if !take(&mut sources, &mut page) {
                // Every list has ended; what the last looks found goes out with the last page.
                let said = !page.objects.is_empty()
                    || !page.unreadable.is_empty()
                    || !page.lost.is_empty()
                    || page.inconsistent;
                return said.then_some((Ok(page), None));
            }
        }
        Some((Ok(page), Some(sources)))
    })
    .boxed()
}

/// Asks every list that has nothing left for its next page, all at the same time.
async fn fill(sources: &mut [Source], page: &mut VersionedPage) -> Result<()> {
    let asked = sources.iter_mut().enumerate().filter_map(|(at, source)| {
        let pages = source
            .pages
            .as_mut()
            .filter(|_| source.objects.is_empty())?;
        Some(async move { (at, pages.next().await) })
    });
    for (at, answer) in join_all(asked).await {
        let source = &mut sources[at];
        match answer {
            None => source.pages = None,
            Some(Ok(listed)) => {
                page.unreadable.extend(listed.unreadable);
                page.inconsistent |= listed.inconsistent;
                source.objects.extend(listed.objects);
            }
            Some(Err(error)) if at == 0 => return Err(error),
            Some(Err(error)) => {
                source.pages = None;
                page.lost.push((source.version.clone(), error));
            }
        }
    }
    Ok(())
}

/// Takes every version of the next object; `false` if nothing is left.
fn take(sources: &mut [Source], page: &mut VersionedPage) -> bool {
    let heads = sources.iter().filter_map(|source| source.objects.front());
    let Some(next) = heads.map(Object::id).min().cloned() else {
        return false;
    };
    let start = page.objects.len();
    for source in sources {
        // One of a list at a time: an object that a list has twice shows as the next one, which is not after this.
        let object = source.objects.front().filter(|head| *head.id() == next);
        if object.is_some()
            && let Some(object) = source.objects.pop_front()
        {
            // Two lists may see an object at two moments: then the better version's counts. A conversion can make the other.
            let moment = &object.meta().resource_version;
            let differs = page.objects[start..]
                .iter()
                .any(|(best, _)| best.meta().resource_version != *moment);
            if !differs {
                page.objects.push((object, page.objects.len() == start));
            }
        }
    }
    // The archive's order inside of one object.
    page.objects[start..].sort_by(|(a, _), (b, _)| {
        let version = |object: &Object| object.meta().kind.api_version.version().to_owned();
        version(a).cmp(&version(b))
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn object(name: &str, version: &str, moment: &str) -> Object {
        let json = format!(
            r#"{{"apiVersion":"x.io/{version}","kind":"X","metadata":{{"name":"{name}","resourceVersion":"{moment}"}}}}"#
        );
        Object::parse("xs.x.io".parse().unwrap(), json).unwrap()
    }

    /// `a1` is object `a` at moment 1; a page is a word, `!` a failure.
    fn list(version: &str, pages: &str) -> (String, BoxStream<'static, Result<Page>>) {
        let pages: Vec<Result<Page>> = pages
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| match word {
                "!" => Err(Error::cancelled("test")),
                word => Ok(Page {
                    objects: word
                        .trim_matches('-')
                        .as_bytes()
                        .chunks(2)
                        .map(|pair| {
                            let text = std::str::from_utf8(pair).unwrap();
                            object(&text[..1], version, &text[1..])
                        })
                        .collect(),
                    ..Page::default()
                }),
            })
            .collect();
        (version.to_owned(), stream::iter(pages).boxed())
    }

    /// Every object with its version, the best one of each marked; lost versions; `error` at the end if the stream failed.
    fn merged(lists: &[(&str, &str)]) -> String {
        let lists = lists.iter().map(|(version, pages)| list(version, pages));
        let pages: Vec<_> = merge(lists.collect()).collect().now_or_never().unwrap();
        let mut said = Vec::new();
        for page in pages {
            match page {
                Err(_) => said.push("error".to_owned()),
                Ok(page) => {
                    said.extend(page.objects.iter().map(|(object, best)| {
                        let version = object.meta().kind.api_version.version();
                        let mark = if *best { "*" } else { "" };
                        format!("{}/{version}{mark}", object.id().name())
                    }));
                    said.extend(
                        page.lost
                            .iter()
                            .map(|(version, _)| format!("lost {version}")),
                    );
                }
            }
        }
        said.join(" ")
    }

    #[test]
    fn versions_of_an_object_stand_together_whatever_the_pages() {
        for (lists, expected) in [
            (vec![("v1", "a1b1 c1")], "a/v1* b/v1* c/v1*"),
            (
                vec![("v2", "a1b1 c1"), ("v1", "a1 b1c1")],
                "a/v1 a/v2* b/v1 b/v2* c/v1 c/v2*",
            ),
            // Changed between the two lists: the better version's moment counts.
            (vec![("v2", "a2b1"), ("v1", "a1b1")], "a/v2* b/v1 b/v2*"),
            // A folder has each object in one version.
            (vec![("v2", "b1"), ("v1", "a1 c1")], "a/v1* b/v2* c/v1*"),
            (vec![("v2", ""), ("v1", "a1")], "a/v1*"),
            (vec![("v2", "- a1 -"), ("v1", "a1")], "a/v1 a/v2*"),
            (vec![("v2", ""), ("v1", "")], ""),
            // A list that breaks off takes nothing from the others; the preferred one's failure is the kind's.
            (
                vec![("v2", "a1 b1"), ("v1", "a1 !")],
                "a/v1 a/v2* b/v2* lost v1",
            ),
            (vec![("v2", "a1 !"), ("v1", "a1 b1")], "a/v1 a/v2* error"),
        ] {
            assert_eq!(merged(&lists), expected, "{lists:?}");
        }
    }
}
