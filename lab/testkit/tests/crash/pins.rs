//! kill -9 while pins are written: at a first use, and while people approve.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use doorward_emulator::MintRequest;
use doorward_servers::Running;
use doorward_servers::office::Office;
use doorward_testkit::{Client, DoorPlan, DoorProcess, Fault, Heard, Lab, Random, free_port, run, within};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What an approver is at, each at a server of their own.
const WORK: [(&str, &str, &[&str]); 3] = [
    ("docs", "read", &["read", "read_shared", "write"]),
    ("crm", "update", &["read_customer", "read_ticket", "update"]),
    ("mail", "send", &["forward", "read", "send"]),
];
/// What a server has that a door meets for the first time.
const FRESH: [&str; 3] = ["close", "create", "list"];
/// How long doors are killed, one after the other.
const LONG: Duration = Duration::from_secs(5);

/// One approver's work until the door was gone.
#[derive(Debug, Default)]
struct Approved {
    /// What the console said yes to, in turn.
    acknowledged: Vec<String>,
    /// What was on its way when it was killed.
    open: Option<String>,
}

struct House {
    lab: Lab,
    office: Office,
    servers: Vec<(String, Running)>,
    tokens: (String, String),
    console: SocketAddr,
}

impl House {
    async fn new() -> Self {
        let (lab, office) = (Lab::start().await, Office::default());
        let mut servers = Vec::new();
        for (server, ..) in WORK {
            servers.push((server.to_owned(), office.open(server).await.unwrap()));
        }
        let heidi = MintRequest { client: "guard".to_owned(), ..MintRequest::user("heidi") };
        let tokens = (lab.token("alice"), lab.mint(&heidi));
        Self { lab, office, servers, tokens, console: free_port() }
    }

    /// Opens a door that meets one server more than the last one.
    async fn door(&mut self, round: usize) -> DoorProcess {
        let fresh = self.office.open("tickets").await.unwrap();
        self.servers.push((format!("fresh-{round}"), fresh));
        self.console = free_port();
        let console = self.console;
        let table = |(name, server): &(String, Running)| {
            format!("[[server]]\nname = \"{name}\"\nurl = \"{}\"\n", server.url())
        };
        let plan = DoorPlan {
            top: "shared_audience = true".to_owned(),
            policies: "permit (principal, action, resource);".to_owned(),
            servers: self.servers.iter().map(table).collect(),
            origins: self.servers.iter().map(|(_, server)| format!("http://{}", server.addr)).collect(),
            tables: format!(
                "[vault]\npath = \"vault/door.db\"\nkey_file = \"keys/vault.key\"\n[admin]\nlisten = \"{console}\"\npublic_url = \"http://{console}\"\n"
            ),
            ..DoorPlan::default()
        };
        DoorProcess::open(&self.lab, &plan).await
    }

    /// Lets a tool change again and again, and approves each change, until the door is gone.
    fn approver(
        &self,
        door: &DoorProcess,
        (server, tool): (&'static str, &'static str),
        round: usize,
    ) -> Approver {
        Approver {
            office: self.office.clone(),
            alice: door.client(server).with_token(&self.tokens.0),
            console: Client::new(self.console, "").with_token(&self.tokens.1),
            about: (server, tool, round),
            done: Approved::default(),
        }
    }

    /// What is kept, by server and name; the store must be whole.
    async fn kept(&self, when: &str) -> BTreeMap<(String, String), Value> {
        let listed = run(self.lab.folder(), ["pin", "list", "--json", "--config", "doorward.toml"]).await;
        assert_eq!(listed.code, Some(0), "{when}: {}{}", listed.out, listed.err);
        let listed: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
        let word = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        listed.into_iter().map(|one| ((word(&one, "server"), word(&one, "name")), one)).collect()
    }
}

struct Approver {
    office: Office,
    alice: Client,
    console: Client,
    about: (&'static str, &'static str, usize),
    done: Approved,
}

impl Approver {
    async fn work(mut self, count: watch::Sender<u64>) -> (&'static str, Approved) {
        // That the door goes in the middle of something is what this is about.
        let _gone = self.until_it_is_gone(&count).await;
        (self.about.0, self.done)
    }

    async fn until_it_is_gone(&mut self, count: &watch::Sender<u64>) -> Result<(), Fault> {
        let (server, tool, round) = self.about;
        for change in 0.. {
            let site = format!("https://r{round}c{change}.example/terms");
            self.office.describe(&format!("{server}/{tool}"), &format!("Works by the rules at {site}."));
            self.alice.send(self.alice.modern(1, "tools/list", json!({}))).await?;
            let told: Value = serde_json::from_slice(&self.api(Method::GET, "").await?.body)?;
            let all = told.as_array().ok_or("no list")?;
            let one = all.iter().find(|one| one["server"] == server && one["name"] == tool);
            let waits = one.and_then(|one| one["waiting"].as_array()).into_iter().flatten();
            let waits =
                waits.into_iter().find(|one| one["why"].as_str().is_some_and(|why| why.contains(&site)));
            let Some(hash) = waits.and_then(|one| one["hash"].as_str()) else { continue };
            self.done.open = Some(hash.to_owned());
            let order = json!({"do": "approve", "server": server, "kind": "tool", "name": tool, "hash": hash, "reason": site});
            count.send_modify(|count| *count += 1);
            let heard = self.api(Method::POST, &order.to_string()).await?;
            assert_eq!(heard.status, StatusCode::OK, "{heard:?}");
            self.done.acknowledged.extend(self.done.open.take());
        }
        Ok(())
    }

    async fn api(&self, method: Method, body: &str) -> Result<Heard, Fault> {
        let console = Client { path: "/api/pins".to_owned(), ..self.console.clone() };
        console.send(console.request(method, body.to_owned())).await
    }
}

// control: TPO-03, TPO-11, D-21: killed at random moments of first uses and approvals, each pin is the old or the new one, a list is remembered whole or not, and what the console said yes to is there and in the log
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_that_is_killed_tears_no_pin() {
    let (mut house, mut random) = (House::new().await, Random::seeded(0x9175));
    let mut before: BTreeMap<&str, String> = BTreeMap::new();
    let (mut all, mut open, mut halves, begun) = (Vec::new(), 0, 0, Instant::now());
    let mut round = 0;
    while begun.elapsed() < LONG || round < 5 {
        let door = house.door(round).await;
        let (count, mut said) = watch::channel(0);
        let mut approvers = JoinSet::new();
        for (server, tool, _) in WORK {
            approvers.spawn(house.approver(&door, (server, tool), round).work(count.clone()));
        }
        // Some doors go while they learn what the new server has, others while people approve.
        if random.once_in(3) {
            tokio::time::sleep(Duration::from_micros(random.below(30_000))).await;
        } else {
            let enough = 1 + random.below(10);
            within("approvals", said.wait_for(|count| *count >= enough)).await.unwrap();
            tokio::time::sleep(Duration::from_micros(random.below(6_000))).await;
        }
        door.kill().await;
        let done = approvers.join_all().await;

        let kept = house.kept(&format!("round {round}")).await;
        for (server, tool, tools) in WORK {
            let (_, approved) = done.iter().find(|(of, _)| *of == server).unwrap();
            let known: Vec<&str> = tools
                .iter()
                .copied()
                .filter(|name| kept.contains_key(&(server.to_owned(), (*name).to_owned())))
                .collect();
            assert!(
                known.is_empty() || known == tools,
                "round {round}: of {server} only {known:?} is pinned"
            );
            let pinned = kept
                .get(&(server.to_owned(), tool.to_owned()))
                .and_then(|one| one["pinned"]["hash"].as_str());
            let old = approved.acknowledged.last().or(before.get(server)).map(String::as_str);
            let is_old = old.is_none() || pinned == old;
            let is_new = approved.open.is_some() && pinned == approved.open.as_deref();
            assert!(
                is_old || is_new,
                "round {round}: {server}/{tool} is {pinned:?}, neither {old:?} nor {approved:?}"
            );
            open += usize::from(approved.open.is_some());
            halves += usize::from(is_new);
            if let Some(pinned) = pinned.filter(|_| is_new || old.is_some()) {
                before.insert(server, pinned.to_owned());
            }
            all.extend(approved.acknowledged.iter().cloned());
            all.extend(approved.open.iter().filter(|_| is_new).cloned());
        }
        let fresh = format!("fresh-{round}");
        let known: Vec<&str> = FRESH
            .into_iter()
            .filter(|name| kept.contains_key(&(fresh.clone(), (*name).to_owned())))
            .collect();
        assert!(
            known.is_empty() || known == FRESH,
            "round {round}: of a new server only {known:?} is pinned"
        );
        round += 1;
    }
    println!("{round} kills: {} approvals, {open} cut off, of them {halves} in the store", all.len());
    assert!(all.len() + open > round, "the doors were killed under load");

    // A door that is left alone writes down what those before it could not.
    let door = house.door(round).await;
    let is_told = || {
        let files = std::fs::read_dir(house.lab.audit()).unwrap().map(|entry| entry.unwrap().path());
        let text: String = files
            .filter(|path| path.is_file())
            .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
            .collect();
        let acts: Vec<&str> = text.lines().filter(|line| line.contains("\"pin\":\"pin-approved\"")).collect();
        all.iter().all(|hash| acts.iter().any(|act| act.contains(hash)))
    };
    within("every approval to be in the log", async {
        while !is_told() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(door.stop().await.success());
    crate::house::unknown(&house.lab).await;
}
