//! Starting, serving and stopping.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::control::Control;
use crate::keys::{KeyRing, SigningKey};
use crate::lab::Lab;
use crate::record::Recorded;
use crate::seed::Seed;
use crate::sign_in::device_page;
use crate::{EmulatorError, discovery, files, grants, graph, lab_api, random, sign_in, tls, token};

/// Larger than any form or token; a wrong client must not fill the memory.
const BODY_AT_MOST: usize = 1 << 20;

/// How an emulator is to run.
pub struct Options {
    /// Who and what exists.
    pub seed: Seed,
    /// Where to listen; loopback only. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where to keep the certificate authority, the keys and the control key, each 0600; `None` keeps them in memory.
    pub data_dir: Option<PathBuf>,
    /// The emulator's clock.
    pub clock: Clock,
}

/// Entra and Graph on loopback.
pub struct Emulator;

/// A started emulator. It ends when it is dropped or [stopped](Self::stop).
pub struct Running {
    /// Stands for `https://login.microsoftonline.com`.
    pub authority: String,
    /// Stands for `https://graph.microsoft.com`.
    pub graph: String,
    /// The certificate a client must trust, PEM.
    pub ca_pem: String,
    /// The same as a file, if there is a data folder.
    pub ca_file: Option<PathBuf>,
    control: Control,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Emulator {
    /// Starts an emulator.
    ///
    /// # Errors
    /// [`EmulatorError::NotLoopback`] for an address that others can reach; otherwise if the address is taken or the
    /// data folder cannot be written.
    pub async fn start(options: Options) -> Result<Running, EmulatorError> {
        let Options { mut seed, listen, data_dir, clock } = options;
        if !listen.ip().is_loopback() {
            return Err(EmulatorError::NotLoopback(listen));
        }
        let fail = |source| EmulatorError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(fail)?;
        let authority = format!("https://{}", listener.local_addr().map_err(fail)?);
        let folder = data_dir.as_deref();
        if let Some(folder) = folder {
            files::prepare(folder)?;
        }
        let tls = tls::prepare(folder)?;
        let keys = KeyRing::new(match folder {
            Some(folder) => files::signing_key(folder, "signing")?,
            None => SigningKey::generate("signing")?,
        });
        let control_key = random::opaque()?;
        if let Some(folder) = folder {
            announce(folder, &authority, &control_key)?;
        }
        place(&mut seed, &authority);
        let ca_file = folder.map(|folder| folder.join("ca.pem"));
        let lab = Arc::new(Lab::new(seed, clock, authority, tls.ca_pem, control_key, data_dir, keys));
        if ca_file.is_some() {
            // Other processes find the certificates in the folder; a test asks for the one it needs.
            for app in lab.seed.apps.iter().filter(|app| app.certificate) {
                lab.client_key(app)?;
            }
        }
        let (stop, stopped) = watch::channel(false);
        let app = router(&lab);
        let task = tokio::spawn(accept(listener, TlsAcceptor::from(tls.config), app, stopped));
        Ok(Running {
            authority: lab.authority.clone(),
            graph: lab.graph(),
            ca_pem: lab.ca_pem.clone(),
            ca_file,
            control: Control::new(lab),
            stop,
            task,
        })
    }
}

impl Running {
    /// Returns the control interface.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Stops accepting, lets requests end, and returns when the last one has.
    pub async fn stop(mut self) {
        // The receiver is gone only if the task has ended already.
        let _ = self.stop.send(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Leaves word for other processes of the same user.
fn announce(folder: &Path, authority: &str, control_key: &str) -> Result<(), EmulatorError> {
    let about = json!({
        "authority": authority, "graph": format!("{authority}/graph"), "ca_file": folder.join("ca.pem"),
        "control_key": control_key,
    });
    files::write(folder, "lab.json", about.to_string().as_bytes())
}

/// Puts the origin where the seed says `{authority}`.
fn place(seed: &mut Seed, authority: &str) {
    for app in &mut seed.apps {
        let uris = app.identifier_uris.iter_mut();
        let issuers = app.federated.iter_mut().map(|credential| &mut credential.issuer);
        for text in uris.chain(issuers) {
            *text = text.replace("{authority}", authority);
        }
    }
}

fn router(lab: &Arc<Lab>) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::v2))
        .route("/{tenant}/.well-known/openid-configuration", get(discovery::v1))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::v2_keys))
        .route("/{tenant}/discovery/keys", get(discovery::v1_keys))
        .route("/common/discovery/instance", get(discovery::instance))
        .route("/{tenant}/oauth2/v2.0/authorize", get(sign_in::authorize).post(sign_in::authorize_form))
        .route("/login", post(sign_in::login))
        .route("/{tenant}/oauth2/v2.0/logout", get(sign_in::logout))
        .route("/{tenant}/oauth2/v2.0/token", post(token::token).get(token::wrong_verb))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(grants::device::begin).get(token::wrong_verb))
        .route("/devicelogin", get(device_page::show).post(device_page::submit))
        .merge(graph::routes())
        .merge(lab_api::routes(lab))
        .layer(middleware::from_fn_with_state(Arc::clone(lab), observe))
        .with_state(Arc::clone(lab))
}

/// Records a request and delays it if a fault says so.
async fn observe(State(lab): State<Arc<Lab>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_AT_MOST).collect().await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let body = body.to_bytes();
    let path = parts.uri.path();
    if !path.starts_with("/_lab/") {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|known| {
                    known.push_str(", ");
                    known.push_str(&value);
                })
                .or_insert_with(|| value.clone().into_owned());
        }
        lab.transcript().push(Recorded {
            method: parts.method.to_string(),
            path: path.to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        let delay = lab.faults().delay(path);
        if let Some(delay) = delay {
            tokio::time::sleep(delay).await;
        }
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    app: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            arrived = listener.accept() => match arrived {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, acceptor.clone(), app.clone(), stopped.clone()));
                }
                Err(error) => tracing::warn!(%error, "accept failed"),
            },
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, app: Router, mut stopped: watch::Receiver<bool>) {
    let handshake = tokio::select! {
        handshake = acceptor.accept(stream) => handshake,
        _ = stopped.changed() => return,
    };
    let stream = match handshake {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%error, "TLS handshake failed");
            return;
        }
    };
    let service = TowerToHyperService::new(app);
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended badly");
    }
}
