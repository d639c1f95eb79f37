//! What a person may have meant.

/// Longest name that is compared.
const LONGEST: usize = 253;

/// The candidate that is nearest to `name`, if one is near: at most one edit in three letters, and at most three edits (a letter
/// inserted, removed, replaced, or two neighbours swapped). Of equally near ones the first in the alphabet.
///
/// ```
/// use csdr_core::select::closest;
/// assert_eq!(closest("deploymnets", ["pods", "deployments", "daemonsets"]), Some("deployments"));
/// assert_eq!(closest("shop", ["kube-system", "default"]), None);
/// ```
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).clamp(1, 3);
    if name.len() > LONGEST {
        return None;
    }
    let near = candidates.into_iter().filter_map(|candidate| {
        let edits = distance(name, candidate, limit)?;
        (edits > 0).then_some((edits, candidate))
    });
    near.min().map(|(_, candidate)| candidate)
}

/// Edits between two names, if they are at most `limit`. The optimal string alignment distance, in letters of any case.
fn distance(one: &str, other: &str, limit: usize) -> Option<usize> {
    if one.len().abs_diff(other.len()) > 4 * limit || other.len() > LONGEST {
        return None;
    }
    let letters = |text: &str| -> Vec<char> { text.to_lowercase().chars().collect() };
    let (one, other) = (letters(one), letters(other));
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, own) in one.iter().enumerate() {
        let mut line = Vec::with_capacity(above.len());
        line.push(row + 1);
        for (column, its) in other.iter().enumerate() {
            let at =
                |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&above, column) + usize::from(own != its);
            let removed = at(&above, column + 1) + 1;
            let inserted = at(&line, column) + 1;
            let swapped = match (row.checked_sub(1), column.checked_sub(1)) {
                (Some(last), Some(left))
                    if one.get(last) == Some(its) && other.get(left) == Some(own) =>
                {
                    at(&before, left) + 1
                }
                _ => usize::MAX,
            };
            line.push(replaced.min(removed).min(inserted).min(swapped));
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().filter(|edits| *edits <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_if_one_is_near() {
        let kinds = [
            "configmaps",
            "cronjobs",
            "jobs",
            "pods",
            "podtemplates",
            "secrets",
            "services",
        ];
        for (name, expected) in [
            ("configmap", Some("configmaps")),
            ("confgimaps", Some("configmaps")),
            ("pdos", Some("pods")),
            ("secert", Some("secrets")),
            ("job", Some("jobs")),
            ("Podz", Some("pods")),
            ("widgets", None),
            ("p", None),
            ("", None),
        ] {
            assert_eq!(closest(name, kinds), expected, "{name}");
        }
        assert_eq!(closest("cat", ["bat", "rat", "car"]), Some("bat"));
        assert_eq!(closest("shöp", ["shop"]), Some("shop"));
        assert_eq!(closest(&"a".repeat(300), ["a"]), None);
    }
}
