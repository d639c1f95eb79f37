//! An applier that fails on purpose.

use super::{Faulty, Strike};
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Result,
    model::{Object, ObjectId},
    port::{ApplyOptions, DeleteOptions, ResourceApplier, WriteOptions},
};

/// Makes a call between its faults: after a fault [`After`](super::Moment::After) the object is written and only the answer is lost,
/// as behind a gateway that answers 504.
async fn struck<T>(strike: Strike, call: impl Future<Output = Result<T>>) -> Result<T> {
    strike.before().await?;
    let answer = call.await;
    strike.after().await?;
    answer
}

/// Every verb is a call: `create`, `apply`, `merge_patch`, `replace`, `replace_status`, `delete`; its subject is the object's id.
///
/// ```
/// use csdr_core::{
///     ErrorKind,
///     memory::MemoryCluster,
///     model::Object,
///     port::{ResourceApplier, WriteOptions},
/// };
/// use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// // The answer to the first create is lost.
/// let cluster = MemoryCluster::new();
/// let plan = Plan::new().at_verb("create", 1, Moment::After, Fault::fail(ErrorKind::Timeout));
/// let applier = Faulty::new(cluster.clone(), plan.clone());
/// let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}"#;
/// let object = Object::parse("configmaps".parse()?, json)?;
///
/// let lost = applier.create(&object, &WriteOptions::default()).await.unwrap_err();
/// assert_eq!(lost.kind(), ErrorKind::Timeout);
/// assert!(cluster.object(object.id()).is_some());
/// assert_eq!(plan.calls()[0].subject, "configmaps/default/a");
/// # Ok(())
/// # }
/// ```
#[async_trait]
impl<A: ResourceApplier> ResourceApplier for Faulty<A> {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let strike = self.plan().strike("create", object.id());
        struck(strike, self.inner().create(object, options)).await
    }

    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        let strike = self.plan().strike("apply", object.id());
        struck(strike, self.inner().apply(object, options)).await
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        let strike = self.plan().strike("merge_patch", id);
        struck(
            strike,
            self.inner().merge_patch(id, version, patch, options),
        )
        .await
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let strike = self.plan().strike("replace", object.id());
        struck(strike, self.inner().replace(object, options)).await
    }

    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let strike = self.plan().strike("replace_status", object.id());
        struck(strike, self.inner().replace_status(object, options)).await
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        let strike = self.plan().strike("delete", id);
        struck(strike, self.inner().delete(id, version, options)).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, Moment, Plan};
    use super::*;
    use csdr_core::{ErrorKind, memory::MemoryCluster};
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };
    use std::time::Duration;

    fn object(name: &str) -> Object {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"default"}}}}"#
        );
        Object::parse("configmaps".parse().unwrap(), json).unwrap()
    }

    #[tokio::test]
    async fn before_has_no_effect_after_has_and_every_verb_counts() {
        let cluster = MemoryCluster::new();
        let plan = Plan::new().at(1, Moment::Before, Fault::unavailable()).at(
            2,
            Moment::After,
            Fault::fail(ErrorKind::Timeout),
        );
        let applier = Faulty::new(cluster.clone(), plan.clone());
        let (a, options) = (object("a"), WriteOptions::default());
        assert!(applier.create(&a, &options).await.is_err());
        assert!(cluster.object(a.id()).is_none());
        assert!(applier.create(&a, &options).await.is_err());
        assert!(cluster.object(a.id()).is_some());
        let again = applier.create(&a, &options).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
        applier.replace(&a, &options).await.unwrap();
        applier
            .merge_patch(a.id(), "v1", Bytes::from_static(b"{}"), &options)
            .await
            .unwrap();
        assert!(applier.replace_status(&a, &options).await.is_err());
        assert!(applier.apply(&a, &ApplyOptions::default()).await.is_err());
        applier
            .delete(a.id(), "v1", &DeleteOptions::default())
            .await
            .unwrap();
        let verbs: Vec<&str> = plan.calls().iter().map(|call| call.verb).collect();
        let expected = [
            "create",
            "create",
            "create",
            "replace",
            "merge_patch",
            "replace_status",
            "apply",
            "delete",
        ];
        assert_eq!(verbs, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn hanging_calls_never_answer_and_dying_ones_call_their_hook() {
        let died = Arc::new(AtomicBool::new(false));
        let hook = died.clone();
        let die = Fault::Die(Arc::new(move || hook.store(true, Ordering::SeqCst)));
        let plan = Plan::new()
            .at(1, Moment::Before, Fault::Hang)
            .at(2, Moment::After, die);
        let cluster = MemoryCluster::new();
        let applier = Faulty::new(cluster.clone(), plan);
        let a = object("a");
        for exists in [false, true] {
            let options = WriteOptions::default();
            let call = applier.create(&a, &options);
            assert!(
                tokio::time::timeout(Duration::from_secs(1), call)
                    .await
                    .is_err()
            );
            assert_eq!(cluster.object(a.id()).is_some(), exists);
        }
        assert!(died.load(Ordering::SeqCst));
    }
}
