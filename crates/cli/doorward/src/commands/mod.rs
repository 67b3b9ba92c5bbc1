//! One file per command.

pub(crate) mod audit;
pub(crate) mod client_config;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod entra;
pub(crate) mod guard;
#[cfg(feature = "lab")]
pub(crate) mod lab;
pub(crate) mod pages;
pub(crate) mod policy;
pub(crate) mod revoke;
pub(crate) mod serve;
#[cfg(feature = "lab")]
pub(crate) mod up;
pub(crate) mod vault;
pub(crate) mod wrap;
