//! Rules as they are written: Velero's format, field by field.

use crate::{
    Error, Result,
    manifest::yaml::{self, YamlLimits},
    model::{LabelSelector, Tree},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// Most bytes that a document may have. Source: a ConfigMap holds at most 1 MiB.
const BYTES: usize = 1 << 20;

/// The data of Velero's resource modifier ConfigMap. Source: velero.md section 3.8.
///
/// ```
/// use csdr_core::modifier::{ModifierConditions, JsonPatchOperation, ResourceModifierRule, ResourceModifierSpec};
/// let rule = ResourceModifierRule::new(ModifierConditions::of("deployments.apps").with_namespace("shop"))
///     .with_patch(JsonPatchOperation::new("replace", "/spec/replicas").with_value("1"));
/// let spec = ResourceModifierSpec::default().with_rule(rule);
/// assert_eq!(ResourceModifierSpec::from_yaml(&spec.to_yaml()?)?, spec);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceModifierSpec {
    /// `v1`.
    pub version: String,
    /// The rules, in the order in which they are applied.
    pub resource_modifier_rules: Vec<ResourceModifierRule>,
}

impl Default for ResourceModifierSpec {
    fn default() -> Self {
        Self {
            version: "v1".to_owned(),
            resource_modifier_rules: Vec::new(),
        }
    }
}

/// For which objects, and what is changed in them: one kind of patches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceModifierRule {
    /// All of them must hold.
    pub conditions: ModifierConditions,
    /// JSON patch: operations that are applied together or not at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<JsonPatchOperation>,
    /// Merge patches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merge_patches: Vec<PatchData>,
    /// Strategic merge patches; built-in kinds only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategic_patches: Vec<PatchData>,
}

/// Which stored objects a rule is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModifierConditions {
    /// `plural` of the core group or `plural.group`, as stored. `*` is all of the core group, `*.apps` all of a group, `*.*` everything.
    pub group_resource: String,
    /// A regular expression that is found somewhere in the name (write `^…$` for all of it); empty is any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource_name_regex: String,
    /// Namespaces of the backup, or patterns; empty is all. An object without a namespace is not asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Labels as stored.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// Values that must stand at paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<ModifierMatch>,
}

/// A value that must stand at a path of the stored object or, if the path is not in that version, of the converted one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifierMatch {
    /// JSON pointer.
    pub path: String,
    /// As [`JsonPatchOperation::value`].
    pub value: String,
}

/// One operation of a JSON patch.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonPatchOperation {
    /// `add`, `remove`, `replace`, `move`, `copy` or `test`. If a `test` does not hold, the rule is left out for the object.
    pub operation: String,
    /// JSON pointer, for `move` and `copy`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// JSON pointer.
    pub path: String,
    /// For `add`, `replace` and `test`, as text: `null`, `true`, `false`, a number, JSON that begins with `{` or `[`, a JSON string in
    /// double quotes; everything else is the text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A merge patch or strategic merge patch.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchData {
    /// The patch as YAML or JSON.
    pub patch_data: String,
}

/// Values are not shown: they may be secret.
impl fmt::Debug for ModifierMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ModifierMatch");
        shown.field("path", &self.path).finish_non_exhaustive()
    }
}

/// Values are not shown: they may be secret.
impl fmt::Debug for JsonPatchOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonPatchOperation")
            .field("operation", &self.operation)
            .field("from", &self.from)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The patch is not shown: it may be secret.
impl fmt::Debug for PatchData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PatchData({} bytes)", self.patch_data.len())
    }
}

impl ModifierConditions {
    /// Every object of a resource.
    pub fn of(group_resource: impl Into<String>) -> Self {
        Self {
            group_resource: group_resource.into(),
            ..Self::default()
        }
    }

    /// Adds a namespace or pattern of the backup.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespaces.push(namespace.into());
        self
    }

    /// Demands a name.
    #[must_use]
    pub fn with_name_regex(mut self, regex: impl Into<String>) -> Self {
        self.resource_name_regex = regex.into();
        self
    }

    /// Demands labels.
    #[must_use]
    pub fn with_selector(mut self, selector: LabelSelector) -> Self {
        self.label_selector = selector;
        self
    }

    /// Demands a value at a path.
    #[must_use]
    pub fn with_match(mut self, path: impl Into<String>, value: impl Into<String>) -> Self {
        self.matches.push(ModifierMatch {
            path: path.into(),
            value: value.into(),
        });
        self
    }
}

impl ResourceModifierRule {
    /// A rule without patches.
    pub fn new(conditions: ModifierConditions) -> Self {
        Self {
            conditions,
            ..Self::default()
        }
    }

    /// Adds an operation of a JSON patch.
    #[must_use]
    pub fn with_patch(mut self, operation: JsonPatchOperation) -> Self {
        self.patches.push(operation);
        self
    }

    /// Adds a merge patch, as YAML or JSON.
    #[must_use]
    pub fn with_merge_patch(mut self, patch: impl Into<String>) -> Self {
        self.merge_patches.push(PatchData {
            patch_data: patch.into(),
        });
        self
    }

    /// Adds a strategic merge patch, as YAML or JSON.
    #[must_use]
    pub fn with_strategic_patch(mut self, patch: impl Into<String>) -> Self {
        self.strategic_patches.push(PatchData {
            patch_data: patch.into(),
        });
        self
    }
}

impl JsonPatchOperation {
    /// An operation without a value.
    pub fn new(operation: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            operation: operation.into(),
            path: path.into(),
            ..Self::default()
        }
    }

    /// Says where the value comes from.
    #[must_use]
    pub fn with_from(mut self, from: impl Into<String>) -> Self {
        self.from = from.into();
        self
    }

    /// Says the value, as text.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }
}

impl ResourceModifierSpec {
    /// Adds a rule.
    #[must_use]
    pub fn with_rule(mut self, rule: ResourceModifierRule) -> Self {
        self.resource_modifier_rules.push(rule);
        self
    }

    /// Reads the rules, or a ConfigMap that holds them, as YAML or JSON; strictly.
    ///
    /// # Errors
    /// `InvalidInput`, naming the rule by its number and the field: for what is not Velero's format, and for everything that
    /// [`ResourceModifiers::new`](super::ResourceModifiers::new) refuses.
    pub fn from_yaml(text: &str) -> Result<Self> {
        let tree = document(text)?;
        let is_config_map = tree.at(&["resourceModifierRules"]).is_none()
            && tree.text_at(&["kind"]) == Some("ConfigMap");
        match is_config_map {
            true => Self::of_config_map(&tree),
            false => Self::of_tree(&tree),
        }
    }

    /// Reads a ConfigMap, as YAML or JSON, whose one key holds the rules.
    ///
    /// # Errors
    /// As [`ResourceModifierSpec::from_yaml`]; also if the ConfigMap has another number of keys than one.
    pub fn from_config_map(text: &str) -> Result<Self> {
        Self::of_config_map(&document(text)?)
    }

    fn of_config_map(tree: &Tree) -> Result<Self> {
        let bad = |message: &str| Err(reading(Error::invalid(message)));
        if (tree.text_at(&["apiVersion"]), tree.text_at(&["kind"]))
            != (Some("v1"), Some("ConfigMap"))
        {
            return bad("not a ConfigMap of v1");
        }
        let data = tree.at(&["data"]).and_then(Tree::as_object);
        let mut values = data.into_iter().flat_map(|data| data.values());
        match (values.next(), values.next()) {
            (Some(Tree::String(text)), None) => Self::of_tree(&document(text)?),
            (Some(_), None) => bad("the value of the ConfigMap's key is no text"),
            _ => bad("the ConfigMap must have exactly one key in `data`, which holds the rules"),
        }
    }

    fn of_tree(tree: &Tree) -> Result<Self> {
        let Some(map) = tree.as_object() else {
            return Err(reading(Error::invalid(
                "not an object with `version` and `resourceModifierRules`",
            )));
        };
        // Rule by rule, so that an error can say which.
        let mut head = map.clone();
        let rules = head.insert("resourceModifierRules".to_owned(), Tree::Array(Vec::new()));
        let mut spec: Self = decode(&Tree::Object(head)).map_err(reading)?;
        let rules = match &rules {
            None => &[][..],
            Some(rules) => rules
                .as_array()
                .ok_or_else(|| reading(Error::invalid("`resourceModifierRules` is not a list")))?,
        };
        for (at, rule) in rules.iter().enumerate() {
            let rule = decode(rule).map_err(|error| reading(error.with_context("rule", at + 1)))?;
            spec.resource_modifier_rules.push(rule);
        }
        spec.validate()?;
        Ok(spec)
    }

    /// The rules as YAML.
    ///
    /// # Errors
    /// Never for rules that were validated.
    pub fn to_yaml(&self) -> Result<String> {
        let failed = |error| Error::invalid("rules cannot be written").with_source(error);
        let json = serde_json::to_vec(self).map_err(failed)?;
        Ok(yaml::to_yaml(&Tree::parse(&json)?))
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// As [`ResourceModifiers::new`](super::ResourceModifiers::new).
    pub fn validate(&self) -> Result<()> {
        super::ResourceModifiers::new(self).map(drop)
    }
}

/// Says what was being done.
pub(super) fn reading(error: Error) -> Error {
    error.with_operation("read resource modifiers")
}

/// The one document of a text.
pub(super) fn document(text: &str) -> Result<Tree> {
    if text.len() > BYTES {
        return Err(reading(
            Error::invalid("document is larger than allowed")
                .with_context("bytes", text.len())
                .with_context("limit", BYTES),
        ));
    }
    let mut documents = yaml::documents(text, &YamlLimits::default()).into_iter();
    match (documents.next(), documents.next()) {
        (Some(document), None) => document.tree.map_err(reading),
        (None, _) => Err(reading(Error::invalid("the document is empty"))),
        _ => Err(reading(Error::invalid("more than one document"))),
    }
}

fn decode<T: DeserializeOwned>(tree: &Tree) -> Result<T> {
    serde_json::from_slice(&tree.to_json()).map_err(|error| Error::invalid(without_values(&error)))
}

/// A reader's message without the place, which is not the user's, and without the text that it found.
fn without_values(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(message, _)| message);
    match (message.find('"'), message.rfind('"')) {
        (Some(from), Some(to)) if from < to => {
            format!("{}…{}", &message[..=from], &message[to..])
        }
        _ => message.to_owned(),
    }
}
