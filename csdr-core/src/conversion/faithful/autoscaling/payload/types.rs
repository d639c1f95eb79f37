//! The server's types, field by field in their order. Source: api/autoscaling/v1/types.go and pkg/apis/autoscaling/types.go.

use super::{Absent, Field, Shape};

const fn field(name: &'static str, shape: Shape, absent: Absent) -> Field {
    Field {
        name,
        key: name,
        shape,
        absent,
    }
}

const fn optional(name: &'static str, shape: Shape) -> Field {
    field(name, shape, Absent::Nothing)
}

const fn always(name: &'static str, shape: Shape) -> Field {
    field(name, shape, Absent::Zero)
}

/// A field of a type that was never meant to be written: capitalised, and `null` where nothing stands.
const fn internal(name: &'static str, key: &'static str, shape: Shape, absent: Absent) -> Field {
    Field {
        name,
        key,
        shape,
        absent,
    }
}

/// `MetricSpec` of autoscaling/v1.
pub(in super::super) static METRIC: [Field; 6] = [
    always("type", Shape::Text),
    optional("object", Shape::Struct(&OBJECT)),
    optional("pods", Shape::Struct(&PODS)),
    optional("resource", Shape::Struct(&RESOURCE)),
    optional("containerResource", Shape::Struct(&CONTAINER)),
    optional("external", Shape::Struct(&EXTERNAL)),
];

static OBJECT: [Field; 5] = [
    always("target", Shape::Struct(&REFERENCE)),
    always("metricName", Shape::Text),
    always("targetValue", Shape::Quantity),
    optional("selector", Shape::Struct(&SELECTOR)),
    optional("averageValue", Shape::Quantity),
];

static PODS: [Field; 3] = [
    always("metricName", Shape::Text),
    always("targetAverageValue", Shape::Quantity),
    optional("selector", Shape::Struct(&SELECTOR)),
];

static RESOURCE: [Field; 3] = [
    always("name", Shape::Text),
    optional("targetAverageUtilization", Shape::Integer),
    optional("targetAverageValue", Shape::Quantity),
];

static CONTAINER: [Field; 4] = [
    always("name", Shape::Text),
    optional("targetAverageUtilization", Shape::Integer),
    optional("targetAverageValue", Shape::Quantity),
    always("container", Shape::Text),
];

static EXTERNAL: [Field; 4] = [
    always("metricName", Shape::Text),
    optional("metricSelector", Shape::Struct(&SELECTOR)),
    optional("targetValue", Shape::Quantity),
    optional("targetAverageValue", Shape::Quantity),
];

/// `MetricStatus` of autoscaling/v1.
pub(in super::super) static CURRENT_METRIC: [Field; 6] = [
    always("type", Shape::Text),
    optional("object", Shape::Struct(&CURRENT_OBJECT)),
    optional("pods", Shape::Struct(&CURRENT_PODS)),
    optional("resource", Shape::Struct(&CURRENT_RESOURCE)),
    optional("containerResource", Shape::Struct(&CURRENT_CONTAINER)),
    optional("external", Shape::Struct(&CURRENT_EXTERNAL)),
];

static CURRENT_OBJECT: [Field; 5] = [
    always("target", Shape::Struct(&REFERENCE)),
    always("metricName", Shape::Text),
    always("currentValue", Shape::Quantity),
    optional("selector", Shape::Struct(&SELECTOR)),
    optional("averageValue", Shape::Quantity),
];

static CURRENT_PODS: [Field; 3] = [
    always("metricName", Shape::Text),
    always("currentAverageValue", Shape::Quantity),
    optional("selector", Shape::Struct(&SELECTOR)),
];

static CURRENT_RESOURCE: [Field; 3] = [
    always("name", Shape::Text),
    optional("currentAverageUtilization", Shape::Integer),
    always("currentAverageValue", Shape::Quantity),
];

static CURRENT_CONTAINER: [Field; 4] = [
    always("name", Shape::Text),
    optional("currentAverageUtilization", Shape::Integer),
    always("currentAverageValue", Shape::Quantity),
    always("container", Shape::Text),
];

static CURRENT_EXTERNAL: [Field; 4] = [
    always("metricName", Shape::Text),
    optional("metricSelector", Shape::Struct(&SELECTOR)),
    always("currentValue", Shape::Quantity),
    optional("currentAverageValue", Shape::Quantity),
];

static REFERENCE: [Field; 3] = [
    always("kind", Shape::Text),
    always("name", Shape::Text),
    optional("apiVersion", Shape::Text),
];

static SELECTOR: [Field; 2] = [
    optional("matchLabels", Shape::Texts),
    optional(
        "matchExpressions",
        Shape::List(&Shape::Struct(&REQUIREMENT)),
    ),
];

static REQUIREMENT: [Field; 3] = [
    always("key", Shape::Text),
    always("operator", Shape::Text),
    optional("values", Shape::List(&Shape::Text)),
];

/// `HorizontalPodAutoscalerCondition` of autoscaling/v1.
pub(in super::super) static CONDITION: [Field; 5] = [
    always("type", Shape::Text),
    always("status", Shape::Text),
    field("lastTransitionTime", Shape::Time, Absent::Null),
    optional("reason", Shape::Text),
    optional("message", Shape::Text),
];

/// The server's internal `HorizontalPodAutoscalerBehavior`.
pub(in super::super) static BEHAVIOR: [Field; 2] = [
    internal("ScaleUp", "scaleUp", Shape::Struct(&RULES), Absent::Null),
    internal(
        "ScaleDown",
        "scaleDown",
        Shape::Struct(&RULES),
        Absent::Null,
    ),
];

static RULES: [Field; 4] = [
    internal(
        "StabilizationWindowSeconds",
        "stabilizationWindowSeconds",
        Shape::Integer,
        Absent::Null,
    ),
    internal("SelectPolicy", "selectPolicy", Shape::Text, Absent::Null),
    internal(
        "Policies",
        "policies",
        Shape::List(&Shape::Struct(&POLICY)),
        Absent::Null,
    ),
    internal("Tolerance", "tolerance", Shape::Quantity, Absent::Null),
];

static POLICY: [Field; 3] = [
    internal("Type", "type", Shape::Text, Absent::Zero),
    internal("Value", "value", Shape::Integer, Absent::Zero),
    internal(
        "PeriodSeconds",
        "periodSeconds",
        Shape::Integer,
        Absent::Zero,
    ),
];
