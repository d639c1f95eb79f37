use super::*;
use crate::{
    archive::{Digest, MemberSpan},
    memory::MemoryVault,
    port::InlineCompute,
};
use run::RunFile;

fn row(number: u64, text: &str, place: u64) -> IndexRow {
    IndexRow {
        id: format!("xs/n/o-{number:04}").parse().unwrap(),
        version: "v1".into(),
        preferred: true,
        member: MemberSpan {
            offset: place,
            len: 1,
        },
        entry: 512,
        size: 1,
        sha256: Digest::of(text.as_bytes()),
    }
}

/// More runs than one merge takes: 40 runs of 5 rows, two of which hold another's object once more.
#[test]
fn many_runs_merge_in_rounds_and_leave_only_the_index() {
    let vault = Arc::new(MemoryVault::default());
    let scratch = Scratch {
        vault: vault.clone(),
        prefix: VaultKey::parse("scratch").unwrap(),
        compute: Arc::new(InlineCompute),
        limits: ArchiveLimits {
            part_rows: 7,
            ..ArchiveLimits::default()
        },
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut runs = Vec::new();
        for run in 0..40u64 {
            let mut file = RunFile::new(format!("run-0-{run}"));
            for n in 0..5 {
                let row = match (run, n) {
                    // The same bytes once more, and other bytes later in the archive.
                    (39, 0) => row(0, "same", 9),
                    (39, 4) => row(4 * 40, "other", 9),
                    _ => row(n * 40 + run, "same", 1),
                };
                file.push(&scratch, row).await.unwrap();
            }
            runs.push(file.finish(&scratch).await.unwrap());
        }
        let mut gaps = Vec::new();
        let parts = merge::merge(&scratch, runs, &mut gaps).await.unwrap();
        assert_eq!(parts.iter().map(|part| part.rows).sum::<u64>(), 198);
        assert_eq!(vault.len(), parts.len());
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        let mut rows = Vec::new();
        for part in &parts {
            rows.extend(scratch.read_part(&part.key).await.unwrap().into_rows());
        }
        assert!(rows.is_sorted_by(|a, b| a.compare(b).is_lt()));
        let other = rows.iter().find(|row| row.id.name() == "o-0160").unwrap();
        assert_eq!(other.sha256, Digest::of(b"other"), "the later one wins");
    });
}
