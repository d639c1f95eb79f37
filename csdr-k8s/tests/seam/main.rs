//! The adapters against an API server that is a function, at the HTTP seam: what no real server does on demand.

mod applier;
mod bound;
mod discovery;
mod list;
mod namespaces;
mod server;
mod watch;
