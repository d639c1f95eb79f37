//! Lists: documents that hold objects.

use crate::model::{Tree, TreeMap};

/// The suffix of a list's kind.
const LIST: &str = "List";

/// Whether a document is a list: `kind: List`, or a list of one kind such as `IngressList`. A custom resource of a kind that happens
/// to end so is told by its name, or by having no `items`.
pub fn is_list(tree: &Tree) -> bool {
    let items = matches!(tree.at(&["items"]), Some(Tree::Array(_) | Tree::Null));
    let kind = tree.text_at(&["kind"]).unwrap_or_default();
    items && kind.ends_with(LIST) && tree.at(&["metadata", "name"]).is_none_or(Tree::is_null)
}

/// Splits a document into its objects, lists in lists too. An item of a list of one kind gets the `apiVersion` and `kind` that it
/// lacks. A document that is no list is its own object. What else a list says (`metadata.resourceVersion`, `continue`) is about the
/// answer that it was, not about an object.
///
/// ```
/// use csdr_core::{conversion::list, model::Tree};
/// let list = br#"{"apiVersion":"networking.k8s.io/v1","kind":"IngressList","items":[{"metadata":{"name":"a"}}]}"#;
/// let items = list::items(Tree::parse(list)?);
/// assert_eq!(items[0].text_at(&["kind"]), Some("Ingress"));
/// # Ok::<(), csdr_core::Error>(())
/// ```
pub fn items(tree: Tree) -> Vec<Tree> {
    let mut objects = Vec::new();
    split(tree, &mut objects);
    objects
}

fn split(mut tree: Tree, objects: &mut Vec<Tree>) {
    if !is_list(&tree) {
        objects.push(tree);
        return;
    }
    let inherited = inherited(&tree);
    let Some(Tree::Array(items)) = tree.remove(&["items"]) else {
        return;
    };
    for mut item in items {
        if let (Some((version, kind)), Tree::Object(map)) = (&inherited, &mut item) {
            inherit(map, "kind", kind);
            inherit(map, "apiVersion", version);
        }
        split(item, objects);
    }
}

/// Puts a member that is absent where a reader looks for it first.
fn inherit(map: &mut TreeMap, key: &str, value: &str) {
    if map.get(key).is_none_or(Tree::is_null) {
        map.shift_remove(key);
        map.shift_insert(0, key.to_owned(), Tree::from(value));
    }
}

/// The version and kind that the items of a list of one kind have where they do not say it.
pub(super) fn inherited(tree: &Tree) -> Option<(String, String)> {
    let kind = tree.text_at(&["kind"])?.strip_suffix(LIST)?;
    let version = tree.text_at(&["apiVersion"])?;
    (!kind.is_empty()).then(|| (version.to_owned(), kind.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_their_objects() {
        let table = [
            (r#"{"kind":"Pod","x":1}"#, &[r#"{"kind":"Pod","x":1}"#][..]),
            (
                r#"{"apiVersion":"v1","kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"x":1},{"kind":"Other","apiVersion":"a/v1"},7]}"#,
                &[
                    r#"{"apiVersion":"v1","kind":"Pod","x":1}"#,
                    r#"{"kind":"Other","apiVersion":"a/v1"}"#,
                    "7",
                ],
            ),
            // A list of anything says nothing about its items.
            (
                r#"{"apiVersion":"v1","kind":"List","items":[{"x":1},{"apiVersion":"v1","kind":"PodList","items":[{"x":2,"kind":null}]}]}"#,
                &[r#"{"x":1}"#, r#"{"apiVersion":"v1","kind":"Pod","x":2}"#],
            ),
            (r#"{"apiVersion":"v1","kind":"PodList","items":null}"#, &[]),
            // Custom resources.
            (
                r#"{"kind":"AllowList","spec":{}}"#,
                &[r#"{"kind":"AllowList","spec":{}}"#],
            ),
            (
                r#"{"kind":"AllowList","metadata":{"name":"a"},"items":["x"]}"#,
                &[r#"{"kind":"AllowList","metadata":{"name":"a"},"items":["x"]}"#],
            ),
            ("7", &["7"]),
        ];
        for (document, expected) in table {
            let found = items(Tree::parse(document.as_bytes()).unwrap());
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{document}");
        }
    }
}
