//! Listening: sockets, TLS, connections, and closing the door without cutting anybody off.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use doorward_config::{Config, Network, Tls};
use doorward_engine::{Door, ServerRules};
use doorward_entra::Refreshed;
use doorward_net::ServerTls;
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::body::Inbound;
use crate::build::{Built, public_hosts, scopes_told};
use crate::console::{Console, Desk};
use crate::pace::Pace;
use crate::pipes::Pipes;
use crate::ports::GatewayPorts;
use crate::route::Site;

/// How long a caller may take for a TLS handshake, and for its request's head.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);
pub(crate) const HEAD: Duration = Duration::from_secs(15);
/// Connections at once.
const MOST_CONNECTIONS: usize = 32_768;
/// An HTTP/2 connection that does not answer a ping within this time is gone.
const PING: Duration = Duration::from_secs(20);

/// Why the door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        cause: io::Error,
    },
    /// The certificate could not be loaded.
    #[error("{0}")]
    Tls(#[from] doorward_net::ServerTlsError),
}

/// A door that has its sockets and answers nobody yet.
pub struct Gateway {
    built: Built,
    listener: TcpListener,
    metrics: Option<TcpListener>,
    console: Option<Console>,
    tls: Option<ServerTls>,
    address: SocketAddr,
}

/// A running door.
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    /// The address of its metrics.
    pub metrics: Option<SocketAddr>,
    /// The address of its console.
    pub console: Option<SocketAddr>,
    door: Arc<Door<GatewayPorts>>,
    /// The door's, and its console's.
    certificates: Vec<Arc<ServerTls>>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Gateway {
    /// Takes the sockets and the certificate.
    ///
    /// # Errors
    /// [`StartError`] for what is taken, forbidden or unreadable.
    pub async fn bind(built: Built) -> Result<Self, StartError> {
        let gateway = &built.config.gateway;
        let (listener, address) = bind(gateway.listen).await?;
        let metrics = match gateway.metrics {
            Some(address) => Some(bind(address).await?.0),
            None => None,
        };
        let load = |tls: &Option<Tls>| tls.as_ref().map(|tls| ServerTls::load(&tls.certificate, &tls.key));
        let tls = load(&gateway.tls).transpose()?;
        let console = match (&built.admin, &built.config.admin) {
            (Some(admin), Some(admins)) => Some(Console {
                listener: bind(admins.listen).await?.0,
                tls: load(&admins.tls).transpose()?.map(|tls| Arc::new(tls.without_http2())),
                desk: Arc::new(Desk::new(Arc::clone(admin), &built.config)),
            }),
            _ => None,
        };
        Ok(Self { built, listener, metrics, console, tls, address })
    }

    /// Opens the door.
    pub fn open(self) -> Running {
        self.open_at(Pace::default())
    }

    /// Opens the door at another pace than its own.
    pub fn open_at(self, pace: Pace) -> Running {
        let Self { built, listener, metrics, console, tls, address } = self;
        let (stop, drain) = watch::channel(false);
        let door = Arc::clone(&built.door);
        let metrics_address = metrics.as_ref().and_then(|listener| listener.local_addr().ok());
        let site = Arc::new(site(&built, address, pace, drain.clone()));
        if let Some(listener) = metrics {
            tokio::spawn(crate::scrape::serve(listener, Arc::clone(&door), drain.clone()));
        }
        let console_address = console.as_ref().and_then(|console| console.listener.local_addr().ok());
        let tls = tls.map(Arc::new);
        let of_console = console.as_ref().and_then(|console| console.tls.clone());
        let certificates: Vec<Arc<ServerTls>> = tls.iter().cloned().chain(of_console).collect();
        if let Some(console) = console {
            tokio::spawn(crate::console::serve(console, drain.clone()));
        }
        // A server that is called on behalf of people only is met when the first of them comes.
        for rules in door.snapshot().servers().filter(|rules| !rules.per_person_credential) {
            tokio::spawn(get_acquainted(Arc::clone(&door), Arc::clone(rules), drain.clone()));
        }
        tokio::spawn(look_after_pins(Arc::clone(&door), drain.clone()));
        tokio::spawn(look_after(Arc::clone(&door), pace.round, certificates.clone(), drain.clone()));
        crate::sign_in::catch_up(Arc::clone(&door), built.facade.is_none(), drain.clone());
        if let Some(facade) = &built.facade {
            crate::sign_in::look_after(Arc::clone(facade), drain.clone());
        }
        let _watching = crate::reload::watch(&built, drain.clone());
        let accepting = Accepting { listener, tls, config: built.config, site, drain };
        let task = tokio::spawn(run(accepting));
        Running {
            address,
            metrics: metrics_address,
            console: console_address,
            door,
            certificates,
            stop,
            task,
        }
    }
}

impl Running {
    /// Returns the door behind the sockets.
    pub fn door(&self) -> &Arc<Door<GatewayPorts>> {
        &self.door
    }

    /// Reads the certificates of the door and of its console again, as the door does by itself once a minute: new connections
    /// get the new ones, open ones go on. Without TLS there is nothing to read.
    ///
    /// # Errors
    /// [`doorward_net::ServerTlsError`] of the first that cannot be read; its old certificate stays in use.
    pub fn reload_certificates(&self) -> Result<(), doorward_net::ServerTlsError> {
        // Each is tried, whatever became of the one before it.
        let tried: Vec<_> = self.certificates.iter().map(|tls| tls.reload()).collect();
        tried.into_iter().collect()
    }

    /// Closes the door: no new callers, running calls may end, then children are ended and the log is closed.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the listener did not end well");
        }
        self.door.end_sessions(None);
        self.door.ports().upstreams.shut_down().await;
        if let Err(error) = self.door.ports().journal.log.close(SystemTime::now().into()).await {
            tracing::error!(%error, "the audit log was not closed well; the next start repairs it");
        }
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |cause| StartError::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn site(built: &Built, address: SocketAddr, pace: Pace, drain: watch::Receiver<bool>) -> Site {
    let config = &built.config;
    let hosts = public_hosts(config, address);
    let mut origins = vec![config.gateway.public_url.to_string()];
    origins.extend(config.gateway.allowed_origins.iter().map(ToString::to_string));
    if address.ip().is_loopback() {
        // On loopback a page of the same machine under its usual names is the door's own (T-03).
        origins.extend(hosts.iter().map(|host| format!("http://{host}")));
    }
    let scopes = config.servers.iter().map(|server| (server.name.to_string(), scopes_told(config, server)));
    Site {
        door: Arc::clone(&built.door),
        hosts,
        origins,
        authorization_server: built.authorization_server.clone(),
        facade: built.facade.clone(),
        scopes: scopes.collect(),
        most_calls: config.limits.concurrent_calls,
        calls: Arc::default(),
        listening: Arc::default(),
        most_listening: config.limits.sessions,
        sse: config
            .servers
            .iter()
            .filter(|server| server.sse_clients)
            .map(|server| server.name.to_string())
            .collect(),
        most_of_one: config.limits.sessions_per_person,
        pipes: Arc::new(Pipes::new(pace.patience)),
        drain,
    }
}

struct Accepting {
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    config: Config,
    site: Arc<Site>,
    drain: watch::Receiver<bool>,
}

async fn run(accepting: Accepting) {
    let Accepting { listener, tls, config, site, mut drain } = accepting;
    let trusted: Arc<[Network]> = config.gateway.trusted_proxies.clone().into();
    let header_bytes = config.limits.header_bytes.max(8_192);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Beyond the bound callers wait in the kernel's queue: silence must not use up the descriptors.
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, peer)) => {
                    let connection = Connection {
                        site: Arc::clone(&site),
                        trusted: Arc::clone(&trusted),
                        peer: peer.ip(),
                        header_bytes,
                        drain: drain.clone(),
                    };
                    connections.spawn(connection.serve(stream, tls.as_ref().map(|tls| TlsAcceptor::from(tls.config()))));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: those who are in are served, and their leaving frees some.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            changed = drain.changed() => if changed.is_err() || *drain.borrow() {
                break;
            },
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(config.limits.drain, all).await.is_err() {
        tracing::warn!(
            calls = site.calls.load(Ordering::Relaxed),
            "calls were still running at the end of the drain time"
        );
        connections.shutdown().await;
    }
}

struct Connection {
    site: Arc<Site>,
    trusted: Arc<[Network]>,
    peer: IpAddr,
    header_bytes: usize,
    drain: watch::Receiver<bool>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Small answers must not wait for more of them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        match tls {
            None => self.speak_http1(stream).await,
            Some(acceptor) => match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                    self.speak_http2(stream).await
                }
                Ok(Ok(stream)) => self.speak_http1(stream).await,
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            },
        }
    }

    async fn speak_http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(self.header_bytes)
            .half_close(false);
        let this = &self;
        let service = service_fn(|request| async move { Ok::<_, Infallible>(this.answer(request).await) });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut drain = self.drain.clone();
        tokio::pin!(connection);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended");
                    }
                    return;
                }
                () = draining(&mut drain) => connection.as_mut().graceful_shutdown(),
            }
        }
    }

    async fn speak_http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let most = u32::try_from(self.header_bytes).unwrap_or(u32::MAX);
        builder.timer(TokioTimer::new()).max_header_list_size(most).max_concurrent_streams(128);
        builder.keep_alive_interval(PING).keep_alive_timeout(PING);
        let mut drain = self.drain.clone();
        let this = Arc::new(self);
        let service = service_fn(move |request| {
            let this = Arc::clone(&this);
            async move { Ok::<_, Infallible>(this.answer(request).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended");
                    }
                    return;
                }
                () = draining(&mut drain) => connection.as_mut().graceful_shutdown(),
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> http::Response<crate::body::Reply> {
        let source = source(&self.trusted, self.peer, request.headers());
        self.site.answer(request.map(Inbound::new), Some(source)).await
    }
}

/// Returns where a request came from. A forwarding header is believed from a trusted proxy alone, and of it only the
/// last address, which that proxy wrote itself (REM-11).
pub(crate) fn source(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if !trusted.iter().any(|network| network.contains(peer)) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()).and_then(|text| text.rsplit(',').next());
    last.and_then(forwarded_address).unwrap_or(peer)
}

/// Reads one address of `X-Forwarded-For`. Some proxies write the port behind it, and those of IPv6 in brackets.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port)
}

/// Waits for the door to close; once it does, never again.
pub(crate) async fn draining(drain: &mut watch::Receiver<bool>) {
    loop {
        if drain.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        if *drain.borrow() {
            return;
        }
    }
}

/// Learns what a server offers before the first caller comes, so that policies that do not fit are known at once. A
/// server that is away is asked again, at most once a minute; a caller who comes earlier asks too.
async fn get_acquainted(
    door: Arc<Door<GatewayPorts>>,
    rules: Arc<ServerRules>,
    mut drain: watch::Receiver<bool>,
) {
    let mut pause = Duration::from_secs(1);
    while !door.snapshot().known().contains_key(&rules.name) {
        match door.acquaint(&rules, None).await {
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(server = %rules.name, detail = error.detail, "a server cannot be reached yet")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = draining(&mut drain) => return,
        }
        pause = (pause * 2).min(Duration::from_secs(60));
    }
}

/// Takes up what people decide about pins, within a second, and writes it down.
async fn look_after_pins(door: Arc<Door<GatewayPorts>>, mut drain: watch::Receiver<bool>) {
    let Some(pins) = door.ports().pinned() else { return };
    let mut rounds = tokio::time::interval(Duration::from_millis(500));
    loop {
        let round = async {
            rounds.tick().await;
            pins.round(&door.ports().journal.log, SystemTime::now().into()).await;
        };
        tokio::select! {
            // A store whose keys are away keeps no door from closing.
            () = round => {}
            changed = drain.changed() => if changed.is_err() || *drain.borrow() {
                return;
            },
        }
    }
}

async fn look_after(
    door: Arc<Door<GatewayPorts>>,
    round: Duration,
    certificates: Vec<Arc<ServerTls>>,
    mut drain: watch::Receiver<bool>,
) {
    let mut rounds = tokio::time::interval(round);
    let mut certificate_round = 0_u32;
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            changed = drain.changed() => if changed.is_err() || *drain.borrow() {
                return;
            },
        }
        let ended = door.sweep(SystemTime::now().into());
        if ended > 0 {
            tracing::debug!(ended, "sessions had outlived their time");
        }
        door.ports().upstreams.reap();
        if door.ports().keys.refresh_due().await == Refreshed::Changed {
            door.forget_keys();
        }
        certificate_round += 1;
        // A renewed certificate is taken up within a minute; open connections go on with the old one.
        let due = certificates.iter().filter(|_| certificate_round.is_multiple_of(12));
        for error in due.filter_map(|tls| tls.reload().err()) {
            tracing::error!(%error, "the certificate could not be read again; the old one stays in use");
        }
    }
}
