//! Everybody on the machine, and every page in the browser, can talk to the server on loopback.

use doorward_accounts::{AccountsError, Interactive, Source};
use tokio::sync::mpsc;

use crate::browser::{Browser, local, location};
use crate::house::{Does, House};

/// Begins a sign-in and hands out the address that the browser was opened with.
async fn begun(house: &House) -> (tokio::task::JoinHandle<Result<Source, AccountsError>>, String) {
    house.does(Does::Nothing);
    let (opened, mut address) = mpsc::unbounded_channel();
    *house.person.opened.lock().unwrap() = Some(opened);
    let (process, scopes) = (house.process(), house.scopes.clone());
    let running = tokio::spawn(async move {
        let interactive = Interactive::Browser;
        let ask = doorward_accounts::Ask { account: None, scopes: &scopes, refused: None, interactive };
        process.token(&ask).await.map(|token| token.source)
    });
    (running, address.recv().await.unwrap())
}

fn browser(house: &House) -> Browser {
    Browser { connector: house.connector.clone() }
}

// control: LOC-02: answers without this sign-in's state change nothing, whoever sends them; the right one still ends it, and leaves no code in the address
#[tokio::test]
async fn made_up_answers_change_nothing() {
    let house = House::new().await;
    let (running, start) = begun(&house).await;
    let origin = start.rsplit_once('/').unwrap().0.to_owned();
    for (path, status) in [
        ("/?code=stolen&state=guess", 400),
        ("/?code=stolen", 400),
        ("/?error=access_denied&state=x", 400),
        ("/?state=&code=x", 400),
        ("/favicon.ico", 404),
        ("/start", 404),
    ] {
        let answer = local("GET", &format!("{origin}{path}"), None).await;
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert!(
            !String::from_utf8_lossy(answer.body()).contains("stolen"),
            "nothing is shown of what was sent"
        );
    }
    let port = origin.rsplit(':').next().unwrap();
    let rebound = local("GET", &start, Some(&format!("evil.example:{port}"))).await;
    assert_eq!(rebound.status().as_u16(), 421, "another name for this machine does not get Entra's address");
    assert_eq!(local("POST", &start, None).await.status().as_u16(), 405);

    let visited = browser(&house).sign_in(&start, "alice").await;
    assert_eq!(running.await.unwrap().unwrap(), Source::Person);
    let [_, _, back, done] = &visited[..] else { panic!("{visited:?}") };
    assert!(back.contains("code=") && done.ends_with("/done"), "the code does not stay in the address");
}

// control: LOC-09: the address in the browser's arguments leads to Entra once: whoever reads it and comes second learns nothing, and the sign-in stops
#[tokio::test]
async fn the_opened_address_is_good_once() {
    let house = House::new().await;
    let (running, start) = begun(&house).await;
    assert!(!start.contains("login.") && !start.contains("state"), "{start}");
    let entra = location(&local("GET", &start, None).await);
    assert!(entra.contains("state="));
    let second = local("GET", &start, None).await;
    assert_eq!((second.status().as_u16(), second.headers().get("location")), (410, None));
    let error = running.await.unwrap().unwrap_err();
    assert!(matches!(error, AccountsError::OpenedTwice), "{error}");
}

// control: LOC-02: a code that belongs to another sign-in is worth nothing here, whoever brings it with the right state: PKCE
#[tokio::test]
async fn a_code_of_another_sign_in_is_refused() {
    let house = House::new().await;
    // Mallory's own sign-in on their own machine; they keep the code.
    let (theirs, start) = begun(&house).await;
    let stolen = browser(&house).code(&start, "bob").await;
    theirs.abort();
    let (running, start) = begun(&house).await;
    let entra = location(&local("GET", &start, None).await);
    let state = crate::browser::pairs(entra.split_once('?').unwrap().1);
    let state = &state.iter().find(|(name, _)| name == "state").unwrap().1;
    let origin = start.rsplit_once('/').unwrap().0;
    local("GET", &format!("{origin}/?code={stolen}&state={state}"), None).await;
    local("GET", &format!("{origin}/done"), None).await;
    let error = running.await.unwrap().unwrap_err();
    assert!(matches!(error, AccountsError::Entra(_)), "{error}");
    assert!(!house.cache_file().exists());
}

// control: LOC-02: a sign-in that its caller gives up leaves nothing behind: no listener, no lock
#[tokio::test]
async fn a_sign_in_can_be_given_up() {
    let house = House::new().await;
    let (running, start) = begun(&house).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let port: u16 = start.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    assert!(
        tokio::net::TcpListener::bind(("127.0.0.1", port)).await.is_ok(),
        "nobody listens there any more"
    );
    house.does(Does::SignsIn("alice"));
    assert_eq!(house.token(Interactive::Browser).await.unwrap().source, Source::Person);
}

// control: LOC-02: what Entra answers instead of a code is told by its word and number, and never by its text
#[tokio::test]
async fn a_refusal_in_the_browser_is_told() {
    let house = House::new().await;
    let (running, start) = begun(&house).await;
    let entra = location(&local("GET", &start, None).await);
    let state = crate::browser::pairs(entra.split_once('?').unwrap().1);
    let state = &state.iter().find(|(name, _)| name == "state").unwrap().1;
    let origin = start.rsplit_once('/').unwrap().0;
    let words = "AADSTS65004%3A%20alice%40contoso.example%20declined";
    local("GET", &format!("{origin}/?error=access_denied&error_description={words}&state={state}"), None)
        .await;
    local("GET", &format!("{origin}/done"), None).await;
    let error = running.await.unwrap().unwrap_err();
    assert!(matches!(&error, AccountsError::SignInRefused { code: Some(65_004), .. }), "{error}");
    assert!(!error.to_string().contains("alice"));
    assert_eq!(house.saw(), ["browser"]);
}
