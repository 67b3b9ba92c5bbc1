//! The remote door: Streamable HTTP for many users.
