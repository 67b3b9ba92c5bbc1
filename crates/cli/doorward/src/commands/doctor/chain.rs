//! The way of a client that has no token: 401, the server's metadata, the authorization server's metadata. Walked as
//! strict clients walk it, so that what they refuse is seen here and not by people (need 25 of any gateway's users).

use std::sync::Arc;

use bytes::Bytes;
use doorward_config::Config;
use doorward_entra::Fetch;
use doorward_oauth::KeySet;
use doorward_oidc::third_party::{
    AsMetadata, Challenge, MetadataError, ResourceMetadata, metadata_urls, resource_metadata_urls,
};
use http::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};

use super::finding::Finding;
use crate::commands::client_config::Client;

const AREA: &str = "the door's answers";
const HELLO: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"doctor","version":"1"}}}"#;

/// Walks the way for every server. `own` reaches the door, wherever it is; whatever address an answer names besides is
/// asked through `public`, which reaches nothing but the open internet (SSRF).
pub(crate) async fn look(config: &Config, own: &dyn Fetch, public: &dyn Fetch, findings: &mut Vec<Finding>) {
    let mut authority = None;
    for server in &config.servers {
        let url = format!("{}{}", config.gateway.public_url, server.path());
        match walk(config, own, &url).await {
            Ok(found) => {
                findings
                    .push(Finding::ok(AREA, format!("{} sends strangers to {}", server.name, found.issuer)));
                if config.sign_in.is_none()
                    && let Some(bare) = found.scopes.iter().find(|scope| !scope.contains('/'))
                {
                    findings.push(
                        Finding::bad(AREA, format!("{} tells clients the bare scope `{bare}`", server.name))
                            .code(650_053),
                    );
                }
                authority = Some(found.issuer);
            }
            Err(Stop::Closed(why)) => {
                findings.push(
                    Finding::warn(AREA, format!("no door answers at {}", config.gateway.public_url))
                        .cause(why)
                        .fix("open it with `doorward serve`, and ask again from where its clients are"),
                );
                return;
            }
            Err(Stop::Wrong(finding)) => findings.push(*finding),
        }
    }
    if let Some(issuer) = authority {
        let door = issuer.trim_end_matches('/') == config.gateway.public_url.as_str();
        server(config, if door { own } else { public }, &issuer, findings).await;
    }
}

/// Fetches the keys that the door signs with, if it is open and signs.
pub(crate) async fn own_keys(config: &Config, fetch: &dyn Fetch) -> Option<KeySet> {
    config.sign_in.as_ref()?;
    let answer = get(fetch, &format!("{}/oauth/jwks", config.gateway.public_url)).await.ok()?;
    KeySet::of_door(answer.into_body()).ok()
}

enum Stop {
    /// Nobody answers.
    Closed(String),
    /// What a client would stumble over.
    Wrong(Box<Finding>),
}

fn wrong(what: String, cause: &str, fix: &str) -> Stop {
    Stop::Wrong(Box::new(Finding::bad(AREA, what).cause(cause).fix(fix)))
}

const PROXY: &str =
    "look at what stands before the door: a proxy or a firewall has answered, or changed the answer";

async fn walk(config: &Config, fetch: &dyn Fetch, url: &str) -> Result<ResourceMetadata, Stop> {
    let lab = is_lab(config);
    let hello = Request::post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream")
        .body(Bytes::from_static(HELLO))
        .map_err(|error| Stop::Closed(error.to_string()))?;
    let answer = fetch.fetch(hello).await.map_err(|error| Stop::Closed(error.0))?;
    if answer.status() != StatusCode::UNAUTHORIZED {
        let what = format!("{url} answers {} to a stranger", answer.status());
        return Err(wrong(what, "a client learns from a 401 alone that it must sign in, and where", PROXY));
    }
    let header = answer.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    let Some(challenge) = header.and_then(Challenge::parse) else {
        return Err(wrong(
            format!("the 401 of {url} has no Bearer challenge"),
            "WWW-Authenticate is missing or malformed",
            PROXY,
        ));
    };
    let urls = resource_metadata_urls(url, challenge.resource_metadata.as_deref(), lab);
    if challenge.resource_metadata.is_none_or(|named| !urls.contains(&named)) {
        let what =
            format!("the 401 of {url} does not name the server's metadata by an absolute https address");
        let fix = "write an https `public_url` in [gateway], as clients see it";
        return Err(wrong(what, "clients take relative addresses for broken ones", fix));
    }
    let base = format!("{}/", config.gateway.public_url);
    if let Some(elsewhere) = urls.iter().find(|place| !place.starts_with(&base)) {
        let what = format!("the 401 of {url} points to {elsewhere}, which is not the door's");
        return Err(wrong(what, "the metadata of a server stands at the server's own origin", PROXY));
    }
    let mut status = None;
    for place in urls {
        let answer = get(fetch, &place).await.map_err(Stop::Closed)?;
        if answer.status() == StatusCode::OK {
            return ResourceMetadata::read(url, &place, answer.into_body(), lab).map_err(|error| {
                wrong(
                    format!("the metadata at {place} is not that of {url}"),
                    &error.to_string(),
                    "compare `public_url` in [gateway] with the address that clients use",
                )
            });
        }
        status = Some(format!("{place} answers {}", answer.status()));
    }
    Err(wrong(status.unwrap_or_default(), "the 401 points there for the server's metadata", PROXY))
}

/// The authorization server, and which clients can use it.
async fn server(config: &Config, fetch: &dyn Fetch, issuer: &str, findings: &mut Vec<Finding>) {
    let lab = is_lab(config);
    let mut found = None;
    for place in metadata_urls(issuer, lab) {
        match get(fetch, &place).await {
            Ok(answer) if answer.status() == StatusCode::OK => {
                found = Some(AsMetadata::read(issuer, answer.into_body(), lab));
                break;
            }
            _ => {}
        }
    }
    let Some(found) = found else {
        findings.push(
            Finding::bad(AREA, format!("{issuer} has no metadata where clients look for it")).fix(PROXY),
        );
        return;
    };
    match &found {
        Ok(metadata) => {
            findings
                .push(Finding::ok(AREA, format!("{issuer} names itself, its endpoints and PKCE with S256")));
            if metadata.issuer.starts_with("https:") && !metadata.names_itself {
                findings.push(Finding::warn(
                    AREA,
                    "it does not name itself in its answers: clients of several servers can be mixed up",
                ));
            }
        }
        // Entra, without the door before it. Clients that are registered there by hand may do without.
        Err(error @ MetadataError::NoS256) if config.sign_in.is_none() => {
            findings.push(
                Finding::warn(
                    AREA,
                    "strict clients end here: Claude, Cursor, Codex, MCP Inspector and others",
                )
                .cause(error.to_string())
                .fix("add `[sign_in]`: Entra says nothing of PKCE, although it does it"),
            );
            return;
        }
        Err(error) => findings
            .push(Finding::bad(AREA, "clients refuse its metadata").cause(error.to_string()).fix(PROXY)),
    }
    for client in Client::all() {
        findings.push(sees(config, client, found.as_ref().ok()));
    }
}

/// What one client comes to.
fn sees(config: &Config, client: Client, metadata: Option<&AsMetadata>) -> Finding {
    let title = client.title();
    let configured = config.clients.iter().any(|known| known.id.as_str() == client.id());
    let fix = || format!("`doorward client-config {}` says what is missing", client.id());
    match metadata {
        None => Finding::bad(AREA, format!("{title}: cannot sign in")).fix("mend what stands above"),
        Some(metadata) if client.has_document() && metadata.takes_documents => {
            Finding::ok(AREA, format!("{title}: signs in by its document"))
        }
        Some(metadata) if metadata.registration_endpoint.is_some() => {
            Finding::ok(AREA, format!("{title}: signs in, it registers itself"))
        }
        Some(_) if configured => {
            Finding::ok(AREA, format!("{title}: signs in with the id that is configured"))
        }
        Some(_) => Finding::warn(AREA, format!("{title}: has no way to become known")).fix(fix()),
    }
}

async fn get(fetch: &dyn Fetch, url: &str) -> Result<Response<Bytes>, String> {
    let request = Request::get(url).header(ACCEPT, "application/json").body(Bytes::new());
    fetch.fetch(request.map_err(|error| error.to_string())?).await.map_err(|error| error.0)
}

/// Where everything is on this machine, plain http is no fault.
fn is_lab(config: &Config) -> bool {
    config.lab.is_some() || config.gateway.public_url.is_loopback()
}

/// Kept beside the keys of Entra while a token is judged.
pub(crate) type OwnKeys = Option<KeySet>;

/// Puts both sets of keys together as a door does.
pub(crate) fn ring(entra: Option<Arc<KeySet>>, own: OwnKeys) -> doorward_oauth::KeyRing {
    doorward_oauth::KeyRing { door: Arc::new(own.unwrap_or_default()), entra: entra.unwrap_or_default() }
}
