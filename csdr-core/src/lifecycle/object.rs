//! What single objects of a backup lose on several releases: a kind alone does not tell.

use super::{CompatibilityReport, report};
use crate::{
    Error, ErrorKind, Result,
    archive::{IndexRow, Member, MemberSpan},
    conversion::{
        BuiltinConverter, Conversion, Loss, LossKind, Route, Severity, SkipReason, TargetApis,
    },
    model::{GroupResource, Object},
    port::ApiVersionConverter,
    restore::{best_version, each_service, is_restored},
    vault::StoredBackup,
};
use futures::TryStreamExt;
use serde::Serialize;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
    fmt,
};

/// Members of the archive that are held: the versions of one object may lie in several.
const MEMBERS: usize = 4;

/// How much is said of single objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectLimits {
    /// Names of objects for each remark.
    pub examples: usize,
    /// Remarks for each target; objects of those beyond are counted in [`ObjectRemarks::beyond`].
    pub remarks: usize,
}

impl Default for ObjectLimits {
    /// Three examples, a thousand remarks.
    fn default() -> Self {
        Self {
            examples: 3,
            remarks: 1_000,
        }
    }
}

/// What is said of single objects on one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRemarks {
    /// The most severe ones first, then sorted by resource, path and text.
    pub remarks: Vec<ObjectRemark>,
    /// How often something was to be said that is beyond [`ObjectLimits::remarks`].
    pub beyond: u64,
}

/// Something that objects of one resource lose, or why they are left out, and how many they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRemark {
    /// How much a person should care.
    pub severity: Severity,
    /// What is lost; absent if the objects are left out as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossKind>,
    /// `plural.group`, as stored.
    pub resource: GroupResource,
    /// Where in the objects: a JSON pointer with `*` for places of arrays. Empty for the whole of them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What it means, and what to do.
    pub text: String,
    /// How many objects.
    pub objects: u64,
    /// Some of them: the first ones in the order of the backup.
    pub examples: Vec<String>,
}

impl fmt::Display for ObjectRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}: ", self.severity, self.objects, self.resource)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}", self.text)?;
        if !self.examples.is_empty() {
            write!(f, " ({}", self.examples.join(", "))?;
            let more = self.objects - self.examples.len() as u64;
            if more > 0 {
                write!(f, " and {more} more")?;
            }
            write!(f, ")")?;
        }
        Ok(())
    }
}

/// As [`report`](super::report()), and runs the converter over every object for every target, in the version that a restore would take. Losses of
/// what a restore does not write anyway (status, managedFields) are passed over. Reads the whole archive once; memory holds a few
/// members of it and the remarks.
///
/// # Errors
/// As [`report`](super::report()). An object that cannot be read or converted is a remark.
pub async fn report_objects(
    backup: &StoredBackup,
    targets: &[(String, TargetApis)],
    converter: &BuiltinConverter,
    limits: &ObjectLimits,
) -> Result<CompatibilityReport> {
    let (mut judged, definitions) =
        report::report_and_definitions(backup, targets, converter).await?;
    let mut targets: Vec<Target> = targets
        .iter()
        .map(|(_, apis)| Target {
            apis: apis.clone().with_definitions(&definitions),
            remarks: Remarks {
                limits: *limits,
                ..Remarks::default()
            },
        })
        .collect();
    let is_ingress = |kind: &super::CompatibilityRow| kind.stored.kind == "Ingress";
    if judged.rows.iter().any(is_ingress) {
        each_service(
            backup,
            |_| true,
            |namespace, service| {
                for target in &mut targets {
                    target.apis.add_service(namespace, service);
                }
            },
        )
        .await?;
    }
    let mut look = Look {
        backup,
        converter,
        members: VecDeque::new(),
    };
    let mut rows = backup.rows();
    let mut held: Vec<IndexRow> = Vec::new();
    loop {
        let row = rows.try_next().await?;
        let same = match (held.first(), &row) {
            (Some(own), Some(row)) => own.id == row.id,
            (None, _) => true,
            (Some(_), None) => false,
        };
        if !same {
            for target in &mut targets {
                look.at(best_version(&held, &target.apis), target).await?;
            }
            held.clear();
        }
        match row {
            Some(row) => held.push(row),
            None => break,
        }
    }
    judged.objects = targets
        .into_iter()
        .map(|target| target.remarks.sorted())
        .collect();
    Ok(judged)
}

struct Target {
    apis: TargetApis,
    remarks: Remarks,
}

struct Look<'a> {
    backup: &'a StoredBackup,
    converter: &'a BuiltinConverter,
    members: VecDeque<(MemberSpan, Member)>,
}

impl Look<'_> {
    async fn at(&mut self, row: &IndexRow, target: &mut Target) -> Result<()> {
        let Target { apis, remarks } = target;
        remarks.next();
        let whole = |error: &Error| Said {
            severity: Severity::Error,
            loss: None,
            path: String::new(),
            text: error.chain(),
        };
        let object = match self.object(row).await {
            Ok(object) => object,
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidInput) => {
                remarks.add(row, whole(&error));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let route = self.converter.route(&object.meta().kind, apis);
        if !matches!(route, Route::Unchanged | Route::Converts { .. }) {
            // The row of the kind says it.
            return Ok(());
        }
        let of_whole = |severity, text: String| Said {
            severity,
            loss: None,
            path: String::new(),
            text,
        };
        match self.converter.convert(&object, apis) {
            Ok(Conversion::Unchanged) => {}
            Ok(Conversion::Converted { losses, .. }) => {
                for loss in losses.iter().filter(|loss| is_restored(loss)) {
                    remarks.add(row, Said::from(loss));
                }
            }
            Ok(Conversion::Skipped { reason }) => {
                let severity = match reason {
                    SkipReason::MadeByCluster { .. } | SkipReason::NeverStored => Severity::Info,
                    _ => Severity::Warning,
                };
                remarks.add(row, of_whole(severity, format!("left out: {reason}")));
            }
            Ok(Conversion::NoRoute { reason }) => {
                remarks.add(
                    row,
                    of_whole(Severity::Error, format!("no route: {reason}")),
                );
            }
            Err(error) => remarks.add(row, whole(&error)),
        }
        Ok(())
    }

    async fn object(&mut self, row: &IndexRow) -> Result<Object> {
        if !self.members.iter().any(|(span, _)| *span == row.member) {
            let member = self.backup.member(row.member).await?;
            self.members.truncate(MEMBERS - 1);
            self.members.push_front((row.member, member));
        }
        let found = self.members.iter().find(|(span, _)| *span == row.member);
        let (_, member) = found.ok_or_else(|| Error::invalid("a member went away"))?;
        member.object(row)
    }
}

/// A remark without its count.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    severity: Reverse<Severity>,
    resource: GroupResource,
    path: String,
    text: String,
    loss: Option<LossKind>,
}

struct Said {
    severity: Severity,
    loss: Option<LossKind>,
    path: String,
    text: String,
}

impl From<&Loss> for Said {
    fn from(loss: &Loss) -> Self {
        let is_place = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
        let path: Vec<&str> = loss
            .path
            .split('/')
            .map(|key| if is_place(key) { "*" } else { key })
            .collect();
        Self {
            severity: loss.severity,
            loss: Some(loss.kind),
            path: path.join("/"),
            text: loss.reason.to_string(),
        }
    }
}

#[derive(Debug, Default)]
struct Count {
    objects: u64,
    examples: Vec<String>,
    /// The object that was counted last: one object counts once.
    last: u64,
}

#[derive(Debug, Default)]
struct Remarks {
    counts: BTreeMap<Key, Count>,
    limits: ObjectLimits,
    /// The number of the object that is looked at.
    object: u64,
    beyond: u64,
}

impl Remarks {
    fn next(&mut self) {
        self.object += 1;
    }

    fn add(&mut self, row: &IndexRow, said: Said) {
        let key = Key {
            severity: Reverse(said.severity),
            resource: row.id.resource().clone(),
            path: said.path,
            text: said.text,
            loss: said.loss,
        };
        if self.counts.len() >= self.limits.remarks && !self.counts.contains_key(&key) {
            self.beyond += 1;
            return;
        }
        let count = self.counts.entry(key).or_default();
        if count.last == self.object {
            return;
        }
        count.last = self.object;
        count.objects += 1;
        if count.examples.len() < self.limits.examples {
            count.examples.push(row.id.to_string());
        }
    }

    fn sorted(self) -> ObjectRemarks {
        let remark = |(key, count): (Key, Count)| ObjectRemark {
            severity: key.severity.0,
            loss: key.loss,
            resource: key.resource,
            path: key.path,
            text: key.text,
            objects: count.objects,
            examples: count.examples,
        };
        ObjectRemarks {
            remarks: self.counts.into_iter().map(remark).collect(),
            beyond: self.beyond,
        }
    }
}
