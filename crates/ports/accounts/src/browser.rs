//! Signing in with the system's browser: a server on loopback waits for the one answer that knows the state.

mod page;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_entra::EntraClient;
use doorward_oidc::public::{Heard, Loopback, Scopes};
use doorward_oidc::{AuthorizeUrl, Prompt, TokenAnswer, merge_claims};
use doorward_types::Secret;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::accounts::Screen;
use crate::error::AccountsError;
use crate::random;

/// How long a person may take.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long the browser may take to fetch the page at the end.
const FAREWELL: Duration = Duration::from_secs(2);
/// Ports that are tried, and connections that are served at once.
const TRIES: usize = 16;
const CONNECTIONS: usize = 16;

/// What is to be asked of Entra.
pub(crate) struct BrowserAsk<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) scopes: &'a Scopes,
    pub(crate) claims: Option<&'a str>,
    pub(crate) login_hint: Option<&'a str>,
    pub(crate) prompt: Option<Prompt>,
}

/// What a sign-in in a browser brings: tokens, and the nonce that the ID token must repeat.
pub(crate) struct Came {
    pub(crate) answer: TokenAnswer,
    pub(crate) nonce: String,
}

/// Sends a browser to Entra and waits for it to come back. `None` if no browser could be opened.
pub(crate) async fn sign_in(
    entra: &EntraClient,
    ask: &BrowserAsk<'_>,
    screen: &dyn Screen,
) -> Result<Option<Came>, AccountsError> {
    let (listeners, port) = listen().await.map_err(AccountsError::Loopback)?;
    let (state, start) = (random::text()?, random::text()?);
    let (nonce, verifier) = (random::text()?, Secret::new(random::text()?));
    let waiting = Loopback { host: format!("localhost:{port}"), start, state };
    let redirect_uri = waiting.redirect_uri();
    let scopes = ask.scopes.asked();
    let claims = merge_claims(ask.claims)
        .map_err(|_| doorward_entra::EntraError::BadAnswer("the claims that are asked for cannot be read"))?;
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()));
    let entra_url = AuthorizeUrl {
        cloud: entra.cloud(),
        tenant: ask.tenant,
        client_id: entra.client_id(),
        redirect_uri: &redirect_uri,
        scopes: &scopes,
        state: &waiting.state,
        nonce: &nonce,
        challenge: &challenge,
        prompt: ask.prompt,
        max_age: None,
        login_hint: ask.login_hint,
        claims: Some(&claims),
    }
    .build();
    let opened = format!("{redirect_uri}/{}", waiting.start);
    let (mut heard, server) = serve(listeners, waiting, entra_url);
    if screen.open(&opened).is_err() {
        return Ok(None);
    }
    let told = match tokio::time::timeout(PATIENCE, heard.answer.recv()).await {
        Ok(Some(told)) => told,
        _ => return Err(AccountsError::TimedOut),
    };
    let answer = match told {
        Ok(code) => {
            let verifier = verifier.expose();
            let redeemed = entra.redeem(ask.tenant, code.expose(), verifier, &redirect_uri, &scopes).await;
            redeemed.map_err(AccountsError::from)
        }
        Err(refused) => Err(refused),
    };
    // The page at the end; a browser that does not come for it is not waited for.
    let _late = tokio::time::timeout(FAREWELL, heard.done.recv()).await;
    drop(server);
    Ok(Some(Came { answer: answer?, nonce }))
}

/// Listens on one port of 127.0.0.1 and ::1: a browser takes `localhost` for either, and nobody else is to sit on the
/// other one and catch the code.
async fn listen() -> std::io::Result<(Vec<TcpListener>, u16)> {
    let mut last = None;
    for _ in 0..TRIES {
        let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = four.local_addr()?.port();
        match TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await {
            Ok(six) => return Ok((vec![four, six], port)),
            // A machine without IPv6 has no ::1 that anybody could sit on.
            Err(error) if has_no_ipv6(&error) => return Ok((vec![four], port)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AddrInUse.into()))
}

fn has_no_ipv6(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{AddrNotAvailable, Unsupported};
    const NO_SUCH_FAMILY: i32 = 97;
    matches!(error.kind(), AddrNotAvailable | Unsupported) || error.raw_os_error() == Some(NO_SUCH_FAMILY)
}

/// A code, or why there is none.
type Outcome = Result<Secret<String>, AccountsError>;

/// What the server tells.
struct Told {
    answer: mpsc::Receiver<Outcome>,
    done: mpsc::Receiver<()>,
}

struct Desk {
    waiting: Loopback,
    /// Where the browser is sent, once.
    entra_url: Mutex<Option<String>>,
    /// Taken by the first answer.
    answer: Mutex<Option<mpsc::Sender<Outcome>>>,
    done: mpsc::Sender<()>,
}

/// Serves until the set is dropped.
fn serve(listeners: Vec<TcpListener>, waiting: Loopback, entra_url: String) -> (Told, JoinSet<()>) {
    let (answer, heard) = mpsc::channel(1);
    let (done, is_done) = mpsc::channel(1);
    let desk = Arc::new(Desk {
        waiting,
        entra_url: Mutex::new(Some(entra_url)),
        answer: Mutex::new(Some(answer)),
        done,
    });
    let mut servers = JoinSet::new();
    for listener in listeners {
        let desk = Arc::clone(&desk);
        servers.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                while connections.len() >= CONNECTIONS {
                    connections.join_next().await;
                }
                let Ok((stream, _)) = listener.accept().await else { continue };
                connections.spawn(connection(stream, Arc::clone(&desk)));
            }
        });
    }
    (Told { answer: heard, done: is_done }, servers)
}

async fn connection(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = desk.hear(&request);
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    // A peer that says nothing is let go; what breaks is its own affair.
    let _broke = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .max_buf_size(64 * 1024)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Desk {
    fn hear(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let host = request.headers().get("host").and_then(|host| host.to_str().ok());
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        match self.waiting.judge(request.method().as_str(), host, target) {
            Heard::Start => {
                let first = self.entra_url.lock().unwrap_or_else(PoisonError::into_inner).take();
                match first {
                    Some(url) => page::sent_to(&url),
                    None => {
                        self.tell(Err(AccountsError::OpenedTwice));
                        page::plain(410, page::STOPPED)
                    }
                }
            }
            Heard::Answer(answer) => {
                let told = match answer {
                    Ok(code) => self.tell(Ok(code)),
                    Err((word, code)) => self.tell(Err(AccountsError::SignInRefused { word, code })),
                };
                // Away from the address that holds the code.
                if told { page::sent_to("/done") } else { page::plain(410, page::STOPPED) }
            }
            Heard::Done => {
                let _nobody_waits = self.done.try_send(());
                page::plain(200, page::CLOSE)
            }
            Heard::Stranger(status) => page::plain(status, page::NOTHING),
        }
    }

    /// Tells the first outcome; false if there was one before.
    fn tell(&self, outcome: Outcome) -> bool {
        let sender = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        sender.is_some_and(|sender| sender.try_send(outcome).is_ok())
    }
}
