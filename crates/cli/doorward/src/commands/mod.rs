//! One file per command.

pub(crate) mod audit;
pub(crate) mod config;
#[cfg(feature = "lab")]
pub(crate) mod lab;
pub(crate) mod pages;
pub(crate) mod policy;
pub(crate) mod serve;
#[cfg(feature = "lab")]
pub(crate) mod up;
