//! A guard's person and the emulated Entra, whose clock stands; rounds pass when the test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doorward_accounts::{AccountsConfig, Cache, InsecureKeyBeside, Screen, Shown};
use doorward_emulator::{Clock, Control, Emulator, Fault, Options, Running, Seed};
use doorward_entra::{Sleeper, Stopwatch};
use doorward_net::{Connector, ConnectorConfig, Origin};
use doorward_oauth::Cloud;
use doorward_oidc::public::Allow;
use doorward_types::{TenantId, Timestamp};
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::*;

const NOON: i64 = 1_795_176_000;
const CONTOSO: &str = "c0175050-0000-4000-8000-000000000001";
const GUARD: &str = "90a2d000-0000-4000-8000-0000000000c7";
const ALICE: &str = "a11ce000-0000-4000-8000-000000000001";
const BOB: &str = "b0b00000-0000-4000-8000-000000000002";
const FINANCE: &str = "96000000-0000-4000-8000-0000000000f1";
/// What Entra's tokens are good for here, and when one begins to age.
const LIFE: Duration = Duration::from_secs(4500);
const AGEING: Duration = Duration::from_secs(4500 - 299);

/// A person's machine.
struct House {
    lab: Running,
    folder: TempDir,
}

/// Has no browser, and signs in on another device.
struct Signs(Control, &'static str);

impl Screen for Signs {
    fn open(&self, _url: &str) -> Result<(), String> {
        Err("no display".into())
    }

    fn show(&self, code: &Shown) {
        self.0.approve_device(&code.code, self.1).unwrap();
    }
}

impl House {
    async fn new() -> Self {
        let lab = Emulator::start(Options {
            seed: Seed::contoso().unwrap(),
            listen: "127.0.0.1:0".parse().unwrap(),
            data_dir: None,
            clock: Clock::manual(Timestamp::from_secs(NOON)),
        });
        let house = Self { lab: lab.await.unwrap(), folder: tempfile::tempdir().unwrap() };
        house.configured("");
        house
    }

    fn control(&self) -> &Control {
        self.lab.control()
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("doorward.toml")
    }

    /// Writes the configuration anew.
    fn configured(&self, lines: &str) {
        let text = format!("[guard]\ntenant = \"{CONTOSO}\"\nclient_id = \"{GUARD}\"\n{lines}\n");
        std::fs::write(self.config(), text).unwrap();
    }

    /// What one process of this person's has: nothing is shared with another's but the folder.
    fn process(&self, signs: &'static str) -> Setup {
        let connector = Connector::new(ConnectorConfig {
            extra_roots_pem: vec![self.lab.ca_pem.clone().into_bytes()],
            lab_origins: vec![Origin::parse(&self.lab.authority).unwrap()],
            ..ConnectorConfig::default()
        })
        .unwrap();
        let (tenant, client_id) = (TenantId::parse(CONTOSO).unwrap(), ClientId::parse(GUARD).unwrap());
        let folder = self.folder.path().join("tokens");
        let (control, slept, ticks) = (self.control().clone(), self.control().clone(), AtomicU64::new(1_000));
        let made = AccountsConfig {
            cloud: Cloud::lab(&self.lab.authority, &self.lab.graph),
            cache: Cache::open(&folder, &tenant, &client_id, Arc::new(InsecureKeyBeside)).unwrap(),
            tenant,
            client_id,
            allow: Allow::default(),
            broker: None,
            screen: Arc::new(Signs(self.control().clone(), signs)),
            now: Arc::new(move || control.now()),
            // Time passes in the lab, not here.
            sleeper: Sleeper::of(move |span| {
                slept.advance(span);
                tokio::task::yield_now()
            }),
        };
        let scopes = Scopes::of([format!("{}/User.Read", made.cloud.graph)]);
        let clock = Stopwatch::of(move || Duration::from_secs(ticks.fetch_add(60, Ordering::Relaxed)));
        Setup { accounts: Accounts::new(Arc::new(connector.clone()), clock, made), scopes, connector }
    }

    /// Somebody signs in, by another process.
    async fn sign_in(&self, who: &'static str) {
        let Setup { accounts, scopes, .. } = self.process(who);
        let ask = Ask { account: None, scopes: &scopes, refused: None, interactive: Interactive::Device };
        accounts.sign_in(&ask).await.unwrap();
    }

    async fn sign_out(&self, object: &str) {
        self.process("nobody").accounts.sign_out(Some(object)).await.unwrap();
    }

    /// A guard of who is signed in.
    async fn guard(&self) -> Rounds {
        let person = Person::found(self.process("nobody"), &self.config(), None).await.unwrap();
        let (begins, begun) = mpsc::unbounded_channel();
        let (tells, told) = mpsc::unbounded_channel();
        let go = Arc::new(Semaphore::new(0));
        let mut rounds =
            Rounds { go: Arc::clone(&go), begun, told, first: person.who.clone(), watching: JoinSet::new() };
        let round = move || {
            let (begins, go) = (begins.clone(), Arc::clone(&go));
            async move {
                begins.send(()).unwrap();
                go.acquire().await.unwrap().forget();
            }
        };
        rounds.watching.spawn(person.watch(round, move |who| tells.send(who).unwrap()));
        rounds.begun.recv().await.unwrap();
        rounds
    }
}

/// A guard that is told, and what passes time for it.
struct Rounds {
    go: Arc<Semaphore>,
    begun: mpsc::UnboundedReceiver<()>,
    told: mpsc::UnboundedReceiver<Option<AtHome>>,
    /// Who the guard began for.
    first: AtHome,
    watching: JoinSet<()>,
}

/// What a round tells the guard.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// The one it began for sits here, until then.
    Here(Timestamp),
    Nobody,
    /// Nothing: what it was told before holds.
    Nothing,
}

impl Rounds {
    /// Lets one round pass.
    async fn next(&mut self) -> Told {
        self.go.add_permits(1);
        self.begun.recv().await.unwrap();
        let told = match self.told.try_recv() {
            Ok(Some(who)) if who.person == self.first.person => Told::Here(who.expires),
            Ok(Some(other)) => panic!("the guard was told of {:?}", other.person),
            Ok(None) => Told::Nobody,
            Err(_) => Told::Nothing,
        };
        assert!(self.told.try_recv().is_err(), "one thing a round");
        told
    }

    fn here(&self) -> Told {
        Told::Here(self.first.expires)
    }
}

// control: LOC-08: who signs out has no guard any more, and nobody else who signs in has theirs; they have it again when they come back
#[tokio::test]
async fn who_signs_out_is_nobody() {
    let house = House::new().await;
    house.sign_in("alice").await;
    let mut guard = house.guard().await;
    assert_eq!(guard.next().await, guard.here());
    house.sign_out(ALICE).await;
    assert_eq!(guard.next().await, Told::Nobody);
    house.sign_in("bob").await;
    assert_eq!(guard.next().await, Told::Nobody, "another person has a guard of their own");
    house.sign_in("alice").await;
    assert!(matches!(guard.next().await, Told::Here(_)));
}

// control: LOC-08: who signs in besides changes nothing, and is not taken for the guard's person when that one leaves
#[tokio::test]
async fn another_person_besides_is_another_person() {
    let house = House::new().await;
    house.sign_in("alice").await;
    let mut guard = house.guard().await;
    house.sign_in("bob").await;
    assert_eq!(guard.next().await, guard.here());
    house.sign_out(BOB).await;
    assert_eq!(guard.next().await, guard.here());
    house.sign_in("bob").await;
    house.sign_out(ALICE).await;
    assert_eq!(guard.next().await, Told::Nobody);
}

// control: LOC-07: who is taken off the lists while a guard runs is let through no more; a file that cannot be read decides nothing
#[tokio::test]
async fn who_is_taken_off_the_list_is_nobody() {
    let house = House::new().await;
    house.sign_in("alice").await;
    let mut guard = house.guard().await;
    house.configured(&format!("allowed_people = [\"{BOB}\", \"{ALICE}\"]"));
    assert_eq!(guard.next().await, guard.here());
    for lines in [format!("allowed_people = [\"{BOB}\"]"), format!("allowed_groups = [\"{FINANCE}\"]")] {
        house.configured(&lines);
        assert_eq!(guard.next().await, Told::Nobody, "{lines}");
    }
    // Half written, or gone: what was said last holds, until the token of then ends.
    house.configured("allowed_people = [");
    assert_eq!(guard.next().await, Told::Nothing);
    std::fs::remove_file(house.config()).unwrap();
    assert_eq!(guard.next().await, Told::Nothing);
    house.configured("");
    assert_eq!(guard.next().await, guard.here());
}

// control: LOC-08: a sign-in that Entra has ended is over at the refresh of its token
#[tokio::test]
async fn whom_entra_revokes_is_nobody() {
    let house = House::new().await;
    house.sign_in("alice").await;
    let mut guard = house.guard().await;
    house.control().advance(Duration::from_secs(1));
    house.control().revoke_user("alice").unwrap();
    assert_eq!(guard.next().await, guard.here(), "Entra is not asked while the token is good");
    house.control().advance(AGEING);
    assert_eq!(guard.next().await, Told::Nobody);
    assert_eq!(guard.next().await, Told::Nobody, "and stays so");
}

// control: IDC-10: while Entra is away a guard goes on for as long as the last token that was verified, and no longer
#[tokio::test]
async fn away_is_not_signed_out() {
    let house = House::new().await;
    house.sign_in("alice").await;
    let mut guard = house.guard().await;
    let first = guard.first.expires;
    let signed_in = Duration::from_secs(first.since(house.control().now()).as_secs());
    assert!(signed_in <= LIFE);
    house.control().advance(AGEING);
    house.control().fault(Fault::TokenEndpointDown { times: 2 });
    assert_eq!(guard.next().await, Told::Here(first), "ageing, and all there is");
    house.control().advance(Duration::from_secs(300));
    assert!(first <= house.control().now());
    assert_eq!(guard.next().await, Told::Nothing, "it keeps what it was told: a token that has expired");
    match guard.next().await {
        Told::Here(expires) => assert!(expires > house.control().now(), "Entra is back"),
        other => panic!("{other:?}"),
    }
}
