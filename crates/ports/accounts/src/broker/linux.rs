//! Microsoft's identity broker for Linux, over the session's D-Bus. Its interface is described nowhere by Microsoft; what
//! is asked here is what other programs ask, and an answer of another shape is an error that names itself.

use std::time::Duration;

use bytes::Bytes;
use doorward_oidc::merge_claims;
use doorward_types::{Secret, TenantId, Timestamp};
use doorward_wire::{Kind, Limits, Tree, Value, quote};
use zbus::Connection;

use super::{Broker, BrokerAsk, BrokerError, BrokerToken, Brokering};
use crate::random;

const NAME: &str = "com.microsoft.identity.broker1";
const PATH: &str = "/com/microsoft/identity/broker1";
const INTERFACE: &str = "com.microsoft.identity.Broker1";
/// The version of the protocol.
const VERSION: &str = "0.0";
/// It asks Entra itself.
const CALL: Duration = Duration::from_secs(30);
/// `error.status`: the person is needed, or the account is of no use any more (assumed).
const NEEDS_PERSON: [i64; 2] = [2, 13];
/// `authorizationType`: out of what it holds.
const SILENT: u8 = 1;

/// The broker on the session bus.
#[derive(Debug, Clone, Default)]
pub struct LinuxBroker {
    /// Another bus than the session's.
    address: Option<String>,
}

impl LinuxBroker {
    /// Asks on the bus at this address instead of the session's.
    pub fn at(address: impl Into<String>) -> Self {
        Self { address: Some(address.into()) }
    }
}

impl Broker for LinuxBroker {
    fn token<'a>(&'a self, ask: BrokerAsk<'a>) -> Brokering<'a> {
        Box::pin(async move {
            let Some(bus) = self.bus().await else { return Ok(None) };
            let redirect = format!("{}/common/oauth2/nativeclient", ask.cloud.authority);
            let (id, uri) = (quote(ask.client_id.as_str()), quote(&redirect));
            let request = format!(r#"{{"clientId":{id},"redirectUri":{uri}}}"#);
            let Some(answer) = call(&bus, "getAccounts", request).await? else { return Ok(None) };
            let Some(account) = choose(&answer, &ask)? else { return Ok(None) };
            let request = silent(&ask, account, &redirect)?;
            match call(&bus, "acquireTokenSilently", request).await? {
                Some(answer) => read(&answer).map(Some),
                None => Ok(None),
            }
        })
    }
}

impl LinuxBroker {
    /// Returns the bus; without one there is no broker.
    async fn bus(&self) -> Option<Connection> {
        let builder = match &self.address {
            Some(address) => zbus::connection::Builder::address(address.as_str()),
            None => zbus::connection::Builder::session(),
        };
        match tokio::time::timeout(CALL, builder.method_timeout(CALL).build()).await {
            Ok(Ok(bus)) => Some(bus),
            _ => None,
        }
    }
}

/// Calls a method; `None` if nobody answers to the broker's name.
async fn call(bus: &Connection, method: &str, request: String) -> Result<Option<Tree>, BrokerError> {
    let correlation = random::guid().map_err(|error| failed(error.to_string()))?;
    let body = (VERSION, correlation, request);
    let answer = match bus.call_method(Some(NAME), PATH, Some(INTERFACE), method, &body).await {
        Ok(answer) => answer,
        Err(zbus::Error::FDO(error)) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(failed(format!("{method}: {error}"))),
    };
    let (text,): (String,) =
        answer.body().deserialize().map_err(|error| failed(format!("{method}: {error}")))?;
    let limits = Limits { max_bytes: 1 << 20, max_depth: 16, max_nodes: 4096 };
    let tree = Tree::parse(Bytes::from(text), &limits).ok().filter(|tree| tree.root().kind() == Kind::Object);
    tree.map(Some).ok_or_else(|| failed(format!("{method}: its answer is no JSON object")))
}

fn is_absent(error: &zbus::fdo::Error) -> bool {
    use zbus::fdo::Error::{NameHasNoOwner, ServiceUnknown};
    matches!(error, ServiceUnknown(_) | NameHasNoOwner(_))
}

/// Chooses the account that is asked for, or the only one of the tenant's.
fn choose<'t>(answer: &'t Tree, ask: &BrokerAsk<'_>) -> Result<Option<Value<'t>>, BrokerError> {
    refused(answer.root())?;
    let accounts: Vec<Value<'_>> =
        answer.root().get("accounts").into_iter().flat_map(|list| list.items()).collect();
    let ours = |account: &Value<'_>| {
        let tenant = text(*account, "realm").and_then(|realm| TenantId::parse(&realm).ok());
        let object = text(*account, "localAccountId");
        tenant.as_ref() == Some(ask.tenant)
            && ask.person.is_none_or(|person| {
                object.is_some_and(|object| object.eq_ignore_ascii_case(person.object.as_str()))
            })
    };
    let mut found = accounts.into_iter().filter(ours);
    match (found.next(), found.next()) {
        // Which of several is for the person to say, not for a guess.
        (Some(_), Some(_)) => Err(BrokerError::NeedsPerson),
        (one, _) => Ok(one),
    }
}

/// Writes the request. The account goes back as it came.
fn silent(ask: &BrokerAsk<'_>, account: Value<'_>, redirect: &str) -> Result<String, BrokerError> {
    let scopes: Vec<String> = ask.scopes.asked().iter().map(|scope| quote(scope)).collect();
    let claims = merge_claims(ask.claims).map_err(|error| failed(error.to_string()))?;
    let username = text(account, "username").unwrap_or_default();
    let authority = format!("{}/{}", ask.cloud.authority, ask.tenant);
    Ok(format!(
        r#"{{"authParameters":{{"account":{},"additionalQueryParametersForAuthorization":{{}},"authority":{},"authorizationType":{SILENT},"clientId":{},"decodedClaims":{},"redirectUri":{},"requestedScopes":[{}],"username":{},"uxContextHandle":-1}}}}"#,
        account.raw(),
        quote(&authority),
        quote(ask.client_id.as_str()),
        quote(&claims),
        quote(redirect),
        scopes.join(","),
        quote(&username),
    ))
}

fn read(answer: &Tree) -> Result<BrokerToken, BrokerError> {
    let root = answer.root();
    let inner = root.get("brokerTokenResponse").unwrap_or(root);
    refused(inner)?;
    let token = |name: &str| {
        text(inner, name)
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(Secret::new)
    };
    let millis = inner.get("expiresOn").and_then(|value| value.as_i64());
    match (token("accessToken"), token("idToken"), millis) {
        (Some(access), Some(id), Some(millis)) => {
            Ok(BrokerToken { access, id, expires: Timestamp::from_secs(millis / 1000) })
        }
        _ => Err(failed("its answer lacks a token, an ID token or an end".into())),
    }
}

fn refused(answer: Value<'_>) -> Result<(), BrokerError> {
    let Some(error) = answer.get("error") else { return Ok(()) };
    Err(match error.get("status").and_then(|status| status.as_i64()) {
        Some(status) if NEEDS_PERSON.contains(&status) => BrokerError::NeedsPerson,
        // Its words name people; the number is kept.
        Some(status) => failed(format!("it refuses with status {status}")),
        None => failed("it refuses and does not say why".into()),
    })
}

fn text(object: Value<'_>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(std::borrow::Cow::into_owned)
}

fn failed(what: String) -> BrokerError {
    BrokerError::Failed(what)
}
