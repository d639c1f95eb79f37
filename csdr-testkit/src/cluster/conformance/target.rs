//! The rules of [`ResourceTarget`](csdr_core::port::ResourceTarget): what a collector reads, and rights and watches.

use super::{
    Verdict, Violation, demand,
    object::{by, config_map, config_maps, widgets},
    read, run_all,
};
use crate::cluster::ClusterFixture;
use csdr_core::{
    Error, ErrorKind,
    model::Object,
    port::{AccessRequest, WatchEvent, WatchRequest},
};
use futures::{StreamExt, stream::BoxStream};
use std::time::Duration;
use tokio::time::timeout;

macro_rules! rules {
    (; $($rule:ident)*) => {
        $(
            #[doc = concat!("The rule `", stringify!($rule), "`; the [suites' page](super) says what it demands.")]
            ///
            /// # Errors
            /// How the adapter breaks it.
            pub async fn $rule(fixture: &dyn ClusterFixture) -> Verdict {
                read::$rule(fixture, read::target).await
            }
        )*
        crate::__target_rules!(run_all, ; $($rule)*);
    };
}
crate::__read_rules!(rules,);

/// `discover` shows a kind that was defined after an earlier `discover`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn discover_asks_anew(fixture: &dyn ClusterFixture) -> Verdict {
    let target = fixture.adapters().target;
    target.discover().await?;
    let resource = widgets(fixture).await?;
    let discovery = target.discover().await?;
    demand!(
        discovery
            .kind(resource.group(), "Widget")
            .is_some_and(|row| row.namespaced && row.serves("v1")),
        "a kind that was defined is not discovered"
    );
    Ok(())
}

/// `can_i` allows what the writer may do, and denies what it may not.
///
/// # Errors
/// How the adapter breaks it.
pub async fn can_i_answers_for_the_writer(fixture: &dyn ClusterFixture) -> Verdict {
    let request = AccessRequest {
        verb: "create".to_owned(),
        resource: config_maps(None)?.resource,
        namespace: Some(fixture.namespace().to_owned()),
        name: None,
    };
    let access = fixture.adapters().target.can_i(&request).await?;
    demand!(
        access.allowed,
        "who may do everything is denied: {}",
        access.reason
    );
    if let Some(restricted) = fixture.restricted() {
        let access = restricted.target.can_i(&request).await?;
        demand!(!access.allowed, "who may do nothing is allowed");
    }
    Ok(())
}

/// A watch first yields every object that stands, as `Applied`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn watch_begins_with_what_stands(fixture: &dyn ClusterFixture) -> Verdict {
    let place = fixture.namespace();
    let (a, b) = (config_map(place, "a", "{}")?, config_map(place, "b", "{}")?);
    fixture.seed(&[a, b]).await?;
    let mut watch = Watch::begin(fixture, None)?;
    let mut found = vec![watch.next().await?, watch.next().await?];
    found.sort();
    demand!(
        found == ["applied a", "applied b"],
        "a watch begins with {found:?}"
    );
    Ok(())
}

/// A watch shows an object that is made, changed and deleted; where it cannot, it ends without error.
///
/// # Errors
/// How the adapter breaks it.
pub async fn watch_shows_changes(fixture: &dyn ClusterFixture) -> Verdict {
    let place = fixture.namespace();
    fixture.seed(&[config_map(place, "a", "{}")?]).await?;
    let mut watch = Watch::begin(fixture, None)?;
    let mut found = vec![watch.next().await?];
    if !fixture.promises().live {
        let end = watch.next().await?;
        demand!(
            end == "end",
            "a watch that shows no changes must end, and yields {end}"
        );
        return Ok(());
    }
    let applier = fixture.adapters().applier;
    let b = applier
        .create(&config_map(place, "b", "{}")?, &by("testkit"))
        .await?;
    found.push(watch.next().await?);
    let patch = br#"{"data":{"k":"v"}}"#.to_vec();
    applier
        .merge_patch(b.id(), "v1", patch.into(), &by("testkit"))
        .await?;
    found.push(watch.next().await?);
    applier.delete(b.id(), "v1", &Default::default()).await?;
    found.push(watch.next().await?);
    demand!(
        found == ["applied a", "applied b", "applied b", "deleted b"],
        "a watch shows {found:?}"
    );
    Ok(())
}

/// A watch of one name shows no other object.
///
/// # Errors
/// How the adapter breaks it.
pub async fn watch_keeps_to_its_name(fixture: &dyn ClusterFixture) -> Verdict {
    let place = fixture.namespace();
    let objects: Vec<Object> = ["a", "b", "c"]
        .into_iter()
        .map(|name| config_map(place, name, "{}"))
        .collect::<Result<_, Error>>()?;
    fixture.seed(&objects).await?;
    let found = Watch::begin(fixture, Some("b"))?.next().await?;
    demand!(found == "applied b", "a watch of b begins with `{found}`");
    Ok(())
}

/// A watch whose version is too old ends with `Expired`.
///
/// # Errors
/// How the adapter breaks it.
pub async fn an_expired_watch_says_so(fixture: &dyn ClusterFixture) -> Verdict {
    let asked = config_map(fixture.namespace(), "a", "{}")?;
    fixture.seed(&[asked]).await?;
    let mut watch = Watch::begin(fixture, None)?;
    watch.next().await?;
    if !fixture.expire_watches().await? {
        return Ok(());
    }
    let found = watch.next().await?;
    demand!(
        found == ErrorKind::Expired.to_string(),
        "a watch that is too old yields `{found}`"
    );
    Ok(())
}

/// A watch of the rule's ConfigMaps, whose events are told in words.
struct Watch {
    events: BoxStream<'static, csdr_core::Result<WatchEvent>>,
    bound: Duration,
}

impl Watch {
    fn begin(fixture: &dyn ClusterFixture, name: Option<&str>) -> csdr_core::Result<Self> {
        Ok(Self {
            events: fixture.adapters().target.watch(WatchRequest {
                resource: config_maps(None)?.resource,
                namespace: Some(fixture.namespace().to_owned()),
                name: name.map(str::to_owned),
            }),
            bound: fixture.patience() + Duration::from_secs(5),
        })
    }

    /// `applied <name>`, `deleted <name>`, `end`, or the kind of the error.
    async fn next(&mut self) -> Result<String, Violation> {
        loop {
            let event = timeout(self.bound, self.events.next())
                .await
                .map_err(|_| Violation::new("a watch does not show what happens"))?;
            let (verb, object) = match event {
                None => return Ok("end".to_owned()),
                Some(Err(error)) => return Ok(error.kind().to_string()),
                Some(Ok(WatchEvent::Applied(object))) => ("applied", object),
                Some(Ok(WatchEvent::Deleted(object))) => ("deleted", object),
            };
            // A controller puts its own object into every namespace, whenever it gets there.
            if object.id().name() != "kube-root-ca.crt" {
                return Ok(format!("{verb} {}", object.id().name()));
            }
        }
    }
}
