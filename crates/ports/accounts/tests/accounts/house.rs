//! An emulator whose clock stands, a folder for the cache, and a person with a browser.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use doorward_accounts::{
    Accounts, AccountsConfig, AccountsError, Ask, Broker, Cache, InsecureKeyBeside, Interactive, KeySource,
    Refused, Screen, Shown, Token,
};
use doorward_emulator::{Clock, Control, Emulator, Options, Running, Seed};
use doorward_entra::{Sleeper, Stopwatch};
use doorward_net::{Connector, ConnectorConfig, Origin};
use doorward_oauth::Cloud;
use doorward_oidc::public::{Allow, Scopes};
use doorward_types::{ClientId, TenantId, Timestamp};
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedSender;

use crate::browser::Browser;

/// 2026-11-20T12:00:00Z.
const NOON: i64 = 1_795_176_000;
pub(crate) const CONTOSO: &str = "c0175050-0000-4000-8000-000000000001";
pub(crate) const GUARD: &str = "90a2d000-0000-4000-8000-0000000000c7";
pub(crate) const ALICE: &str = "a11ce000-0000-4000-8000-000000000001";
pub(crate) const BOB: &str = "b0b00000-0000-4000-8000-000000000002";
pub(crate) const ENGINEERING: &str = "96000000-0000-4000-8000-0000000000e1";
pub(crate) const FINANCE: &str = "96000000-0000-4000-8000-0000000000f1";

pub(crate) struct House {
    pub(crate) lab: Running,
    pub(crate) folder: TempDir,
    pub(crate) person: Arc<Someone>,
    pub(crate) connector: Connector,
    pub(crate) scopes: Scopes,
    pub(crate) client: &'static str,
    pub(crate) allow: Allow,
    pub(crate) broker: Option<Arc<dyn Broker>>,
    pub(crate) key: Arc<dyn KeySource>,
}

/// Who sits at the screen, and what they do.
pub(crate) struct Someone {
    control: Control,
    browser: Browser,
    pub(crate) does: Mutex<Does>,
    /// What was shown or opened, in order.
    pub(crate) saw: Mutex<Vec<String>>,
    /// Who wants to know the addresses that are opened.
    pub(crate) opened: Mutex<Option<UnboundedSender<String>>>,
}

/// What a person does when they are asked.
#[derive(Clone)]
pub(crate) enum Does {
    /// Signs in as this one.
    SignsIn(&'static str),
    /// Says no on the other device.
    Declines,
    /// Nothing at all.
    Nothing,
    /// Has no browser, and signs in on another device.
    HasNoBrowser(&'static str),
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            seed: Seed::contoso().unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: Some(folder.path().join("lab")),
            clock: Clock::manual(Timestamp::from_secs(NOON)),
        };
        let keys = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab-keys");
        let lab = Emulator::start_sharing(&keys, options).await.unwrap();
        let connector = Connector::new(ConnectorConfig {
            extra_roots_pem: vec![lab.ca_pem.clone().into_bytes()],
            lab_origins: vec![Origin::parse(&lab.authority).unwrap()],
            ..ConnectorConfig::default()
        })
        .unwrap();
        let person = Arc::new(Someone {
            control: lab.control().clone(),
            browser: Browser { connector: connector.clone() },
            does: Mutex::new(Does::SignsIn("alice")),
            saw: Mutex::default(),
            opened: Mutex::default(),
        });
        Self {
            scopes: Scopes::of([format!("{}/User.Read", lab.graph)]),
            lab,
            folder,
            person,
            connector,
            client: GUARD,
            allow: Allow::default(),
            broker: None,
            key: Arc::new(InsecureKeyBeside),
        }
    }

    pub(crate) fn control(&self) -> &Control {
        self.lab.control()
    }

    pub(crate) fn cache_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("tokens")
    }

    pub(crate) fn cache_file(&self) -> std::path::PathBuf {
        self.cache_dir().join(format!("{CONTOSO}_{}.cache", self.client))
    }

    /// Puts these bytes where the cache is, as its owner would.
    pub(crate) fn lay_down(&self, bytes: &[u8]) {
        std::fs::write(self.cache_file(), bytes).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(self.cache_file(), mode).unwrap();
    }

    /// What one process of this person's has: nothing is shared with another's but the folder.
    pub(crate) fn process(&self) -> Accounts {
        let (tenant, client_id) = (TenantId::parse(CONTOSO).unwrap(), ClientId::parse(self.client).unwrap());
        let (control, ticks) = (self.control().clone(), AtomicU64::new(1_000));
        let slept = self.control().clone();
        Accounts::new(
            Arc::new(self.connector.clone()),
            Stopwatch::of(move || Duration::from_secs(ticks.fetch_add(60, Ordering::Relaxed))),
            AccountsConfig {
                cloud: Cloud::lab(&self.lab.authority, &self.lab.graph),
                cache: Cache::open(&self.cache_dir(), &tenant, &client_id, Arc::clone(&self.key)).unwrap(),
                tenant,
                client_id,
                allow: self.allow.clone(),
                broker: self.broker.clone(),
                screen: Arc::<Someone>::clone(&self.person),
                now: Arc::new(move || control.now()),
                // Time passes in the lab, not here.
                sleeper: Sleeper::of(move |span| {
                    slept.advance(span);
                    tokio::task::yield_now()
                }),
            },
        )
    }

    pub(crate) fn ask(&self, interactive: Interactive) -> Ask<'_> {
        Ask { account: None, scopes: &self.scopes, refused: None, interactive }
    }

    pub(crate) async fn token(&self, interactive: Interactive) -> Result<Token, AccountsError> {
        self.process().token(&self.ask(interactive)).await
    }

    pub(crate) async fn refused<'a>(
        &'a self,
        token: &'a Token,
        claims: Option<&'a str>,
        interactive: Interactive,
    ) -> Result<Token, AccountsError> {
        let refused = Some(Refused { access: &token.access, claims });
        self.process().token(&Ask { refused, ..self.ask(interactive) }).await
    }

    /// Returns what Entra was asked since the last call: method and the end of the path.
    pub(crate) fn asked(&self) -> Vec<String> {
        let seen = self.control().transcript();
        self.control().clear_transcript();
        let short = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        seen.iter().map(|entry| format!("{} {}", entry.method, short(&entry.path))).collect()
    }

    /// Returns the forms that were posted to an endpoint since the transcript was cleared, without their random parts.
    pub(crate) fn forms(&self, endpoint: &str) -> Vec<Vec<(String, String)>> {
        let posted = self.control().transcript().into_iter();
        let posted = posted.filter(|entry| entry.path.ends_with(endpoint) && entry.method == "POST");
        posted.map(|entry| crate::browser::pairs(&entry.body)).collect()
    }

    pub(crate) fn does(&self, what: Does) {
        *self.person.does.lock().unwrap() = what;
    }

    /// Returns what the person saw since the last call.
    pub(crate) fn saw(&self) -> Vec<String> {
        std::mem::take(&mut *self.person.saw.lock().unwrap())
    }
}

impl Screen for Someone {
    fn open(&self, url: &str) -> Result<(), String> {
        self.saw.lock().unwrap().push("browser".into());
        if let Some(opened) = &*self.opened.lock().unwrap() {
            let _nobody_asks = opened.send(url.to_owned());
        }
        match self.does.lock().unwrap().clone() {
            Does::HasNoBrowser(_) => return Err("no display".into()),
            Does::SignsIn(user) => {
                let (browser, url) = (self.browser.clone(), url.to_owned());
                tokio::spawn(async move { browser.sign_in(&url, user).await });
            }
            Does::Nothing | Does::Declines => {}
        }
        Ok(())
    }

    fn show(&self, code: &Shown) {
        self.saw.lock().unwrap().push(format!("code at {}", code.page.rsplit('/').next().unwrap()));
        match self.does.lock().unwrap().clone() {
            Does::SignsIn(user) | Does::HasNoBrowser(user) => {
                self.control.approve_device(&code.code, user).unwrap();
            }
            Does::Declines => self.control.decline_device(&code.code).unwrap(),
            Does::Nothing => {}
        }
    }
}

/// Every file below a folder, with its content.
pub(crate) fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}
