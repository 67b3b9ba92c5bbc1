//! The way out of a sandbox: each host that may be reached has an address in there, and whoever calls it must name that
//! host before a byte leaves.
//!
//! The sockets were made inside and are accepted on outside, so that no part of the sandbox decides anything: what comes
//! from it are bytes, as from any stranger.

mod first_request;
pub mod hello;
mod resolver;

use std::future::Future;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::learn::Learning;
use crate::profile::HostPort;
use hello::Heard;

/// What opens connections outwards: the product's one connector, which judges addresses.
pub trait Outward: Send + Sync + 'static {
    /// An open connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Connects to a host that the profile names. Nothing is spoken on the connection yet: TLS is the command's own.
    fn connect(&self, to: &HostPort) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// What was seen at the way out, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// A connection was opened.
    Connected(HostPort),
    /// A connection to this host's address was closed before a byte left.
    Refused {
        /// Whose address was called.
        at: HostPort,
        /// Why not.
        why: String,
    },
    /// A name was asked for that the profile does not have; told only where that is learned.
    Asked(String),
}

/// The sockets at the way out of one sandbox.
#[derive(Default)]
pub struct Egress {
    pub(crate) gates: Vec<(HostPort, StdListener)>,
    /// Where names are asked for that are to be written down, and the book.
    pub(crate) resolver: Option<(StdListener, Learning)>,
}

/// Connections of one sandbox at once.
const MOST: usize = 128;
/// How long a caller may take to say whom it calls.
const PATIENCE: Duration = Duration::from_secs(10);

impl Egress {
    /// Carries connections until it is dropped. `seen` is told of each.
    ///
    /// # Errors
    /// If a socket cannot be accepted on.
    pub async fn carry<O: Outward>(
        self,
        outward: Arc<O>,
        seen: impl Fn(Seen) + Send + Sync + 'static,
    ) -> io::Result<()> {
        let (seen, room) = (Arc::new(seen), Arc::new(Semaphore::new(MOST)));
        let mut gates = JoinSet::new();
        if let Some((listener, learning)) = self.resolver {
            let seen = Arc::clone(&seen);
            gates.spawn(async move {
                let asked = move |name| seen(Seen::Asked(name));
                if let Err(error) = resolver::answer(listener, learning, asked).await {
                    tracing::error!(%error, "names that a child asks for are not learned");
                }
            });
        }
        for (host, listener) in self.gates {
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            gates.spawn(gate(host, listener, Arc::clone(&outward), Arc::clone(&seen), Arc::clone(&room)));
        }
        while let Some(ended) = gates.join_next().await {
            ended.map_err(io::Error::other)?;
        }
        // Without hosts there is nothing to carry, ever.
        std::future::pending().await
    }
}

async fn gate<O: Outward>(
    host: HostPort,
    listener: TcpListener,
    outward: Arc<O>,
    seen: Arc<impl Fn(Seen) + Send + Sync + 'static>,
    room: Arc<Semaphore>,
) {
    // Connections end with the gate.
    let mut carried = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // A caller that left again, or no descriptor free: neither may end the way out.
                tracing::debug!(%host, %error, "a connection out of a sandbox was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while carried.try_join_next().is_some() {}
        let (host, outward, seen) = (host.clone(), Arc::clone(&outward), Arc::clone(&seen));
        carried.spawn(async move {
            let _place = place;
            if let Err(why) = carry_one(stream, &host, &*outward, &*seen).await {
                seen(Seen::Refused { at: host, why });
            }
        });
    }
}

async fn carry_one<O: Outward>(
    mut inside: TcpStream,
    host: &HostPort,
    outward: &O,
    seen: &impl Fn(Seen),
) -> Result<(), String> {
    let first = tokio::time::timeout(PATIENCE, named(&mut inside, host));
    let first = first.await.map_err(|_| "it did not say in time whom it calls".to_owned())??;
    let mut outside =
        outward.connect(host).await.map_err(|error| format!("the host was not reached: {error}"))?;
    seen(Seen::Connected(host.clone()));
    // From here on what breaks is the command's and the host's business.
    if outside.write_all(&first).await.is_ok() {
        let _ended = copy_bidirectional(&mut inside, &mut outside).await;
    }
    Ok(())
}

/// Reads until the caller has named whom it calls, and gives back what was read. It must be the host whose address it
/// called: another name behind the same address (domain fronting) would be a host that the profile does not have.
async fn named(inside: &mut TcpStream, host: &HostPort) -> Result<Vec<u8>, String> {
    let mut read = Vec::with_capacity(2048);
    loop {
        let length =
            inside.read_buf(&mut read).await.map_err(|error| format!("it was not heard: {error}"))?;
        let heard = match (read.first(), host.port) {
            (Some(22), _) => hello::server_name(&read)?,
            (_, 80) => first_request::host(&read)?,
            _ => return Err("it does not speak TLS, and the port is not 80".to_owned()),
        };
        match heard {
            Heard::Name(name) if name == host.host => return Ok(read),
            Heard::Name(name) => return Err(format!("it calls `{name}` there")),
            Heard::More if length == 0 => return Err("it left before it said whom it calls".to_owned()),
            Heard::More => {}
        }
    }
}
