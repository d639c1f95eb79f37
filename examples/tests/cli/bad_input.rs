//! Input that cannot be meant: one line says what to do next, and the vault holds what it held before.

use crate::world::{World, data};
use std::net::TcpListener;

/// A world with a backup `held`; the command must be refused and leave every byte of the vault as it is.
#[track_caller]
fn refused(args: &[&str], code: i32, parts: &[&str]) {
    let world = World::new();
    world.back_up("held");
    world.write("wrong.yaml", "name: b\nincludedNamespace: [shop]\n");
    world.write("other.yaml", "name: other\n");
    world.write("nothing.yaml", "name: b\nincludedNamespaces: ['**']\n");
    world.write(
        "nocontext",
        "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\n",
    );
    let before = world.vault_files();
    world.csdr(args).refuses(code, parts);
    assert_eq!(
        world.vault_files(),
        before,
        "nothing lost, nothing half-written"
    );
    assert_eq!(world.listed(), ["held"]);

    let fresh = World::new();
    let ran = fresh.csdr(args);
    assert_ne!(ran.code, Some(0), "{ran:?}");
    assert!(
        !fresh.vault().exists(),
        "a refused command makes no vault: {ran:?}"
    );
}

#[test]
fn an_unknown_field_of_a_spec() {
    refused(
        &[
            "backup",
            "create",
            "b",
            "--from",
            data(),
            "--spec",
            "wrong.yaml",
        ],
        2,
        &["includedNamespace", "wrong.yaml"],
    );
    refused(
        &[
            "restore",
            "create",
            "b",
            "--backup",
            "held",
            "--to",
            "out",
            "--spec",
            "wrong.yaml",
        ],
        2,
        &["includedNamespace", "wrong.yaml"],
    );
}

#[test]
fn a_spec_that_is_not_there_or_means_something_else() {
    refused(
        &[
            "backup",
            "create",
            "b",
            "--from",
            data(),
            "--spec",
            "none.yaml",
        ],
        1,
        &["none.yaml", "check its path"],
    );
    refused(
        &[
            "backup",
            "create",
            "b",
            "--from",
            data(),
            "--spec",
            "other.yaml",
        ],
        2,
        &["names backup b, the spec other", "make them one"],
    );
    refused(
        &[
            "backup",
            "create",
            "b",
            "--from",
            data(),
            "--spec",
            "nothing.yaml",
        ],
        2,
        &["nothing.yaml", "pattern"],
    );
    refused(
        &[
            "backup",
            "create",
            "b",
            "--from",
            data(),
            "--spec",
            "other.yaml",
            "-n",
            "shop",
        ],
        2,
        &["--spec", "cannot be used with", "--help"],
    );
}

#[test]
fn a_selection_of_nothing() {
    refused(
        &[
            "backup",
            "create",
            "b",
            "--from",
            data(),
            "-l",
            "app=nothing",
        ],
        2,
        &[
            "nothing is selected",
            "check namespaces, resources and label selector",
        ],
    );
    refused(
        &["backup", "create", "b", "--from", data(), "-n", "nowhere"],
        2,
        &["get target namespace failed", "update the list", "nowhere"],
    );
    refused(
        &[
            "restore",
            "create",
            "r",
            "--backup",
            "held",
            "--to",
            "out",
            "-l",
            "app=nothing",
        ],
        2,
        &["nothing is selected"],
    );
}

#[test]
fn words_that_are_none() {
    let create = ["backup", "create", "b", "--from", data()];
    let with = |more: &[&'static str]| [&create[..], more].concat();
    refused(&with(&["-l", "a in (b"]), 2, &["a in (b"]);
    refused(&with(&["--nothing"]), 2, &["--nothing", "--help"]);
    refused(&with(&["-n", "**"]), 2, &["pattern"]);
    refused(
        &with(&["--cluster-scoped", "perhaps"]),
        2,
        &["perhaps", "auto"],
    );
    refused(&with(&["--claim-expiry", "soon"]), 2, &["soon", "2m"]);
    refused(
        &["backup", "create", "B", "--from", data()],
        2,
        &["backup name", "lower-case"],
    );
    refused(
        &["backup", "create", "../b", "--from", data()],
        2,
        &["backup name"],
    );
    let to = [
        "restore",
        "create",
        "r",
        "--backup",
        "held",
        "--to",
        "out",
        "--map-namespace",
    ];
    refused(&[&to[..], &["a"]].concat(), 2, &["FROM:TO"]);
    refused(&[&to[..], &["a:x,b:x"]].concat(), 2, &["onto one"]);
    refused(&[&to[..], &["a:x,a:y"]].concat(), 2, &["mapped twice"]);
    refused(&["restore", "create", "r", "--to", "out"], 2, &["--backup"]);
}

#[test]
fn things_that_are_not_there() {
    refused(
        &["backup", "describe", "none"],
        1,
        &["no such backup", "list"],
    );
    refused(
        &["backup", "verify", "none"],
        1,
        &["no such backup", "list"],
    );
    refused(
        &["backup", "delete", "none"],
        1,
        &["no such backup", "list"],
    );
    refused(
        &["restore", "create", "r", "--backup", "none", "--to", "out"],
        1,
        &["no such backup", "list"],
    );
    refused(&["restore", "describe", "none"], 1, &["restore list"]);
    refused(
        &["backup", "create", "b", "--from", "nowhere"],
        1,
        &["no manifests at this path", "--from"],
    );
    let world = World::new();
    world
        .csdr(&["backup", "list"])
        .refuses(1, &["the vault's folder does not exist", "check the path"]);
    let mut unnamed = world.command(&["backup", "list"]);
    world.csdr(&["vault", "create"]);
    let ran = unnamed.env_remove("CSDR_VAULT").output().unwrap();
    crate::world::Ran::from(ran).refuses(2, &["--vault", "CSDR_VAULT"]);
    world
        .csdr(&["vault", "create"])
        .refuses(1, &["there is a vault already"]);
    world
        .csdr(&["backup", "list", "--vault", "ftp://x/y"])
        .refuses(2, &["s3://bucket"]);
    let secret = world.csdr(&[
        "backup",
        "list",
        "--verbose",
        "--vault",
        "s3://key:hunter2@bucket",
    ]);
    assert!(
        !secret
            .refuses(2, &["AWS_ACCESS_KEY_ID"])
            .contains("hunter2")
    );
}

#[test]
fn a_cluster_that_cannot_be_reached() {
    // A port that was free a moment ago: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: test, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: nobody}}}}]\n"
    );
    let world = World::new();
    world.back_up("held");
    world.write("kubeconfig", &kubeconfig);
    let before = world.vault_files();
    let server = format!("127.0.0.1:{port}");
    world
        .csdr(&["backup", "create", "b", "--kubeconfig", "kubeconfig"])
        .refuses(1, &[&server]);
    world
        .csdr(&[
            "restore",
            "create",
            "r",
            "--backup",
            "held",
            "--kubeconfig",
            "kubeconfig",
        ])
        .refuses(1, &[&server]);
    assert_eq!(world.vault_files(), before);
    let ran = world.csdr(&[
        "backup",
        "create",
        "b",
        "--kubeconfig",
        "kubeconfig",
        "--context",
        "prod",
    ]);
    ran.refuses(1, &["no context", "prod", "contexts=test"]);
    let ran = world.csdr(&[
        "backup",
        "create",
        "b",
        "--kubeconfig",
        "kubeconfig",
        "--vault",
        "new",
    ]);
    ran.refuses(1, &[&server]);
    assert!(
        !world.path("new").exists(),
        "a source that does not answer leaves no empty vault behind"
    );
}

#[test]
fn a_kubeconfig_that_is_not_there() {
    refused(
        &["backup", "create", "b", "--kubeconfig", "none"],
        1,
        &["there is no kubeconfig at", "none", "KUBECONFIG"],
    );
    refused(&["backup", "create", "b"], 1, &["kubeconfig"]);
    refused(
        &["backup", "create", "b", "--kubeconfig", "nocontext"],
        2,
        &["context"],
    );
}

#[test]
fn a_run_that_fails_shows_the_layers_below_only_when_it_is_asked_to() {
    let world = World::new();
    world.back_up("held");
    // A file stands where a folder belongs: what the system says of it is the layer below.
    let failed = |name: &str, more: &[&str]| {
        world.write(&format!("vault/backups/{name}/csdr/journal"), "");
        let create = ["backup", "create", name, "--from", data()];
        let args = [&create[..], &["--default-namespace", "shop"], more].concat();
        world.csdr(&args)
    };
    let below = "os error";
    let ran = failed("b", &[]);
    ran.refuses(1, &["backup=b"]);
    assert!(
        !ran.err.contains(below) && !ran.out.contains(below),
        "{ran:?}"
    );
    failed("c", &["--verbose"]).refuses(1, &["backup=c", below]);
}
