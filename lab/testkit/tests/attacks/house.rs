//! The two targets: a naive door and the product, each with an emulated Entra and two servers behind it.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_emulator::{Document, Seed};
use doorward_servers::naive::{self, Naive};
use doorward_servers::{Running, echo};
use doorward_testkit::{Client, DoorPlan, DoorProcess, Heard, Lab, Ran, initialize, run, within};
use http::StatusCode;
use serde_json::{Value, json};

use crate::web::{Browser, Page, Web, write};

pub(crate) const TENANT: &str = "c0175050-0000-4000-8000-000000000001";
pub(crate) const DOOR_APP: &str = "d0012000-0000-4000-8000-0000000000d1";
/// Where a good client is answered: nobody listens there, the browser stops.
pub(crate) const GOOD: &str = "http://127.0.0.1:33418/callback";
/// Where the attacker's clients are answered.
pub(crate) const EVIL: &str = "https://evil.example/take";

/// What an attack came to: what it won, or what stopped it.
pub(crate) type Outcome = Result<String, String>;

/// What is special about a house.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Further lines of `[sign_in]`.
    pub(crate) sign_in: String,
    /// Further tables.
    pub(crate) tables: String,
    /// Further lines of `[gateway]`.
    pub(crate) gateway: String,
    /// Further lines of the second server.
    pub(crate) other: String,
    /// Instead of the second echo server.
    pub(crate) other_url: Option<String>,
    pub(crate) policies: String,
    pub(crate) consent_page: bool,
    /// Instead of the one tenant.
    pub(crate) tenants: Option<String>,
    pub(crate) seed: Seed,
    /// Whether the lab's site of documents counts as the open internet.
    pub(crate) documents: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            sign_in: String::new(),
            tables: String::new(),
            gateway: String::new(),
            other: String::new(),
            other_url: None,
            policies: "permit (principal, action, resource);".to_owned(),
            consent_page: false,
            tenants: None,
            seed: Seed::contoso().unwrap(),
            documents: false,
        }
    }
}

/// A target.
pub(crate) struct House {
    pub(crate) lab: Lab,
    pub(crate) web: Web,
    /// Where clients authorize and get tokens.
    pub(crate) origin: String,
    /// The addresses of its two servers.
    pub(crate) urls: Vec<String>,
    pub(crate) servers: Vec<Running>,
    pub(crate) door: Option<DoorProcess>,
    _naive: Vec<Naive>,
}

/// A client that registered itself, or a document's.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) redirect: String,
}

/// What a client keeps while a person signs in.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) app: App,
    pub(crate) verifier: String,
    pub(crate) resource: String,
}

/// What a client has then.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    pub(crate) fn of(heard: &Heard) -> Option<Self> {
        let told: Value = serde_json::from_slice(&heard.body).ok()?;
        let text = |name: &str| told[name].as_str().map(str::to_owned);
        Some(Self { access: text("access_token")?, refresh: text("refresh_token").unwrap_or_default() })
    }
}

impl Ask {
    pub(crate) fn new(app: &App, resource: &str) -> Self {
        let verifier = format!("a-verifier-of-{}-that-is-long-enough-for-anybody", app.redirect.len());
        Self { app: app.clone(), verifier, resource: resource.to_owned() }
    }

    /// The form that redeems a code.
    pub(crate) fn redemption<'a>(&'a self, code: &'a str) -> [(&'static str, &'a str); 6] {
        [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("client_id", &self.app.id),
            ("redirect_uri", &self.app.redirect),
            ("code_verifier", &self.verifier),
            ("resource", &self.resource),
        ]
    }

    /// The parameters of the authorization request.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()));
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.app.id.clone()),
            ("redirect_uri", self.app.redirect.clone()),
            ("state", "the-clients-own".to_owned()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
            ("resource", self.resource.clone()),
        ]
    }
}

impl House {
    pub(crate) async fn naive(plan: &Plan) -> Self {
        let (lab, servers) = ground(plan).await;
        let mut doors = Vec::new();
        for server in &servers {
            let options = naive::Options {
                authority: lab.emulator.authority.clone(),
                tenant: TENANT.to_owned(),
                client_id: DOOR_APP.to_owned(),
                client_secret: "door-secret-for-the-lab".to_owned(),
                ca_pem: lab.emulator.ca_pem.clone(),
                upstream: server.url(),
                consent_page: plan.consent_page,
            };
            doors.push(naive::start(options).await.unwrap());
        }
        let web = Web::new(&lab.emulator.ca_pem);
        let urls = doors.iter().map(|door| door.server.url()).collect();
        Self { origin: doors[0].origin(), lab, web, urls, servers, door: None, _naive: doors }
    }

    pub(crate) async fn door(plan: &Plan) -> Self {
        let (lab, servers) = ground(plan).await;
        let url = servers[0].url();
        let other = plan.other_url.clone().unwrap_or_else(|| servers[1].url());
        let more = &plan.other;
        let mut origins: Vec<String> =
            [&url, &other].map(|url| url.strip_suffix("/mcp").unwrap().to_owned()).to_vec();
        if plan.documents {
            origins.push(documents(&lab));
        }
        let sign_in = &plan.sign_in;
        let door = DoorPlan {
            policies: plan.policies.clone(),
            servers: format!(
                "[[server]]\nname = \"echo\"\nurl = \"{url}\"\n[[server]]\nname = \"other\"\nurl = \"{other}\"\n{more}\n"
            ),
            origins,
            tenants: plan.tenants.clone(),
            gateway: plan.gateway.clone(),
            tables: format!(
                "[sign_in]\nregistration = \"on\"\nscopes = {{ \"mcp.access\" = \"Use it as you\" }}\n{sign_in}\n[vault]\npath = \"vault/doorward.db\"\nkey_file = \"keys/vault.key\"\n{}\n",
                plan.tables
            ),
            ..DoorPlan::default()
        };
        let door = DoorProcess::open(&lab, &door).await;
        let web = Web::new(&lab.emulator.ca_pem);
        let (origin, urls) = (format!("http://{}", door.address), vec![door.url("echo"), door.url("other")]);
        Self { lab, web, origin, urls, servers, door: Some(door), _naive: Vec::new() }
    }

    pub(crate) fn browser(&self) -> Browser {
        let doors: Vec<String> = self.urls.iter().map(|url| crate::web::origin(url)).collect();
        Browser::new(self.web.clone(), &self.lab.emulator.authority, &doors)
    }

    /// Registers a client, as anybody can.
    pub(crate) async fn register(&self, name: &str, redirect: &str) -> App {
        let asked = json!({
            "client_name": name, "redirect_uris": [redirect], "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        });
        let json = [("content-type", "application/json")];
        let heard =
            self.web.send("POST", &format!("{}/register", self.origin), &json, asked.to_string()).await;
        let told: Value = serde_json::from_slice(&heard.body).unwrap();
        let id = told["client_id"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
        App { id, redirect: redirect.to_owned() }
    }

    /// Puts a client-id document on the site of documents. `{self}` in it stands for its address.
    pub(crate) fn document(&self, name: &str, document: Document) -> String {
        let url = format!("{}/{name}", documents(&self.lab));
        let body = document.body.replace("{self}", &url);
        self.lab.emulator.control().put_document(name, Document { body, ..document });
        url
    }

    pub(crate) fn ask(&self, app: &App) -> Ask {
        Ask::new(app, &self.urls[0])
    }

    pub(crate) fn authorize(&self, ask: &Ask) -> String {
        self.authorize_with(ask, &[])
    }

    pub(crate) fn authorize_with(&self, ask: &Ask, more: &[(&str, &str)]) -> String {
        let own = ask.query();
        let mut pairs: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pairs.extend_from_slice(more);
        format!("{}/authorize?{}", self.origin, write(&pairs))
    }

    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Heard {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.web.send("POST", &format!("{}{path}", self.origin), &form, write(pairs)).await
    }

    pub(crate) async fn redeem(&self, ask: &Ask, code: &str) -> Heard {
        self.post("/token", &ask.redemption(code)).await
    }

    pub(crate) async fn refresh(&self, app: &App, token: &str) -> Heard {
        let pairs =
            [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", app.id.as_str())];
        self.post("/token", &pairs).await
    }

    /// A code for a client that the person wants.
    pub(crate) async fn code(&self, browser: &mut Browser, who: &str, ask: &Ask) -> String {
        let page = browser.walk(&self.authorize(ask), who, true).await;
        assert!(page.url.starts_with(&ask.app.redirect), "{}{}", page.words(), self.log());
        page.query("code").unwrap_or_else(|| panic!("{}", page.words()))
    }

    /// The whole way of a client that the person wants.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, who: &str, ask: &Ask) -> Tokens {
        let code = self.code(browser, who, ask).await;
        let heard = self.redeem(ask, &code).await;
        Tokens::of(&heard).unwrap_or_else(|| panic!("{heard:?}{}", self.log()))
    }

    /// What an attacker makes of where a victim's browser ended.
    pub(crate) async fn take(&self, page: &Page, ask: &Ask) -> Outcome {
        let taken = page.status.is_none() && page.url.starts_with(&ask.app.redirect);
        let Some(code) = page.query("code").filter(|_| taken) else { return Err(page.words()) };
        let heard = self.redeem(ask, &code).await;
        let tokens = Tokens::of(&heard).ok_or_else(|| format!("{heard:?}"))?;
        match self.call(0, &tokens.access).await {
            StatusCode::OK => Ok(format!("a token that opens: {}", page.url)),
            status => Err(status.to_string()),
        }
    }

    /// Knocks at a server with a token.
    pub(crate) async fn call(&self, server: usize, token: &str) -> StatusCode {
        self.post_mcp(server, token, &initialize()).await.status
    }

    pub(crate) async fn post_mcp(&self, server: usize, token: &str, frame: &Value) -> Heard {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        self.web.send("POST", &self.urls[server], &headers, frame.to_string()).await
    }

    /// A client of MCP with a token.
    pub(crate) fn client(&self, server: &str, token: &str) -> Client {
        self.door.as_ref().unwrap().client(server).with_token(token)
    }

    pub(crate) fn is_product(&self) -> bool {
        self.door.is_some()
    }

    /// Runs a command of the product's in the house's folder.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        run(self.folder(), arguments).await
    }

    pub(crate) fn folder(&self) -> &Path {
        self.lab.folder()
    }

    /// All records of the product so far.
    pub(crate) fn records(&self) -> String {
        let folder = std::fs::read_dir(self.folder().join("audit")).unwrap();
        let files = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        files.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()).collect()
    }

    /// What the product has printed.
    pub(crate) fn log(&self) -> String {
        self.door.as_ref().map(|door| format!("\n--- the door's log\n{}", door.log())).unwrap_or_default()
    }
}

async fn ground(plan: &Plan) -> (Lab, Vec<Running>) {
    let lab = Lab::with(plan.seed.clone()).await;
    let mut servers = Vec::new();
    for _ in 0..2 {
        let options = echo::Options { transcript: true, ..echo::Options::default() };
        servers.push(echo::start_with(options).await.unwrap());
    }
    (lab, servers)
}

/// The site of documents by its name: an id that is an address must have one.
fn documents(lab: &Lab) -> String {
    lab.emulator.documents.replace("127.0.0.1", "localhost")
}

/// Runs an attack on both. It must succeed against the naive door, or it proves nothing, and fail against the product;
/// returns what stopped it there.
pub(crate) async fn trial(attack: impl AsyncFn(&House) -> Outcome) -> String {
    trial_in(&Plan::default(), attack).await
}

/// The same in a house of a kind.
pub(crate) async fn trial_in(plan: &Plan, attack: impl AsyncFn(&House) -> Outcome) -> String {
    let naive = House::naive(plan).await;
    if let Err(why) = attack(&naive).await {
        panic!("this attack is none, even the naive door stops it: {why}");
    }
    let door = House::door(plan).await;
    match attack(&door).await {
        Ok(won) => panic!("the attack succeeds: {won}{}", door.log()),
        Err(why) => why,
    }
}

/// Asks again and again until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    within(what, asking).await;
}
