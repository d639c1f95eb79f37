//! TLS.

/// Makes *ring* the process's TLS provider, unless the program has chosen one already.
///
/// Every constructor here that may speak TLS calls it. A program that links several TLS users calls it first thing, or installs
/// its own choice.
pub fn ensure_crypto_provider() {
    // An error says that there is a provider already: then that is the program's choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
