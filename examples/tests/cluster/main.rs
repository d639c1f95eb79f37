//! An application from one real API server into another.
