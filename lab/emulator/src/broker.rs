//! The identity broker of a Linux machine on a session bus, as other programs have found it to answer: Microsoft describes
//! it nowhere. It holds the sign-in of the machine's people and gives tokens out of it, silently.

use std::sync::Arc;

use doorward_types::Timestamp;
use serde_json::{Value, json};
use zbus::Connection;

use crate::authority::Authority;
use crate::client_auth::{self, Client};
use crate::errors::AadError;
use crate::form::{self, Form};
use crate::lab::Lab;
use crate::seed::User;
use crate::store::{Grant, SignIn};
use crate::tokens::ClientProof;
use crate::{EmulatorError, issue};

const NAME: &str = "com.microsoft.identity.broker1";
const PATH: &str = "/com/microsoft/identity/broker1";

/// `status` of a refusal (assumed: the numbers of the broker's own library).
const INTERACTION_REQUIRED: i32 = 2;
const CONTRACT_VIOLATION: i32 = 6;
const INCORRECT_CONFIGURATION: i32 = 9;
const ACCOUNT_NOT_FOUND: i32 = 16;

/// A broker that runs. It leaves the bus when it is dropped.
pub struct Broker {
    _bus: Connection,
}

/// What it knows.
struct Desk {
    lab: Arc<Lab>,
    /// Short names of the people who are signed in to the machine.
    people: Vec<String>,
    since: Timestamp,
}

pub(crate) async fn start(lab: Arc<Lab>, address: &str, people: &[&str]) -> Result<Broker, EmulatorError> {
    let people: Vec<String> = people.iter().map(|name| (*name).to_owned()).collect();
    let desk = Desk { since: lab.clock.now(), lab, people };
    let bus = async {
        let builder = zbus::connection::Builder::address(address).serve_at(PATH, desk);
        builder.name(NAME).build().await
    };
    let bus = bus.await.map_err(|error| EmulatorError::Bus(error.to_string()))?;
    Ok(Broker { _bus: bus })
}

#[zbus::interface(name = "com.microsoft.identity.Broker1")]
impl Desk {
    #[zbus(name = "getAccounts")]
    fn get_accounts(&self, version: &str, correlation: &str, request: &str) -> String {
        let answer = read(version, correlation, request).and_then(|request| {
            self.client(&request)?;
            Ok(json!({ "accounts": self.users().map(|user| self.account(user)).collect::<Vec<_>>() }))
        });
        answer.unwrap_or_else(Refusal::bare).to_string()
    }

    #[zbus(name = "acquireTokenSilently")]
    fn acquire_token_silently(&self, version: &str, correlation: &str, request: &str) -> String {
        let answer = read(version, correlation, request).and_then(|request| self.token(&request));
        let answer = answer.unwrap_or_else(Refusal::bare);
        json!({ "brokerTokenResponse": answer }).to_string()
    }
}

/// A refusal: a status and words.
struct Refusal(i32, String);

impl Refusal {
    fn bare(self) -> Value {
        json!({ "error": { "status": self.0, "subStatus": 0, "context": self.1 } })
    }
}

impl From<AadError> for Refusal {
    fn from(error: AadError) -> Self {
        let status = match error.oauth() {
            "interaction_required" | "invalid_grant" | "consent_required" | "login_required" => {
                INTERACTION_REQUIRED
            }
            _ => INCORRECT_CONFIGURATION,
        };
        Self(status, format!("AADSTS{}: {}", error.code, error.message))
    }
}

fn read(version: &str, correlation: &str, request: &str) -> Result<Value, Refusal> {
    let violation = |what: &str| Refusal(CONTRACT_VIOLATION, what.to_owned());
    if version != "0.0" {
        return Err(violation("unknown protocol version"));
    }
    if correlation.len() != 36 {
        return Err(violation("the correlation id is no GUID"));
    }
    serde_json::from_str(request).map_err(|_| violation("the request is no JSON"))
}

fn member<'v>(value: &'v Value, name: &str) -> Result<&'v str, Refusal> {
    let text = value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal(CONTRACT_VIOLATION, format!("`{name}` is missing")))
}

impl Desk {
    fn users(&self) -> impl Iterator<Item = &User> {
        self.people.iter().filter_map(|name| self.lab.seed.user(name))
    }

    fn account(&self, user: &User) -> Value {
        let tenant = self.lab.seed.tenant_of(user).map_or("", |tenant| tenant.id.as_str());
        json!({
            "homeAccountId": format!("{}.{tenant}", user.id), "localAccountId": user.id, "realm": tenant,
            "username": user.upn, "name": user.display_name, "environment": "login.windows.net",
            "authorityType": "MSSTS",
        })
    }

    /// The client must be known, public, and come with the redirect address of native clients.
    fn client(&self, of: &Value) -> Result<&crate::seed::App, Refusal> {
        let app = client_auth::known(&self.lab, Authority::Any, member(of, "clientId")?)?;
        if !app.public {
            return Err(Refusal(
                INCORRECT_CONFIGURATION,
                "AADSTS7000218: the client is no public one".into(),
            ));
        }
        if !member(of, "redirectUri")?.ends_with("/common/oauth2/nativeclient") {
            return Err(Refusal(INCORRECT_CONFIGURATION, "the redirect URI is not a native client's".into()));
        }
        Ok(app)
    }

    fn token(&self, request: &Value) -> Result<Value, Refusal> {
        let missing = || Refusal(CONTRACT_VIOLATION, "`authParameters` is missing".into());
        let parameters = request.get("authParameters").ok_or_else(missing)?;
        let app = self.client(parameters)?;
        let account = parameters.get("account").cloned().unwrap_or_default();
        let user = self.users().find(|user| self.account(user) == account);
        let user = user.ok_or_else(|| Refusal(ACCOUNT_NOT_FOUND, "no such account".into()))?;
        if member(parameters, "username")? != user.upn {
            return Err(Refusal(ACCOUNT_NOT_FOUND, "the username is another account's".into()));
        }
        let tenant = member(&account, "realm")?;
        if member(parameters, "authority")? != format!("{}/{tenant}", self.lab.authority) {
            return Err(Refusal(INCORRECT_CONFIGURATION, "the authority is not trusted".into()));
        }
        if parameters.get("authorizationType").and_then(Value::as_i64) != Some(1) {
            return Err(Refusal(CONTRACT_VIOLATION, "`authorizationType` is not 1".into()));
        }
        if self.lab.store().is_revoked(&user.id, self.since) {
            return Err(Refusal(INTERACTION_REQUIRED, "AADSTS50173: the grant was revoked".into()));
        }
        let scopes = parameters.get("requestedScopes").and_then(Value::as_array).into_iter().flatten();
        let scope = scopes.filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        let claims = parameters.get("decodedClaims").and_then(Value::as_str).unwrap_or_default();
        let form = Form::parse(&form::encode(&[("scope", &scope), ("claims", claims)]))?;
        let grant = Grant {
            client: app.id.clone(),
            sign_in: SignIn { user: user.id.clone(), at: self.since, mfa: false, acrs: Vec::new() },
            scope,
            resource: None,
            nonce: None,
            claims: None,
            spa: false,
        };
        let client = Client { app, proof: ClientProof::Public };
        let answer = issue::for_person(&self.lab, &client, &grant, &form)?;
        let lives = answer.get("expires_in").and_then(Value::as_i64).unwrap_or(0);
        let text = |name: &str| answer.get(name).cloned().unwrap_or_default();
        // No refresh token: that stays with the broker.
        Ok(json!({
            "accessToken": text("access_token"), "accessTokenType": 0, "idToken": text("id_token"),
            "grantedScopes": text("scope"), "expiresOn": (self.lab.clock.now().as_secs() + lives) * 1000,
            "account": account,
        }))
    }
}
