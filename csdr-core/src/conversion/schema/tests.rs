use super::*;
use crate::{conversion::draft::Log, lifecycle, model::Tree};

fn unknown(json: &str) -> Vec<String> {
    let mut tree = Tree::parse(json.as_bytes()).unwrap();
    let mut log = Log::default();
    report_unknown(&mut Node::root(&mut tree, &mut log));
    assert!(log.changes.is_empty());
    log.losses.into_iter().map(|loss| loss.path).collect()
}

#[test]
fn the_table_is_whole() {
    let order = |row: &Kind| (row.kind, row.group, row.version);
    assert!(table::KINDS.is_sorted_by(|a, b| order(a) < order(b)));
    let good = |number: i16| usize::from(number.unsigned_abs()) <= table::SHAPES.len();
    assert!(
        table::KINDS
            .iter()
            .all(|row| row.shape > 0 && good(row.shape))
    );
    for shape in table::SHAPES {
        assert!(
            !shape.is_empty() && shape.is_sorted_by(|a, b| a.0 < b.0),
            "{shape:?}"
        );
        assert!(shape.iter().all(|(_, number)| good(*number)), "{shape:?}");
    }
    // Every version from which something can be converted.
    for row in lifecycle::rows() {
        if row.stored && lifecycle::family(row).count() > 1 {
            assert_ne!(shape_of(&row.api_version(), row.kind), 0, "{row}");
        }
    }
}

#[test]
fn unknown_fields_are_told_with_their_place() {
    for (json, expected) in [
        // Source: the API server's strict decoding of vectors `unknown-fields-are-dropped` and `ipaddress-v1alpha1`.
        (
            r#"{"apiVersion":"networking.k8s.io/v1beta1","kind":"Ingress","metadata":{"name":"x"},"spec":{"rules":[{"http":{"paths":[
                {"backend":{"service":{"name":"a"}}}]}}]}}"#,
            &["/spec/rules/0/http/paths/0/backend/service"][..],
        ),
        (
            r#"{"apiVersion":"networking.k8s.io/v1alpha1","kind":"IPAddress","spec":{"parentRef":{"uid":"u","name":"n"}}}"#,
            &["/spec/parentRef/uid"],
        ),
        (
            r#"{"apiVersion":"apps/v1beta1","kind":"Deployment","metadata":{"labels":{"any":"x","a/b":"y"},"nmae":"x"},"spec":{
                "rollbackTo":{"revision":1},"template":{"spec":{"contianers":[],"containers":[{"name":"a","image":"b","resources":{
                "limits":{"example.com/gpu":"1"},"burst":{}}}]}},"paused":null,"nothing":null},"x~/y":1}"#,
            &[
                "/metadata/nmae",
                "/spec/template/spec/contianers",
                "/spec/template/spec/containers/0/resources/burst",
                "/x~0~1y",
            ],
        ),
        (
            r#"{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition","spec":{"versions":[{"schema":{
                "openAPIV3Schema":{"properties":{"any":{"items":{"properties":{"deep":{"tpye":"x","default":{"free":1}}}}}}}},
                "additionalPrinterColumns":[{"JSONPath":".a"},{"jsonPath":".a"}]}]}}"#,
            &[
                "/spec/versions/0/schema/openAPIV3Schema/properties/any/items/properties/deep/tpye",
                "/spec/versions/0/additionalPrinterColumns/1/jsonPath",
            ],
        ),
        // Maps of structures; case matters.
        (
            r#"{"apiVersion":"resource.k8s.io/v1beta1","kind":"ResourceSlice","spec":{"devices":[{"basic":{"capacity":{
                "mem":{"value":"1","Value":"2"}}}}]}}"#,
            &["/spec/devices/0/basic/capacity/mem/Value"],
        ),
        // Wrong types, unknown kinds: nothing to say.
        (
            r#"{"apiVersion":"apps/v1beta1","kind":"Deployment","spec":[1,"x",[{"replicas":{}}]],"metadata":7}"#,
            &[],
        ),
        (
            r#"{"apiVersion":"shop.io/v1","kind":"Widget","anything":1}"#,
            &[],
        ),
        (r#"{"kind":7}"#, &[]),
    ] {
        assert_eq!(unknown(json), expected, "{json}");
    }
}
