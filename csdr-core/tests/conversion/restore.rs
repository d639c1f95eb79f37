//! What a restore's plan and run learn from the objects beside an object: Services, and definitions.

use csdr_core::{
    backup::Backup,
    conversion::{LossKind, Severity, TargetApis},
    manifest::ManifestDir,
    memory::{Deny, MemoryCluster, MemoryVault},
    port::{PutMode, ResourceTarget, VaultBackend, VaultKey},
    report::{Outcome, RunOptions},
    restore::{Action, Restore, RestorePlan},
    spec::{BackupSpec, RestoreSpec},
    vault::Vault,
};
use std::sync::Arc;

/// A backup `old` of these manifests, in the versions that they are written in.
async fn stored(manifests: &str) -> Vault {
    let files = Arc::new(MemoryVault::new());
    let key = VaultKey::parse("old/all.yaml").unwrap();
    let text = manifests.to_owned().into();
    files.put(&key, text, PutMode::CreateNew).await.unwrap();
    let source = ManifestDir::new(files, VaultKey::parse("old").unwrap());
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(source, vault.clone());
    let plan = backup.plan(&BackupSpec::named("old")).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    vault
}

/// Servers up to 1.21 took it; `networking.k8s.io/v1` takes no name of more than 15 characters.
const INGRESS: &str = "
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {backend: {serviceName: web, servicePort: metrics-of-the-shop}}
";

fn service(namespace: &str, port: u16) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {namespace}}}, spec: {{ports: [{{name: http, port: 80}}, {{name: metrics-of-the-shop, port: {port}}}]}}}}\n"
    )
}

#[tokio::test]
async fn an_ingress_s_port_is_looked_up_in_the_backup_s_services_else_in_the_target_s() {
    // Services of the backup, of the target, and the number that the Ingress gets.
    for (of_backup, of_target, number) in [
        (Some(8443), None, Some(8443)),
        (Some(8443), Some(9443), Some(8443)),
        (None, Some(9443), Some(9443)),
        (None, None, None),
    ] {
        let about = format!("{of_backup:?} {of_target:?}");
        let service_of = |namespace, port: Option<u16>| {
            port.map(|port| service(namespace, port))
                .unwrap_or_default()
        };
        let vault = stored(&format!("{INGRESS}{}", service_of("shop", of_backup))).await;
        let target = MemoryCluster::new();
        let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: copy}}\n";
        target
            .load_yaml(&format!("{namespace}{}", service_of("copy", of_target)))
            .unwrap();
        let restore = Restore::new(vault, target.clone(), target.clone());
        // The Service itself need not be selected.
        let spec = RestoreSpec::from_backup("old")
            .with_resource("ingresses")
            .with_namespace_mapping("shop", "copy");
        let plan = restore.plan(&spec).await.unwrap();
        let Some(number) = number else {
            assert_eq!(plan.count(Action::Skip), 1, "{about}: {plan}");
            assert!(
                plan.to_string().contains("write the port's number"),
                "{plan}"
            );
            continue;
        };
        assert_eq!(plan.count(Action::Create), 1, "{about}: {plan}");
        let report = restore.run(plan, &RunOptions::default()).await.unwrap();
        report.require_complete().unwrap();
        let id = "ingresses.networking.k8s.io/copy/web".parse().unwrap();
        let ingress = target.get(&id, "v1").await.unwrap().unwrap();
        let port = format!(r#""port":{{"number":{number}}}"#);
        assert!(
            ingress.text().contains(&port),
            "{about}: {}",
            ingress.text()
        );
    }
}

/// What the plan tells of the objects of `widgets.shop.io`: name, path, loss, severity.
fn told(plan: &RestorePlan) -> Vec<(String, String, Option<LossKind>, Severity)> {
    let notes = plan
        .notes()
        .filter(|(id, _)| id.resource().resource() == "widgets");
    notes
        .map(|(id, note)| {
            (
                id.name().to_owned(),
                note.path.clone(),
                note.loss,
                note.severity,
            )
        })
        .collect()
}

fn refused(name: &str, path: &str) -> (String, String, Option<LossKind>, Severity) {
    let loss = Some(LossKind::Refused);
    (name.to_owned(), path.to_owned(), loss, Severity::Error)
}

fn pruned(name: &str, path: &str) -> (String, String, Option<LossKind>, Severity) {
    let loss = Some(LossKind::UnknownField);
    (name.to_owned(), path.to_owned(), loss, Severity::Warning)
}

fn widget(name: &str, rest: &str) -> String {
    format!(
        "---\n{{apiVersion: shop.io/v1, kind: Widget, metadata: {{name: {name}, namespace: shop}}, {rest}}}\n"
    )
}

#[tokio::test]
async fn custom_resources_are_looked_at_through_the_mended_definition_of_the_backup() {
    // Without a type the old server let a text pass by `minimum`; the mended schema needs a type.
    let definition = "
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.io}
spec:
  group: shop.io
  names: {plural: widgets, kind: Widget}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true}]
  validation: {openAPIV3Schema: {properties: {spec: {required: [size], properties: {size: {minimum: 1}}}}}}
";
    let manifests = [
        definition.to_owned(),
        widget("right", "spec: {size: 3, more: true}, status: {phase: Old}"),
        widget("text", "spec: {size: big}"),
        widget("small", "spec: {size: 0}"),
        widget("empty", "spec: {}"),
    ];
    let vault = stored(&manifests.concat()).await;
    let target = MemoryCluster::new();
    let restore = Restore::new(vault, target.clone(), target.clone());
    let plan = restore
        .plan(&RestoreSpec::from_backup("old"))
        .await
        .unwrap();
    assert_eq!(
        told(&plan),
        [
            refused("empty", "/spec/size"),
            refused("small", "/spec/size"),
            refused("text", "/spec/size"),
        ],
        "{plan}"
    );
    // It is not for a plan to leave them out: the server has the last word.
    assert_eq!(plan.count(Action::Blocked), 0, "{plan}");
}

#[tokio::test]
async fn custom_resources_are_looked_at_through_the_target_s_own_definition() {
    let definition = |schema: &str, preserve: bool| {
        format!(
            "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: widgets.shop.io}}, spec: {{group: shop.io, scope: Namespaced, names: {{plural: widgets, kind: Widget}}, preserveUnknownFields: {preserve}, versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {schema}}}}}]}}}}\n"
        )
    };
    let any = "{type: object, x-kubernetes-preserve-unknown-fields: true}";
    let strict =
        "{type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}";
    let many: Vec<String> = (10..40).map(|at| format!("f{at}: 1")).collect();
    let manifests = [
        definition(any, false),
        widget("a", "spec: {size: '3', color: red}"),
        widget("many", &format!("spec: {{{}}}", many.join(", "))),
    ];
    let vault = stored(&manifests.concat()).await;
    for (schema, preserve, count) in [(strict, false, 2 + 17), (strict, true, 1), (any, false, 0)] {
        let target = MemoryCluster::new();
        target.load_yaml(&definition(schema, preserve)).unwrap();
        let restore = Restore::new(vault.clone(), target.clone(), target.clone());
        let plan = restore
            .plan(&RestoreSpec::from_backup("old"))
            .await
            .unwrap();
        let told = told(&plan);
        assert_eq!(told.len(), count, "{plan}");
        if count > 1 {
            assert_eq!(
                told[..2],
                [pruned("a", "/spec/color"), refused("a", "/spec/size")]
            );
            assert!(plan.to_string().contains("14 places more"), "{plan}");
        }
    }
}

#[tokio::test]
async fn what_a_target_serves_is_recorded_with_how_its_own_kinds_convert() {
    let definition = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.shop.io}, spec: {group: shop.io, scope: Namespaced, names: {plural: widgets, kind: Widget}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}}";
    let target = MemoryCluster::new();
    target.load_yaml(definition).unwrap();
    let discovery = ResourceTarget::discover(&target).await.unwrap();
    let apis = TargetApis::of_target(&target, discovery.clone())
        .await
        .unwrap();
    assert_eq!(apis.discovery().gaps, []);
    let text = String::from_utf8(apis.to_json().unwrap()).unwrap();
    assert!(text.contains(r#""widgets.shop.io": "None""#), "{text}");

    // Who may not read them is told that it is not recorded.
    let deny = Deny {
        verbs: vec!["list".into()],
        resource: Some(
            "customresourcedefinitions.apiextensions.k8s.io"
                .parse()
                .unwrap(),
        ),
        namespace: None,
    };
    let target = target.restricted(vec![deny]);
    let apis = TargetApis::of_target(&target, discovery).await.unwrap();
    let gaps: Vec<&str> = apis
        .discovery()
        .gaps
        .iter()
        .map(|gap| gap.group.as_str())
        .collect();
    assert_eq!(gaps, ["apiextensions.k8s.io"]);
    let text = String::from_utf8(apis.to_json().unwrap()).unwrap();
    assert!(!text.contains(r#""conversions""#), "{text}");
}
