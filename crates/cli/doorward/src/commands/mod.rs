//! One file per command.

pub(crate) mod accounts;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod client_config;
pub(crate) mod config;
pub(crate) mod console;
pub(crate) mod doctor;
pub(crate) mod entra;
pub(crate) mod flow;
pub(crate) mod guard;
#[cfg(feature = "lab")]
pub(crate) mod lab;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod pages;
pub(crate) mod pin;
pub(crate) mod policy;
pub(crate) mod revoke;
pub(crate) mod rules;
pub(crate) mod scan;
pub(crate) mod serve;
#[cfg(feature = "lab")]
pub(crate) mod up;
pub(crate) mod vault;
pub(crate) mod whoami;
pub(crate) mod wrap;
