//! What is done to people: answers in another's browser, forms of other sites, two at one desk.

use doorward_emulator::Document;
use http::StatusCode;

use crate::house::{EVIL, GOOD, House, Plan, trial, trial_in};
use crate::web::{Browser, Page};

/// The attacker's own way as far as Entra: the address to send a victim to.
async fn begun_by_attacker(house: &House, attacker: &mut Browser, url: &str) -> Page {
    let page = attacker.open(url).await;
    match page.form("/authorize/decide") {
        // What the attacker is asked, the attacker allows.
        Some(form) => attacker.submit(&page, &form, &[("decision", "allow")]).await,
        None => {
            assert!(page.url.starts_with(&house.lab.emulator.authority), "{}", page.words());
            page
        }
    }
}

// control: entra-d, CDP-04: a sign-in that somebody else began, and allowed, does not end in this browser
#[tokio::test]
async fn a_sign_in_is_fixed_by_the_attacker() {
    let why = trial(async |house: &House| {
        let mut alice = house.browser();
        let good = house.ask(&house.register("Good", GOOD).await);
        house.sign_in(&mut alice, "alice", &good).await;
        let evil = house.ask(&house.register("Evil", EVIL).await);
        let mut attacker = house.browser();
        let at_entra = begun_by_attacker(house, &mut attacker, &house.authorize(&evil)).await;
        // She is sent straight to Entra's own address, where she goes on as herself.
        let page = alice.walk(&at_entra.url, "alice", false).await;
        house.take(&page, &evil).await
    })
    .await;
    assert!(why.starts_with("400") && why.contains("not begun in this browser"), "{why}");
}

// control: entra-d, CDP-04: nor does it help to plant the attacker's own name of a browser beside
#[tokio::test]
async fn a_consent_is_fixed_by_a_planted_cookie() {
    let why = trial(async |house: &House| {
        let mut attacker = house.browser();
        let evil = house.ask(&house.register("Evil", EVIL).await);
        let question = attacker.open(&house.authorize(&evil)).await;
        let mut alice = house.browser();
        let good = house.ask(&house.register("Good", GOOD).await);
        house.sign_in(&mut alice, "alice", &good).await;
        let page = match question.form("/authorize/decide") {
            // The attacker's form, posted by the attacker's page in her browser, with her cookies and without.
            Some(form) => {
                let sealed = form.hidden[0].1.clone();
                let pairs = [("form", sealed.as_str()), ("decision", "allow")];
                let to = format!("{}/authorize/decide", house.origin);
                let page = alice.submit_from_elsewhere(&to, &pairs, false).await;
                assert_eq!(page.status, Some(StatusCode::FORBIDDEN), "{}", page.words());
                alice.submit_from_elsewhere(&to, &pairs, true).await
            }
            None => alice.walk(&question.url, "alice", true).await,
        };
        let page = alice.walk_on(page, "alice", false).await;
        house.take(&page, &evil).await
    })
    .await;
    assert!(why.contains("another browser"), "{why}");
}

// control: entra-d, CDP-03: a site that she has open cannot answer her own question for her
#[tokio::test]
async fn a_consent_form_is_sent_by_another_site() {
    let plan = Plan { consent_page: true, ..Plan::default() };
    for (old, status) in [(false, "403"), (true, "400")] {
        let why = trial_in(&plan, async |house: &House| {
            let mut alice = house.browser();
            let good = house.ask(&house.register("Good", GOOD).await);
            house.sign_in(&mut alice, "alice", &good).await;
            let evil = house.ask(&house.register("Evil", EVIL).await);
            // The attacker's page gets a question of its own and answers it in her browser.
            let question = house.browser().open(&house.authorize(&evil)).await;
            let form = question.forms().remove(0);
            let mut pairs: Vec<_> =
                form.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            pairs.push(("decision", "allow"));
            let to = format!("{}{}", house.origin, form.action);
            let page = match form.verb.as_str() {
                "POST" => alice.submit_from_elsewhere(&to, &pairs, old).await,
                _ => alice.open(&format!("{to}?{}", crate::web::write(&pairs))).await,
            };
            let page = alice.walk_on(page, "alice", false).await;
            house.take(&page, &evil).await
        })
        .await;
        assert!(why.starts_with(status), "{why}");
    }
}

// control: entra-d, CDP-04: an answer of Entra's to the attacker does not sign the victim in as the attacker
#[tokio::test]
async fn a_victim_is_signed_in_as_the_attacker() {
    let why = trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        // The attacker, mallory for once called bob, stops before the last step: the callback is not opened.
        let mut attacker = house.browser();
        let at_entra = begun_by_attacker(house, &mut attacker, &house.authorize(&good)).await;
        let mut stops = attacker.clone();
        stops.leaves(&house.origin);
        let callback = stops.walk_on(at_entra, "bob", false).await;
        assert!(callback.status.is_none() && callback.query("code").is_some(), "{}", callback.words());
        let page = house.browser().open(&callback.url).await;
        match page.query("code").filter(|_| page.status.is_none()) {
            Some(code) => Ok(format!("her client goes on as bob with {code}")),
            None => Err(page.words()),
        }
    })
    .await;
    assert!(why.starts_with("400"), "{why}");
}

// control: entra-d, B-02: an answer of Entra's is taken once, in the right browser too
#[tokio::test]
async fn a_callback_is_opened_twice() {
    let house = House::door(&Plan::default()).await;
    let good = house.ask(&house.register("Good", GOOD).await);
    let mut alice = house.browser();
    let at_entra = begun_by_attacker(&house, &mut alice, &house.authorize(&good)).await;
    let mut stops = alice.clone();
    stops.leaves(&house.origin);
    let callback = stops.walk_on(at_entra, "alice", false).await;
    let mut again = alice.clone();
    let first = alice.open(&callback.url).await;
    assert!(first.query("code").is_some(), "{}", first.words());
    // The very same browser as before, transaction cookie and all.
    let second = again.open(&callback.url).await;
    assert_eq!(second.status, Some(StatusCode::BAD_REQUEST), "{}", second.words());
}

// control: entra-d, D-13: where another person signs in than the one who once said yes, that person is asked
#[tokio::test]
async fn two_people_share_a_browser() {
    let why = trial(async |house: &House| {
        let good = house.ask(&house.register("Good", GOOD).await);
        let mut desk = house.browser();
        house.sign_in(&mut desk, "alice", &good).await;
        // Bob has signed in to something else of Microsoft's at this desk since.
        let mut bob = house.browser();
        let other = house.ask(&house.register("Other", GOOD).await);
        house.sign_in(&mut bob, "bob", &other).await;
        desk.take_site(&house.lab.emulator.authority, &bob);
        let page = desk.walk(&house.authorize(&good), "bob", false).await;
        if house.is_product() && page.status.is_some() {
            // Asked, he may say yes, and only then is there a code: his own.
            let mut he = desk.clone();
            let taken = he.walk_on(page.clone(), "bob", true).await;
            assert!(taken.query("code").is_some(), "{}", taken.words());
            // One answer, one code: two of one sign-in, and redeeming the second would end what the first gave.
            let again = desk.clone().walk_on(page.clone(), "bob", true).await;
            assert_eq!(again.status, Some(StatusCode::BAD_REQUEST), "{}", again.words());
        }
        house.take(&page, &good).await
    })
    .await;
    assert!(why.contains("somebody else than before") && why.contains("Bob Baker"), "{why}");
}

// control: entra-d, D-13: a yes of the person whom the page names is not taken for the yes of whoever signs in then
#[tokio::test]
async fn one_person_answers_and_another_signs_in() {
    let plan = Plan { consent_page: true, ..Plan::default() };
    let why = trial_in(&plan, async |house: &House| {
        let mut desk = house.browser();
        let known = house.ask(&house.register("Known", GOOD).await);
        house.sign_in(&mut desk, "alice", &known).await;
        let mut bob = house.browser();
        house.sign_in(&mut bob, "bob", &known).await;
        // The page names her, she says yes, and then it is he who goes on at Entra.
        let new = house.ask(&house.register("New", GOOD).await);
        let question = desk.open(&house.authorize(&new)).await;
        assert!(!house.is_product() || question.words().contains("Alice Archer"), "{}", question.words());
        desk.take_site(&house.lab.emulator.authority, &bob);
        let form = question.forms().remove(0);
        let page = desk.submit(&question, &form, &[("decision", "allow")]).await;
        let page = desk.walk_on(page, "bob", false).await;
        house.take(&page, &new).await
    })
    .await;
    assert!(why.contains("somebody else than before") && why.contains("Bob Baker"), "{why}");
}

// control: entra-d, CDP-03: no frame shows the question, no script runs in it, and nothing keeps it
#[tokio::test]
async fn the_question_is_framed() {
    let plan = Plan { consent_page: true, documents: true, ..Plan::default() };
    let why = trial_in(&plan, async |house: &House| {
        let evil = house.ask(&house.register("Evil", EVIL).await);
        let page = house.browser().open(&house.authorize(&evil)).await;
        let policy = page.header("content-security-policy");
        let closed = policy.contains("frame-ancestors 'none'")
            && policy.contains("default-src 'none'")
            && !policy.contains("script-src")
            && !policy.contains("unsafe");
        let closed = closed && page.header("x-frame-options") == "DENY";
        assert_eq!(page.header("access-control-allow-origin"), "");
        match closed && page.header("cache-control") == "no-store" && !page.text.contains("<script") {
            true => Err(policy.to_owned()),
            false => Ok(format!("a frame shows it: {:?}", page.headers)),
        }
    })
    .await;
    assert!(why.contains("base-uri 'none'"), "{why}");
}

// control: entra-d, CDP-03: an address cannot write into the page's policy
#[tokio::test]
async fn an_address_that_is_a_policy() {
    let house = House::door(&Plan { documents: true, ..Plan::default() }).await;
    for redirect in [
        "https://evil.example/;script-src *",
        "https://evil.example/a,script-src *",
        "javascript:alert(1)",
        "data:text/html,x",
    ] {
        let id = house.document("policy.json", Document::client("x", &[redirect]));
        let ask = house.ask(&crate::house::App { id, redirect: redirect.to_owned() });
        let page = house.browser().open(&house.authorize(&ask)).await;
        assert!(!page.header("content-security-policy").contains("script-src"), "{:?}", page.headers);
        assert!(page.status.is_some(), "{}", page.words());
    }
}
