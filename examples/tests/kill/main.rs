//! A backup that is killed before and after each of its calls.
