//! Helm's releases: the manifest that a release remembers.
//!
//! `helm upgrade` builds every object of the release that it replaces, and fails where the server does not serve a version that is
//! written there (helm issues 10963, 11120, 12141). So the documents of such versions are converted, and everything else of the
//! text stays as it is, comments among it.
//!
//! Source: Helm 3, `pkg/storage/driver`: `data.release` is base64 of gzip of JSON; in a Secret that text is base64 once more, as all
//! data of Secrets is. Nothing of a release is ever shown: its values may be secret.

mod text;

use super::{
    super::{
        draft::Node,
        outcome::{Edit, LossKind, Severity},
    },
    Rule, Sight,
};
use crate::{
    Result,
    archive::gunzip,
    model::{Tree, TreeLimits},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use flate2::{Compression, GzBuilder};
use std::io::Write as _;
use text::Told;

pub(super) static RULES: &[Rule] = &[
    Rule {
        group: "",
        kinds: &["Secret"],
        needles: &["helm.sh/release"],
        rewrite: |node, sight| rewrite(node, Driver::Secret, sight),
    },
    Rule {
        group: "",
        kinds: &["ConfigMap"],
        needles: &[NAME],
        rewrite: |node, sight| rewrite(node, Driver::ConfigMap, sight),
    },
];

/// What the names of releases begin with.
const NAME: &str = "sh.helm.release.v1.";
const PLACE: [&str; 2] = ["data", "release"];

/// Raw bytes of a release: a Secret holds at most 1 MiB of it in gzip, and charts are text.
const RAW: u64 = 16 << 20;
/// deflate cannot do better than 1032; the limit of raw bytes is what bounds.
const RATIO: u64 = 1_100;
/// What a Secret or ConfigMap takes. Source: `MaxSecretSize` of the API.
const STORED: usize = 1 << 20;

/// Where Helm keeps a release.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    Secret,
    ConfigMap,
}

fn rewrite(node: &mut Node<'_>, driver: Driver, sight: &Sight<'_>) {
    let named = node
        .text(&["metadata", "name"])
        .is_some_and(|name| name.starts_with(NAME));
    let typed = driver == Driver::ConfigMap || node.text(&["type"]) == Some("helm.sh/release.v1");
    if !(named && typed && sight.options.helm_releases) {
        return;
    }
    let Some(stored) = node.text(&PLACE) else {
        return;
    };
    let Ok((mut release, packed)) = read(stored, driver) else {
        lost(
            node,
            "csdr cannot read this Helm release, so its manifest stays as it is; if it names versions that the target does not serve, `helm upgrade` fails",
        );
        return;
    };
    let mut told = Told::default();
    convert(&mut release, sight, &mut told);
    if told.converted.is_empty() && told.lost.is_empty() {
        return;
    }
    if !told.converted.is_empty() {
        match write(&release, driver, packed) {
            Ok(text) if text.len() <= STORED * 4 / 3 => {
                node.tree_mut().set(&PLACE, Tree::from(text));
            }
            _ => {
                lost(
                    node,
                    "the converted Helm release would be larger than the server takes, so it stays as it is; `helm upgrade` fails until its manifest is converted",
                );
                return;
            }
        }
    }
    for what in told.converted {
        let reason = format!("in the manifest that Helm remembers, {what}");
        node.record(&PLACE, Edit::Replaced, None, None, Severity::Info, reason);
    }
    for (kind, severity, what) in told.lost {
        let reason = format!("in the manifest that Helm remembers, {what}");
        node.loses(&PLACE, kind, None, severity, reason);
    }
}

fn lost(node: &mut Node<'_>, reason: &'static str) {
    node.loses(&PLACE, LossKind::Inert, None, Severity::Warning, reason);
}

/// The manifest of the release and those of its hooks: `helm uninstall` runs some of them.
fn convert(release: &mut Tree, sight: &Sight<'_>, told: &mut Told) {
    let mut one = |holder: &mut Tree| {
        let manifest = holder.text_at(&["manifest"]);
        if let Some(text) = manifest.and_then(|text| text::converted(text, sight, told)) {
            holder.set(&["manifest"], Tree::from(text));
        }
    };
    one(release);
    let hooks = release
        .at_mut(&["hooks"])
        .and_then(Tree::as_array_mut)
        .map(Vec::as_mut_slice);
    for hook in hooks.unwrap_or_default() {
        one(hook);
    }
}

/// The release, and whether it was packed with gzip (old releases of Helm 3 did not).
fn read(stored: &str, driver: Driver) -> Result<(Tree, bool)> {
    let damaged = |_| crate::Error::corrupt("not base64");
    let mut bytes = BASE64.decode(stored.trim_end()).map_err(damaged)?;
    if driver == Driver::Secret {
        bytes = BASE64.decode(bytes.trim_ascii_end()).map_err(damaged)?;
    }
    let packed = bytes.starts_with(&[0x1f, 0x8b, 0x08]);
    if packed {
        bytes = gunzip(&bytes, RAW, RATIO)?;
    }
    let limits = TreeLimits {
        bytes: RAW as usize,
        ..TreeLimits::default()
    };
    Ok((Tree::parse_with(&bytes, &limits)?, packed))
}

fn write(release: &Tree, driver: Driver, packed: bool) -> std::io::Result<String> {
    let mut bytes = release.to_json().to_vec();
    if packed {
        // Without a time, so that the same release gives the same bytes.
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
        gzip.write_all(&bytes)?;
        bytes = gzip.finish()?;
    }
    let text = BASE64.encode(bytes);
    Ok(match driver {
        Driver::ConfigMap => text,
        Driver::Secret => BASE64.encode(text),
    })
}

#[cfg(test)]
mod tests;
