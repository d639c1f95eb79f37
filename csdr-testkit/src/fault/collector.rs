//! Collectors and targets that fail on purpose.

use super::{Faulty, Strike};
use async_trait::async_trait;
use csdr_core::{
    Result,
    model::{Discovery, Object, ObjectId},
    port::{
        Access, AccessRequest, ListRequest, Page, ResourceCollector, ResourceTarget, WatchEvent,
        WatchRequest,
    },
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};

/// Makes a call between its faults.
async fn struck<T>(strike: Strike, call: impl Future<Output = Result<T>>) -> Result<T> {
    strike.before().await?;
    let answer = call.await;
    strike.after().await?;
    answer
}

/// A stream whose every item is a call: before it is asked for, and behind it. After a fault the stream ends.
fn struck_items<T: Send + 'static>(
    plan: super::Plan,
    verb: &'static str,
    subject: String,
    items: BoxStream<'static, Result<T>>,
) -> BoxStream<'static, Result<T>> {
    stream::unfold(Some(items), move |items| {
        let (plan, subject) = (plan.clone(), subject.clone());
        async move {
            let mut items = items?;
            let strike = plan.strike(verb, subject);
            if let Err(error) = strike.before().await {
                return Some((Err(error), None));
            }
            let item = items.next().await;
            // The end of a stream is an answer too.
            match strike.after().await {
                Ok(()) => Some((item?, Some(items))),
                Err(error) => Some((Err(error), None)),
            }
        }
    })
    .boxed()
}

/// Calls are `discover`, `get` (its subject is the object's id) and each page of a list as `list` (its subject is
/// `<resource> <namespace>`): a fault at the third page strikes a list in its middle. The look that finds a list's end is a call, too.
///
/// ```
/// use csdr_core::{memory::MemoryCluster, port::ResourceCollector};
/// use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let plan = Plan::new().at(2, Moment::Before, Fault::unavailable());
/// let collector = Faulty::new(MemoryCluster::new(), plan);
/// assert!(ResourceCollector::discover(&collector).await.is_ok());
/// assert!(ResourceCollector::discover(&collector).await.is_err());
/// # }
/// ```
#[async_trait]
impl<C: ResourceCollector> ResourceCollector for Faulty<C> {
    async fn discover(&self) -> Result<Discovery> {
        let strike = self.plan().strike("discover", "");
        struck(strike, self.inner().discover()).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        let subject = subject(&request);
        struck_items(
            self.plan().clone(),
            "list",
            subject,
            self.inner().list(request),
        )
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        let strike = self.plan().strike("get", id);
        struck(strike, self.inner().get(id, version)).await
    }
}

/// As a collector's; also `can_i`, and each event of a watch as `watch`.
#[async_trait]
impl<T: ResourceTarget> ResourceTarget for Faulty<T> {
    async fn discover(&self) -> Result<Discovery> {
        let strike = self.plan().strike("discover", "");
        struck(strike, self.inner().discover()).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        let subject = subject(&request);
        struck_items(
            self.plan().clone(),
            "list",
            subject,
            self.inner().list(request),
        )
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        let strike = self.plan().strike("get", id);
        struck(strike, self.inner().get(id, version)).await
    }

    async fn can_i(&self, request: &AccessRequest) -> Result<Access> {
        let subject = format!("{} {}", request.verb, request.resource);
        let strike = self.plan().strike("can_i", subject);
        struck(strike, self.inner().can_i(request)).await
    }

    fn watch(&self, request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>> {
        let subject = request.resource.to_string();
        struck_items(
            self.plan().clone(),
            "watch",
            subject,
            self.inner().watch(request),
        )
    }
}

fn subject(request: &ListRequest) -> String {
    let resource = request.resource.group_resource();
    match &request.namespace {
        Some(namespace) => format!("{resource} {namespace}"),
        None => resource.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, Moment, Plan};
    use super::*;
    use csdr_core::{
        memory::MemoryCluster,
        model::{GroupResource, GroupVersionKind, LabelSelector},
    };

    fn pages(page_bytes: usize) -> ListRequest {
        let resource: GroupResource = "namespaces".parse().unwrap();
        ListRequest {
            resource: resource.with_version("v1"),
            kind: GroupVersionKind {
                api_version: "v1".parse().unwrap(),
                kind: "Namespace".into(),
            },
            namespace: None,
            selector: LabelSelector::default(),
            page_bytes,
            from: None,
        }
    }

    #[tokio::test]
    async fn a_list_fails_in_its_middle_and_ends() {
        for (moment, seen) in [(Moment::Before, 2), (Moment::After, 2)] {
            let plan = Plan::new().at_verb("list", 3, moment, Fault::unavailable());
            let collector = Faulty::new(MemoryCluster::new(), plan.clone());
            let rows: Vec<Result<Page>> = ResourceCollector::list(&collector, pages(1))
                .collect()
                .await;
            assert_eq!(rows.len(), seen + 1);
            assert!(rows[..seen].iter().all(Result::is_ok) && rows[seen].is_err());
            assert_eq!(plan.calls()[0].subject, "namespaces");
        }
    }

    #[tokio::test]
    async fn every_read_of_a_target_is_a_call() {
        let plan = Plan::new();
        let target = Faulty::new(MemoryCluster::new(), plan.clone());
        let resource = pages(1).resource;
        ResourceTarget::discover(&target).await.unwrap();
        let id = "namespaces/default".parse().unwrap();
        ResourceTarget::get(&target, &id, "v1").await.unwrap();
        let request = AccessRequest {
            verb: "create".into(),
            resource: resource.clone(),
            namespace: None,
            name: None,
        };
        target.can_i(&request).await.unwrap();
        let request = WatchRequest {
            resource,
            namespace: None,
            name: None,
        };
        target.watch(request).next().await.unwrap().unwrap();
        let calls: Vec<String> = plan
            .calls()
            .iter()
            .map(|call| format!("{} {}", call.verb, call.subject))
            .collect();
        let expected = [
            "discover ",
            "get namespaces/default",
            "can_i create v1/namespaces",
            "watch v1/namespaces",
        ];
        assert_eq!(calls, expected);
    }
}
