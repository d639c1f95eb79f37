//! Specs from strangers: no panic; what is taken is written and read again as the same.
#![no_main]

use csdr_core::spec::{BackupSpec, RestoreSpec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(spec) = BackupSpec::from_yaml(text) {
        let json = serde_json::to_string(&spec).expect("a spec is written");
        assert_eq!(BackupSpec::from_yaml(&json).expect("and read"), spec);
    }
    if let Ok(spec) = RestoreSpec::from_yaml(text) {
        let json = serde_json::to_string(&spec).expect("a spec is written");
        assert_eq!(RestoreSpec::from_yaml(&json).expect("and read"), spec);
    }
});
