//! Servers that lead people elsewhere. One works with their own accounts there: each connects theirs on the door's pages,
//! once, and the door calls the server with it. Another asks a person to open an address: that person does, nobody else.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

use std::convert::Infallible;
use std::path::Path;

use bytes::Bytes;
use doorward_emulator::{Fault, Misdeed};
use doorward_servers::{Eras, Running, echo};
use doorward_testkit::{Client, DoorPlan, DoorProcess, Kit, Lab, Person, call};
use http::Response;
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const POLICIES: &str = r#"
permit (principal in Role::"Reader", action == Action::"notes/whoami", resource);
"#;

/// A person with a browser of their own, and the name they have elsewhere.
fn person(kit: &Kit, folder: &Path, ca: &Path, name: &str) -> Person {
    let upn = format!("{name}@contoso.onmicrosoft.com");
    let person = Person::new(kit, folder, ca, &upn, "correct-horse");
    let plan = folder.join("person.json");
    let text = std::fs::read_to_string(&plan).expect("it was written by us");
    let mut plan_of: Value = serde_json::from_str(&text).expect("it was written by us");
    plan_of["fields"]["name"] = json!(format!("{name}-elsewhere"));
    std::fs::write(&plan, plan_of.to_string()).expect("the folder is ours");
    person
}

/// Asks the server who the caller is, in a session of its own; returns the whole answer.
async fn whoami(door: &DoorProcess, token: &str) -> Value {
    let mut client: Client = door.client("notes").with_token(token);
    let hello = client.hello().await.expect("the door answers");
    let answer = hello.response().expect("JSON-RPC");
    if answer.get("error").is_some() {
        return answer;
    }
    let heard = client.post(&call(7, "whoami", &json!({}))).await.expect("the door answers");
    heard.response().expect("JSON-RPC")
}

// control: U-08, U-13: each person's own account is used for the server it was connected for; nobody else's ever is, and no token of the door's or of Entra's reaches the third party
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_person_connects_an_account_of_their_own() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let lab = Lab::start().await;
    let ca = lab.emulator.ca_file.clone().expect("the lab has a folder");
    let third_party = lab.emulator.third_party.clone();
    let mut plan = DoorPlan::before("notes", &format!("{third_party}/mcp"), POLICIES)
        .signing_in(&lab, "entra_tokens = \"all\"");
    plan.servers.push_str("credential = { user_grant = true }\n");
    let door = DoorProcess::open(&lab, &plan).await;
    let (alice, bob) = (lab.token("alice"), lab.token("bob"));
    lab.emulator.control().set_token_lifetime(Some(std::time::Duration::from_secs(20)));
    let page = format!("http://{}/account/connect/notes", door.address);

    let before = whoami(&door, &alice).await.to_string();
    assert!(before.contains(&page), "who has no account is told where to connect one: {before}");

    // An authorization server that answers in another's name is not believed, and nothing is connected.
    let browser = person(&kit, &lab.folder().join("alice"), &ca, "alice");
    let mix_up = Fault::ThirdParty { does: Misdeed::IssuerOther };
    lab.emulator.control().fault(mix_up.clone());
    let visit = browser.visit(&page).await;
    assert!(visit.text.contains("another authorization server"), "{}", visit.text);
    lab.emulator.control().disarm(&mix_up);
    assert!(whoami(&door, &alice).await.to_string().contains(&page), "still nothing is connected");

    let visit = browser.visit(&page).await;
    assert!(visit.title.starts_with("The account is connected"), "{visit:?}");
    let mine = whoami(&door, &alice).await;
    assert!(mine.to_string().contains("alice-elsewhere"), "{mine}\n{}", door.log());
    let theirs = whoami(&door, &bob).await.to_string();
    assert!(theirs.contains(&page) && !theirs.contains("alice"), "bob is not alice: {theirs}");

    // What comes and goes at the third party is its own: neither a token of Entra's nor one of the door's.
    let seen = lab.emulator.control().transcript();
    let asked = seen.iter().filter(|recorded| recorded.service == "third-party");
    assert!(asked.clone().count() > 5);
    for recorded in asked {
        assert!(!recorded.contains(&alice) && !recorded.contains(&bob), "{recorded:?}");
    }

    // Its tokens live for less than the door trusts them, so each use refreshed; once that is refused, the person is told.
    lab.emulator.control().fault(Fault::ThirdParty { does: Misdeed::RefusesRefresh });
    let ended = whoami(&door, &alice).await.to_string();
    assert!(ended.contains(&page), "taken back on the other side: {ended}");
    assert!(door.stop().await.success());
}

/// Has the server ask its caller to open `url`; returns the address that the caller is told to open.
async fn told_to_open(door: &DoorProcess, server: &Running, token: &str, url: &str) -> String {
    let mut client = door.client("echo").with_token(token);
    client.hello().await.expect("the door answers");
    let params = json!({"mode": "url", "elicitationId": "e-1", "message": "Confirm the order", "url": url});
    let question = json!({"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": params});
    let question = client
        .hears(async {
            for session in server.sessions() {
                server.push(&session, question.to_string()).await;
            }
        })
        .await;
    let question = question.expect("the question comes");
    question["params"]["url"].as_str().expect("an address").to_owned()
}

// control: L-24: an address that a server asks one person to open is shown to them, signed in, and to nobody else, and goes nowhere by itself
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_opened_by_the_one_who_was_asked() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    let lab = Lab::start().await;
    let ca = lab.emulator.ca_file.clone().expect("the lab has a folder");
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let options = echo::Options { listen, eras: Eras::Legacy, transcript: true };
    let server = echo::start_with(options).await.expect("loopback has free ports");
    let policies = r#"permit (principal in Role::"Reader", action, resource);"#;
    let plan = DoorPlan::before("echo", &server.url(), policies).signing_in(&lab, "entra_tokens = \"all\"");
    let door = DoorProcess::open(&lab, &plan).await;
    let host = server.addr.to_string();
    let url = format!("http://{host}/confirm?order=7&by=%22alice%22");
    let link = told_to_open(&door, &server, &lab.token("alice"), &url).await;
    assert!(link.starts_with(&format!("http://{}/account/open/", door.address)), "{link}");

    // Bob was sent the link, and is who he is: he sees nothing of it, and somebody should look.
    let bob = person(&kit, &lab.folder().join("bob"), &ca, "bob");
    let visit = bob.visit(&link).await;
    assert_eq!(visit.status, Some(403), "{visit:?}");
    assert!(!visit.text.contains("Confirm") && !visit.text.contains(&host), "{}", visit.text);
    let log = audit(&lab);
    assert!(log.contains(r#""alarm":"elicitation-opened-by-another""#), "{log}");

    let alice = person(&kit, &lab.folder().join("alice"), &ca, "alice");
    let visit = alice.visit(&link).await;
    assert_eq!(visit.status, Some(200), "{visit:?}");
    assert!(visit.title.starts_with(&format!("Open {host}?")), "{}", visit.title);
    assert!(visit.text.contains("Confirm the order") && visit.text.contains(&url), "{}", visit.text);
    assert!(audit(&lab).contains("elicitation-opened\""));
    let opened = || server.transcript().iter().any(|request| request.path.contains("confirm"));
    assert!(!opened(), "neither the door nor the page has gone there");
    alice.presses(&["Open"]);
    let visit = alice.visit(&link).await;
    assert_eq!(visit.url, url, "{visit:?}");
    assert!(door.stop().await.success());
}

fn audit(lab: &Lab) -> String {
    let files = std::fs::read_dir(lab.audit()).expect("the door keeps a log");
    let files = files.map(|file| file.expect("a file").path());
    files.filter_map(|file| std::fs::read_to_string(file).ok()).collect()
}

/// A server that wants a token, and says that an address tells all about it; returns its own.
async fn naming(place: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let challenge = format!("Bearer resource_metadata=\"{place}\"");
            let service = service_fn(move |_| {
                let answer = Response::builder().status(401).header("www-authenticate", &challenge);
                let answer = answer.body(Empty::<Bytes>::new()).expect("a header value");
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

// control: U-11, B-05: what a server names in its challenge is fetched from the open internet alone: it cannot have the door ask for it inside
// control-off: U-11, B-05: an address that the operator lists for the lab is asked
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_that_leads_inside_leads_nowhere() {
    let kit = Kit::install(env!("CARGO_TARGET_TMPDIR")).await;
    for listed in [false, true] {
        let lab = Lab::start().await;
        let ca = lab.emulator.ca_file.clone().expect("the lab has a folder");
        let identity = lab.emulator.identity.clone();
        let inside = format!("{identity}/metadata/identity/oauth2/token?resource=https://vault.azure.net");
        let mut plan = DoorPlan::before("notes", &naming(inside).await, POLICIES).signing_in(&lab, "");
        plan.servers.push_str("credential = { user_grant = true }\n");
        plan.origins.extend(listed.then_some(identity));
        let door = DoorProcess::open(&lab, &plan).await;
        let browser = person(&kit, &lab.folder().join("alice"), &ca, "alice");
        let visit = browser.visit(&format!("http://{}/account/connect/notes", door.address)).await;
        assert_eq!(
            (visit.status, visit.title.contains("cannot be connected")),
            (Some(502), true),
            "{visit:?}"
        );
        let asked = lab.emulator.control().transcript().iter().any(|recorded| recorded.service == "identity");
        assert_eq!(asked, listed, "{}", door.log());
        assert!(door.stop().await.success());
    }
}
