//! csdr: backs up, restores and migrates Kubernetes applications.

fn main() {}
