//! Which pods are frozen together.

use std::collections::{BTreeMap, BTreeSet};

/// Groups pods that share a claim, directly or through others: the numbers of the pods of each group, groups in the order of their first
/// pod. Source: velero.md section 2.8: all pre hooks of a block, then its items, then all post hooks.
pub(crate) fn blocks(claims: &[(Option<&str>, &BTreeSet<String>)]) -> Vec<Vec<usize>> {
    let mut leader: Vec<usize> = (0..claims.len()).collect();
    fn find(leader: &mut [usize], mut at: usize) -> usize {
        while leader[at] != at {
            leader[at] = leader[leader[at]];
            at = leader[at];
        }
        at
    }
    let mut owner: BTreeMap<(Option<&str>, &str), usize> = BTreeMap::new();
    for (at, (namespace, claims)) in claims.iter().enumerate() {
        for claim in *claims {
            let first = *owner.entry((*namespace, claim)).or_insert(at);
            let (a, b) = (find(&mut leader, first), find(&mut leader, at));
            // The lower number leads, so that groups stand in the order of their first pod.
            leader[a.max(b)] = a.min(b);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..claims.len() {
        groups.entry(find(&mut leader, at)).or_default().push(at);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velero_2_8_pods_that_share_a_claim_are_one_block() {
        for (pods, expected) in [
            ("", "[]"),
            ("n:", "[[0]]"),
            ("n: n:", "[[0], [1]]"),
            ("n:a n:b n:a", "[[0, 2], [1]]"),
            // Through a third one.
            ("n:a n:b n:a,b", "[[0, 1, 2]]"),
            ("n:b n:a n:c n:c,b n:a", "[[0, 2, 3], [1, 4]]"),
            // A name of another namespace is another claim.
            ("n:a m:a", "[[0], [1]]"),
        ] {
            let pods: Vec<(Option<&str>, BTreeSet<String>)> = pods
                .split_whitespace()
                .map(|pod| {
                    let (namespace, claims) = pod.split_once(':').unwrap();
                    let claims = claims.split(',').filter(|claim| !claim.is_empty());
                    (Some(namespace), claims.map(str::to_owned).collect())
                })
                .collect();
            let given: Vec<_> = pods.iter().map(|(n, claims)| (*n, claims)).collect();
            assert_eq!(format!("{:?}", blocks(&given)), expected, "{pods:?}");
        }
    }
}
