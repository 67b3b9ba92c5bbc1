//! The order of LOC-03, by the exact requests that Entra gets.

use std::time::Duration;

use doorward_accounts::{AccountsError, Interactive, Needed, Source};
use doorward_emulator::Fault;

use crate::house::{ALICE, Does, GUARD, House};

const KEYS: [&str; 2] = ["GET openid-configuration", "GET keys"];

fn with_keys(first: &[&str]) -> Vec<String> {
    first.iter().chain(&KEYS).map(|line| (*line).to_owned()).collect()
}

// control: LOC-03: cache, refresh token, then the person, and the person only where Entra asks for them: the exact requests of each case
#[tokio::test]
async fn the_five_cases() {
    let house = House::new().await;

    // 1. Nobody has signed in, and nobody may be asked: no request, and a way out.
    let error = house.token(Interactive::Never).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::SignInNeeded(Needed::Nobody)), "{error}");
    assert!(error.to_string().contains("doorward login"));
    assert_eq!((house.asked(), house.saw()), (Vec::<String>::new(), Vec::<String>::new()));

    // 2. Nobody has signed in: the person does.
    let first = house.token(Interactive::Browser).await.unwrap();
    assert_eq!((first.source, first.account.person.object.as_str()), (Source::Person, ALICE));
    assert_eq!(
        house.asked(),
        with_keys(&["GET authorize", "POST login", "POST token"]),
        "one code, redeemed once, and the keys that verify the ID token"
    );
    assert_eq!(house.saw(), ["browser"]);

    // 3. A kept token is good: another process uses it, without a request.
    let second = house.token(Interactive::Never).await.unwrap();
    assert_eq!((second.source, second.access.expose()), (Source::Cache, first.access.expose()));
    assert_eq!(house.asked(), Vec::<String>::new());

    // 4. It has less than five minutes left: the refresh token, and nobody is asked.
    house.control().advance(Duration::from_secs(4500 - 299));
    let third = house.token(Interactive::Browser).await.unwrap();
    assert_eq!(third.source, Source::Refresh);
    assert_ne!(third.access.expose(), first.access.expose());
    assert_eq!((house.asked(), house.saw()), (with_keys(&["POST token"]), vec![]));

    // 5a. Entra has ended the sign-in: the person, once.
    house.control().advance(Duration::from_secs(4500 - 299));
    house.control().revoke_user("alice").unwrap();
    house.control().advance(Duration::from_secs(1));
    let error = house.token(Interactive::Never).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::SignInNeeded(Needed::Ended(Some(50_173)))), "{error}");
    assert_eq!(house.asked(), ["POST token"]);
    let fourth = house.token(Interactive::Browser).await.unwrap();
    assert_eq!(fourth.source, Source::Person);
    assert_eq!(
        house.asked(),
        with_keys(&["GET authorize", "POST login", "POST token"]),
        "the dead refresh token is not tried again"
    );
    house.saw();

    // 5b. Anything else surfaces as it is, explained, and no page opens.
    house.control().advance(Duration::from_secs(4500));
    for code in [700_016, 90_023, 53_003] {
        house.control().fault(Fault::TokenError { times: 1, code });
        let error = house.token(Interactive::Browser).await.map(drop).unwrap_err();
        assert!(matches!(error, AccountsError::Entra(_)), "{error}");
        assert!(error.to_string().contains(&format!("AADSTS{code}: ")), "{error}");
        assert_eq!((house.asked(), house.saw()), (vec!["POST token".to_owned()], vec![]), "{code}");
    }
}

// control: IDC-10: while Entra is away an ageing token is used to its end, and not a minute longer
#[tokio::test]
async fn entra_away_is_no_reason_to_ask_a_person() {
    let house = House::new().await;
    let first = house.token(Interactive::Device).await.unwrap();
    house.control().advance(Duration::from_secs(4500 - 200));
    house.control().fault(Fault::TokenEndpointDown { times: 9 });
    let again = house.token(Interactive::Browser).await.unwrap();
    assert_eq!((again.source, again.access.expose()), (Source::Cache, first.access.expose()));
    house.control().advance(Duration::from_secs(200));
    house.saw();
    let error = house.token(Interactive::Browser).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::Entra(_)), "{error}");
    assert_eq!(house.saw(), Vec::<String>::new());
}

// control: IDC-10: a long-lived token is refreshed at half of its life, as Entra asks
#[tokio::test]
async fn a_token_is_refreshed_when_entra_says_so() {
    let house = House::new().await;
    house.control().set_token_lifetime(Some(Duration::from_secs(24 * 3600)));
    house.token(Interactive::Device).await.unwrap();
    house.control().advance(Duration::from_secs(11 * 3600));
    assert_eq!(house.token(Interactive::Never).await.unwrap().source, Source::Cache);
    house.control().advance(Duration::from_secs(3600));
    assert_eq!(house.token(Interactive::Never).await.unwrap().source, Source::Refresh);
}

// control: LOC-02: what Entra is sent by browser, by device and by refresh, letter for letter: no secret, PKCE by S256, state and nonce
#[tokio::test]
async fn the_exact_requests() {
    let house = House::new().await;
    house.token(Interactive::Browser).await.unwrap();
    let graph = house.scopes.as_str();
    let scope = format!("offline_access openid profile {graph}");
    let claims = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

    let authorize = house.control().transcript().into_iter().find(|entry| entry.path.ends_with("/authorize"));
    let authorize = crate::browser::pairs(&authorize.unwrap().query);
    let names: Vec<&str> = authorize.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "client_id",
            "response_type",
            "redirect_uri",
            "response_mode",
            "scope",
            "state",
            "nonce",
            "code_challenge",
            "code_challenge_method",
            "claims"
        ]
    );
    let of = |name: &str| authorize.iter().find(|(known, _)| known == name).unwrap().1.clone();
    assert_eq!(
        [of("client_id"), of("response_type"), of("scope"), of("claims")],
        [GUARD, "code", &scope, claims]
    );
    assert_eq!([of("code_challenge_method"), of("response_mode")], ["S256", "query"]);
    assert_eq!([of("state").len(), of("nonce").len(), of("code_challenge").len()], [43, 43, 43]);
    let port = of("redirect_uri").strip_prefix("http://localhost:").unwrap().parse::<u16>().unwrap();
    assert!(port >= 1024);

    let mut redeemed = house.forms("/token").remove(0);
    for (name, value) in &mut redeemed {
        if name == "code" || name == "code_verifier" {
            assert!(value.len() >= 43, "{name}");
            value.clear();
        }
    }
    let form = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(
        redeemed,
        form(&[
            ("grant_type", "authorization_code"),
            ("client_id", GUARD),
            ("code", ""),
            ("code_verifier", ""),
            ("redirect_uri", &of("redirect_uri")),
            ("scope", &scope),
            ("claims", claims),
        ])
    );

    house.control().clear_transcript();
    house.control().advance(Duration::from_secs(4500));
    house.token(Interactive::Never).await.unwrap();
    let mut refreshed = house.forms("/token").remove(0);
    assert!(!std::mem::take(&mut refreshed[2].1).is_empty());
    assert_eq!(
        refreshed,
        form(&[
            ("grant_type", "refresh_token"),
            ("client_id", GUARD),
            ("refresh_token", ""),
            ("scope", &scope),
            ("claims", claims),
        ])
    );

    let house = House::new().await;
    house.token(Interactive::Device).await.unwrap();
    let scope = format!("offline_access openid profile {}", house.scopes);
    assert_eq!(house.forms("/devicecode"), [form(&[("client_id", GUARD), ("scope", &scope)])]);
    let mut polled = house.forms("/token").remove(0);
    assert!(!std::mem::take(&mut polled[2].1).is_empty());
    assert_eq!(
        polled,
        form(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", GUARD),
            ("device_code", ""),
            ("claims", claims),
        ])
    );
}

// control: LOC-02: a device code is polled at its pace, slower when Entra asks for it, and given up when it is over or declined
#[tokio::test]
async fn a_device_code_ends_as_its_person_ends_it() {
    let house = House::new().await;
    house.does(Does::Declines);
    let error = house.token(Interactive::Device).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::Declined), "{error}");

    house.does(Does::Nothing);
    house.control().clear_transcript();
    house.control().fault(Fault::DeviceSlowDown { times: 8 });
    let error = house.token(Interactive::Device).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::TimedOut), "{error}");
    let polls = house.asked().iter().filter(|line| *line == "POST token").count();
    assert_eq!(polls, 24, "after 5 s, 10 s, … 40 s, then every 45 s for a quarter of an hour");

    house.does(Does::HasNoBrowser("alice"));
    house.saw();
    let token = house.token(Interactive::Browser).await.unwrap();
    assert_eq!(
        (token.source, house.saw()),
        (Source::Person, vec!["browser".into(), "code at devicelogin".into()])
    );
}

// control: LOC-08: an API's claims challenge is met by a refresh with its claims, and by one sign-in where that is refused
#[tokio::test]
async fn a_claims_challenge_is_met() {
    let house = House::new().await;
    let first = house.token(Interactive::Browser).await.unwrap();
    house.asked();
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let second = house.refused(&first, Some(claims), Interactive::Browser).await.unwrap();
    assert_eq!(second.source, Source::Refresh);
    let third = house.refused(&first, Some(claims), Interactive::Never).await.unwrap();
    assert_eq!((third.source, third.access.expose()), (Source::Cache, second.access.expose()));

    let context = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    house.control().fault(Fault::RequireContext {
        resource: "graph".into(),
        context: "c1".into(),
        user: None,
    });
    house.saw();
    let error = house.refused(&second, Some(context), Interactive::Never).await.map(drop).unwrap_err();
    assert!(matches!(error, AccountsError::SignInNeeded(Needed::Step(Some(50_079)))), "{error}");
    assert_eq!(house.saw(), Vec::<String>::new());
}
