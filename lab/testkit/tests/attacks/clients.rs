//! Evil clients: registered ones, documents, and what they try at the token endpoint.

use doorward_emulator::Document;
use http::StatusCode;

use crate::house::{App, Ask, EVIL, GOOD, House, Outcome, Plan, trial, trial_in};

// control: entra-d, CDP-01: a client that registers itself gets no code from somebody who is signed in already (S9)
#[tokio::test]
async fn an_evil_dynamic_client_meets_a_live_sign_in() {
    let why = trial(async |house: &House| {
        let mut alice = house.browser();
        let good = house.ask(&house.register("Good", GOOD).await);
        house.sign_in(&mut alice, "alice", &good).await;
        // She opens the attacker's link, and presses nothing but what Entra asks.
        let evil = house.ask(&house.register("Good", EVIL).await);
        let page = alice.walk(&house.authorize(&evil), "alice", false).await;
        house.take(&page, &evil).await
    })
    .await;
    assert!(why.contains("evil.example") && why.contains("registered itself"), "she is told: {why}");
}

// control: entra-d, IDC-07: the id of a client that was allowed does not lead to another address (S9)
#[tokio::test]
async fn an_address_that_only_begins_like_the_clients() {
    let why = trial(async |house: &House| {
        let mut alice = house.browser();
        let mut good = house.ask(&house.register("Good", "https://good.example").await);
        let page = alice.walk(&house.authorize(&good), "alice", true).await;
        assert!(page.query("code").is_some(), "{}", page.words());
        good.app.redirect = "https://good.example.evil.example/".to_owned();
        let page = alice.walk(&house.authorize(&good), "alice", true).await;
        house.take(&page, &good).await
    })
    .await;
    assert!(why.starts_with("400"), "{why}");
}

fn with_documents() -> Plan {
    Plan { documents: true, ..Plan::default() }
}

// control: entra-d, IDC-08: a document speaks for the address it is at, and for no other (S10)
#[tokio::test]
async fn a_document_that_speaks_for_another_client() {
    let why = trial_in(&with_documents(), async |house: &House| {
        let mut alice = house.browser();
        let mut document = Document::client("Visual Studio Code", &[EVIL]);
        document.body = document.body.replace("{self}", "https://vscode.dev/oauth/client-metadata.json");
        let app = App { id: house.document("evil.json", document), redirect: EVIL.to_owned() };
        let ask = house.ask(&app);
        let page = alice.walk(&house.authorize(&ask), "alice", true).await;
        house.take(&page, &ask).await
    })
    .await;
    assert!(why.contains("not the address it was fetched from"), "{why}");
}

// control: entra-d, CDP-01: a document that is in order still gets no code unasked, and its host is shown (S10)
#[tokio::test]
async fn an_evil_document_meets_a_live_sign_in() {
    let why = trial_in(&with_documents(), async |house: &House| {
        let mut alice = house.browser();
        let good = house.ask(&house.register("Good", GOOD).await);
        house.sign_in(&mut alice, "alice", &good).await;
        let id = house.document("nice.json", Document::client("Visual Studio Code", &[EVIL]));
        let ask = house.ask(&App { id, redirect: EVIL.to_owned() });
        let page = alice.walk(&house.authorize(&ask), "alice", false).await;
        house.take(&page, &ask).await
    })
    .await;
    assert!(why.contains("localhost:") && why.contains("evil.example"), "{why}");
}

// control: entra-d, CDP-03: what a client calls itself is text on the consent page, never HTML (S10)
#[tokio::test]
async fn a_name_that_is_a_script() {
    let plan = Plan { consent_page: true, ..with_documents() };
    for name in ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>"] {
        trial_in(&plan, async |house: &House| {
            let registered = house.register(name, EVIL).await;
            let id = house.document("script.json", Document::client(name, &[EVIL]));
            let mut won = Vec::new();
            for app in [registered, App { id, redirect: EVIL.to_owned() }] {
                let page = house.browser().open(&house.authorize(&house.ask(&app))).await;
                assert_eq!(page.status, Some(StatusCode::OK), "{}", page.words());
                won.extend(page.text.contains(name).then_some(page.url));
            }
            won.pop().ok_or_else(|| "escaped".to_owned())
        })
        .await;
    }
}

// control: entra-d, CDP-05: a code is worth nothing to another client, even with the verifier (S11)
#[tokio::test]
async fn a_code_of_one_client_is_redeemed_by_another() {
    let why = trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let code = house.code(&mut house.browser(), "alice", &good).await;
        let evil = house.register("Evil", GOOD).await;
        redeemed(house, &Ask { app: evil, ..good }, &code).await
    })
    .await;
    assert!(why.contains("invalid_grant"), "{why}");
}

// control: entra-d, CDP-05: a code that was seen on its way is worth nothing without the verifier (S11)
#[tokio::test]
async fn a_code_is_redeemed_with_another_verifier() {
    for verifier in ["another-verifier-that-is-long-enough-for-anybody", ""] {
        let why = trial(async |house: &House| {
            let good = house.ask(&house.register("Good", GOOD).await);
            let code = house.code(&mut house.browser(), "alice", &good).await;
            redeemed(house, &Ask { verifier: verifier.to_owned(), ..good }, &code).await
        })
        .await;
        assert!(why.contains("invalid_"), "{why}");
    }
}

// control: entra-d, D-14: a code is for the address and the resource that it was asked for (S11)
#[tokio::test]
async fn a_code_is_redeemed_for_something_else() {
    trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let code = house.code(&mut house.browser(), "alice", &good).await;
        redeemed(house, &Ask { resource: house.urls[1].clone(), ..good }, &code).await
    })
    .await;
    trial(async |house: &House| {
        let mut good = house.ask(&house.register("Good", GOOD).await);
        let code = house.code(&mut house.browser(), "alice", &good).await;
        EVIL.clone_into(&mut good.app.redirect);
        redeemed(house, &good, &code).await
    })
    .await;
}

// control: entra-d, D-14: a code works once; the second time everything that the first gave ends (S11)
#[tokio::test]
async fn a_code_is_redeemed_twice() {
    trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let mut alice = house.browser();
        let code = house.code(&mut alice, "alice", &good).await;
        let first = house.redeem(&good, &code).await;
        let first = crate::house::Tokens::of(&first).unwrap();
        assert_eq!(house.call(0, &first.access).await, StatusCode::OK);
        let second = redeemed(house, &good, &code).await;
        if house.is_product() {
            assert_eq!(house.call(0, &first.access).await, StatusCode::UNAUTHORIZED);
            assert_eq!(house.refresh(&good.app, &first.refresh).await.status, StatusCode::BAD_REQUEST);
        }
        second
    })
    .await;
}

// control: entra-d, IDC-05, B-12: every answer names its issuer, so that no client takes it for another's (S11)
#[tokio::test]
async fn an_answer_is_taken_for_another_issuers() {
    trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let page = house.browser().walk(&house.authorize(&good), "alice", true).await;
        assert!(page.query("code").is_some(), "{}", page.words());
        match page.query("iss") {
            Some(issuer) if issuer == house.origin => Err(issuer),
            other => Ok(format!("the client cannot tell whose answer it has: {other:?}")),
        }
    })
    .await;
}

// control: IDC-07, B-12: an error names its issuer too, and goes nowhere but to the client's own address
#[tokio::test]
async fn an_error_names_its_issuer() {
    let house = House::door(&Plan::default()).await;
    let good = house.ask(&house.register("Good", GOOD).await);
    let mut alice = house.browser();
    let page = alice.open(&house.authorize(&good)).await;
    let page = alice.submit(&page, &page.form("/authorize/decide").unwrap(), &[("decision", "deny")]).await;
    assert_eq!(page.query("error").as_deref(), Some("access_denied"), "{}", page.words());
    assert_eq!(page.query("iss"), Some(house.origin.clone()));
    assert_eq!(page.query("state").as_deref(), Some("the-clients-own"));
}

async fn redeemed(house: &House, ask: &Ask, code: &str) -> Outcome {
    let heard = house.redeem(ask, code).await;
    let text = String::from_utf8_lossy(&heard.body).into_owned();
    let Some(tokens) = crate::house::Tokens::of(&heard) else { return Err(text) };
    match house.call(0, &tokens.access).await {
        StatusCode::OK => Ok(text),
        status => Err(status.to_string()),
    }
}
