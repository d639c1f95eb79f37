//! kube-apiserver 1.21, built with a Go of today.
//!
//! Source: the module lacks the generated package `pkg/generated/openapi`, which the
//! release's own Makefile made. It is generated here, by today's generator, from the types
//! at that release, and put into a copy of the module (files below Go's module cache can
//! neither be changed nor overlaid).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::go::{Go, run};
use super::{KUBERNETES_MODULE, Part, version_flags};
use crate::Error;

/// The modules whose types the API server describes.
const DESCRIBED: [&str; 7] = [
    "k8s.io/api",
    "k8s.io/apimachinery",
    "k8s.io/apiserver",
    "k8s.io/apiextensions-apiserver",
    "k8s.io/kube-aggregator",
    "k8s.io/client-go",
    "k8s.io/kubelet",
];

const MARK: &str = "+k8s:openapi-gen=true";
const GENERATED: &str = "pkg/generated/openapi";

pub(super) fn build(work: &Path, source: &Path, output: &Path) -> Result<(), Error> {
    let go = Go::new(source);
    let mut download = vec!["mod", "download", "k8s.io/kubernetes"];
    download.extend(DESCRIBED);
    go.run(&download)?;
    let generated = generate(work, source)?;

    let copy = source.join("kubernetes");
    copy_folder(&module_folder(&go, "k8s.io/kubernetes")?, &copy)?;
    let target = copy.join(GENERATED).join("zz_generated.openapi.go");
    fs::write(&target, generated).map_err(|error| failed(&target, error))?;
    go.run(&["mod", "edit", "-replace=k8s.io/kubernetes=./kubernetes"])?;

    let version = Part::Kubernetes121.pinned(KUBERNETES_MODULE)?;
    let flags = version_flags(
        version,
        &[
            "k8s.io/component-base/version",
            "k8s.io/client-go/pkg/version",
        ],
    );
    // x/net of that time reaches into the runtime, which today's linker forbids by default.
    go.build(output, &format!("-checklinkname=0 {flags}"), &["."])?;
    let built = output.join("kubernetes-1.21");
    fs::rename(&built, output.join("kube-apiserver")).map_err(|error| failed(&built, error))
}

/// The text of the package that the module lacks.
fn generate(work: &Path, source: &Path) -> Result<String, Error> {
    let tools = work.join("tools");
    Part::Kubernetes.write_files(&tools)?;
    Go::new(&tools).build(&tools, "-s -w", &["k8s.io/kube-openapi/cmd/openapi-gen"])?;

    let go = Go::new(source);
    let mut packages = BTreeSet::new();
    for module in DESCRIBED {
        let root = module_folder(&go, module)?;
        let mut folders = BTreeSet::new();
        marked_folders(&root, &mut folders)?;
        for folder in folders {
            let below = folder.strip_prefix(&root).unwrap_or(&folder);
            let below = below.to_string_lossy().replace('\\', "/");
            packages.insert(if below.is_empty() {
                module.to_owned()
            } else {
                format!("{module}/{below}")
            });
        }
    }

    let result = work.join("generated");
    let header = work.join("header.txt");
    fs::write(&header, "").map_err(|error| failed(&header, error))?;
    let mut command = Command::new(tools.join("openapi-gen"));
    command.arg("--output-dir").arg(&result);
    command.args(["--output-pkg", &format!("k8s.io/kubernetes/{GENERATED}")]);
    command.args(["--output-file", "zz_generated.openapi.go"]);
    command.arg("--go-header-file").arg(&header);
    command
        .arg("--report-filename")
        .arg(work.join("report.txt"));
    command.args(&packages);
    run(&mut command, source)?;

    let file = result.join("zz_generated.openapi.go");
    let text = fs::read_to_string(&file).map_err(|error| failed(&file, error))?;
    // At that release the specification's types were still go-openapi's, and the build tag
    // of the generator would hide the file.
    let text = text.replace(
        "k8s.io/kube-openapi/pkg/validation/spec",
        "github.com/go-openapi/spec",
    );
    let kept = text
        .lines()
        .filter(|line| !line.starts_with("//go:build") && !line.starts_with("// +build"));
    Ok(kept.collect::<Vec<_>>().join("\n") + "\n")
}

fn module_folder(go: &Go<'_>, module: &str) -> Result<PathBuf, Error> {
    let text = go.run(&["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module])?;
    Ok(PathBuf::from(text.trim()))
}

/// The folders below `folder` with a Go file that asks to be described.
fn marked_folders(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default();
            if name != "testdata" && name != "vendor" {
                marked_folders(&path, found)?;
            }
        } else if is_source(&path) && !found.contains(folder) {
            let text = fs::read(&path).map_err(|error| failed(&path, error))?;
            if text
                .windows(MARK.len())
                .any(|window| window == MARK.as_bytes())
            {
                found.insert(folder.to_owned());
            }
        }
    }
    Ok(())
}

fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".go") && !name.ends_with("_test.go")
}

/// Copies a module without its tests; the copy may be written, unlike the module cache.
fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(|error| failed(to, error))?;
    for entry in fs::read_dir(from).map_err(|error| failed(from, error))? {
        let path = entry.map_err(|error| failed(from, error))?.path();
        let name = path.file_name().unwrap_or_default();
        let target = to.join(name);
        if path.is_dir() {
            if name != "testdata" {
                copy_folder(&path, &target)?;
            }
        } else if !name.to_string_lossy().ends_with("_test.go") {
            fs::copy(&path, &target).map_err(|error| failed(&path, error))?;
            let mut permissions = fs::metadata(&target)
                .map_err(|error| failed(&target, error))?
                .permissions();
            make_writable(&mut permissions);
            fs::set_permissions(&target, permissions).map_err(|error| failed(&target, error))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_writable(permissions: &mut fs::Permissions) {
    use std::os::unix::fs::PermissionsExt;
    permissions.set_mode(0o644);
}

#[cfg(not(unix))]
fn make_writable(permissions: &mut fs::Permissions) {
    permissions.set_readonly(false);
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    Error::caused_by(format!("cannot use {}", path.display()), error)
}
