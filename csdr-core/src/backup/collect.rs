//! Many lists at once, handed on in one order.

use crate::{Error, Result};
use futures::{Stream, StreamExt, stream::BoxStream};
use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

/// What one list gave.
#[derive(Debug)]
pub(super) enum ListEvent<P> {
    /// A page.
    Page(P),
    /// It broke off here; the next list follows.
    Failed(Error),
}

/// Starts up to `width` lists and reads ahead in all of them, but hands their pages on list by list: the order of the archive.
///
/// Memory: `width` pages, besides what each list's adapter reads ahead.
pub(super) struct OrderedLists<P, F> {
    waiting: VecDeque<usize>,
    active: VecDeque<Active<P>>,
    width: usize,
    start: F,
}

struct Active<P> {
    list: usize,
    stream: Option<BoxStream<'static, Result<P>>>,
    ready: Option<ListEvent<P>>,
}

impl<P, F: FnMut(usize) -> BoxStream<'static, Result<P>> + Unpin> OrderedLists<P, F> {
    /// `lists` lists, each started by `start(its number)`.
    pub(super) fn new(lists: usize, width: usize, start: F) -> Self {
        Self {
            waiting: (0..lists).collect(),
            active: VecDeque::new(),
            width: width.max(1),
            start,
        }
    }
}

impl<P: Unpin, F: FnMut(usize) -> BoxStream<'static, Result<P>> + Unpin> Stream
    for OrderedLists<P, F>
{
    type Item = (usize, ListEvent<P>);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            while this.active.len() < this.width {
                let Some(list) = this.waiting.pop_front() else {
                    break;
                };
                this.active.push_back(Active {
                    list,
                    stream: Some((this.start)(list)),
                    ready: None,
                });
            }
            for active in &mut this.active {
                active.read_ahead(context);
            }
            let Some(head) = this.active.front_mut() else {
                return Poll::Ready(None);
            };
            if let Some(event) = head.ready.take() {
                let list = head.list;
                // The head's next page is asked for while this one is used.
                head.read_ahead(context);
                return Poll::Ready(Some((list, event)));
            }
            if head.stream.is_some() {
                return Poll::Pending;
            }
            this.active.pop_front();
        }
    }
}

impl<P> Active<P> {
    fn read_ahead(&mut self, context: &mut Context<'_>) {
        let (None, Some(stream)) = (&self.ready, &mut self.stream) else {
            return;
        };
        match stream.poll_next_unpin(context) {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(page))) => self.ready = Some(ListEvent::Page(page)),
            Poll::Ready(Some(Err(error))) => {
                self.ready = Some(ListEvent::Failed(error));
                self.stream = None;
            }
            Poll::Ready(None) => self.stream = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::Page;
    use futures::{FutureExt, stream};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    fn page(next: &str) -> Page {
        Page {
            resource_version: next.to_owned(),
            ..Page::default()
        }
    }

    #[test]
    fn order_is_that_of_lists_and_at_most_width_run() {
        let started = Arc::new(AtomicUsize::new(0));
        let count = started.clone();
        let mut lists = OrderedLists::new(5, 2, move |list| {
            count.fetch_add(1, Ordering::SeqCst);
            match list {
                1 => stream::empty().boxed(),
                3 => stream::iter([Ok(page("3a")), Err(Error::cancelled("test"))]).boxed(),
                _ => stream::iter([Ok(page(&format!("{list}a"))), Ok(page(&format!("{list}b")))])
                    .boxed(),
            }
        });
        let mut seen = Vec::new();
        let first = lists.next().now_or_never().unwrap();
        assert!(started.load(Ordering::SeqCst) <= 2);
        let mut item = first;
        while let Some((list, event)) = item {
            seen.push(match event {
                ListEvent::Page(page) => page.resource_version,
                ListEvent::Failed(_) => format!("{list}!"),
            });
            item = lists.next().now_or_never().unwrap();
        }
        assert_eq!(seen, ["0a", "0b", "2a", "2b", "3a", "3!", "4a", "4b"]);
    }
}
