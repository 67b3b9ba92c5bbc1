//! Starting, serving and stopping.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::clock::Clock;
use crate::control::Control;
use crate::keys::{KeyRing, SigningKey};
use crate::lab::{Lab, Origins};
use crate::listen::{accept, bind, service};
use crate::seed::Seed;
use crate::sign_in::device_page;
use crate::{
    EmulatorError, discovery, documents, files, grants, graph, identity, lab_api, random, safety, sign_in,
    third_party, tls, token, vault,
};

/// How an emulator is to run.
pub struct Options {
    /// Who and what exists.
    pub seed: Seed,
    /// Where Entra and Graph listen; loopback only. Port 0 takes a free one, as the other services always do.
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
    /// Stands for the managed identity endpoints of a machine, plain HTTP as there: IMDS (`http://169.254.169.254`),
    /// App Service (`$IDENTITY_ENDPOINT` is this with `/msi/token`) and Arc (`http://localhost:40342`).
    pub identity: String,
    /// Stands for `https://NAME.vault.azure.net`.
    pub vault: String,
    /// Stands for `https://NAME.cognitiveservices.azure.com`.
    pub content_safety: String,
    /// The issuer of an authorization server that is nobody's: the one of a third-party service.
    pub third_party: String,
    /// A web site that serves the documents a test puts there, client-id metadata documents above all.
    pub documents: String,
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
        let beside = SocketAddr::new(listen.ip(), 0);
        let (entra, address) = bind(listen).await?;
        let (identity, identity_address) = bind(beside).await?;
        let (vault, vault_address) = bind(beside).await?;
        let (advice, safety_address) = bind(beside).await?;
        let (third, third_address) = bind(beside).await?;
        let (site, site_address) = bind(beside).await?;
        let origins = Origins {
            authority: format!("https://{address}"),
            identity: format!("http://{identity_address}"),
            vault: format!("https://{vault_address}"),
            content_safety: format!("https://{safety_address}"),
            third_party: format!("https://{third_address}"),
            // By name: an address is no place of a client-id document.
            documents: format!("https://localhost:{}", site_address.port()),
        };
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
            announce(folder, &origins, &control_key)?;
        }
        place(&mut seed, &origins.authority);
        let ca_file = folder.map(|folder| folder.join("ca.pem"));
        let lab = Arc::new(Lab::new(seed, clock, origins, tls.ca_pem, control_key, data_dir, keys));
        if ca_file.is_some() {
            // Other processes find the certificates in the folder; a test asks for the one it needs.
            for app in lab.seed.apps.iter().filter(|app| app.certificate) {
                lab.client_key(app)?;
            }
        }
        let (stop, stopped) = watch::channel(false);
        let tls = TlsAcceptor::from(tls.config);
        let services = [
            (entra, Some(tls.clone()), service(&lab, "entra", routes(&lab))),
            (identity, None, service(&lab, "identity", identity::routes())),
            (vault, Some(tls.clone()), service(&lab, "vault", vault::routes())),
            (advice, Some(tls.clone()), service(&lab, "content-safety", safety::routes())),
            (third, Some(tls.clone()), service(&lab, "third-party", third_party::routes())),
            (site, Some(tls), service(&lab, "documents", documents::routes())),
        ];
        let mut all = JoinSet::new();
        for (listener, tls, app) in services {
            all.spawn(accept(listener, tls, app, stopped.clone()));
        }
        let task = tokio::spawn(async move { while all.join_next().await.is_some() {} });
        Ok(Running {
            authority: lab.authority.clone(),
            graph: lab.graph(),
            identity: lab.origins.identity.clone(),
            vault: lab.origins.vault.clone(),
            content_safety: lab.origins.content_safety.clone(),
            third_party: lab.origins.third_party.clone(),
            documents: lab.origins.documents.clone(),
            ca_pem: lab.ca_pem.clone(),
            ca_file,
            control: Control::new(lab),
            stop,
            task,
        })
    }
}

impl Emulator {
    /// Starts an emulator with the keys of one that ran before, which are kept in `shared`, or leaves its own there: making
    /// them takes longer than most tests. Those that have no data folder share none.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_sharing(shared: &Path, options: Options) -> Result<Running, EmulatorError> {
        let folder = options.data_dir.clone();
        if let Some(folder) = &folder {
            files::prepare(folder)?;
            files::take_keys(shared, folder);
        }
        let running = Self::start(options).await?;
        folder.iter().for_each(|folder| files::leave_keys(folder, shared));
        Ok(running)
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
fn announce(folder: &Path, origins: &Origins, control_key: &str) -> Result<(), EmulatorError> {
    let about = json!({
        "authority": origins.authority, "graph": format!("{}/graph", origins.authority),
        "identity": origins.identity, "vault": origins.vault, "content_safety": origins.content_safety,
        "third_party": origins.third_party,
        "documents": origins.documents, "ca_file": folder.join("ca.pem"), "control_key": control_key,
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

/// Entra, Graph and the control interface.
fn routes(lab: &Arc<Lab>) -> Router<Arc<Lab>> {
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
}
