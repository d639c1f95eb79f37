//! Index parts from strangers: no panic, no memory without bound; what is taken is written and read again as the same.
//!
//! The first byte's lowest bit chooses whether the rest is a gzip file or its JSON.
#![no_main]

use csdr_core::archive::{ArchiveLimits, IndexPart};
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use std::io::Write;

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let limits = ArchiveLimits {
        part: 1 << 20,
        ..ArchiveLimits::default()
    };
    let part = if mode & 1 == 1 {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
        gzip.write_all(rest).expect("a vector takes all");
        IndexPart::decode(&gzip.finish().expect("a vector takes all"), &limits)
    } else {
        IndexPart::decode(rest, &limits)
    };
    if let Ok(part) = part {
        let again = part.encode().expect("a part is written");
        assert_eq!(
            IndexPart::decode(&again, &ArchiveLimits::default()).expect("and read"),
            part
        );
    }
});
