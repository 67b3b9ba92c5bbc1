//! The traps of Entra that clients fall into without a door in front. Behind this one none of them occurs.

use doorward_emulator::{Fault, Recorded, Seed};
use doorward_servers::protected::{self, Protected};
use doorward_testkit::{call, initialize};
use http::StatusCode;
use serde_json::Value;

use crate::house::{App, DOOR_APP, GOOD, House, Plan, Tokens};
use crate::tokens::{claims, short};
use crate::web::read;

const SIBLING: &str = "51b11000-0000-4000-8000-0000000000d2";

/// What the door sent to Entra's authorize and token endpoints.
fn sent(house: &House) -> Vec<(Recorded, Vec<(String, String)>)> {
    let asked = house.lab.emulator.control().transcript().into_iter();
    let asked = asked.filter(|it| it.service == "entra" && it.path.contains("/oauth2/v2.0/"));
    asked
        .map(|it| {
            let form = read(if it.method == "POST" { &it.body } else { &it.query });
            (it, form)
        })
        .collect()
}

/// One value of a form.
fn value(form: &[(String, String)], name: &str) -> Option<String> {
    form.iter().find_map(|(known, value)| (known == name).then(|| value.clone()))
}

/// Signs in and refreshes often enough that Entra is asked again.
async fn whole_way(house: &House, who: &str, more: &[(&str, &str)]) -> Tokens {
    let good = house.ask(&house.register("Good", GOOD).await);
    let page = house.browser().walk(&house.authorize_with(&good, more), who, true).await;
    let code = page.query("code").unwrap_or_else(|| panic!("{}{}", page.words(), house.log()));
    let mut tokens = Tokens::of(&house.redeem(&good, &code).await).unwrap();
    assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK, "{}", house.log());
    let asked = || {
        sent(house)
            .iter()
            .filter(|(_, form)| value(form, "grant_type").as_deref() == Some("refresh_token"))
            .count()
    };
    let since = std::time::Instant::now();
    while asked() == 0 {
        let heard = house.refresh(&good.app, &tokens.refresh).await;
        tokens = Tokens::of(&heard).unwrap_or_else(|| panic!("{heard:?}{}", house.log()));
        assert!(since.elapsed().as_secs() < 20, "Entra is never asked");
    }
    assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK);
    tokens
}

// control: entra-f: trap 1 does not occur: `resource`, which Entra answers with AADSTS9010010, never reaches it
#[tokio::test]
async fn trap_01_the_resource_parameter_is_not_forwarded() {
    let house = House::door(&short()).await;
    whole_way(&house, "alice", &[]).await;
    let sent = sent(&house);
    assert!(sent.len() >= 3, "authorize, code and refresh");
    for (request, form) in &sent {
        assert_eq!(value(form, "resource"), None, "{request:?}");
        assert!(!request.contains(&house.urls[0]), "{request:?}");
    }
    // Forwarded, it would be refused: this is what clients meet that speak to Entra themselves.
    let direct = format!(
        "{}/{}/oauth2/v2.0/authorize?client_id={DOOR_APP}&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%2Foauth%2Fcallback&scope={DOOR_APP}%2F.default&resource={}",
        house.lab.emulator.authority,
        crate::house::TENANT,
        "https%3A%2F%2Fdoor.example%2Fecho%2Fmcp"
    );
    let heard = house.web.send("GET", &direct, &[], "").await;
    let told = format!("{:?}{}", heard.headers, String::from_utf8_lossy(&heard.body));
    assert!(told.contains("9010010") || told.contains("500011"), "{told}");
}

// control: entra-f: trap 2 does not occur: a refresh names its scope, so that Entra does not answer AADSTS90009
#[tokio::test]
async fn trap_02_a_refresh_names_its_scope() {
    let house = House::door(&short()).await;
    whole_way(&house, "alice", &[]).await;
    let refreshes: Vec<_> = sent(&house)
        .into_iter()
        .filter(|(_, form)| value(form, "grant_type").as_deref() == Some("refresh_token"))
        .collect();
    assert!(!refreshes.is_empty());
    for (_, form) in refreshes {
        let scope = value(&form, "scope").unwrap();
        assert!(
            scope.contains(&format!("{DOOR_APP}/.default")) && scope.contains("offline_access"),
            "{scope}"
        );
    }
}

// control: entra-f: trap 3 does not occur: no bare scope goes to Entra, where it would be taken for one of Graph's (AADSTS650053)
#[tokio::test]
async fn trap_03_no_bare_scope_is_sent() {
    let house = House::door(&short()).await;
    whole_way(&house, "alice", &[("scope", "mcp.access")]).await;
    for (request, form) in sent(&house) {
        for scope in value(&form, "scope").iter().flat_map(|scope| scope.split(' ')) {
            let plain = matches!(scope, "openid" | "profile" | "offline_access");
            assert!(plain || scope.starts_with(&format!("{DOOR_APP}/")), "{scope} in {request:?}");
        }
    }
}

// control: entra-f: trap 4 does not occur: clients register themselves, or name their document, at the door
#[tokio::test]
async fn trap_04_clients_need_no_id_of_entras() {
    let house = House::door(&Plan { documents: true, ..Plan::default() }).await;
    let registered = house.register("Registered", GOOD).await;
    let id = house.document("client.json", doorward_emulator::Document::client("Described", &[GOOD]));
    for app in [registered, App { id, redirect: GOOD.to_owned() }] {
        let tokens = house.sign_in(&mut house.browser(), "alice", &house.ask(&app)).await;
        assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK);
        assert!(
            sent(&house).iter().all(|(request, _)| !request.contains(&app.id)),
            "Entra knows the door alone"
        );
    }
}

// control: entra-f: trap 5 does not occur: `prompt=consent` of a client is not forwarded where people may not consent (AADSTS90094)
#[tokio::test]
async fn trap_05_a_clients_prompt_is_not_forwarded() {
    let house = House::door(&short()).await;
    house.lab.emulator.control().fault(Fault::UserConsentDisabled { tenant: "contoso".to_owned() });
    whole_way(&house, "alice", &[("prompt", "consent")]).await;
    for (request, form) in sent(&house) {
        assert_ne!(value(&form, "prompt").as_deref(), Some("consent"), "{request:?}");
    }
}

// control: entra-f: trap 6 does not occur: a client's random port is the door's affair, Entra knows one address (AADSTS50011)
#[tokio::test]
async fn trap_06_a_random_loopback_port() {
    let house = House::door(&Plan::default()).await;
    let mut app = house.register("Random", "http://127.0.0.1:1/callback").await;
    for port in [49_152, 53_001, 65_535] {
        app.redirect = format!("http://127.0.0.1:{port}/callback");
        let tokens = house.sign_in(&mut house.browser(), "alice", &house.ask(&app)).await;
        assert_eq!(house.call(0, &tokens.access).await, StatusCode::OK);
    }
    let callback = format!("{}/oauth/callback", house.origin);
    for (request, form) in sent(&house) {
        if let Some(uri) = value(&form, "redirect_uri") {
            assert_eq!(uri, callback, "{request:?}");
        }
    }
}

/// The contoso tenant with another registration of the door.
fn with_door(change: impl FnOnce(&mut doorward_emulator::App)) -> Seed {
    let mut seed = Seed::contoso().unwrap();
    change(seed.apps.iter_mut().find(|app| app.name == "door").unwrap());
    seed
}

// control: entra-f: trap 7 does not occur: a registration that still yields v1 tokens serves as well
#[tokio::test]
async fn trap_07_a_registration_of_version_one() {
    let seed = with_door(|app| app.token_version = 1);
    let house = House::door(&Plan { seed, ..short() }).await;
    let tokens = whole_way(&house, "alice", &[]).await;
    assert_eq!(claims(&tokens.access)["roles"], serde_json::json!(["Reader"]));
    let entras = house.lab.token("alice");
    assert_eq!(claims(&entras)["ver"], "1.0", "they are of version 1");
}

// control: entra-f: trap 8 does not occur: somebody in more groups than a token holds keeps what a group permits
#[tokio::test]
async fn trap_08_more_groups_than_a_token_holds() {
    let administrators = "96000000-0000-4000-8000-0000000000a1";
    let policies = format!("permit (principal in Group::\"{administrators}\", action, resource);");
    let house = House::door(&Plan { policies, ..Plan::default() }).await;
    let listed = async |who: &str| {
        let ask = house.ask(&house.register("Good", GOOD).await);
        let tokens = house.sign_in(&mut house.browser(), who, &ask).await;
        let mut client = house.client("echo", &tokens.access);
        client.hello().await.unwrap();
        client.post(&call(2, "echo", &serde_json::json!({"text": "hi", "n": 1}))).await.unwrap()
    };
    let carol = listed("carol").await;
    assert!(carol.response().unwrap()["result"].to_string().contains("hi"), "{carol:?}{}", house.log());
    let alice = listed("alice").await;
    assert!(!alice.response().is_ok_and(|told| told["result"].to_string().contains("hi")), "{alice:?}");
}

// control: entra-f: trap 9 does not occur: people of every listed tenant come in, and of no other
#[tokio::test]
async fn trap_09_several_tenants() {
    let seed = with_door(|app| app.multi_tenant = true);
    let fabrikam = "fab21ca0-0000-4000-8000-000000000002";
    let tenants = |list: &str| Plan { seed: seed.clone(), tenants: Some(list.to_owned()), ..Plan::default() };
    let both = House::door(&tenants(&format!("\"{}\", \"{fabrikam}\"", crate::house::TENANT))).await;
    for (who, tenant) in [("alice", crate::house::TENANT), ("mallory", fabrikam)] {
        let ask = both.ask(&both.register("Good", GOOD).await);
        let mut browser = both.browser();
        let page = browser.walk(&both.authorize(&ask), who, true).await;
        // Another tenant's people are asked by Entra too, once.
        let page = match page.forms().iter().find(|form| form.text.contains("value=\"accept\"")) {
            Some(form) => browser.submit(&page, form, &[("action", "accept")]).await,
            None => page,
        };
        let code = page.query("code").unwrap_or_else(|| panic!("{}{}", page.words(), both.log()));
        let tokens = Tokens::of(&both.redeem(&ask, &code).await).unwrap();
        assert!(claims(&tokens.access)["sub"].as_str().unwrap().contains(tenant));
        assert_eq!(both.call(0, &tokens.access).await, StatusCode::OK);
    }
    drop(both);
    let one = House::door(&tenants(&format!("\"{}\"", crate::house::TENANT))).await;
    let ask = one.ask(&one.register("Good", GOOD).await);
    let mut browser = one.browser();
    let page = browser.walk(&one.authorize(&ask), "mallory", true).await;
    let page = match page.forms().iter().find(|form| form.text.contains("value=\"accept\"")) {
        Some(form) => browser.submit(&page, form, &[("action", "accept")]).await,
        None => page,
    };
    let status = page.status.unwrap_or_else(|| panic!("the client is answered: {}", page.url));
    assert!(status.is_client_error() && page.words().contains("tenant-not-allowed"), "{}", page.words());
}

/// A house with a server that is called on behalf of people.
async fn on_behalf(sign_in: &str, tables: &str) -> (House, Protected) {
    let options = protected::Options { audience: Some(SIBLING.to_owned()), ..protected::Options::default() };
    let server = protected::start(options).await.unwrap();
    let plan = Plan {
        other_url: Some(server.server.url()),
        other: format!("credential = {{ on_behalf_of = \"api://{SIBLING}/items.read\" }}"),
        sign_in: sign_in.to_owned(),
        tables: tables.to_owned(),
        ..Plan::default()
    };
    (House::door(&plan).await, server)
}

// control: entra-f, TPT-06: trap 10 does not occur: each person reaches a server as themselves
#[tokio::test]
async fn trap_10_each_person_reaches_a_server_as_themselves() {
    let (house, server) = on_behalf("", "").await;
    let mut objects = Vec::new();
    for who in ["alice", "bob"] {
        let app = house.register("Good", GOOD).await;
        let ask = crate::house::Ask::new(&app, &house.urls[1]);
        let tokens = house.sign_in(&mut house.browser(), who, &ask).await;
        assert_eq!(house.call(1, &tokens.access).await, StatusCode::OK, "{}", house.log());
        let bearer = server.bearers().pop().unwrap();
        assert_ne!(bearer, tokens.access);
        let claims = claims(&bearer);
        assert_eq!(claims["aud"], SIBLING);
        objects.push(claims["oid"].as_str().unwrap().to_owned());
    }
    assert_eq!(objects, ["a11ce000-0000-4000-8000-000000000001", "b0b00000-0000-4000-8000-000000000002"]);
}

// control: entra-f, D-16: trap 11 does not occur: a step that Entra asks for on behalf of a person comes back to them, once
#[tokio::test]
async fn trap_11_a_step_of_conditional_access_reaches_the_person() {
    let (house, server) = on_behalf("", "").await;
    let app = house.register("Good", GOOD).await;
    let ask = crate::house::Ask::new(&app, &house.urls[1]);
    let mut alice = house.browser();
    let control = house.lab.emulator.control();
    let step = Fault::RequireContext { resource: "sibling".to_owned(), context: "c1".to_owned(), user: None };
    control.fault(step);
    let tokens = house.sign_in(&mut alice, "alice", &ask).await;
    let refused = house.post_mcp(1, &tokens.access, &initialize()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{refused:?}{}", house.log());
    assert!(refused.header("www-authenticate").unwrap().contains("invalid_token"), "{refused:?}");
    assert!(server.bearers().is_empty(), "it is not reached without");
    let refresh = house.refresh(&app, &tokens.refresh).await;
    assert!(String::from_utf8_lossy(&refresh.body).contains("invalid_grant"), "{refresh:?}");
    // The client signs in again, and Entra is asked for the step on the way.
    control.clear_transcript();
    let tokens = house.sign_in(&mut alice, "alice", &ask).await;
    let legs: Vec<_> = sent(&house).into_iter().filter(|(it, _)| it.path.ends_with("/authorize")).collect();
    let with_step =
        legs.iter().filter(|(_, form)| value(form, "claims").is_some_and(|claims| claims.contains("c1")));
    assert_eq!(with_step.count(), 1, "once, no loop: {legs:?}");
    let called = house.post_mcp(1, &tokens.access, &initialize()).await;
    assert_eq!(called.status, StatusCode::OK, "{called:?}{}", house.log());
    assert!(!server.bearers().is_empty(), "and only then is the server reached");
    // Another person, and she with another client, are asked for themselves.
    let heard = house.refresh(&app, &tokens.refresh).await;
    assert!(Tokens::of(&heard).is_some(), "{heard:?}");
}

// control: entra-f, REM-14: trap 12 does not occur either: an application is refused where people are acted for
#[tokio::test]
async fn trap_12_an_application_is_nobody_to_act_for() {
    let machine = "[[client]]\nid = \"night-job\"\nname = \"Night job\"\nsecret_file = \"keys/secret\"\nroles = [\"Service\"]\n";
    let (house, server) = on_behalf("", machine).await;
    let mut heard_at = Vec::new();
    for at in 0..2 {
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_id", "night-job"),
            ("client_secret", "door-secret-for-the-lab"),
            ("resource", house.urls[at].as_str()),
        ];
        let heard = house.post("/token", &pairs).await;
        let told: Value = serde_json::from_slice(&heard.body).unwrap();
        let token = told["access_token"].as_str().unwrap_or_else(|| panic!("{told}{}", house.log()));
        heard_at.push(house.post_mcp(at, token, &initialize()).await);
    }
    let told: Vec<_> = heard_at.iter().map(|heard| heard.response().unwrap()).collect();
    assert!(told[0]["result"].is_object(), "a machine may call where nobody is acted for: {told:?}");
    assert!(told[1]["error"].is_object() && told[1]["result"].is_null(), "{told:?}");
    assert!(server.bearers().is_empty());
    let asked = house.lab.emulator.control().transcript();
    assert!(asked.iter().all(|it| !it.body.contains("on_behalf_of")), "Entra is not asked (AADSTS7000114)");
}
