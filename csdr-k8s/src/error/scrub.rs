//! Takes an object's content out of a server's message.
//!
//! Source: `k8s.io/apimachinery/pkg/util/validation/field.Error.ErrorBody` writes `<marker>: <value>: <detail>`, where the value
//! is a quoted string, JSON or Go syntax of whatever stood in the object, a Secret's data too.

/// Longest message that is passed on, in bytes.
const LONGEST: usize = 2048;

/// What the server writes in front of a value of the object.
const MARKERS: [&str; 3] = [
    "Invalid value: ",
    "Unsupported value: ",
    "Duplicate value: ",
];

/// Old decoders quote the bytes around a mistake from here on.
const DUMPS: [&str; 2] = ["error found in #", "bigger context"];

/// `message` on one line, without values of the object, and bounded.
pub(super) fn scrubbed(message: &str) -> String {
    // Invariant: whatever stands on a second line is a diff of objects (pod updates), never the rule that was broken.
    let mut rest = message.trim().lines().next().unwrap_or_default();
    for dump in DUMPS {
        if let Some(at) = rest.find(dump) {
            rest = rest[..at].trim_end_matches([',', ' ']);
        }
    }
    let mut clean = String::with_capacity(rest.len().min(LONGEST));
    while let Some((at, marker)) = MARKERS
        .iter()
        .filter_map(|marker| rest.find(marker).map(|at| (at, marker)))
        .min()
    {
        let value = at + marker.len();
        clean.push_str(&rest[..value]);
        clean.push('…');
        rest = value_end(&rest[value..]).map_or("", |length| &rest[value + length..]);
    }
    clean.push_str(rest);
    if let Some((end, _)) = clean
        .char_indices()
        .take_while(|(at, _)| *at <= LONGEST)
        .last()
        && clean.len() > LONGEST
    {
        clean.truncate(end);
        clean.push('…');
    }
    clean.retain(|c| !c.is_control());
    clean
}

/// Length of the value that begins `text`: up to a `: `, `, ` or `]` outside of quotes and brackets; `None` if it never balances.
fn value_end(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ')' | ']' | '}') => depth = depth.checked_sub(1)?,
            (None, ':' | ',') if depth == 0 && text[at + 1..].starts_with(' ') => return Some(at),
            (None, _) => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::scrubbed;

    #[test]
    fn values_go_and_rules_stay() {
        for (message, expected) in [
            (
                r#"ConfigMap "x" is invalid: data[a b]: Invalid value: "hunter2: \" x": a valid key must match"#,
                r#"ConfigMap "x" is invalid: data[a b]: Invalid value: …: a valid key must match"#,
            ),
            (
                r#"Deployment.apps "d" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app":"hunter2: x"}}: field is immutable"#,
                r#"Deployment.apps "d" is invalid: spec.selector: Invalid value: …: field is immutable"#,
            ),
            (
                r#"Service "s" is invalid: [spec.type: Unsupported value: "hunter2": supported values: "ClusterIP", "NodePort", spec.ports[1]: Duplicate value: {"port":80,"x":"hunter2"}, spec.x: Required value]"#,
                r#"Service "s" is invalid: [spec.type: Unsupported value: …: supported values: "ClusterIP", "NodePort", spec.ports[1]: Duplicate value: …, spec.x: Required value]"#,
            ),
            (
                "Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than image\n\tcore.PodSpec{hunter2}",
                "Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than image",
            ),
            (
                r#"json: cannot unmarshal number, error found in #10 byte of ...|hunter2|..., bigger context ...|hunter2|..."#,
                "json: cannot unmarshal number",
            ),
            (r#"x: Invalid value: {"a": "hunter2"#, "x: Invalid value: …"),
            ("configmaps \"x\" not found", "configmaps \"x\" not found"),
        ] {
            assert_eq!(scrubbed(message), expected);
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let clean = scrubbed(&"ü".repeat(5000));
        assert!(clean.len() < 2100 && clean.ends_with('…'));
    }
}
