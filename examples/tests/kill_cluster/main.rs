//! A restore into a real control plane that is killed before and after each of its calls.
