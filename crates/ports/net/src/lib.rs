//! The only way out: one connector, TLS, the SSRF guard.
