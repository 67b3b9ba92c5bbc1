//! The console: who comes in, and what they may decide there.

use doorward_emulator::MintRequest;
use doorward_testkit::{Heard, free_port};
use http::StatusCode;
use serde_json::{Value, json};

use crate::house::{House, Plan, TENANT, until};
use crate::web::{Browser, Page};

/// A house with a console.
struct Office {
    house: House,
    console: String,
}

impl Office {
    async fn open() -> Self {
        Self::with("").await
    }

    async fn with(gateway: &str) -> Self {
        let address = free_port();
        let tables = format!("[admin]\nlisten = \"{address}\"\npublic_url = \"http://{address}\"\n");
        let house = House::door(&Plan { tables, gateway: gateway.to_owned(), ..Plan::default() }).await;
        let office = Self { house, console: format!("http://{address}") };
        // What the servers offer is pinned as soon as the door knows it.
        until("the tools to be pinned", async || {
            let told = office.api("GET", "pins", &office.token("heidi", "guard"), String::new()).await;
            told.as_array().is_some_and(|all| all.iter().any(|one| one["name"] == "echo"))
        })
        .await;
        office
    }

    fn browser(&self) -> Browser {
        let sites = [self.house.origin.clone(), self.console.clone()];
        Browser::new(self.house.web.clone(), &self.house.lab.emulator.authority, &sites)
    }

    fn token(&self, who: &str, client: &str) -> String {
        self.house.lab.mint(&MintRequest { client: client.to_owned(), ..MintRequest::user(who) })
    }

    async fn heard(&self, verb: &str, path: &str, token: &str, body: String) -> Heard {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.house.web.send(verb, &format!("{}/api/{path}", self.console), &headers, body).await
    }

    async fn api(&self, verb: &str, path: &str, token: &str, body: String) -> Value {
        let heard = self.heard(verb, path, token, body).await;
        serde_json::from_slice(&heard.body).unwrap_or(Value::Null)
    }

    /// The tools that alice sees at a server.
    async fn tools(&self, token: &str) -> Vec<String> {
        let mut client = self.house.client("echo", token);
        client.hello().await.unwrap();
        let heard = client.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await.unwrap();
        let told = heard.response().unwrap();
        let tools = told["result"]["tools"].as_array().cloned().unwrap_or_default();
        tools.iter().filter_map(|tool| tool["name"].as_str().map(str::to_owned)).collect()
    }

    async fn look(&self, browser: &mut Browser, tool: &str) -> Page {
        browser.open(&format!("{}/pin?server=echo&kind=tool&name={tool}", self.console)).await
    }
}

// control: D-21, TPO-03: a person with the role decides on the page after a fresh sign-in, and it counts at once and without a restart
#[tokio::test]
async fn an_approver_decides() {
    let office = Office::open().await;
    let good = office.house.ask(&office.house.register("Good", crate::house::GOOD).await);
    let tokens = office.house.sign_in(&mut office.house.browser(), "alice", &good).await;
    assert!(office.tools(&tokens.access).await.contains(&"echo".to_owned()), "{}", office.house.log());
    let mut heidi = office.browser();
    let home = heidi.walk(&format!("{}/", office.console), "heidi", false).await;
    assert_eq!(home.status, Some(StatusCode::OK), "{}{}", home.words(), office.house.log());
    assert!(home.url.starts_with(&office.console) && home.words().contains("echo"), "{}", home.words());
    let page = office.look(&mut heidi, "echo").await;
    let form = page.form("/pin").unwrap_or_else(|| panic!("{}", page.words()));
    let done = heidi.submit(&page, &form, &[("do", "reject"), ("reason", "nobody needs it")]).await;
    assert_eq!(done.status, Some(StatusCode::OK), "{}", done.words());
    until("the tool to be gone", async || !office.tools(&tokens.access).await.contains(&"echo".to_owned()))
        .await;
    let page = office.look(&mut heidi, "echo").await;
    let form = page.form("/pin").unwrap_or_else(|| panic!("{}", page.words()));
    let reason = [("do", "approve"), ("reason", "it is needed"), ("expires", "30")];
    let done = heidi.submit(&page, &form, &reason).await;
    assert_eq!(done.status, Some(StatusCode::OK), "{}", done.words());
    until("the tool to be back", async || office.tools(&tokens.access).await.contains(&"echo".to_owned()))
        .await;
    let told = office.api("GET", "pins", &office.token("heidi", "guard"), String::new()).await;
    let pin =
        told.as_array().unwrap().iter().find(|one| one["name"] == "echo" && one["server"] == "echo").unwrap();
    assert_eq!(
        (&pin["pin"]["stand"], &pin["pin"]["reason"]),
        (&json!("approved"), &json!("it is needed")),
        "{pin}"
    );
    assert!(pin["pin"]["by"].as_str().unwrap().contains("4e1d1000"), "{pin}");
    for what in ["console-entered", "pin-rejected", "pin-approved"] {
        until("the decision to be in the log", async || office.house.records().contains(what)).await;
    }
}

// control: D-21: without the role there is no way to the console, and it is an alarm
#[tokio::test]
async fn somebody_without_the_role_knocks() {
    let office = Office::open().await;
    let mut alice = office.browser();
    let page = alice.walk(&format!("{}/", office.console), "alice", false).await;
    assert_eq!(page.status, Some(StatusCode::FORBIDDEN), "{}", page.words());
    assert!(page.url.starts_with(&office.house.origin), "{}", page.url);
    let again = alice.open(&format!("{}/pin?server=echo&kind=tool&name=echo", office.console)).await;
    assert!(!again.url.starts_with(&office.console), "she is sent to sign in: {}", again.url);
    assert!(office.house.records().contains("console-without-role"));
}

// control: D-21, CDP-04: the code that leads to the console is good once, in the browser that it was made for, and no cookie of the door's
// opens it: nobody can be sent into another approver's session, to decide in their name
#[tokio::test]
async fn a_way_in_is_taken_twice() {
    let office = Office::open().await;
    let mut heidi = office.browser();
    let at_entra = heidi.open(&format!("{}/", office.console)).await;
    heidi.leaves(&office.console);
    let stopped = heidi.walk_on(at_entra, "heidi", false).await;
    assert!(
        stopped.status.is_none() && stopped.url.starts_with(&format!("{}/enter?code=", office.console)),
        "{}",
        stopped.url
    );
    // Another browser is not let in by it, and does not spend it.
    let mut other = office.browser();
    let page = other.open(&stopped.url).await;
    assert!(page.words().contains("not begun in this browser"), "{}", page.words());
    let mut first = office.browser();
    first.take_site(&office.console, &heidi);
    let page = first.open(&stopped.url).await;
    assert!(page.words().contains("What waits for you"), "{}", page.words());
    // Somebody who reads it in the history of the same browser comes too late.
    let mut second = office.browser();
    second.take_site(&office.console, &heidi);
    let page = second.open(&stopped.url).await;
    assert!(page.words().contains("used already"), "{}", page.words());
    // Whoever is revoked is out of the console as well.
    let ran = office
        .house
        .run(&["revoke", "--user", &format!("{TENANT}/4e1d1000-0000-4000-8000-000000000009")])
        .await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    until("the console to notice", async || {
        let page = first.clone().open(&format!("{}/", office.console)).await;
        !page.url.starts_with(&office.console)
    })
    .await;
    // Signed in at the door is not signed in here, though browsers send a host's cookies to each of its ports.
    let mut bob = office.browser();
    bob.walk(&format!("{}/account", office.house.origin), "bob", false).await;
    let of_door = bob.clone();
    bob.take_site(&office.console, &of_door);
    let page = bob.open(&format!("{}/", office.console)).await;
    assert!(!page.words().contains("What waits for you"), "{}", page.words());
}

// control: CDP-04, D-21: a form of another site, another's form and an old one decide nothing
#[tokio::test]
async fn another_site_decides() {
    let office = Office::open().await;
    let mut heidi = office.browser();
    heidi.walk(&format!("{}/", office.console), "heidi", false).await;
    let page = office.look(&mut heidi, "echo").await;
    let form = page.form("/pin").unwrap_or_else(|| panic!("{}", page.words()));
    let mut pairs: Vec<_> = form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    pairs.extend([("do", "reject"), ("reason", "a gift")]);
    let to = format!("{}/pin", office.console);
    let foreign = heidi.submit_from_elsewhere(&to, &pairs, false).await;
    assert_ne!(foreign.words(), "", "{}", foreign.words());
    // Her own other session has other buttons.
    let mut again = office.browser();
    again.walk(&format!("{}/", office.console), "heidi", false).await;
    let other = again.submit(&page, &form, &[("do", "reject"), ("reason", "a gift")]).await;
    assert_eq!(other.status, Some(StatusCode::BAD_REQUEST), "{}", other.words());
    assert!(!office.house.records().contains("pin-rejected"));
    let host = [("host", "evil.example"), ("origin", "http://evil.example")];
    let rebound = office.house.web.send("GET", &format!("{}/", office.console), &host, String::new()).await;
    assert_eq!(rebound.status, StatusCode::FORBIDDEN, "{rebound:?}");
}

// control: D-21: the token that an approver gives to any MCP client decides nothing; nor does one without the role, nor an application's
#[tokio::test]
async fn a_client_decides_with_the_token_it_was_given() {
    let office = Office::open().await;
    let order = |hash: &str| {
        json!({"do": "reject", "server": "echo", "kind": "tool", "name": "echo", "hash": hash, "reason": "a page said so"})
            .to_string()
    };
    let own = office.token("heidi", "guard");
    let told = office.api("GET", "pins", &own, String::new()).await;
    let pin =
        told.as_array().unwrap().iter().find(|one| one["name"] == "echo" && one["server"] == "echo").unwrap();
    let hash = pin["pin"]["hash"].as_str().unwrap();
    for (what, token) in [
        ("heidi's, of an MCP client", office.token("heidi", "vscode")),
        ("alice's, of the right program", office.token("alice", "guard")),
    ] {
        let heard = office.heard("POST", "pins", &token, order(hash)).await;
        assert_eq!(heard.status, StatusCode::FORBIDDEN, "{what}: {heard:?}");
    }
    let good = office.house.ask(&office.house.register("Good", crate::house::GOOD).await);
    let of_door = office.house.sign_in(&mut office.house.browser(), "heidi", &good).await;
    for (what, token) in [("the door's own", of_door.access.as_str()), ("none", "x"), ("cookies", "")] {
        let heard = office.heard("POST", "pins", token, order(hash)).await;
        assert_eq!(heard.status, StatusCode::UNAUTHORIZED, "{what}: {heard:?}");
    }
    assert!(!office.house.records().contains("pin-rejected"));
    // What is not there any more is not decided about.
    let stale = office.heard("POST", "pins", &own, order(&hash.replace('a', "b").replace('1', "2"))).await;
    assert!(stale.status.is_client_error(), "{stale:?}");
    let heard = office.heard("POST", "pins", &own, order(hash)).await;
    assert_eq!(heard.status, StatusCode::OK, "control-off: the same order with the right token: {heard:?}");
}

/// What the console's API says to somebody behind the house's proxy.
async fn knock(office: &Office, from: &str, token: &str) -> Heard {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", from)];
    office.house.web.send("GET", &format!("{}/api/whoami", office.console), &headers, String::new()).await
}

// control: D-11: a place that tries tokens at the console waits, whatever it sends next; the place beside it does not, nor do pages
#[tokio::test]
async fn somebody_tries_tokens_at_the_console() {
    let office = Office::with("trusted_proxies = [\"127.0.0.1/32\"]").await;
    let (own, of_client) = (office.token("heidi", "guard"), office.token("heidi", "vscode"));
    let (evil, good) = ("203.0.113.7", "198.51.100.7");
    let mut statuses = std::collections::BTreeMap::new();
    // Both kinds count: what does not verify, and what verifies and is for something else.
    for tries in 0..220 {
        let token = if tries % 2 == 0 { "eyJhbGciOiJSUzI1NiJ9.e30.x" } else { of_client.as_str() };
        *statuses.entry(knock(&office, evil, token).await.status.as_u16()).or_insert(0) += 1;
    }
    assert_eq!(statuses, [(401, 100), (403, 100), (429, 20)].into());
    let waits = knock(&office, evil, &own).await;
    assert_eq!((waits.status, waits.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, Some("10")));
    assert_eq!(knock(&office, good, &own).await.status, StatusCode::OK);
    let mut heidi = office.browser();
    let home = heidi.walk(&format!("{}/", office.console), "heidi", false).await;
    assert_eq!(home.status, Some(StatusCode::OK), "{}", home.words());
}

// control-off: D-11: without a count by place, here with another place for each try, every token is looked at
#[tokio::test]
async fn somebody_tries_tokens_from_everywhere() {
    let office = Office::with("trusted_proxies = [\"127.0.0.1/32\"]").await;
    for tries in 0..220 {
        let heard = knock(&office, &format!("203.0.{tries}.7"), "eyJhbGciOiJSUzI1NiJ9.e30.x").await;
        assert_eq!(heard.status, StatusCode::UNAUTHORIZED);
    }
}
