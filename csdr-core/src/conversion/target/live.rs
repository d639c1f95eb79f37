//! What a live target serves, and how its own custom kinds convert: that is not in its discovery.

use super::TargetApis;
use crate::{
    ErrorKind, Result, lifecycle,
    model::{
        ApiResource, CustomKind, Discovery, DiscoveryGap, GapExtent, GroupVersionKind,
        LabelSelector, Object,
    },
    port::{ListRequest, ResourceTarget},
};
use futures::TryStreamExt;

/// Definitions are large: this is a few hundred of them.
const PAGE_BYTES: usize = 8 << 20;
const GROUP: &str = "apiextensions.k8s.io";

impl TargetApis {
    /// What a target serves by its `discovery`, and how its custom kinds convert by its CustomResourceDefinitions. Where these may not be
    /// read, that is a gap of the group `apiextensions.k8s.io`: then a custom resource can be restored only in a version that is served.
    ///
    /// # Errors
    /// What listing the definitions meets, but for a missing right.
    pub async fn of_target(target: &dyn ResourceTarget, discovery: Discovery) -> Result<Self> {
        let own = |group: &str| !group.is_empty() && !lifecycle::is_builtin_group(group);
        let mut rows = discovery.resources.iter();
        let definitions = discovery.kind(GROUP, "CustomResourceDefinition");
        let Some(row) = definitions.filter(|_| rows.any(|row| own(row.resource.group()))) else {
            return Ok(Self::from_discovery(discovery));
        };
        let mut kinds = Vec::new();
        let seen = look(target, row, None, |object| {
            let kind = object.tree().ok();
            let kind = kind.and_then(|tree| CustomKind::from_crd(&tree).ok());
            // One that is not established brings nothing yet.
            let served = |kind: &CustomKind| discovery.resource(&kind.resource.resource).is_some();
            kinds.extend(kind.filter(served));
        })
        .await?;
        let mut discovery = discovery;
        if !seen {
            discovery.gaps.push(DiscoveryGap {
                group: GROUP.to_owned(),
                version: None,
                reason: "how custom kinds convert: CustomResourceDefinitions may not be listed"
                    .to_owned(),
                extent: GapExtent::Group,
            });
        }
        Ok(Self::from_discovery(discovery.sorted()).with_definitions(&kinds))
    }
}

/// Shows every object of a kind that lies in the target, or in one namespace of it, page by page. Answers whether they may be listed.
pub(crate) async fn look(
    target: &dyn ResourceTarget,
    row: &ApiResource,
    namespace: Option<&str>,
    mut show: impl FnMut(&Object),
) -> Result<bool> {
    let resource = row.preferred();
    let request = ListRequest {
        kind: GroupVersionKind {
            api_version: resource.api_version().parse()?,
            kind: row.kind.clone(),
        },
        resource,
        namespace: namespace.map(str::to_owned),
        selector: LabelSelector::default(),
        page_bytes: PAGE_BYTES,
        from: None,
    };
    let mut pages = target.list(request);
    loop {
        match pages.try_next().await {
            Ok(None) => return Ok(true),
            Ok(Some(page)) => page.objects.iter().for_each(&mut show),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::NotFound
                ) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
    }
}
