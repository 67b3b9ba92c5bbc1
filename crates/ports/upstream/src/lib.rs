//! The servers behind the door: over HTTP, and as child processes on stdio.
//!
//! The gateway and the guard hand it a [`Cleared`] frame or an [`Errand`]; it takes nothing else, so nothing that was
//! not judged can be sent. What the door comes with is an [`OutboundCredential`] of its own, never what a caller brought.
//! It follows no redirect, and waits for nothing without a deadline.

mod aside;
mod child;
mod children;
mod credential;
mod duplex;
mod events;
mod http;
mod packages;
mod pool;
mod sse;
mod walls;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward_engine::{Answered, Caller, Cleared, Errand, ErrandKind, Ports, UpstreamError, UpstreamFault};
use doorward_net::Connector;
use doorward_types::ServerName;
use tokio::sync::Notify;

pub use children::{StdioLimits, StdioTarget};
pub use credential::{OutboundCredential, Retry};
pub use events::UpstreamEvents;
pub use http::HttpTarget;
pub use packages::{PackageError, fetched};
pub use walls::{Inside, Serve, Walls};

use child::Child;
use children::Children;
use duplex::Duplex;
use http::HttpServer;
use sse::SseServer;

/// Where a server is.
pub enum Target {
    /// At a URL.
    Http(HttpTarget),
    /// A command, run once for each person.
    Stdio(StdioTarget),
}

enum Server {
    Http(Arc<HttpServer>),
    Sse(SseServer),
    Stdio(Box<Children>),
}

/// All servers of one door.
pub struct Upstreams {
    servers: BTreeMap<ServerName, Server>,
}

/// A standing relation with a server: a legacy HTTP session, or a share in a child process.
pub struct Link {
    pub(crate) ends: Ends,
    pub(crate) to: LinkTo,
    server: ServerName,
}

pub(crate) enum LinkTo {
    /// Whose credential it was opened with, where that matters: it is closed with the same.
    Http {
        session: Option<Arc<str>>,
        /// The revision that was agreed on, as the first request after the handshake says it: the end of the session is
        /// told in the same.
        version: OnceLock<Box<str>>,
        caller: Option<Arc<Caller>>,
    },
    Child(Arc<Child>),
    /// A stream of HTTP+SSE.
    Sse(Arc<Duplex>),
}

impl Drop for Link {
    fn drop(&mut self) {
        // Its stream is read by a task of its own, which nobody else would end: of a greeting whose client left, for one.
        if let LinkTo::Sse(talk) = &self.to {
            talk.end();
        }
    }
}

/// Tells the streams of a link that it has ended.
#[derive(Default)]
pub(crate) struct Ends {
    over: AtomicBool,
    told: Notify,
}

impl Ends {
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    pub(crate) async fn ended(&self) {
        let told = self.told.notified();
        if !self.over.load(Ordering::Acquire) {
            told.await;
        }
    }
}

impl Upstreams {
    /// Prepares the servers; nothing is connected or started before it is needed.
    ///
    /// # Errors
    /// A URL that cannot be used, with the reason.
    pub fn new(
        connector: &Connector,
        targets: impl IntoIterator<Item = (ServerName, Target)>,
    ) -> Result<Self, String> {
        let mut servers = BTreeMap::new();
        for (name, target) in targets {
            let server = match target {
                Target::Http(target) => {
                    let sse = target.sse;
                    let http = Arc::new(HttpServer::new(connector.clone(), target)?);
                    if sse { Server::Sse(SseServer::new(http)) } else { Server::Http(http) }
                }
                Target::Stdio(target) => Server::Stdio(Box::new(Children::new(name.clone(), target))),
            };
            servers.insert(name, server);
        }
        Ok(Self { servers })
    }

    fn server(&self, name: &ServerName) -> Result<&Server, UpstreamError> {
        self.servers
            .get(name)
            .ok_or_else(|| UpstreamError::new(UpstreamFault::Unreachable, format!("no server named {name}")))
    }

    /// Sends a cleared frame.
    ///
    /// # Errors
    /// Whatever went wrong with the server; the frame was used up.
    pub async fn send<P>(&self, cleared: Cleared<P>) -> Result<Answered<Link, UpstreamEvents>, UpstreamError>
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        match self.server(&cleared.server().name)? {
            Server::Http(http) => http.send(cleared).await,
            Server::Sse(sse) => sse.send(cleared).await,
            Server::Stdio(children) => children.send(cleared).await,
        }
    }

    /// Runs an errand of the door's own.
    ///
    /// # Errors
    /// Whatever went wrong with the server.
    pub async fn errand<P>(&self, errand: Errand<P>) -> Result<Answered<Link, UpstreamEvents>, UpstreamError>
    where
        P: Ports<Link = Link, Events = UpstreamEvents>,
    {
        match self.server(&errand.server().name)? {
            Server::Http(http) => http.errand(errand).await,
            Server::Sse(sse) => sse.errand(errand).await,
            Server::Stdio(children) => children.errand(errand).await,
        }
    }

    /// Ends a link: its streams end now; an HTTP server is told by DELETE, in the background.
    pub fn close(self: &Arc<Self>, link: Arc<Link>) {
        link.ends.end();
        if let LinkTo::Sse(talk) = &link.to {
            talk.end();
        }
        let this = Arc::clone(self);
        if matches!(&link.to, LinkTo::Http { session: Some(_), .. })
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                if let Ok(Server::Http(http)) = this.server(&link.server) {
                    http.terminate(&link).await;
                }
            });
        } else if let (LinkTo::Child(child), Ok(Server::Stdio(children))) =
            (&link.to, self.server(&link.server))
        {
            children.left(child);
        }
    }

    /// Ends the children that nobody has used for as long as they may idle; called from time to time.
    pub fn reap(&self) {
        for server in self.servers.values() {
            if let Server::Stdio(children) = server {
                children.reap();
            }
        }
    }

    /// Says whether a child of somebody's runs. A server at an address always does: nobody here sees it end.
    pub fn at_work(&self) -> bool {
        self.servers.values().any(|server| match server {
            Server::Stdio(children) => children.at_work(),
            Server::Http(_) | Server::Sse(_) => true,
        })
    }

    /// Ends every child by the book, and waits for it.
    pub async fn shut_down(&self) {
        for server in self.servers.values() {
            if let Server::Stdio(children) = server {
                children.shut_down().await;
            }
        }
    }
}

/// How long a child may take to end after its input was closed, and again after SIGTERM.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// Says whether an errand opens a link.
pub(crate) fn opens(kind: &ErrandKind) -> bool {
    matches!(kind, ErrandKind::Initialize)
}
