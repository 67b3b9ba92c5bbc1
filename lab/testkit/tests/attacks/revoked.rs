//! Taking back: by the person, by the client, by the operator. The next request is refused, the open stream ends, and
//! nobody else notices.

use doorward_testkit::{Client, Connection, within};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::house::{Ask, GOOD, House, Plan, TENANT, Tokens, trial, until};
use crate::tokens::claims;
use crate::web::Browser;

/// Somebody who is signed in and listens.
struct Listener {
    browser: Browser,
    ask: Ask,
    tokens: Tokens,
    client: Client,
    stream: Incoming,
    _connection: Connection,
}

impl Listener {
    async fn open(house: &House, who: &str) -> Self {
        let mut browser = house.browser();
        let ask = house.ask(&house.register(&format!("{who}s"), GOOD).await);
        let tokens = house.sign_in(&mut browser, who, &ask).await;
        let mut client = house.client("echo", &tokens.access);
        let hello = client.hello().await.unwrap();
        assert!(client.session.is_some(), "{hello:?}");
        let mut connection = Connection::open(client.address).await.unwrap();
        let head = connection.begin(client.request(Method::GET, "")).await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        Self { browser, ask, tokens, client, stream: head.into_body(), _connection: connection }
    }

    /// Reads on until a word is said, or until the stream ends.
    async fn hears(&mut self, word: &str) -> bool {
        let mut heard = Vec::new();
        loop {
            match within("a stream to go on or to end", self.stream.frame()).await {
                Some(Ok(frame)) => heard.extend(frame.into_data().unwrap_or_default()),
                Some(Err(_)) | None => return false,
            }
            if String::from_utf8_lossy(&heard).contains(word) {
                return true;
            }
        }
    }

    async fn calls(&self) -> StatusCode {
        self.client
            .post(&doorward_testkit::call(7, "echo", &serde_json::json!({"text": "x", "n": 1})))
            .await
            .unwrap()
            .status
    }
}

/// Alice and bob listen; something of alice's is taken back. She is out at once, and he does not notice.
async fn taken_back(plan: &Plan, at_once: bool, take: impl AsyncFn(&House, &mut Listener)) {
    let house = House::door(plan).await;
    let mut alice = Listener::open(&house, "alice").await;
    let mut bob = Listener::open(&house, "bob").await;
    within("both to listen", house.servers[0].until_streams(2)).await;
    take(&house, &mut alice).await;
    if !at_once {
        until("the door to take it up", async || alice.calls().await == StatusCode::UNAUTHORIZED).await;
    }
    assert_eq!(alice.calls().await, StatusCode::UNAUTHORIZED, "the very next request{}", house.log());
    assert!(!alice.hears("list_changed").await, "her stream has ended");
    let heard = house.refresh(&alice.ask.app, &alice.tokens.refresh).await;
    assert_eq!(heard.status, StatusCode::BAD_REQUEST, "{heard:?}");
    house.servers[0].announce("notifications/tools/list_changed", "{}").await;
    assert!(bob.hears("list_changed").await, "his goes on");
    assert_eq!(bob.calls().await, StatusCode::OK);
    assert!(Tokens::of(&house.refresh(&bob.ask.app, &bob.tokens.refresh).await).is_some());
}

// control: entra-i, TOK-10: what a person withdraws on their account page is over at once, streams too
#[tokio::test]
async fn a_person_withdraws() {
    for action in ["/account/withdraw", "/account/end"] {
        taken_back(&Plan::default(), true, async |house, alice| {
            let page = alice.browser.walk(&format!("{}/account", house.origin), "alice", false).await;
            let form = page.form(action).unwrap_or_else(|| panic!("{}", page.words()));
            let page = alice.browser.submit(&page, &form, &[]).await;
            assert_eq!(page.status, Some(StatusCode::OK), "{}", page.words());
        })
        .await;
    }
}

// control: entra-i, REM-08: what a client gives back is over at once, whichever of its tokens it names
#[tokio::test]
async fn a_client_revokes() {
    for refresh in [true, false] {
        taken_back(&Plan::default(), true, async |house, alice| {
            let token = if refresh { &alice.tokens.refresh } else { &alice.tokens.access };
            let pairs = [("token", token.as_str()), ("client_id", alice.ask.app.id.as_str())];
            assert_eq!(house.post("/revoke", &pairs).await.status, StatusCode::OK);
        })
        .await;
    }
}

// control: entra-i, TOK-10: what the operator revokes is over within a second, by person, client or session
#[tokio::test]
async fn the_operator_revokes() {
    for by in ["--user", "--client", "--session"] {
        taken_back(&Plan::default(), false, async |house, alice| {
            let whom = match by {
                "--user" => format!("{TENANT}/a11ce000-0000-4000-8000-000000000001"),
                "--client" => alice.ask.app.id.clone(),
                _ => claims(&alice.tokens.access)["sid"].as_str().unwrap().to_owned(),
            };
            let ran = house.run(&["revoke", by, &whom]).await;
            assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
        })
        .await;
    }
}

// control: entra-i, REM-08: a token that was given back is worth nothing, where a door without memory honours it
#[tokio::test]
async fn a_token_is_used_after_it_was_given_back() {
    trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
        house.post("/revoke", &[("token", &tokens.access), ("client_id", &good.app.id)]).await;
        match house.call(0, &tokens.access).await {
            StatusCode::OK => Ok("it goes on".to_owned()),
            status => Err(status.to_string()),
        }
    })
    .await;
}

// control: entra-i, REM-08: nobody gives back what is another client's
#[tokio::test]
async fn a_stranger_revokes() {
    let house = House::door(&Plan::default()).await;
    let good = house.ask(&house.register("Good", GOOD).await);
    let tokens = house.sign_in(&mut house.browser(), "alice", &good).await;
    let evil = house.register("Evil", GOOD).await;
    for token in [&tokens.refresh, &tokens.access] {
        let heard = house.post("/revoke", &[("token", token), ("client_id", &evil.id)]).await;
        assert_eq!(heard.status, StatusCode::OK, "the answer tells nothing: {heard:?}");
    }
    assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK);
    // Nor on the account page of somebody else: her button does nothing in his browser.
    let mut alice = house.browser();
    let hers = alice.walk(&format!("{}/account", house.origin), "alice", false).await;
    let form = hers.form("/account/end").unwrap_or_else(|| panic!("{}", hers.words()));
    let mut bob = house.browser();
    bob.walk(&format!("{}/account", house.origin), "bob", false).await;
    bob.submit(&hers, &form, &[]).await;
    assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK);
    // Nor by a form of another site in her own browser.
    let pairs: Vec<_> = form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let page = alice.submit_from_elsewhere(&format!("{}/account/end", house.origin), &pairs, false).await;
    assert_eq!(page.status, Some(StatusCode::FORBIDDEN), "{}", page.words());
    assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK);
}
