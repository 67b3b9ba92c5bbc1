//! The bench's load generator and its yardstick, a plain hyper reverse proxy.
