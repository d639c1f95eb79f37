//! Ingresses, Gateways and routes.

use super::{
    Interest, Reach, Related,
    workload::{captured_if, is, items},
};
use crate::{
    Result,
    model::{GroupResource, Object, Tree},
    port::ItemAction,
};

/// An Ingress needs its IngressClass, by field or by the older annotation (backup-center.md section 1.8).
#[derive(Clone, Copy, Debug, Default)]
pub struct Ingresses;

/// A Gateway needs its GatewayClass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gateways;

/// An Ingress needs its Services and certificates; a Gateway its certificates; a route its Gateways and Services.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backends;

const GATEWAY: &str = "gateway.networking.k8s.io";
const ROUTES: [&str; 5] = [
    "httproutes",
    "grpcroutes",
    "tcproutes",
    "tlsroutes",
    "udproutes",
];

fn is_ingress(resource: &GroupResource) -> bool {
    resource.resource() == "ingresses"
        && matches!(resource.group(), "networking.k8s.io" | "extensions")
}

impl ItemAction for Ingresses {
    fn name(&self) -> &str {
        "ingresses"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(is_ingress(resource), Reach::Anywhere)
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        if !is_ingress(object.id().resource()) {
            return Ok(Vec::new());
        }
        let tree = object.tree()?;
        let named = [
            tree.text_at(&["spec", "ingressClassName"]),
            tree.text_at(&["metadata", "annotations", "kubernetes.io/ingress.class"]),
        ];
        let mut found: Vec<Related> = Vec::new();
        for name in named.into_iter().flatten() {
            let one = Related::needs("ingressclasses.networking.k8s.io", None, name);
            found.extend(one.filter(|one| !found.contains(one)));
        }
        Ok(found)
    }
}

impl ItemAction for Gateways {
    fn name(&self) -> &str {
        "gateways"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(is(resource, GATEWAY, "gateways"), Reach::Anywhere)
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        if !is(object.id().resource(), GATEWAY, "gateways") {
            return Ok(Vec::new());
        }
        let tree = object.tree()?;
        let class = tree
            .text_at(&["spec", "gatewayClassName"])
            .unwrap_or_default();
        let class = Related::needs("gatewayclasses.gateway.networking.k8s.io", None, class);
        Ok(class.into_iter().collect())
    }
}

impl ItemAction for Backends {
    fn name(&self) -> &str {
        "backends"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        let routes = resource.group() == GATEWAY && ROUTES.contains(&resource.resource());
        captured_if(
            is_ingress(resource) || is(resource, GATEWAY, "gateways") || routes,
            Reach::Anywhere,
        )
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let resource = object.id().resource();
        let (Some(namespace), Interest::Captured(_)) =
            (object.id().namespace(), self.interest(resource))
        else {
            return Ok(Vec::new());
        };
        let tree = object.tree()?;
        let mut found: Vec<Related> = Vec::new();
        let mut need = |resource: &str, namespace: &str, name: Option<&str>| {
            let one = name.and_then(|name| Related::needs(resource, Some(namespace), name));
            found.extend(one.filter(|one| !found.contains(one)));
        };
        let Some(spec) = tree.at(&["spec"]) else {
            return Ok(found);
        };
        match resource.resource() {
            "ingresses" => {
                for tls in items(spec.at(&["tls"])) {
                    need("secrets", namespace, tls.text_at(&["secretName"]));
                }
                let defaults = ["defaultBackend", "backend"];
                let mut backends: Vec<&Tree> = defaults
                    .iter()
                    .filter_map(|field| spec.at(&[*field]))
                    .collect();
                for rule in items(spec.at(&["rules"])) {
                    let paths = items(rule.at(&["http", "paths"])).iter();
                    backends.extend(paths.filter_map(|path| path.at(&["backend"])));
                }
                for backend in backends {
                    need("services", namespace, backend.text_at(&["service", "name"]));
                    need("services", namespace, backend.text_at(&["serviceName"]));
                }
            }
            "gateways" => {
                for listener in items(spec.at(&["listeners"])) {
                    for certificate in items(listener.at(&["tls", "certificateRefs"])) {
                        if certificate.text_at(&["kind"]).unwrap_or("Secret") == "Secret" {
                            let own = certificate.text_at(&["namespace"]);
                            let name = certificate.text_at(&["name"]);
                            need("secrets", own.unwrap_or(namespace), name);
                        }
                    }
                }
            }
            _ => {
                for parent in items(spec.at(&["parentRefs"])) {
                    if parent.text_at(&["kind"]).unwrap_or("Gateway") == "Gateway" {
                        let own = parent.text_at(&["namespace"]).unwrap_or(namespace);
                        need(
                            "gateways.gateway.networking.k8s.io",
                            own,
                            parent.text_at(&["name"]),
                        );
                    }
                }
                for rule in items(spec.at(&["rules"])) {
                    for backend in items(rule.at(&["backendRefs"])) {
                        if backend.text_at(&["kind"]).unwrap_or("Service") == "Service" {
                            let own = backend.text_at(&["namespace"]).unwrap_or(namespace);
                            need("services", own, backend.text_at(&["name"]));
                        }
                    }
                }
            }
        }
        Ok(found)
    }
}
