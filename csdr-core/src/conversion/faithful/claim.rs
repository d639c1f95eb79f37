//! Claims inside other objects: a StatefulSet's templates, a pod's ephemeral volumes.
