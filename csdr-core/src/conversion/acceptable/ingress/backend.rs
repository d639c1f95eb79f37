//! Where an Ingress leads: a Service and its port, or a resource.

use crate::{
    conversion::{
        acceptable::{Context, label, refuse, service},
        draft::{Node, map},
        outcome::{Edit, Severity, SkipReason},
    },
    model::Tree,
};

/// Up to 15 lower-case letters, digits and single hyphens, with a letter among them. Source: `IsValidPortName`.
pub(in crate::conversion) fn is_port_name(name: &[u8]) -> bool {
    name.len() <= 15
        && std::str::from_utf8(name)
            .is_ok_and(|name| label::is_dns_label(name) && !name.contains("--"))
        && name.iter().any(u8::is_ascii_lowercase)
}

/// What a backend lacks.
pub(super) enum Backend {
    /// It can be mended in its place.
    Whole,
    /// It leads nowhere.
    Nowhere,
}

/// Which of the two a backend is.
pub(super) fn backend_of(backend: &Tree) -> Backend {
    let has = |path: &[&str]| backend.at(path).is_some_and(|value| !value.is_null());
    let named = backend
        .text_at(&["service", "name"])
        .is_some_and(|name| !name.is_empty());
    if has(&["resource"]) || named {
        Backend::Whole
    } else {
        Backend::Nowhere
    }
}

pub(super) fn mend_backend(
    backend: &mut Node<'_>,
    namespace: &str,
    context: &Context<'_>,
) -> Result<(), SkipReason> {
    if !backend.has(&["service"]) {
        return Ok(());
    }
    if backend.has(&["resource"]) {
        return Err(refuse(
            backend,
            &[],
            "a backend is a Service or a resource, not both; take one away",
        ));
    }
    let service = backend.text(&["service", "name"]).unwrap_or_default();
    let digit_first = service.starts_with(|letter: char| letter.is_ascii_digit());
    if !label::is_dns_label(service) || (digit_first && context.minor < service::DIGITS_FIRST) {
        return Err(refuse(
            backend,
            &["service", "name"],
            "no Service of the target can have this name; write the name of one",
        ));
    }
    mend_port(backend, namespace, context)
}

fn mend_port(
    backend: &mut Node<'_>,
    namespace: &str,
    context: &Context<'_>,
) -> Result<(), SkipReason> {
    let port = ["service", "port"];
    let name_path = ["service", "port", "name"];
    let name = backend.text(&name_path).filter(|name| !name.is_empty());
    let number = backend
        .get(&["service", "port", "number"])
        .filter(|number| number.as_i64() != Some(0));
    match (name, number) {
        (None, None) => Err(refuse(
            backend,
            &port,
            "the backend names no port; write the number or the name of a port of the Service",
        )),
        (Some(_), Some(_)) => Err(refuse(
            backend,
            &port,
            "a port has a name or a number, not both; take one away",
        )),
        (None, Some(number)) => match number.as_i64() {
            Some(number) if !(1..=65535).contains(&number) => Err(refuse(
                backend,
                &["service", "port", "number"],
                "ports are numbered from 1 to 65535",
            )),
            _ => Ok(()),
        },
        (Some(name), None) if is_port_name(name.as_bytes()) => Ok(()),
        (Some(name), None) => {
            let digits = name
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| name.parse::<i64>().ok())
                .flatten()
                .filter(|number| (1..=65535).contains(number));
<<<<<<< HEAD
            let by_name = || {
                let service = backend.text(&["service", "name"]).unwrap_or_default();
                let ports = context.services?(namespace, service)?;
                let found = ports.into_iter().find(|(port, _)| port == name);
                found.map(|(_, number)| number)
            };
=======
            let by_name = || context.services.number(namespace, service, &name);
>>>>>>> main
            let Some(number) = digits.or_else(by_name) else {
                return Err(refuse(
                    backend,
                    &name_path,
                    "no port can have this name (up to 15 characters of a-z, 0-9 and -, one letter at least); write the port's number",
                ));
            };
            let before = backend.get(&port).cloned();
            let after = map([("number", number.into())]);
            backend.tree_mut().set(&port, after.clone());
            backend.record(
                &port,
                Edit::Replaced,
                before,
                Some(after),
                Severity::Warning,
                "no port can have this name; it was read as this number",
            );
            Ok(())
        }
    }
}
