//! Services.

mod load_balancer;
mod node_port;

use super::{TransformItem, Verdict};
use crate::{Result, conversion::Severity, port::Transform};

/// Services lose the addresses that the source's server allocated, keep or lose their node ports, and get a load balancer of the target
/// or keep the one that a person chose.
///
/// Source: R269 to R273, velero.md section 3.9, backup-center.md sections 1.9 and 5.
#[derive(Clone, Copy, Debug, Default)]
pub struct Services {
    preserve_node_ports: Option<bool>,
}

impl Services {
    /// `preserve_node_ports` decides about node ports:
    ///
    /// * `Some(true)`: all stay, and `healthCheckNodePort` (R270);
    /// * `Some(false)`: those stay that a person set, as the last-applied annotation or `managedFields` say (Velero);
    /// * `None`: as `Some(false)`, but a Service of type NodePort keeps all of them (R269) unless its namespace is mapped: the copy
    ///   may stand beside the original, which has the ports.
    pub fn new(preserve_node_ports: Option<bool>) -> Self {
        Self {
            preserve_node_ports,
        }
    }
}

impl Transform for Services {
    fn name(&self) -> &str {
        "services"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        if item.kind() != ("", "services") {
            return Ok(Verdict::Restore);
        }
        if item.text(&["spec", "clusterIP"]) != Some("None") {
            let reason = "an address of the source's cluster";
            item.remove(&["spec", "clusterIP"], reason);
            item.remove(&["spec", "clusterIPs"], reason);
        }
        warn_of_families(item);
        node_port::apply(item, self.preserve_node_ports)?;
        load_balancer::apply(item);
        Ok(Verdict::Restore)
    }
}

/// A target with one address family refuses these Services; it cannot be told from its discovery whether it has one.
fn warn_of_families(item: &mut TransformItem<'_>) {
    if item.text(&["spec", "ipFamilyPolicy"]) == Some("RequireDualStack") {
        item.warn(
            &["spec", "ipFamilyPolicy"],
            Severity::Info,
            "a target with a single address family refuses the Service; PreferDualStack is taken by both",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::table::through;

    fn service(preserve: Option<bool>, meta: &str, spec: &str, target: &str) -> String {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"a","namespace":"n"{meta}}},"spec":{{{spec}}}}}"#
        );
        let text = through(&[&Services::new(preserve)], "services", &json, target);
        text.split_once(r#""spec":"#)
            .unwrap()
            .1
            .trim_end_matches('}')
            .to_owned()
    }

    #[test]
    fn allocated_addresses_go_and_headless_services_stay_headless() {
        let spec = r#""clusterIP":"10.0.0.7","clusterIPs":["10.0.0.7"],"externalIPs":["1.2.3.4"],"ipFamilies":["IPv4"]"#;
        assert_eq!(
            service(None, "", spec, "services/n/a"),
            r#"{"externalIPs":["1.2.3.4"],"ipFamilies":["IPv4"]"#
        );
        let headless = r#""clusterIP":"None","clusterIPs":["None"]"#;
        assert_eq!(
            service(None, "", headless, "services/n/a"),
            r#"{"clusterIP":"None","clusterIPs":["None"]"#
        );
    }

    #[test]
    fn r269_node_ports_of_node_port_services_stay_unless_the_namespace_is_mapped() {
        let spec = r#""type":"NodePort","ports":[{"port":80,"nodePort":30080}]"#;
        let kept = r#"{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]"#;
        let gone = r#"{"type":"NodePort","ports":[{"port":80}]"#;
        for (preserve, target, expected) in [
            (None, "services/n/a", kept),
            (None, "services/copy/a", gone),
            (Some(true), "services/n/a", kept),
            (Some(true), "services/copy/a", kept),
            (Some(false), "services/n/a", gone),
            (Some(false), "services/copy/a", gone),
        ] {
            assert_eq!(
                service(preserve, "", spec, target),
                expected,
                "{preserve:?} {target}"
            );
        }
    }

    #[test]
    fn r270_health_check_ports_are_random_unless_preserved() {
        let spec = r#""type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":31000,"ports":[{"port":80,"nodePort":30080}]"#;
        for (preserve, kept) in [(None, false), (Some(true), true), (Some(false), false)] {
            let text = service(preserve, "", spec, "services/n/a");
            assert_eq!(text.contains("31000"), kept, "{preserve:?}: {text}");
            assert_eq!(text.contains("30080"), kept, "{preserve:?}: {text}");
        }
    }

    #[test]
    fn velero_3_9_ports_that_a_person_set_stay() {
        let spec = r#""type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":31000,"ports":[{"name":"web","port":80,"nodePort":30080},{"name":"tls","port":443,"nodePort":30443}]"#;
        let applied = |json: &str| {
            let json = json.replace('"', "\\\"");
            format!(
                r#","annotations":{{"kubectl.kubernetes.io/last-applied-configuration":"{json}"}}"#
            )
        };
        let managed = |fields: &str| {
            format!(r#","managedFields":[{{"manager":"x","fieldsV1":{{"f:spec":{{{fields}}}}}}}]"#)
        };
        for (meta, kept) in [
            (String::new(), &[][..]),
            (
                applied(r#"{"spec":{"ports":[{"name":"web","nodePort":30080}]}}"#),
                &["30080"][..],
            ),
            (
                applied(r#"{"spec":{"ports":[{"name":"web","nodePort":0}]}}"#),
                &[][..],
            ),
            // The name decides, not the number.
            (
                applied(r#"{"spec":{"ports":[{"name":"tls","nodePort":30080}]}}"#),
                &["30443"][..],
            ),
            (
                applied(r#"{"spec":{"healthCheckNodePort":31000}}"#),
                &["31000"][..],
            ),
            (applied("no json"), &[][..]),
            (
                managed(
                    r#""f:ports":{"k:{\"port\":443,\"protocol\":\"TCP\"}":{"f:nodePort":{}},"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:port":{}}}"#,
                ),
                &["30443"][..],
            ),
            (managed(r#""f:healthCheckNodePort":{}"#), &["31000"][..]),
        ] {
            let text = service(None, &meta, spec, "services/n/a");
            for port in ["30080", "30443", "31000"] {
                assert_eq!(text.contains(port), kept.contains(&port), "{meta}: {text}");
            }
        }
        // Without a name the number decides.
        let unnamed = r#""type":"LoadBalancer","ports":[{"port":80,"nodePort":30080}]"#;
        for (port, kept) in [(30080, true), (30081, false)] {
            let meta = applied(&format!(
                r#"{{"spec":{{"ports":[{{"nodePort":{port}}}]}}}}"#
            ));
            let text = service(None, &meta, unnamed, "services/n/a");
            assert_eq!(text.contains("30080"), kept, "{port}: {text}");
        }
    }
}
