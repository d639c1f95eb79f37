//! Defaults of containers, init containers and ephemeral containers alike.

use super::super::super::draft::Node;
use super::super::zero;
use super::{image, reference_defaults, round_resources};

/// Writes the defaults of a Container.
pub(super) fn defaults(container: &mut Node<'_>) {
    let policy = match image::means_latest(container.text(&["image"]).unwrap_or_default()) {
        true => "Always",
        false => "IfNotPresent",
    };
    zero::fill(container, "imagePullPolicy", policy);
    zero::fill(container, "terminationMessagePath", "/dev/termination-log");
    zero::fill(container, "terminationMessagePolicy", "File");
    zero::each(container, &["ports"], |port| {
        zero::fill(port, "protocol", "TCP");
    });
    zero::each(container, &["env"], |variable| {
        zero::inside(variable, &["valueFrom"], |source| {
            reference_defaults(source);
            zero::inside(source, &["fileKeyRef"], |file| {
                zero::default(file, "optional", false);
            });
        });
    });
    round_resources(container);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        zero::inside(container, &[probe], probe_defaults);
    }
    for hook in ["postStart", "preStop"] {
        zero::inside(container, &["lifecycle", hook], http_defaults);
    }
}

fn probe_defaults(probe: &mut Node<'_>) {
    zero::fill(probe, "timeoutSeconds", 1);
    zero::fill(probe, "periodSeconds", 10);
    zero::fill(probe, "successThreshold", 1);
    zero::fill(probe, "failureThreshold", 3);
    http_defaults(probe);
    zero::inside(probe, &["grpc"], |grpc| {
        zero::default(grpc, "service", "");
    });
}

fn http_defaults(handler: &mut Node<'_>) {
    zero::inside(handler, &["httpGet"], |request| {
        zero::fill(request, "path", "/");
        zero::fill(request, "scheme", "HTTP");
    });
}
