use super::*;

const EVIL: &str = "https://evil.example";

fn verdict(names_itself: bool, callback: Callback<'_>) -> Result<(), CallbackError> {
    let flag = if names_itself { r#","authorization_response_iss_parameter_supported":true"# } else { "" };
    let (_, pending) = begin(&authority(ISSUER, flag));
    judge_callback(pending, &person('1'), callback, NOW).map(|_| ())
}

// control: U-06: an answer counts only if it comes from the authorization server that the person was sent to
#[test]
fn the_issuer_of_an_answer_is_compared_byte_for_byte() {
    let missing = Err(CallbackError::IssuerMissing);
    let other = || Err(CallbackError::IssuerMismatch);
    for (promised, iss, expected) in [
        (true, Some(ISSUER), Ok(())),
        (true, None, missing),
        (false, None, Ok(())),
        (false, Some(ISSUER), Ok(())),
        (true, Some(EVIL), other()),
        (false, Some(EVIL), other()),
        (true, Some("https://as.example/"), other()),
        (false, Some("https://AS.example"), other()),
        (false, Some("https://as.example:443"), other()),
        (true, Some(""), other()),
    ] {
        assert_eq!(verdict(promised, Callback { iss, ..good() }), expected, "{promised} {iss:?}");
        // An error of another issuer's is not even read.
        if expected.is_err() {
            let error = Callback { iss, code: None, error: Some("access_denied"), ..good() };
            assert_eq!(verdict(promised, error), expected, "{promised} {iss:?}");
        }
    }
}

#[test]
fn the_rest_of_an_answer_is_judged_too() {
    let denied = Callback { code: None, error: Some("access_denied"), ..good() };
    let words = Callback { error: Some("call +1 555 and say your password"), ..denied };
    for (callback, expected) in [
        (good(), None),
        (Callback { state: None, ..good() }, Some(CallbackError::State)),
        (Callback { state: Some("stat"), ..good() }, Some(CallbackError::State)),
        (Callback { state: Some("State"), iss: Some(EVIL), ..good() }, Some(CallbackError::State)),
        (denied, Some(CallbackError::Refused("access_denied"))),
        (words, Some(CallbackError::Refused("error"))),
        (Callback { code: None, ..good() }, Some(CallbackError::NoCode)),
        (Callback { code: Some(""), ..good() }, Some(CallbackError::NoCode)),
        (Callback { error: Some("access_denied"), ..good() }, Some(CallbackError::NoCode)),
    ] {
        assert_eq!(verdict(true, callback).err(), expected);
    }
    let at = |who, secs| {
        let (_, pending) = begin(&authority(ISSUER, ""));
        judge_callback(pending, &person(who), good(), Timestamp::from_secs(NOW.as_secs() + secs)).err()
    };
    assert_eq!((at('1', 600), at('1', 601)), (None, Some(CallbackError::TooLate)));
    assert_eq!(at('1', -1), Some(CallbackError::TooLate));
    // Somebody lures a victim to the end of their own sign-in, so that the victim's calls write to their account.
    assert_eq!(at('2', 1), Some(CallbackError::OtherPerson));
}

/// A person wants to connect a server whose authorization server is an attacker's. The attacker's page sends the browser
/// on to an honest one, with the door's id there and the state that the door made: the honest one sends its code to the
/// door, where it looks like the attacker's.
fn attack() -> (Pending, Callback<'static>) {
    let (url, pending) = begin(&authority(EVIL, ""));
    assert!(url.starts_with("https://evil.example/authorize?"));
    (pending, Callback { code: Some("honest-code"), ..good() })
}

// control: U-06: a code of an honest authorization server never reaches an attacker's token endpoint
#[test]
fn a_mixed_up_code_is_not_redeemed() {
    let (pending, callback) = attack();
    let judged = judge_callback(pending, &person('1'), callback, NOW);
    assert_eq!(judged.err(), Some(CallbackError::IssuerMismatch));
}

// control-off: U-06: a client that does not compare issuers hands the attacker the honest server's code
#[test]
fn a_naive_client_hands_the_code_over() {
    let (pending, callback) = attack();
    let naive = (callback.state == Some(pending.state.expose().as_str()))
        .then(|| (pending.token_endpoint, callback.code.unwrap()));
    assert_eq!(naive, Some(("https://evil.example/token".to_owned(), "honest-code")));
}

// control: U-08: id, secret and refresh token of one issuer never go to another
#[test]
fn what_belongs_to_one_issuer_stays_there() {
    let (_, pending) = begin(&authority(ISSUER, ""));
    let answer = judge_callback(pending, &person('1'), good(), NOW).ok().unwrap();
    let other = Client { id: "another".to_owned(), ..client(ISSUER) };
    assert!(redeem(&client(EVIL), &answer).is_none() && redeem(&other, &answer).is_none());
    let body = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r"}"#;
    let grant = Grant::new(&answer, tokens(body).ok().unwrap(), NOW);
    assert!(refresh(&client(EVIL), &grant).is_none() && refresh(&other, &grant).is_none());
    let authority = authority(EVIL, "");
    let start = Start {
        person: person('1'),
        server: ServerName::parse("tasks").unwrap(),
        resource: SERVER,
        authority: &authority,
        client: &client(ISSUER),
        redirect_uri: "https://door.example/cb",
        scopes: vec![],
        state: Secret::new("s".to_owned()),
        verifier: Secret::new("v".to_owned()),
        now: NOW,
    };
    assert!(start.begin().is_none());
}

// control: U-13: a server gets only tokens of its own issuer, for itself
#[test]
fn a_token_goes_to_its_own_server_only() {
    let (_, pending) = begin(&authority(ISSUER, ""));
    let answer = judge_callback(pending, &person('1'), good(), NOW).ok().unwrap();
    let first = tokens(r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r","expires_in":60}"#);
    let grant = Grant::new(&answer, first.ok().unwrap(), NOW);
    let grant = Grant::from_record(&grant.to_record()).ok().unwrap();
    assert_eq!(grant.expires.as_secs(), NOW.as_secs() + 60);
    assert_eq!(grant.token_for(ISSUER, SERVER).unwrap().expose(), "a");
    for (issuer, resource) in
        [(EVIL, SERVER), (ISSUER, "https://evil.example/mcp"), ("https://as.example/", SERVER)]
    {
        assert!(grant.token_for(issuer, resource).is_none(), "{issuer} {resource}");
    }
    let mut grant = grant;
    grant.resource = "https://tasks.example".to_owned();
    assert!(grant.token_for(ISSUER, SERVER).is_some(), "the origin's token is the server's too");
    assert!(grant.token_for(ISSUER, "https://tasks.example.evil/mcp").is_none());
    grant.resource = SERVER.to_owned();
    let second = tokens(r#"{"access_token":"b","token_type":"Bearer","scope":"read"}"#).ok().unwrap();
    let grant = grant.refreshed(second, NOW);
    assert_eq!(grant.token_for(ISSUER, SERVER).unwrap().expose(), "b");
    assert_eq!((grant.refresh.unwrap().expose().as_str(), grant.scopes), ("r", vec!["read".to_owned()]));
    assert_eq!(grant.expires.as_secs(), NOW.as_secs() + 300);
}

// control: U-09: what a server finds missing is asked for once, besides what was asked for before; asking again for what was refused would never end
#[test]
fn what_was_asked_for_is_not_asked_for_again() {
    let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (_, pending) = begin(&authority(ISSUER, ""));
    let answer = judge_callback(pending, &person('1'), good(), NOW).ok().unwrap();
    // Asked for `read write`, and given less.
    let given = tokens(r#"{"access_token":"a","token_type":"Bearer","scope":"read"}"#).ok().unwrap();
    let mut grant = Grant::new(&answer, given, NOW);
    assert!(!grant.lacks(&list("write")) && grant.wanted.is_empty(), "it was refused before");
    assert!(grant.lacks(&list("delete write")) && grant.lacks(&list("admin")));
    let grant = Grant::from_record(&grant.to_record()).ok().unwrap();
    assert_eq!(grant.wanted, list("read write admin delete"));
}

#[test]
fn rows_are_read_back() {
    let (_, pending) = begin(&authority(ISSUER, r#","authorization_response_iss_parameter_supported":true"#));
    let row = pending.to_record();
    let back = Pending::from_record(&row).ok().unwrap();
    assert_eq!(back.to_record(), row);
    assert!(back.names_itself && judge_callback(back, &person('1'), good(), NOW).is_ok());
    for secret in [None, Some((Secret::new("s".to_owned()), Method::Post))] {
        let row = Client { secret, ..client(ISSUER) }.to_record();
        assert_eq!(Client::from_record(&row).ok().unwrap().to_record(), row);
        assert_eq!(Grant::from_record(&row).err(), Some(RecordError::OtherKind("third-party-grant/2")));
    }
    assert_eq!(Client::from_record(b"x").err(), Some(RecordError::NotJson));
}
