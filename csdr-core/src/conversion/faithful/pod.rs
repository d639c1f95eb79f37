//! Pod templates: the defaults that every version of every workload gives them.
