//! What `cargo metadata` says, as far as it is asked here.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::run;

/// The feature that switches on tests that start control planes.
pub(crate) const CLUSTER: &str = "cluster";

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) features: Vec<String>,
    /// The names of its dependencies, without those for tests and builds.
    pub(crate) normal_dependencies: BTreeSet<String>,
    /// Its programs.
    pub(crate) programs: Vec<String>,
    /// Its test targets that need the `cluster` feature.
    pub(crate) cluster_tests: Vec<String>,
}

/// The members of the workspace.
pub(crate) fn members() -> Result<Vec<Package>, String> {
    read(&["metadata", "--format-version=1", "--no-deps"])
}

/// The members and everything they may depend on.
pub(crate) fn everything() -> Result<Vec<Package>, String> {
    read(&["metadata", "--format-version=1", "--all-features"])
}

/// The packages of another workspace, by its manifest.
pub(crate) fn of_manifest(manifest: &str) -> Result<Vec<Package>, String> {
    read(&[
        "metadata",
        "--format-version=1",
        "--no-deps",
        "--manifest-path",
        manifest,
    ])
}

fn read(arguments: &[&str]) -> Result<Vec<Package>, String> {
    let text = run::capture(&mut run::cargo(arguments)?)?;
    let document: Value = serde_json::from_str(&text)
        .map_err(|error| format!("cargo metadata is not understood: {error}"))?;
    Ok(list(&document["packages"]).map(package).collect())
}

fn package(value: &Value) -> Package {
    let targets = || list(&value["targets"]);
    let is = |target: &Value, kind: &str| list(&target["kind"]).any(|found| found == kind);
    let needs_cluster =
        |target: &Value| list(&target["required-features"]).any(|found| found == CLUSTER);
    Package {
        name: text(&value["name"]),
        version: text(&value["version"]),
        license: value["license"].as_str().map(str::to_owned),
        features: value["features"]
            .as_object()
            .map(|features| features.keys().cloned().collect())
            .unwrap_or_default(),
        normal_dependencies: list(&value["dependencies"])
            .filter(|dependency| dependency["kind"].is_null())
            .map(|dependency| text(&dependency["name"]))
            .collect(),
        programs: targets()
            .filter(|target| is(target, "bin"))
            .map(|target| text(&target["name"]))
            .collect(),
        cluster_tests: targets()
            .filter(|target| is(target, "test") && needs_cluster(target))
            .map(|target| text(&target["name"]))
            .collect(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
