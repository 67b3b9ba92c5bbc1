//! Names to addresses, behind a trait: tests rebind a name without a DNS server.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// An answer that is on its way.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Resolves a name. It is asked once a connection, and the addresses it gives are the ones judged and dialled.
pub trait Resolve: Send + Sync {
    /// Returns the addresses of `name`.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) },
        )
    }
}
