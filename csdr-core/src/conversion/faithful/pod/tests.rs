use super::super::super::draft::Log;
use super::*;
use crate::model::Tree;

fn tree(json: &str) -> Tree {
    Tree::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn with_defaults(json: &str) -> Tree {
    let mut template = tree(json);
    let mut log = Log::default();
    defaults(&mut Node::root(&mut template, &mut log));
    assert!(log.losses.is_empty());
    template
}

/// Checks what the defaults make of a spec, beside those of the spec itself.
fn check_spec(spec: &str, expected: &str) {
    let mut full = tree(expected);
    for (key, value) in [
        ("dnsPolicy", Tree::from("ClusterFirst")),
        ("restartPolicy", "Always".into()),
        ("securityContext", Tree::object()),
        ("terminationGracePeriodSeconds", 30.into()),
        ("schedulerName", "default-scheduler".into()),
    ] {
        full.set(&[key], value);
    }
    let result = with_defaults(&format!(r#"{{"spec":{spec}}}"#));
    assert_eq!(
        result.at(&["spec"]).unwrap(),
        &full,
        "\n{spec}\n{result}\n{full}"
    );
}

// Source: core/v1 SetDefaults_PodSpec.
#[test]
fn a_template_without_anything_gets_the_defaults_of_its_spec() {
    for template in [
        "{}",
        r#"{"spec":null}"#,
        r#"{"metadata":null,"spec":{"dnsPolicy":"","schedulerName":null}}"#,
    ] {
        let result = with_defaults(template);
        assert_eq!(result.at(&["metadata"]), Some(&Tree::object()));
        assert_eq!(
            result
                .at(&["spec"])
                .and_then(Tree::as_object)
                .unwrap()
                .len(),
            5
        );
    }
    let set = r#"{"metadata":{"name":"x"},"spec":{"dnsPolicy":"Default","restartPolicy":"Never","securityContext":{"runAsUser":0},"terminationGracePeriodSeconds":0,"schedulerName":"s"}}"#;
    assert_eq!(with_defaults(set), tree(set));
}

// Source: core/v1 SetDefaults_Pod runs for a Pod only; Convert_v1_Pod_To_core_Pod mends the grace period "just for Pod".
#[test]
fn a_template_gets_no_defaults_of_a_pod() {
    check_spec(
        r#"{"hostNetwork":true,"containers":[{"name":"c","image":"i:1","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}}}]}"#,
        r#"{"hostNetwork":true,"containers":[{"name":"c","image":"i:1","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{"limits":{"cpu":"1"}},"imagePullPolicy":"IfNotPresent","terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}]}"#,
    );
    let mut template = tree(r#"{"spec":{"terminationGracePeriodSeconds":-5}}"#);
    let mut log = Log::default();
    let mut node = Node::root(&mut template, &mut log);
    defaults(&mut node);
    convert(&mut node);
    let grace = template.at(&["spec", "terminationGracePeriodSeconds"]);
    assert_eq!(grace, Some(&Tree::from(-5)));
}

// Source: core/v1 SetDefaults_Container, _Probe, _HTTPGetAction, _ObjectFieldSelector, _ResourceList, and the defaults declared on
// ContainerPort, GRPCAction and FileKeySelector.
#[test]
fn containers_of_every_kind_get_their_defaults() {
    for containers in ["containers", "initContainers", "ephemeralContainers"] {
        let input = r#"{"KIND":[{
            "image":"a/b",
            "terminationMessagePolicy":"",
            "ports":[{"containerPort":1,"protocol":""},{"protocol":"UDP"},null,7],
            "env":[{"name":"A","value":""},
                   {"name":"B","valueFrom":{"fieldRef":{"fieldPath":"p"}}},
                   {"name":"C","valueFrom":{"fieldRef":{"apiVersion":"v0"}}},
                   {"name":"D","valueFrom":{"fileKeyRef":{"key":"k"}}},
                   {"name":"E","valueFrom":{"resourceFieldRef":{"divisor":"1Mi"}}}],
            "resources":{"requests":{"cpu":"100u","memory":"0.5Gi"},"limits":{"cpu":0.0001}},
            "livenessProbe":{"timeoutSeconds":0,"periodSeconds":5,"httpGet":{"port":80}},
            "readinessProbe":{"grpc":{"port":1}},
            "startupProbe":{"httpGet":{"port":80,"path":"/x","scheme":"HTTPS"}},
            "lifecycle":{"postStart":{"httpGet":{"port":1,"path":""}},"preStop":{"exec":{}}}
        },"text"]}"#
            .replace("KIND", containers);
        let expected = r#"{"KIND":[{
            "image":"a/b",
            "imagePullPolicy":"Always",
            "terminationMessagePath":"/dev/termination-log",
            "terminationMessagePolicy":"File",
            "ports":[{"containerPort":1,"protocol":"TCP"},{"protocol":"UDP"},null,7],
            "env":[{"name":"A","value":""},
                   {"name":"B","valueFrom":{"fieldRef":{"fieldPath":"p","apiVersion":"v1"}}},
                   {"name":"C","valueFrom":{"fieldRef":{"apiVersion":"v0"}}},
                   {"name":"D","valueFrom":{"fileKeyRef":{"key":"k","optional":false}}},
                   {"name":"E","valueFrom":{"resourceFieldRef":{"divisor":"1Mi"}}}],
            "resources":{"requests":{"cpu":"1m","memory":"0.5Gi"},"limits":{"cpu":"1m"}},
            "livenessProbe":{"timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3,
                             "httpGet":{"port":80,"path":"/","scheme":"HTTP"}},
            "readinessProbe":{"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3,
                              "grpc":{"port":1,"service":""}},
            "startupProbe":{"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3,
                            "httpGet":{"port":80,"path":"/x","scheme":"HTTPS"}},
            "lifecycle":{"postStart":{"httpGet":{"port":1,"path":"/","scheme":"HTTP"}},"preStop":{"exec":{}}}
        },"text"]}"#
            .replace("KIND", containers);
        check_spec(&input, &expected);
    }
}

// Source: core/v1 SetDefaults_Volume, _SecretVolumeSource, …, and the defaults declared on the in-tree sources.
#[test]
fn volumes_get_the_defaults_of_their_source() {
    let cases = [
        ("{}", r#"{"emptyDir":{}}"#),
        (r#"{"emptyDir":null}"#, r#"{"emptyDir":{}}"#),
        (r#"{"nfs":{}}"#, r#"{"nfs":{}}"#),
        (
            r#"{"image":{"reference":"a"}}"#,
            r#"{"image":{"reference":"a"}}"#,
        ),
        (r#"{"hostPath":{}}"#, r#"{"hostPath":{"type":""}}"#),
        (r#"{"hostPath":"/tmp"}"#, r#"{"hostPath":"/tmp"}"#),
        (
            r#"{"secret":{"defaultMode":0}}"#,
            r#"{"secret":{"defaultMode":0}}"#,
        ),
        (r#"{"secret":{}}"#, r#"{"secret":{"defaultMode":420}}"#),
        (
            r#"{"configMap":{}}"#,
            r#"{"configMap":{"defaultMode":420}}"#,
        ),
        (
            r#"{"downwardAPI":{"items":[{"path":"a","fieldRef":{}},{"resourceFieldRef":{}}]}}"#,
            r#"{"downwardAPI":{"items":[{"path":"a","fieldRef":{"apiVersion":"v1"}},{"resourceFieldRef":{"divisor":"0"}}],"defaultMode":420}}"#,
        ),
        (
            r#"{"projected":{"sources":[{"secret":{}},{"downwardAPI":{"items":[{"fieldRef":{}}]}},{"serviceAccountToken":{}}]}}"#,
            r#"{"projected":{"sources":[{"secret":{}},{"downwardAPI":{"items":[{"fieldRef":{"apiVersion":"v1"}}]}},{"serviceAccountToken":{"expirationSeconds":3600}}],"defaultMode":420}}"#,
        ),
        (
            r#"{"iscsi":{}}"#,
            r#"{"iscsi":{"iscsiInterface":"default"}}"#,
        ),
        (
            r#"{"rbd":{"pool":""}}"#,
            r#"{"rbd":{"pool":"rbd","user":"admin","keyring":"/etc/ceph/keyring"}}"#,
        ),
        (
            r#"{"azureDisk":{"fsType":""}}"#,
            r#"{"azureDisk":{"fsType":"","cachingMode":"ReadWrite","readOnly":false,"kind":"Shared"}}"#,
        ),
        (
            r#"{"scaleIO":{"fsType":""}}"#,
            r#"{"scaleIO":{"fsType":"xfs","storageMode":"ThinProvisioned"}}"#,
        ),
        (
            r#"{"ephemeral":{"volumeClaimTemplate":{"spec":{"resources":{"requests":{"storage":"0.0001"}}}}}}"#,
            r#"{"ephemeral":{"volumeClaimTemplate":{"metadata":{},"spec":{"volumeMode":"Filesystem","resources":{"requests":{"storage":"1m"}}}}}}"#,
        ),
        (r#"{"ephemeral":{}}"#, r#"{"ephemeral":{}}"#),
    ];
    for (input, expected) in cases {
        check_spec(
            &format!(r#"{{"volumes":[{input},[]]}}"#),
            &format!(r#"{{"volumes":[{expected},[]]}}"#),
        );
    }
}

// Source: core/v1 Convert_v1_PodSpec_To_core_PodSpec and back.
#[test]
fn both_names_of_the_service_account_are_written_and_the_newer_one_wins() {
    let cases = [
        (r#"{}"#, r#"{}"#),
        (r#"{"serviceAccount":""}"#, r#"{"serviceAccount":""}"#),
        (
            r#"{"serviceAccount":"old"}"#,
            r#"{"serviceAccount":"old","serviceAccountName":"old"}"#,
        ),
        (
            r#"{"serviceAccount":"old","serviceAccountName":""}"#,
            r#"{"serviceAccount":"old","serviceAccountName":"old"}"#,
        ),
        (
            r#"{"serviceAccount":"old","serviceAccountName":"new"}"#,
            r#"{"serviceAccount":"new","serviceAccountName":"new"}"#,
        ),
        (
            r#"{"serviceAccount":null,"serviceAccountName":"new"}"#,
            r#"{"serviceAccount":"new","serviceAccountName":"new"}"#,
        ),
        (
            r#"{"serviceAccount":[],"serviceAccountName":"new"}"#,
            r#"{"serviceAccount":[],"serviceAccountName":"new"}"#,
        ),
    ];
    for (input, expected) in cases {
        let mut template = tree(&format!(r#"{{"spec":{input}}}"#));
        convert(&mut Node::root(&mut template, &mut Log::default()));
        assert_eq!(template.at(&["spec"]), Some(&tree(expected)), "{input}");
    }
}

// Source: core/v1 dropInitContainerAnnotations.
#[test]
fn annotations_of_init_containers_are_dropped_and_said() {
    let mut template = tree(
        r#"{"metadata":{"annotations":{"pod.beta.kubernetes.io/init-containers":"[]","keep":"me"}}}"#,
    );
    let mut log = Log::default();
    convert(&mut Node::root(&mut template, &mut log));
    assert_eq!(
        template,
        tree(r#"{"metadata":{"annotations":{"keep":"me"}}}"#)
    );
    let said: Vec<&str> = log.losses.iter().map(|loss| loss.path.as_str()).collect();
    assert_eq!(
        said,
        ["/metadata/annotations/pod.beta.kubernetes.io~1init-containers"]
    );
    for name in INIT_CONTAINER_ANNOTATIONS {
        let mut template = tree(&format!(
            r#"{{"metadata":{{"annotations":{{"{name}":"x"}}}}}}"#
        ));
        convert(&mut Node::root(&mut template, &mut Log::default()));
        assert_eq!(template, tree(r#"{"metadata":{}}"#), "{name}");
    }
    // An empty map that stood there stays.
    let mut template = tree(r#"{"metadata":{"annotations":{}}}"#);
    convert(&mut Node::root(&mut template, &mut Log::default()));
    assert_eq!(template, tree(r#"{"metadata":{"annotations":{}}}"#));
}
