//! What is run when, and what is stored.

use crate::world::{
    HandClock, Marking, back_up, cluster, freezing, new_store, open, pod, shop, spec,
};
use csdr_core::{
    ErrorKind,
    backup::Backup,
    hook::{BackupHookRule, ExecHook, OnError},
    memory::{MemoryHooks, MemoryProgram},
    report::{Outcome, RunOptions},
    spec::BackupHooks,
};
use futures::TryStreamExt;
use serde_json::json;

#[tokio::test]
async fn velero_2_8_blocks_are_frozen_one_after_the_other_and_pods_of_one_block_together() {
    let shared = cluster(&[
        pod("db-0", &["data-0"], &freezing()),
        pod("db-1", &["data-0"], &freezing()),
    ]);
    for (cluster, expected) in [
        (shop(), "freeze 0, unfreeze 0, freeze 1, unfreeze 1"),
        (shared, "freeze 0, freeze 1, unfreeze 0, unfreeze 1"),
    ] {
        let hooks = MemoryHooks::new(cluster.clone());
        let (report, _) = back_up(&cluster, hooks.clone(), &spec()).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        let calls = hooks.calls().join(", ");
        let calls = calls
            .replace("shop/db-0 db: fsfreeze --freeze /data", "freeze 0")
            .replace("shop/db-1 db: fsfreeze --freeze /data", "freeze 1")
            .replace("shop/db-0 db: fsfreeze --unfreeze /data", "unfreeze 0")
            .replace("shop/db-1 db: fsfreeze --unfreeze /data", "unfreeze 1");
        assert_eq!(calls, expected);
        assert_eq!((report.hooks.attempted, report.hooks.failed), (4, 0));
    }
}

#[tokio::test]
async fn the_plan_shows_every_hook_and_no_argument() {
    let cluster = shop();
    cluster
        .add(&pod(
            "late",
            &[],
            &json!({"pre.hook.backup.velero.io/command": r#"["mysql","-phunter2"]"#, "pre.hook.backup.velero.io/on-error": "Continue"}),
        ))
        .unwrap();
    cluster
        .add(&pod(
            "odd",
            &[],
            &json!({"pre.hook.backup.velero.io/command": "[x"}),
        ))
        .unwrap();
    let clock = HandClock::default();
    let vault = open(&new_store(&clock).await, &clock).await;
    let backup = Backup::new(cluster.clone(), vault).with_hooks(MemoryHooks::new(cluster));
    let text = backup.plan(&spec()).await.unwrap().to_string();
    let hooks: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("  hook  "))
        .collect();
    assert_eq!(
        hooks.join("\n"),
        "  hook      shop/db-0: pre `fsfreeze` in container db, at most 30s, on error Fail\n\
         \x20 hook      shop/db-0: post `fsfreeze` in container db, at most 1m0s, on error Fail\n\
         \x20 hook      shop/db-1: pre `fsfreeze` in container db, at most 30s, on error Fail\n\
         \x20 hook      shop/db-1: post `fsfreeze` in container db, at most 1m0s, on error Fail\n\
         \x20 hook      shop/late: pre `mysql` in container db, at most 30s, on error Continue\n\
         \x20 hook      shop/odd: cannot be run: pre hook, annotations pre.hook.backup.velero.io/…: the command begins as a JSON array and is no array of strings (column 2)"
    );
    assert!(!text.contains("hunter2"));
}

#[tokio::test]
async fn what_a_block_holds_is_stored_as_it_stood_under_the_freeze() {
    let cluster = shop();
    let clock = HandClock::default();
    let marking = Marking {
        hooks: MemoryHooks::new(cluster.clone()),
        cluster: cluster.clone(),
        clock: clock.clone(),
    };
    let vault = open(&new_store(&clock).await, &clock).await;
    let backup = Backup::new(cluster.clone(), vault.clone()).with_hooks(marking);
    let plan = backup.plan(&spec()).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let stored = vault.backup("shop-1").await.unwrap();
    for (id, seen) in [
        ("pods/shop/db-0", "freeze"),
        ("persistentvolumeclaims/shop/data-0", "freeze"),
        ("pods/shop/db-1", "freeze"),
        ("persistentvolumeclaims/shop/data-1", "freeze"),
        // In no block: as it was listed, after everything.
        ("pods/shop/web", "unfreeze"),
    ] {
        let object = stored.object(&id.parse().unwrap()).await.unwrap().unwrap();
        let labels = &object.meta().labels;
        assert_eq!(labels.get("seen").map(String::as_str), Some(seen), "{id}");
    }
    assert!(
        stored
            .verify(csdr_core::vault::VerifyLevel::Objects)
            .await
            .unwrap()
            .is_sound()
    );
    // The freeze lasts from the start of the first command to the end of the last; each takes a quarter of a second.
    let frozen: Vec<(String, u64)> = report
        .hooks
        .blocks
        .iter()
        .map(|block| (block.pods.join(" "), block.frozen_millis))
        .collect();
    assert_eq!(
        frozen,
        [("shop/db-0".to_owned(), 500), ("shop/db-1".to_owned(), 500)]
    );
    let text = report.to_string();
    assert!(text.contains("4 hooks run, 0 failed"), "{text}");
    assert!(text.contains("frozen 0.500 s: shop/db-0"), "{text}");
    assert_eq!(stored.report().await.unwrap().hooks, report.hooks);
}

#[tokio::test]
async fn velero_2_8_a_pod_whose_pre_hook_fails_is_not_stored_and_is_thawed_all_the_same() {
    let cluster = shop();
    let failing = json!({
        "pre.hook.backup.velero.io/command": "false",
        "post.hook.backup.velero.io/command": r#"["fsfreeze","--unfreeze","/data"]"#,
    });
    cluster.add(&pod("bad", &[], &failing)).unwrap();
    let hooks = MemoryHooks::new(cluster.clone());
    let (report, vault) = back_up(&cluster, hooks.clone(), &spec()).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    let stored = vault.backup("shop-1").await.unwrap();
    let is_there = |name: &str| {
        let id = format!("pods/shop/{name}").parse().unwrap();
        let stored = stored.clone();
        async move { stored.object(&id).await.unwrap().is_some() }
    };
    assert!(!is_there("bad").await && is_there("db-0").await && is_there("web").await);
    assert!(
        hooks
            .calls()
            .contains(&"shop/bad db: fsfreeze --unfreeze /data".to_owned())
    );
    // One error says it; that the thaw of what was never frozen failed as well is a warning.
    let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "pods/shop/bad: its pre hook failed (pre hook `false` in container db: failed (exit code 1))"
        ]
    );
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["pods/shop/bad: post hook `fsfreeze` in container db: failed (exit code 1)"]
    );
    let left: Vec<_> = stored.left_out().try_collect().await.unwrap();
    assert!(
        left.iter().any(|left| left.what == "pods/shop/bad"),
        "{left:?}"
    );
}

#[tokio::test]
async fn velero_2_8_with_continue_a_failing_hook_is_a_warning() {
    let annotations = json!({
        "pre.hook.backup.velero.io/command": "false",
        "pre.hook.backup.velero.io/on-error": "Continue",
    });
    let cluster = cluster(&[pod("db-0", &[], &annotations)]);
    let (report, vault) = back_up(&cluster, MemoryHooks::new(cluster.clone()), &spec()).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.warnings.len(), 1);
    assert_eq!((report.hooks.attempted, report.hooks.failed), (1, 1));
    let stored = vault.backup("shop-1").await.unwrap();
    let id = "pods/shop/db-0".parse().unwrap();
    assert!(stored.object(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_post_hook_that_fails_is_an_error_and_the_pod_is_stored() {
    let annotations = json!({"post.hook.backup.velero.io/command": "false"});
    let cluster = cluster(&[pod("db-0", &[], &annotations)]);
    let (report, vault) = back_up(&cluster, MemoryHooks::new(cluster.clone()), &spec()).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    let stored = vault.backup("shop-1").await.unwrap();
    let id = "pods/shop/db-0".parse().unwrap();
    assert!(stored.object(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_pod_with_a_hook_that_cannot_be_read_is_not_frozen() {
    let mut annotations = freezing();
    annotations["post.hook.backup.velero.io/command"] = json!("[broken");
    let cluster = cluster(&[pod("db-0", &[], &annotations)]);
    let hooks = MemoryHooks::new(cluster.clone());
    let (report, _) = back_up(&cluster, hooks.clone(), &spec()).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    assert!(hooks.calls().is_empty(), "{:?}", hooks.calls());
}

#[tokio::test]
async fn hooks_of_the_spec_are_run_where_annotations_say_nothing() {
    let cluster = shop();
    let rule = BackupHookRule::named("web")
        .with_namespace("shop")
        .with_pre(ExecHook::new(["true"]).with_container("log"))
        .with_post(ExecHook::new(["false"]).with_on_error(OnError::Continue));
    let spec = spec().with_hooks(BackupHooks {
        resources: vec![rule],
    });
    let hooks = MemoryHooks::new(cluster.clone());
    let (report, _) = back_up(&cluster, hooks.clone(), &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let calls = hooks.calls();
    assert_eq!(calls[4..], ["shop/web log: true", "shop/web db: false"]);
    assert_eq!(calls.len(), 6);
}

#[tokio::test]
async fn without_an_executor_rules_are_refused_and_annotations_are_said() {
    let cluster = shop();
    let clock = HandClock::default();
    let vault = open(&new_store(&clock).await, &clock).await;
    let backup = Backup::new(cluster.clone(), vault.clone());
    let rule = BackupHookRule::named("a").with_pre(ExecHook::new(["true"]));
    let hooks = BackupHooks {
        resources: vec![rule],
    };
    let error = backup.plan(&spec().with_hooks(hooks)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let plan = backup.plan(&spec()).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed);
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "pods/shop/db-0: 2 pods have hooks in their annotations that were not run, this is the first: nothing runs hooks, or they came after the plan"
        ]
    );
}

#[tokio::test]
async fn a_pod_that_came_after_the_plan_is_stored_and_said() {
    let cluster = shop();
    let clock = HandClock::default();
    let vault = open(&new_store(&clock).await, &clock).await;
    let hooks = MemoryHooks::new(cluster.clone());
    let backup = Backup::new(cluster.clone(), vault).with_hooks(hooks.clone());
    let plan = backup.plan(&spec()).await.unwrap();
    cluster.add(&pod("db-2", &[], &freezing())).unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings[0].starts_with("pods/shop/db-2: 1 pods have hooks"),
        "{warnings:?}"
    );
    assert_eq!(hooks.calls().len(), 4);
}

#[tokio::test]
async fn a_pod_that_went_after_the_plan_is_no_error() {
    let cluster = shop();
    let clock = HandClock::default();
    let vault = open(&new_store(&clock).await, &clock).await;
    let hooks = MemoryHooks::new(cluster.clone());
    let backup = Backup::new(cluster.clone(), vault).with_hooks(hooks.clone());
    let plan = backup.plan(&spec()).await.unwrap();
    let id = "pods/shop/db-1".parse().unwrap();
    csdr_core::port::ResourceApplier::delete(&cluster, &id, "v1", &Default::default())
        .await
        .unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(hooks.calls().len(), 2, "{:?}", hooks.calls());
    assert!(hooks.frozen().is_empty());
}

#[tokio::test]
async fn a_thaw_that_cannot_be_started_is_tried_to_the_end_and_is_an_error() {
    let annotations = json!({"pre.hook.backup.velero.io/command": "true", "post.hook.backup.velero.io/command": "thaw"});
    let cluster = cluster(&[pod("db-0", &[], &annotations)]);
    let hooks = MemoryHooks::new(cluster.clone())
        .with_program("thaw", MemoryProgram::Fail(ErrorKind::Unavailable));
    // The pauses of the host's real clock are short.
    let vault = csdr_core::vault::Vault::create(csdr_core::memory::MemoryVault::new())
        .await
        .unwrap();
    let backup = Backup::new(cluster.clone(), vault).with_hooks(hooks.clone());
    let plan = backup.plan(&spec()).await.unwrap();
    tokio::time::pause();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    let thaws = hooks
        .calls()
        .iter()
        .filter(|call| call.ends_with("thaw"))
        .count();
    // Three times under the freeze, three at the end of the objects, three at the end of the run.
    assert_eq!(thaws, 9);
    let said = report.errors.iter().next().unwrap().to_string();
    assert!(said.contains("it may still be frozen"), "{said}");
}
