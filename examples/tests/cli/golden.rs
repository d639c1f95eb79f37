//! What a person sees, word for word.

use crate::world::{World, data};
use std::{env, fs, path::Path};

/// Compares with `golden/<name>.txt` after times, ids and sizes of compressed bytes are masked.
#[track_caller]
pub(crate) fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/golden/{name}.txt"));
    let text = masked(text);
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}: UPDATE=1 rewrites it");
}

/// Replaces what differs from run to run; blanks between columns follow the width of that.
fn masked(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let columns: Vec<String> = line
            .trim()
            .split("  ")
            .filter(|column| !column.is_empty())
            .map(|column| words(column.trim()))
            .collect();
        lines.push(format!("{}{}", " ".repeat(indent), columns.join("  ")));
    }
    let text = lines.join("\n") + "\n";
    match text.find("in an archive of ") {
        Some(at) => {
            let at = at + "in an archive of ".len();
            let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
            format!("{}<size>{}", &text[..at], &text[end..])
        }
        None => text,
    }
}

fn words(column: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in column.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':') {
            word.push(c);
            continue;
        }
        let bare = word.trim_end_matches([':', '.']);
        out.push_str(mask(bare).unwrap_or(bare));
        out.push_str(&word[bare.len()..]);
        out.push(c);
        word.clear();
    }
    out.pop();
    out
}

fn mask(word: &str) -> Option<&'static str> {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
        return Some("<id>");
    }
    if word.len() == 64 && hex(word) {
        return Some("<sha256>");
    }
    if word.len() >= 20 && word.as_bytes()[10] == b'T' && word.ends_with('Z') {
        return Some("<time>");
    }
    let number = word.strip_suffix('s')?;
    (number.contains('.') && number.parse::<f64>().is_ok()).then_some("<took>")
}

#[test]
fn masks_what_differs_from_run_to_run() {
    assert_eq!(
        masked(
            "a  0.1s   2026-11-21T13:54:11Z b\n  took 12.5s, operation 01a1fe62-d272-71cb-be5e-aedf9b0af74d."
        ),
        "a  <took>  <time> b\n  took <took>, operation <id>.\n"
    );
    assert_eq!(
        masked("7 bytes in an archive of 12 bytes\nx"),
        "7 bytes in an archive of <size>\nx\n"
    );
}

#[test]
fn help() {
    let world = World::new();
    for (name, args) in [
        ("help", vec!["--help"]),
        ("help-backup-create", vec!["backup", "create", "--help"]),
        ("help-backup-export", vec!["backup", "export", "--help"]),
        ("help-backup-explain", vec!["backup", "explain", "--help"]),
        ("help-restore-create", vec!["restore", "create", "--help"]),
        ("help-convert", vec!["convert", "--help"]),
        ("help-lifecycle", vec!["lifecycle", "--help"]),
        ("help-target-apis", vec!["target-apis", "--help"]),
        ("help-vault", vec!["vault", "--help"]),
    ] {
        let ran = world.ok(&args);
        let own = world.vault().display().to_string();
        assert!(
            ran.err.is_empty() && !ran.out.contains(&own),
            "values of the environment are not shown: {ran:?}"
        );
        check(name, &ran.out);
    }
}

#[test]
fn a_backup_from_plan_to_deletion() {
    let world = World::new();
    let create = [
        "backup",
        "create",
        "shop-1",
        "--from",
        data(),
        "--default-namespace",
        "shop",
        "-n",
        "shop",
    ];
    let mut dry = create.to_vec();
    dry.push("--dry-run");
    let plan = world.ok(&dry);
    check("backup-plan", &plan.out);
    assert!(plan.err.contains("nothing was changed"), "{plan:?}");
    assert!(!world.vault().exists(), "a dry run makes no vault");

    let made = world.ok(&create);
    check("backup-create", &made.out);
    let said = format!(
        "there was no vault at file://{}: made one",
        world.vault().display()
    );
    assert!(made.err.contains(&said), "{made:?}");
    check("backup-list", &world.ok(&["backup", "list"]).out);
    check(
        "backup-list-json",
        &world.ok(&["backup", "list", "-o", "json"]).out,
    );
    check(
        "backup-list-yaml",
        &world.ok(&["backup", "list", "-o", "yaml"]).out,
    );
    check(
        "backup-describe",
        &world.ok(&["backup", "describe", "shop-1"]).out,
    );
    let proof = world.ok(&["backup", "verify", "shop-1"]).out;
    assert!(
        proof.starts_with("Backup shop-1: sound (13 files, "),
        "{proof}"
    );
    assert!(
        proof.ends_with(
            " bytes, 35 objects)
"
        ),
        "{proof}"
    );
    check("vault-gc", &world.ok(&["vault", "gc"]).out);

    let map = [
        "--backup",
        "shop-1",
        "--map-namespace",
        "shop:copy",
        "--to",
        "rendered",
    ];
    let with = |head: &[&'static str]| [head, &map].concat();
    check(
        "restore-plan",
        &world.ok(&with(&["restore", "plan", "copy-1"])).out,
    );
    assert!(!world.path("rendered").exists(), "a plan makes no folder");
    check(
        "restore-create",
        &world.ok(&with(&["restore", "create", "copy-1"])).out,
    );
    check("restore-list", &world.ok(&["restore", "list"]).out);
    check(
        "restore-describe",
        &world.ok(&["restore", "describe", "copy-1"]).out,
    );

    check(
        "backup-delete",
        &world.ok(&["backup", "delete", "shop-1"]).out,
    );
    check("backup-list-empty", &world.ok(&["backup", "list"]).out);
}
