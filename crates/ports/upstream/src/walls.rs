//! A child in a sandbox: what holds around it, and how it gets out.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;

use doorward_net::{Connection, Connector, Origin, Reach};
use doorward_sandbox::{
    Egress, HostPort, Launcher, Learning, Outward, Profile, SandboxError, Seen, Started, Wanted, Watch,
    start, start_learning,
};
use doorward_types::ServerName;

use crate::duplex::Duplex;

/// What stands around the children of one server.
#[derive(Clone)]
pub struct Walls {
    /// What they may do.
    pub profile: Profile,
    /// What starts them.
    pub launcher: Launcher,
    /// How they get out, to the hosts of the profile.
    pub connector: Connector,
    /// A host in there that the door answers for.
    pub inside: Option<Inside>,
    /// Where it is written down what they try and do not get; none, and nothing watches.
    pub learning: Option<Learning>,
}

/// A host of a sandbox behind which nobody but the door stands: nothing of it leaves the machine.
#[derive(Clone)]
pub struct Inside {
    /// Its name and port in the sandbox.
    pub host: HostPort,
    /// Serves the socket on which it is called, for as long as the sandbox stands.
    pub serve: Serve,
}

/// Serves a listening socket; it ends by being dropped.
pub type Serve = Arc<dyn Fn(TcpListener) -> Pin<Box<dyn Future<Output = io::Error> + Send>> + Send + Sync>;

/// The way out: the product's one connector, which judges addresses. A name that leads to this machine or its network is
/// not gone to: whoever owns a name says where it leads.
struct WayOut(Connector);

impl Outward for WayOut {
    type Stream = Connection;

    async fn connect(&self, to: &HostPort) -> io::Result<Connection> {
        let origin = Origin::parse(&format!("https://{to}")).map_err(io::Error::other)?;
        self.0.tunnel(&origin, Reach::Public).await.map_err(io::Error::other)
    }
}

impl Walls {
    pub(crate) fn start(&self, wanted: &Wanted) -> Result<Started, SandboxError> {
        match &self.learning {
            Some(learning) => start_learning(&self.launcher, wanted, &self.profile, learning),
            None => start(&self.launcher, wanted, &self.profile),
        }
    }

    /// Sees a child through: says what holds around it, carries its connections, and ends it where it was not started.
    pub(crate) async fn see_through(
        self: Arc<Self>,
        server: ServerName,
        mut watch: Watch,
        talk: Arc<Duplex>,
    ) {
        match watch.ready().await {
            Ok(report) => {
                for line in &report.lines {
                    let (mechanism, how) = (line.mechanism.name(), &line.how);
                    match line.enforced {
                        true => tracing::info!(%server, mechanism, how, "enforced around a child"),
                        false => tracing::warn!(%server, mechanism, how, "not enforced around a child"),
                    }
                }
            }
            Err(error) => {
                tracing::error!(%server, %error, "a child was not started");
                talk.end();
                return;
            }
        }
        let egress = watch.egress();
        let carried = carry(egress, self.connector.clone(), server.clone());
        let answered = watch.answered();
        let inside = async {
            match (answered, &self.inside) {
                (Some(listener), Some(inside)) => (inside.serve)(listener).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            error = carried => tracing::error!(%server, %error, "the way out of a sandbox is shut"),
            error = inside => tracing::error!(%server, %error, "a child is no longer answered"),
            ended = watch.ended() => tracing::info!(%server, ?ended, "a child in a sandbox ended"),
            () = talk.ended() => {
                // By the book first: the line is the leash, and letting go of it now would be a kill.
                let _ended = watch.ended().await;
            }
        }
    }
}

pub(crate) async fn carry(egress: Egress, connector: Connector, server: ServerName) -> io::Error {
    let seen = move |seen| match seen {
        Seen::Connected(host) => tracing::info!(%server, %host, "a child reached a host"),
        Seen::Refused { at, why } => tracing::warn!(%server, host = %at, why, "a child was kept from a host"),
        Seen::Asked(host) => tracing::info!(%server, host, "a child asked for a host; it is learned"),
    };
    match egress.carry(Arc::new(WayOut(connector)), seen).await {
        Ok(()) => io::Error::other("it ended"),
        Err(error) => error,
    }
}
