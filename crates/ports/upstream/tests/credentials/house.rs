//! A door in this process: its ports are the test's, its server is the one in `server.rs`, its callers' tokens are
//! signed with a key made for the run.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_engine::{
    Answered, Arrived, AuditUnwritable, Caller, Carrier, Challenge, Cleared, Door, DoorLimits,
    ElicitationRules, EraRule, Errand, Going, GroupsUnavailable, IntentFacts, OutcomeFacts, Ports,
    RandomUnavailable, ReadError, RefusalFacts, Released, ServerRules, SessionRules, Snapshot, Sole,
    UpstreamError, Urls,
};
use doorward_net::{Connector, ConnectorConfig, Origin, Reach};
use doorward_oauth::{
    Audience, Cloud, EntraTokens, Expectation, Identity, KeyRing, KeySet, Revocations, Tenants, TokenCache,
};
use doorward_policy::{PolicyProblem, PolicyText};
use doorward_types::{ClientId, ObjectId, ServerName, TenantId, Timestamp};
use doorward_upstream::{HttpTarget, Link, OutboundCredential, Retry, Target, UpstreamEvents, Upstreams};
use doorward_wire::{HeaderSet, Limits, Verb};
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::server::{Heard, Said, Server};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const APP: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "aebc6443-996d-45c2-90f0-388ff96faa56";
const NOW: i64 = 1_795_176_000;

/// Gives each person a key of their own, the next one after each refusal.
#[derive(Default)]
pub(crate) struct Purse {
    given: Mutex<BTreeMap<String, u64>>,
    /// What it heard of refusals.
    pub(crate) heard: Mutex<Vec<Option<String>>>,
    pub(crate) gives_up: AtomicBool,
    /// What it says instead of a key, once.
    pub(crate) empty: Mutex<Option<UpstreamError>>,
    /// What it says, once, to a server that finds a key too small.
    pub(crate) small: Mutex<Option<UpstreamError>>,
}

fn name(caller: Option<&Arc<Caller>>) -> String {
    let object = caller.map(|caller| caller.identity().object().to_string());
    object.map_or_else(|| "the-door".to_owned(), |object| object.trim_start_matches(['0', '-']).to_owned())
}

impl OutboundCredential for Purse {
    fn header<'a>(
        &'a self,
        caller: Option<&'a Arc<Caller>>,
    ) -> BoxFuture<'a, Result<(HeaderName, HeaderValue), UpstreamError>> {
        Box::pin(async move {
            if let Some(error) = self.empty.lock().unwrap().take() {
                return Err(error);
            }
            let name = name(caller);
            let number = self.given.lock().unwrap().get(&name).copied().unwrap_or(0);
            let value = format!("Bearer key-of-{name}-{number}");
            Ok((http::header::AUTHORIZATION, HeaderValue::from_str(&value).unwrap()))
        })
    }

    fn rejected<'a>(
        &'a self,
        caller: Option<&'a Arc<Caller>>,
        challenge: Option<String>,
    ) -> BoxFuture<'a, Retry> {
        Box::pin(async move {
            self.heard.lock().unwrap().push(challenge);
            *self.given.lock().unwrap().entry(name(caller)).or_default() += 1;
            if self.gives_up.load(Ordering::Relaxed) {
                return Retry::No(UpstreamError::new(
                    doorward_engine::UpstreamFault::Refused,
                    "no other key",
                ));
            }
            Retry::Once
        })
    }

    fn insufficient<'a>(
        &'a self,
        _caller: Option<&'a Arc<Caller>>,
        challenge: String,
    ) -> BoxFuture<'a, Option<UpstreamError>> {
        Box::pin(async move {
            self.heard.lock().unwrap().push(Some(challenge));
            self.small.lock().unwrap().take()
        })
    }
}

pub(crate) struct Plan {
    pub(crate) per_person: bool,
    pub(crate) era: EraRule,
    pub(crate) headers: Vec<(String, String)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { per_person: false, era: EraRule::Modern, headers: Vec::new() }
    }
}

pub(crate) struct House {
    pub(crate) door: Arc<Door<World>>,
    pub(crate) server: Server,
    pub(crate) purse: Arc<Purse>,
}

/// What a caller gets.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) session: Option<Arc<str>>,
    pub(crate) challenge: Option<Challenge>,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) fn hello(capabilities: &Value) -> Value {
    json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}})
}

impl House {
    pub(crate) async fn new(plan: Plan, script: impl Fn(&Heard) -> Said + Send + Sync + 'static) -> Self {
        let server = Server::start(script).await;
        let purse = Arc::new(Purse::default());
        let origin = format!("http://{}", server.address);
        let lab_origins = vec![Origin::parse(&origin).unwrap()];
        let connector =
            Connector::new(ConnectorConfig { lab_origins, ..ConnectorConfig::default() }).unwrap();
        let credential: Arc<dyn OutboundCredential> = Arc::<Purse>::clone(&purse);
        let target = Target::Http(HttpTarget {
            sse: false,
            url: format!("{origin}/mcp"),
            reach: Reach::Lab,
            headers: plan.headers.clone(),
            credential: Some(credential),
            most: Duration::from_secs(20),
        });
        let crm = ServerName::parse("crm").unwrap();
        let upstreams = Arc::new(Upstreams::new(&connector, [(crm.clone(), target)]).unwrap());
        let text = "permit (principal, action, resource);".to_owned();
        let text = Arc::new(PolicyText::parse(&[("test.cedar".to_owned(), text)]).unwrap());
        let snapshot = Snapshot::compile(1, vec![rules(&plan, crm)], text, BTreeMap::new()).unwrap();
        let hour = Duration::from_secs(3600);
        let sessions = SessionRules { total: 10, per_owner: 10, idle: hour, absolute: hour };
        let world = World { upstreams, ticks: AtomicU64::new(1) };
        let door = Arc::new(Door::new(world, snapshot, DoorLimits { sessions, resume: false }).unwrap());
        Self { door, server, purse }
    }

    /// The token of person number so-and-so, whose client answers claims challenges if the number is even.
    pub(crate) fn token(&self, person: u8) -> String {
        let mut claims = json!({
            "aud": APP, "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "ver": "2.0",
            "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 3600, "azp": CLIENT, "scp": "mcp", "tid": TENANT,
            "oid": format!("00000000-0000-0000-0000-00000000000{person}"),
        });
        if person.is_multiple_of(2) {
            claims["xms_cc"] = json!(["cp1"]);
        }
        keys().sign(&claims)
    }

    pub(crate) async fn call(&self, person: u8, tool: &str) -> Got {
        self.modern(person, "tools/call", json!({"name": tool, "arguments": {}})).await
    }

    pub(crate) async fn modern(&self, person: u8, method: &str, mut params: Value) -> Got {
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
        let declared = &mut params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        if declared.is_null() {
            *declared = json!({"elicitation": {"url": {}}});
        }
        let tool = params["name"].as_str().unwrap_or_default().to_owned();
        let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        if !tool.is_empty() {
            headers.push(("mcp-name", &tool));
        }
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.send(person, Verb::Post, &headers, body.to_string()).await
    }

    pub(crate) async fn legacy(&self, person: u8, session: Option<&str>, method: &str, params: Value) -> Got {
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let mut headers = Vec::new();
        if let Some(session) = session {
            headers.extend([("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")]);
        }
        self.send(person, Verb::Post, &headers, body.to_string()).await
    }

    pub(crate) async fn leave(&self, person: u8, session: &str) {
        let headers = [("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")];
        assert_eq!(self.send(person, Verb::Delete, &headers, String::new()).await.status, 200);
    }

    async fn send(&self, person: u8, verb: Verb, headers: &[(&str, &str)], body: String) -> Got {
        let bearer = format!("Bearer {}", self.token(person));
        let usual = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        let lines = usual.iter().chain(headers).map(|(name, value)| (*name, value.as_bytes()));
        let set = HeaderSet::collect(lines);
        let snapshot = self.door.snapshot();
        let arrived = Arrived {
            server: Arc::clone(snapshot.server("crm").unwrap()),
            snapshot,
            verb,
            authorization: Sole::One(bearer.as_bytes()),
            proof: Sole::Absent,
            content_type: set.content_type,
            accept: set.accept.as_deref(),
            headers: set.routing(),
            carrier: Carrier::Request,
            body: Bytes::from(body),
            source: None,
            trace: [1; 16],
            now: Timestamp::from_secs(NOW),
        };
        match Box::pin(self.door.carry(arrived)).await {
            Ok(Released::Whole { bytes, status, session }) => {
                Got { status, body: bytes, session, challenge: None }
            }
            Ok(_) => panic!("neither refused nor whole"),
            Err(reply) => {
                Got { status: reply.status, body: reply.body, session: None, challenge: reply.challenge }
            }
        }
    }
}

fn rules(plan: &Plan, name: ServerName) -> ServerRules {
    let tenant = TenantId::parse(TENANT).unwrap();
    ServerRules {
        bundles: Arc::default(),
        name,
        resource: "https://mcp.contoso.com/crm/mcp".to_owned(),
        metadata_url: "https://mcp.contoso.com/.well-known/oauth-protected-resource/crm/mcp".to_owned(),
        challenge_scope: "mcp".to_owned(),
        expectation: Expectation {
            cloud: Cloud::named("public").unwrap(),
            tenants: Tenants::One(tenant),
            audience: Audience { client_id: ClientId::parse(APP).unwrap(), app_id_uris: vec![] },
            required_scope: vec![],
            required_role: vec![],
            allow_app_only: false,
            skew: Duration::ZERO,
            accept_v1: false,
            door: None,
            entra: EntraTokens::All,
        },
        era: plan.era,
        call_timeout: Duration::from_secs(20),
        call_most: Duration::from_secs(60),
        request_limits: Limits::default(),
        answer_limits: Limits::default(),
        event_bytes: 1 << 20,
        keeps_assertion: false,
        per_person_credential: plan.per_person,
        acquaintance: Arc::default(),
        advise: doorward_engine::AdviseRules::default(),
        unabridged: false,
        arguments: doorward_engine::Flagged::Record,
        asks: false,
        flagged: doorward_engine::Flagged::Withhold,
        flow: Arc::new(doorward_engine::FlowRules::off()),
        data: None,
        results: doorward_engine::ResultRules::default(),
        pins: None,
        elicitation: ElicitationRules {
            forms_guarded: true,
            url_hosts: Vec::new(),
            plain_loopback: false,
            urls: Urls::Refused,
        },
        tokens: RwLock::new(TokenCache::new(16)),
    }
}

/// The outside world of the test's door: what is not about servers goes well.
pub(crate) struct World {
    upstreams: Arc<Upstreams>,
    ticks: AtomicU64,
}

impl Ports for World {
    type Body = Bytes;
    type Link = Link;
    type Events = UpstreamEvents;

    fn now(&self) -> Timestamp {
        Timestamp::from_secs(NOW)
    }

    fn stopwatch(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }

    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn random(&self) -> Result<[u8; 32], RandomUnavailable> {
        Ok([u8::try_from(self.stopwatch() % 251).unwrap(); 32])
    }

    async fn read(&self, body: Bytes, _: usize) -> Result<Bytes, ReadError> {
        Ok(body)
    }

    fn may_knock(&self, _: Option<IpAddr>, _: Timestamp) -> bool {
        true
    }

    fn keys(&self) -> KeyRing {
        KeyRing { door: Arc::default(), entra: Arc::clone(&keys().published) }
    }

    fn revocations(&self) -> Arc<Revocations> {
        Arc::default()
    }

    async fn refresh_keys(&self, _: &str) -> bool {
        false
    }

    async fn groups(&self, _: &Identity) -> Result<BTreeSet<ObjectId>, GroupsUnavailable> {
        Ok(BTreeSet::new())
    }

    async fn intent(&self, _: IntentFacts<'_>) -> Result<(), AuditUnwritable> {
        Ok(())
    }

    async fn outcome(&self, _: OutcomeFacts) -> Result<(), AuditUnwritable> {
        Ok(())
    }

    fn outcome_detached(&self, _: OutcomeFacts) {}

    async fn refused(&self, _: RefusalFacts<'_>) -> Result<(), AuditUnwritable> {
        Ok(())
    }

    async fn upstream(
        &self,
        cleared: Cleared<Self>,
    ) -> Result<Answered<Link, UpstreamEvents>, UpstreamError> {
        self.upstreams.send(cleared).await
    }

    async fn errand(&self, errand: Errand<Self>) -> Result<Answered<Link, UpstreamEvents>, UpstreamError> {
        self.upstreams.errand(errand).await
    }

    fn detached(&self, going: Going<Self>) {
        tokio::spawn(going);
    }

    fn errand_detached(&self, errand: Errand<Self>) {
        let upstreams = Arc::clone(&self.upstreams);
        tokio::spawn(async move { upstreams.errand(errand).await.is_ok() });
    }

    fn close(&self, link: Arc<Link>) {
        self.upstreams.close(link);
    }

    fn policies_unfit(&self, _: &ServerName, problems: &[PolicyProblem]) {
        panic!("{problems:?}");
    }
}

struct Keys {
    pair: KeyPair,
    published: Arc<KeySet>,
}

impl Keys {
    fn sign(&self, claims: &Value) -> String {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = b64(br#"{"typ":"JWT","alg":"RS256","kid":"k1"}"#);
        let signed = format!("{header}.{}", b64(claims.to_string().as_bytes()));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", b64(&signature))
    }
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        // A 2048-bit key in PKCS #1: the modulus stands behind 9 bytes of lengths and a zero.
        let modulus = URL_SAFE_NO_PAD.encode(&pair.public_key().as_ref()[9..265]);
        let key = format!(r#"{{"kty":"RSA","use":"sig","kid":"k1","n":"{modulus}","e":"AQAB"}}"#);
        let published = KeySet::parse(format!(r#"{{"keys":[{key}]}}"#).into()).unwrap();
        Keys { pair, published: Arc::new(published) }
    })
}
