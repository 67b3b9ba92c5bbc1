//! `getUserDetails`: who the caller is, from Microsoft Graph, with a token for that very person; on the person's own
//! machine it is called `GetUserDetailsFromGraph`.
//!
//! The server never asks the client who it is: what a client writes into a call can be anything. Behind the door it reads
//! the bearer that came with the request, which is one of Graph's own that the door got on the person's behalf; beside its
//! person it asks the guard for one. It sends it to the one origin it was configured with. It neither follows redirects nor repeats what Graph said to the
//! client.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::answer::text_result;
use crate::json::quoted;
use crate::outbound::{Heard, Outbound};
use retry::{Retry, Turn};

mod identity;
mod retry;

pub use identity::Identity;
pub use retry::{Limits, SystemTime, Time};

const PATH: &str = "/v1.0/me?$select=displayName,mail,userPrincipalName";
/// How long an answer is good for, and how long a refusal is.
const FRESH: Duration = Duration::from_secs(300);
const REFUSED: Duration = Duration::from_secs(2);

/// The tool's name behind the door, and on the person's own machine.
const REMOTE: &str = "getUserDetails";
const LOCAL: &str = "GetUserDetailsFromGraph";

/// The tool as `tools/list` shows it, without its name.
const TOOL: &str = r#""title":"Who am I","description":"Your name, mail address and sign-in name, from Microsoft Graph.","inputSchema":{"type":"object","properties":{},"additionalProperties":false},"outputSchema":{"type":"object","properties":{"displayName":{"type":["string","null"]},"mail":{"type":["string","null"]},"userPrincipalName":{"type":"string"}},"required":["displayName","mail","userPrincipalName"],"additionalProperties":false},"annotations":{"readOnlyHint":true,"openWorldHint":true}}"#;

/// Where Graph is, and how patiently to ask it.
#[derive(Clone)]
pub struct Options {
    /// `https://graph.microsoft.com`, or the lab's.
    pub base: String,
    /// The certificate authority to trust, PEM.
    pub ca_pem: String,
    /// The clock and the dice.
    pub time: Arc<dyn Time>,
    /// When to give up.
    pub limits: Limits,
    /// Who is asked for tokens; none if they come with the calls.
    pub identity: Option<Identity>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Graph, asked for one person at a time and by many callers at once.
pub(crate) struct Graph {
    base: String,
    outbound: Outbound,
    identity: Option<Identity>,
    retry: Retry,
    /// By the whole token. The claims inside would be a better key if this server could verify them; as it cannot,
    /// a forged token that names somebody else must never find that person's entry.
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

/// What is known for one token. Whoever holds the lock asks Graph; the others wait and read.
type Entry = tokio::sync::Mutex<Option<Known>>;

#[derive(Clone)]
struct Known {
    until: u64,
    answer: Result<Value, Refusal>,
}

/// Why there are no details.
#[derive(Clone)]
struct Refusal {
    /// What a person may read.
    told: String,
    /// What Graph demands of the next token, as JSON.
    claims: Option<String>,
}

impl From<String> for Refusal {
    fn from(told: String) -> Self {
        Self { told, claims: None }
    }
}

impl Graph {
    pub(crate) fn new(options: Options) -> Result<Self, String> {
        Ok(Self {
            base: options.base.trim_end_matches('/').to_owned(),
            outbound: Outbound::new(&options.ca_pem)?,
            identity: options.identity,
            retry: Retry::new(options.time, options.limits),
            entries: Mutex::default(),
        })
    }

    /// What the tool is called here.
    pub(crate) fn tool_name(&self) -> &'static str {
        if self.identity.is_some() { LOCAL } else { REMOTE }
    }

    /// The tool as `tools/list` shows it.
    pub(crate) fn tool(&self) -> String {
        format!(r#"{{"name":"{}",{TOOL}"#, self.tool_name())
    }

    /// The tool's result. `authorization` is the header of the request that called the tool.
    pub(crate) fn call(
        self: &Arc<Self>,
        authorization: Option<&str>,
    ) -> Pin<Box<dyn Future<Output = String> + Send>> {
        let bearer = authorization.and_then(|value| value.split_once(' '));
        let token = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let token = token.map(|(_, token)| token.trim().to_owned()).filter(|token| !token.is_empty());
        let graph = Arc::clone(self);
        Box::pin(async move {
            let details = match (&graph.identity, token) {
                (Some(identity), _) => graph.details_by(identity).await,
                (None, Some(token)) => graph.details(&token).await.map_err(|refusal| refusal.told),
                (None, None) => Err(String::from(
                    "Nobody is vouched for: this tool needs a token for Microsoft Graph from the door.",
                )),
            };
            match details {
                Ok(details) => {
                    let text =
                        |name: &str| details.get(name).and_then(Value::as_str).unwrap_or("none").to_owned();
                    let line = format!(
                        "Name: {}\nMail: {}\nSign-in name: {}",
                        text("displayName"),
                        text("mail"),
                        text("userPrincipalName")
                    );
                    let content = json!([{ "type": "text", "text": line }]);
                    json!({ "content": content, "structuredContent": details, "isError": false }).to_string()
                }
                Err(why) => failed(&why),
            }
        })
    }

    /// Asks with a token of the identity's, and once more with another one where Graph demands something of it (LOC-08).
    async fn details_by(&self, identity: &Identity) -> Result<Value, String> {
        let token = identity.token(&self.outbound, &self.base, None).await?;
        let refusal = match self.details(&token).await {
            Ok(details) => return Ok(details),
            Err(refusal) => refusal,
        };
        let Some(claims) = &refusal.claims else { return Err(refusal.told) };
        let token = identity.token(&self.outbound, &self.base, Some(claims)).await?;
        self.details(&token).await.map_err(|refusal| refusal.told)
    }

    async fn details(&self, token: &str) -> Result<Value, Refusal> {
        let entry = self.entry(token);
        let mut known = entry.lock().await;
        if let Some(known) = known.as_ref().filter(|known| self.retry.now() < known.until) {
            return known.answer.clone();
        }
        let answer = self.ask(token).await;
        let good_for = if answer.is_ok() { FRESH } else { REFUSED };
        *known = Some(Known { until: self.retry.after(good_for), answer: answer.clone() });
        answer
    }

    /// Finds or makes a token's entry, and forgets those that are over and nobody waits for.
    fn entry(&self, token: &str) -> Arc<Entry> {
        let now = self.retry.now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| {
            let over =
                entry.try_lock().is_ok_and(|known| known.as_ref().is_none_or(|known| known.until <= now));
            !over || Arc::strong_count(entry) > 1
        });
        Arc::clone(entries.entry(token.to_owned()).or_default())
    }

    async fn ask(&self, token: &str) -> Result<Value, Refusal> {
        let url = format!("{}{PATH}", self.base);
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("accept", "application/json")];
        let mut tries = self.retry.begin();
        loop {
            self.retry.wait_for_everybody(&tries).await?;
            let heard = self.outbound.send("GET", &url, &headers, "").await;
            let turn = match &heard {
                Ok(heard) if heard.status == 200 => return Ok(read(heard)?),
                Ok(heard) => {
                    let when = heard.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                    match heard.status {
                        429 => Turn::Everybody(when),
                        500..=599 => Turn::Alone(when),
                        status => return Err(Refusal { told: refused(status), claims: demanded(heard) }),
                    }
                }
                Err(_) => Turn::Alone(None),
            };
            self.retry.pause(&mut tries, turn).await?;
        }
    }
}

/// Takes the three members and nothing else.
fn read(heard: &Heard) -> Result<Value, String> {
    let unreadable = || String::from("Microsoft Graph answered with something unexpected.");
    let body: Value = serde_json::from_slice(&heard.body).map_err(|_| unreadable())?;
    let text = |name: &str| match body.get(name) {
        None | Some(Value::Null) => Some(Value::Null),
        Some(Value::String(text)) => Some(json!(text)),
        Some(_) => None,
    };
    let name = body.get("userPrincipalName").and_then(Value::as_str).ok_or_else(unreadable)?;
    Ok(json!({
        "displayName": text("displayName").ok_or_else(unreadable)?,
        "mail": text("mail").ok_or_else(unreadable)?,
        "userPrincipalName": name,
    }))
}

/// Reads which claims a 401 demands (continuous access evaluation): JSON in base64.
fn demanded(heard: &Heard) -> Option<String> {
    let challenge = heard.headers.get(WWW_AUTHENTICATE)?.to_str().ok().filter(|_| heard.status == 401)?;
    let (claims, _) = challenge.split_once("claims=\"")?.1.split_once('"')?;
    String::from_utf8(STANDARD.decode(claims).ok()?).ok()
}

fn refused(status: u16) -> String {
    match status {
        401 => String::from("Microsoft Graph did not accept the token; sign in again."),
        403 => String::from("Microsoft Graph refuses: the permission User.Read is missing."),
        300..=399 => String::from("Microsoft Graph sent us elsewhere, where a token does not go."),
        other => format!("Microsoft Graph refuses with status {other}."),
    }
}

fn failed(why: &str) -> String {
    text_result(&quoted(why), true)
}

#[cfg(test)]
mod tests;
