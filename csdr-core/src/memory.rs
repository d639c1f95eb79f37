//! Fakes that behave: a cluster and a vault in memory.
