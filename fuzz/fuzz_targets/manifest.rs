//! Manifests from strangers: no panic; what is taken is written and read again as the same.
#![no_main]

use csdr_core::vault::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check(data);
    // No fuzzer guesses the root hash: it is put right, so that what lies behind it is reached.
    if let Ok(mut manifest) = serde_json::from_slice::<Manifest>(data) {
        manifest.root_hash = Manifest::hash_of(&manifest.files);
        check(&serde_json::to_vec(&manifest).expect("a manifest is written"));
    }
});

fn check(data: &[u8]) {
    if let Ok(manifest) = Manifest::decode(data) {
        let again = serde_json::to_vec(&manifest).expect("a manifest is written");
        assert_eq!(Manifest::decode(&again).expect("and read"), manifest);
        for file in &manifest.files {
            assert_eq!(manifest.file(&file.path), Some(file));
        }
    }
}
