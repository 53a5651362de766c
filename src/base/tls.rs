//! TLS: one crypto provider for the whole process, installed before the first client is built.

use std::sync::Once;

static INSTALL: Once = Once::new();

/// Installs ring as rustls' provider. Safe to call again; clients built before the first call would panic.
pub fn install() {
    INSTALL.call_once(|| {
        // An error means that another provider is there already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
