//! The door as a client of an OpenID provider: what it asks, and what the answers mean, without I/O.
