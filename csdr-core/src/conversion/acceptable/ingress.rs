//! Ingress. Source: api-versions.md section 3.1; `ValidateIngressCreate`.

mod backend;

use super::{
    Context, Mend,
    address::{self, Reading},
    label,
    needle::{self, Needle, both, probe, value},
    options::IngressClassChoice,
    refuse,
};
use crate::{
    conversion::{
        draft::Node,
        outcome::{Edit, LossKind, Severity, SkipReason},
    },
    model::Tree,
};
pub(in crate::conversion) use backend::is_port_name;
use backend::{Backend, backend_of, mend_backend};

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: "networking.k8s.io",
        kinds: &["Ingress"],
        needles: &[NEEDLES],
        mend,
    },
    Mend {
        group: "extensions",
        kinds: &["Ingress"],
        needles: &[NEEDLES],
        mend,
    },
];

const CLASS: &str = "kubernetes.io/ingress.class";
/// The first minor that serves v1.
const STABLE: u32 = 19;
/// The first minor with `ingressClassName`.
const CLASS_NAME: u32 = 18;
/// The first minor that takes both when they agree.
const BOTH_CLASSES: u32 = 27;

static NEEDLES: &[Needle] = &[
    both(CLASS, "ingressClassName"),
    value("ingressClassName", |_| true).below(CLASS_NAME),
    value("host", |value| {
        needle::is_text(value, |host| !is_host(host))
    }),
    value("path", |value| {
        value.starts_with(b"null") || needle::is_text(value, |path| !path.starts_with(b"/"))
    }),
    value("paths", |value| {
        let holds = |text: &[u8]| memchr::memmem::find(needle::extent(value), text).is_some();
        needle::is_empty(value) || value.starts_with(b"null") || holds(b"[{}") || holds(b",{}")
    }),
    value("http", |value| {
        memchr::memmem::find(needle::extent(value), b"\"paths\"").is_none()
    }),
    value("backend", needle::is_empty),
    value("defaultBackend", needle::is_empty),
    value("service", needle::is_empty),
    value("port", |value| {
        value.starts_with(b"{")
            && (needle::is_empty(value) || needle::any_text(value, |name| !is_port_name(name)))
    }),
    probe(lacks_path_type),
];

/// Each path has a backend and must have a type, and most have a text.
fn lacks_path_type(json: &[u8]) -> bool {
    let count = |text: &[u8]| memchr::memmem::find_iter(json, text).count();
    let types = count(b"\"pathType\"");
    count(b"\"backend\"") > types || count(b"\"path\"") < types
}

fn is_host(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    if host.contains('*') {
        return host.strip_prefix("*.").is_some_and(label::is_domain);
    }
    // Of the texts that may be domains only digits and points can be read as an address.
    let may_be_address = || host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    host.is_empty()
        || (label::is_domain(host)
            && !(may_be_address() && address::address(host) != Reading::None))
}

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    mend_class(node, context);
    if context.api_version.version() != "v1" || context.minor < STABLE {
        return Ok(());
    }
    let path = ["spec", "ingressClassName"];
    if node.text(&path).is_some_and(|name| !label::is_domain(name)) {
        return Err(refuse(
            node,
            &path,
            "no IngressClass can have this name; write the name of one of the target's classes",
        ));
    }
    mend_default_backend(node, context)?;
    mend_rules(node, context)?;
    check_tls(node)?;
    let rules = node.get(&["spec", "rules"]).and_then(Tree::as_array);
    if rules.unwrap_or_default().is_empty() && !node.has(&["spec", "defaultBackend"]) {
        return Err(refuse(
            node,
            &["spec"],
            "neither a rule nor a default backend is there, or left; write one, or leave the object out",
        ));
    }
    Ok(())
}

/// Annotation and field must not name two classes.
fn mend_class(node: &mut Node<'_>, context: &Context<'_>) {
    let field = ["spec", "ingressClassName"];
    let annotation = ["metadata", "annotations", CLASS];
    let Some(name) = node.text(&field).map(str::to_owned) else {
        return;
    };
    if context.minor < CLASS_NAME {
        node.add(
            &annotation,
            name,
            "the form in which servers of that time name the class",
        );
        return;
    }
    let Some(other) = node.text(&annotation) else {
        return;
    };
    if other == name {
        if context.minor < BOTH_CLASSES {
            node.remove(
                &annotation,
                "the field names the same class, and the target refuses both",
            );
        }
        return;
    }
    let (path, reason) = match context.options.ingress_class {
        IngressClassChoice::Annotation => (
            field.as_slice(),
            "the annotation names another class; the target refuses both, and controllers of the beta versions obeyed the annotation",
        ),
        IngressClassChoice::Field => (
            annotation.as_slice(),
            "the field names another class; the target refuses both",
        ),
    };
    node.lose(path, LossKind::Refused, Severity::Warning, reason);
}

fn mend_default_backend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let path = ["spec", "defaultBackend"];
    let Some(backend) = node.get(&path) else {
        return Ok(());
    };
    if let Backend::Nowhere = backend_of(backend) {
        node.lose(
            &path,
            LossKind::Refused,
            Severity::Warning,
            "a backend without a Service or resource leads nowhere, and the target refuses it",
        );
        return Ok(());
    }
    let namespace = namespace(node);
    node.try_at(&path, |backend| mend_backend(backend, &namespace, context))
}

fn namespace(node: &Node<'_>) -> String {
    node.text(&["metadata", "namespace"])
        .unwrap_or_default()
        .to_owned()
}

fn mend_rules(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let namespace = namespace(node);
    node.retain(&["spec", "rules"], |rule| {
        let host = rule.text_at(&["host"])?;
        let bad = host != "*" && !is_host(host.as_bytes());
        bad.then(|| {
            (
                LossKind::Refused,
                Severity::Warning,
                "the target refuses the host: it must be a DNS name in lower case, not an address, and `*` may stand for its first \
                 label only; no request was ever matched by it"
                    .into(),
            )
        })
    });
    node.each(&["spec", "rules"], |rule| {
        if rule.text(&["host"]) == Some("*") {
            rule.remove(
                &["host"],
                "a rule without a host is for every host, as this one was meant",
            );
        }
        let http = rule.get(&["http"]).and_then(Tree::as_object);
        let no_paths = http.is_some_and(|http| match http.get("paths") {
            None | Some(Tree::Null) => true,
            Some(Tree::Array(paths)) => paths.is_empty(),
            Some(_) => false,
        });
        if no_paths {
            rule.remove(
                &["http"],
                "it has no paths; a rule without it says the same, and is taken",
            );
        }
        rule.retain(&["http", "paths"], |path| {
            path.as_object()?;
            let backend = path.at(&["backend"]).unwrap_or(&Tree::Null);
            matches!(backend_of(backend), Backend::Nowhere).then(|| {
                (
                    LossKind::Refused,
                    Severity::Warning,
                    "a path without a Service or resource leads nowhere, and the target refuses it"
                        .into(),
                )
            })
        });
    });
    node.retain(&["spec", "rules"], |rule| {
        let paths = rule.at(&["http", "paths"]).and_then(Tree::as_array);
        paths.is_some_and(<[Tree]>::is_empty).then(|| {
            (
                LossKind::Refused,
                Severity::Warning,
                "none of its paths is left".into(),
            )
        })
    });
    node.try_each(&["spec", "rules"], |rule| {
        rule.try_each(&["http", "paths"], |path| {
            mend_path(path)?;
            path.try_at(&["backend"], |backend| {
                mend_backend(backend, &namespace, context)
            })
        })
    })
}

fn mend_path(path: &mut Node<'_>) -> Result<(), SkipReason> {
    if path.tree().as_object().is_none() {
        return Ok(());
    }
    if path.text(&["pathType"]).is_none_or(str::is_empty) {
        path.set(
            &["pathType"],
            "ImplementationSpecific",
            "required; what the beta versions wrote where nothing stood",
        );
    }
    let exact = match path.text(&["pathType"]) {
        Some("ImplementationSpecific") => false,
        Some("Exact" | "Prefix") => true,
        _ => {
            return Err(refuse(
                path,
                &["pathType"],
                "the target knows Exact, Prefix and ImplementationSpecific; write one of them",
            ));
        }
    };
    if path
        .get(&["path"])
        .is_some_and(|text| text.as_str().is_none())
    {
        return Ok(());
    }
    let text = path.text(&["path"]).unwrap_or_default();
    if !text.starts_with('/') && (exact || !text.is_empty()) {
        let after = Tree::from(format!("/{text}"));
        let before = path.get(&["path"]).cloned();
        let edit = if before.is_some() {
            Edit::Replaced
        } else {
            Edit::Added
        };
        path.tree_mut().set(&["path"], after.clone());
        path.record(
            &["path"],
            edit,
            before,
            Some(after),
            Severity::Warning,
            "paths begin with a slash, and the target refuses others; controllers read it so",
        );
    }
    let text = path.text(&["path"]).unwrap_or_default();
    let is_odd = || {
        let mut parts = ["//", "/./", "/../", "%2f", "%2F"].iter();
        parts.any(|part| text.contains(part)) || text.ends_with("/..") || text.ends_with("/.")
    };
    if exact && is_odd() {
        return Err(refuse(
            path,
            &["path"],
            "the target refuses //, /./, /../ and %2f in paths of this type; write the path without them, or give it the type \
             ImplementationSpecific if the controller's matching is meant",
        ));
    }
    Ok(())
}

fn check_tls(node: &mut Node<'_>) -> Result<(), SkipReason> {
    node.try_each(&["spec", "tls"], |tls| {
        let name = tls.text(&["secretName"]).unwrap_or_default();
        if !name.is_empty() && !label::is_domain(name) {
            return Err(refuse(
                tls,
                &["secretName"],
                "no Secret can have this name; write the name of one",
            ));
        }
        tls.try_each(&["hosts"], |host| {
            let bad = |text: &str| match text.strip_prefix("*.") {
                Some(rest) => !label::is_domain(rest),
                None => !label::is_domain(text),
            };
            if host.text(&[]).is_some_and(bad) {
                return Err(refuse(
                    host,
                    &[],
                    "the target refuses the host: it must be a DNS name in lower case",
                ));
            }
            Ok(())
        })
    })
}
