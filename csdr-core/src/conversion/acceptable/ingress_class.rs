//! IngressClass. Source: `validateIngressClassSpec`.

use super::{
    Context, Mend, label,
    needle::{self, Needle, value},
    refuse,
};
use crate::conversion::{draft::Node, outcome::SkipReason};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "networking.k8s.io",
    kinds: &["IngressClass"],
    needles: &[NEEDLES],
    mend,
}];

static NEEDLES: &[Needle] = &[value("controller", |value| {
    needle::is_text(value, |text| {
        !std::str::from_utf8(text).is_ok_and(is_controller)
    })
})];

/// A DNS name, a slash and a path.
fn is_controller(text: &str) -> bool {
    text.split_once('/').is_some_and(|(domain, path)| {
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || b"/:@!$&'()*+,;=%-._~".contains(&byte);
        label::is_domain(domain) && !path.is_empty() && path.bytes().all(plain)
    }) && text.len() <= 250
}

fn mend(node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    let path = ["spec", "controller"];
    if node.text(&path).is_some_and(|text| !is_controller(text)) {
        return Err(refuse(
            node,
            &path,
            "a controller is named by a domain and a path, as k8s.io/ingress-nginx is; write the name that the target's controller \
             looks for",
        ));
    }
    Ok(())
}
