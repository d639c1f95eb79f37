//! csdr whose vault and applier fail or die at a given call.

fn main() {}
