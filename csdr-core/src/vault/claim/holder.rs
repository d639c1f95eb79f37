//! Reading who holds a name.

use crate::{
    ErrorKind, Result,
    port::{VaultBackend, VaultBackendExt, VaultKey},
    vault::{MAX_DOCUMENT, decode_document},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

/// Most claim files of one name.
const MAX_CLAIM_FILES: usize = 100_000;

/// Who is writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClaimDocument {
    pub(super) operation: Uuid,
    /// `backup`, `restore`, `gc` or `delete`.
    pub(super) purpose: String,
    pub(super) spec_digest: String,
    pub(super) expires: Timestamp,
    pub(super) csdr: String,
}

/// A later expiry of a claim; one in the past gives it up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RenewalDocument {
    pub(super) operation: Uuid,
    pub(super) expires: Timestamp,
}

/// The newest claim of a folder.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) number: u64,
    pub(crate) operation: Uuid,
    pub(crate) spec_digest: String,
    pub(crate) purpose: String,
    pub(crate) expires: Timestamp,
    /// Written under a unique key and not confirmed: its writer may still withdraw it.
    pub(crate) tentative: bool,
}

impl Holder {
    pub(crate) fn is_running(&self, now: Timestamp) -> bool {
        self.expires > now
    }
}

/// Reads who holds a folder's name; `None` if nobody ever did.
pub(crate) async fn holder(
    backend: &dyn VaultBackend,
    folder: &VaultKey,
) -> Result<Option<Holder>> {
    let files = claim_files(backend, folder).await?;
    let Some(number) = files.iter().map(|file| file.number).max() else {
        return Ok(None);
    };
    let of_number = || files.iter().filter(|file| file.number == number);
    let last = of_number()
        .filter(|file| file.renewal.is_some())
        .max_by_key(|file| file.renewal);
    let renewal: Option<RenewalDocument> = match last {
        None => None,
        Some(file) => match read(backend, &file.key).await {
            Ok(renewal) => Some(renewal),
            // Removed between the list and here: a collection or deletion is at its end.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Some(removed(number, Uuid::nil())));
            }
            Err(error) => return Err(error),
        },
    };
    // Beside a confirmed claim others of the same number may stand for a moment, about to be withdrawn.
    let confirmed = |file: &&ClaimFile| {
        let by = renewal.as_ref().map(|renewal| renewal.operation);
        by.is_none() || file.operation.is_none() || file.operation == by
    };
    let first = of_number()
        .filter(|file| file.renewal.is_none())
        .find(confirmed);
    let Some(first) = first else {
        // A deletion that was interrupted among the claims: they go last, so that nothing else of the name is left.
        let by = renewal.map(|renewal| renewal.operation);
        return Ok(Some(removed(number, by.unwrap_or_default())));
    };
    let claim: ClaimDocument = match read(backend, &first.key).await {
        Ok(claim) => claim,
        // Between the list and here a tentative claim was withdrawn (whoever asks looks again), or a whole one removed.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Some(match (first.operation, &renewal) {
                (Some(operation), None) => Holder {
                    expires: Timestamp::MAX,
                    tentative: true,
                    ..removed(number, operation)
                },
                (_, renewal) => {
                    let by = renewal.as_ref().map(|renewal| renewal.operation);
                    removed(number, by.unwrap_or_default())
                }
            }));
        }
        Err(error) => return Err(error),
    };
    Ok(Some(Holder {
        number,
        operation: claim.operation,
        spec_digest: claim.spec_digest,
        purpose: claim.purpose,
        tentative: first.operation.is_some() && renewal.is_none(),
        expires: renewal.map_or(claim.expires, |renewal| renewal.expires),
    }))
}

/// A claim of which only a renewal is left: as dead as what removed the rest, and everybody's.
fn removed(number: u64, operation: Uuid) -> Holder {
    Holder {
        number,
        operation,
        spec_digest: String::new(),
        purpose: "gc".to_owned(),
        expires: Timestamp::MIN,
        tentative: false,
    }
}

async fn read<T: DeserializeOwned>(backend: &dyn VaultBackend, key: &VaultKey) -> Result<T> {
    decode_document(key, &backend.read(key, MAX_DOCUMENT).await?)
}

#[derive(Debug)]
pub(super) struct ClaimFile {
    pub(super) key: VaultKey,
    pub(super) number: u64,
    pub(super) renewal: Option<u64>,
    /// In the key of a claim on a store without atomic create.
    operation: Option<Uuid>,
}

pub(super) async fn claim_files(
    backend: &dyn VaultBackend,
    folder: &VaultKey,
) -> Result<Vec<ClaimFile>> {
    let rows = backend.keys(folder, MAX_CLAIM_FILES).await?;
    Ok(rows
        .into_iter()
        .filter_map(|meta| parse_claim_key(folder, meta.key))
        .collect())
}

/// `claim-<n>.json`, `claim-<n>-<operation>.json` (stores without atomic create) and `claim-<n>-renew-<m>.json`.
fn parse_claim_key(folder: &VaultKey, key: VaultKey) -> Option<ClaimFile> {
    let rest = key
        .below(folder)?
        .strip_prefix("claim-")?
        .strip_suffix(".json")?
        .to_owned();
    let (number, tail) = rest
        .split_once('-')
        .map_or((rest.as_str(), None), |(number, tail)| (number, Some(tail)));
    let number = number.parse().ok()?;
    let (renewal, operation) = match tail.map(|tail| (tail, tail.strip_prefix("renew-"))) {
        None => (None, None),
        Some((_, Some(renewal))) => (Some(renewal.parse().ok()?), None),
        Some((operation, None)) => (None, Some(operation.parse().ok()?)),
    };
    Some(ClaimFile {
        key,
        number,
        renewal,
        operation,
    })
}

/// Where a key comes in the order in which claims are removed, if it is a claim's: older ones first, a claim behind its renewals.
/// So the newest claim, which is that of whoever removes, holds the name to the end, and no renewal stays behind without its claim.
pub(in crate::vault) fn removal_rank(folder: &VaultKey, key: &VaultKey) -> Option<(u64, bool)> {
    parse_claim_key(folder, key.clone()).map(|file| (file.number, file.renewal.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_removed_from_the_oldest_to_the_newest_each_behind_its_renewals() {
        let folder = VaultKey::parse("backups/a/csdr").unwrap();
        let order = [
            "claim-2-renew-1.json",
            "claim-2-renew-10.json",
            "claim-2.json",
            "claim-10-renew-1.json",
            "claim-10-0190a6a2-0000-7000-8000-000000000000.json",
        ];
        let ranks: Vec<_> = order
            .iter()
            .map(|name| removal_rank(&folder, &folder.join(name).unwrap()).unwrap())
            .collect();
        assert!(ranks.is_sorted(), "{ranks:?}");
        for other in ["claim-x.json", "report.json", "claim-1.jsn"] {
            assert_eq!(removal_rank(&folder, &folder.join(other).unwrap()), None);
        }
    }
}
