use super::*;

// control: U-05: the server that a token is for is named in every request, in its one form
#[test]
fn every_request_names_the_resource() {
    for url in
        [SERVER, "https://tasks.example/mcp/", "https://tasks.example/mcp#x", "https://tasks.example/mcp/#x"]
    {
        assert_eq!(canonical(url), SERVER);
    }
    let (url, pending) = begin(&authority(ISSUER, ""));
    assert_eq!(
        url,
        "https://as.example/authorize?response_type=code&client_id=door&redirect_uri=https%3A%2F%2Fdoor.example%2Foauth%2Fupstream%2Fcallback&state=state&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&resource=https%3A%2F%2Ftasks.example%2Fmcp&scope=read%20write"
    );
    let answer = judge_callback(pending, &person('1'), good(), NOW).ok().unwrap();
    let request = redeem(&client(ISSUER), &answer).unwrap();
    assert_eq!(request.endpoint, "https://as.example/token");
    assert_eq!(
        request.form.as_str(),
        "grant_type=authorization_code&code=code&redirect_uri=https%3A%2F%2Fdoor.example%2Foauth%2Fupstream%2Fcallback&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&resource=https%3A%2F%2Ftasks.example%2Fmcp&client_id=door"
    );
    let given = tokens(r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r"}"#).ok().unwrap();
    let grant = Grant::new(&answer, given, NOW);
    assert_eq!(
        refresh(&client(ISSUER), &grant).unwrap().form.as_str(),
        "grant_type=refresh_token&refresh_token=r&resource=https%3A%2F%2Ftasks.example%2Fmcp&scope=read%20write&client_id=door"
    );
}

#[test]
fn an_endpoint_with_a_query_keeps_it() {
    let mut authority = authority(ISSUER, "");
    authority.authorization_endpoint.push_str("?tenant=1");
    assert!(begin(&authority).0.starts_with("https://as.example/authorize?tenant=1&response_type=code&"));
}

#[test]
fn a_secret_is_shown_as_the_server_wants() {
    let (_, pending) = begin(&authority(ISSUER, ""));
    let answer = judge_callback(pending, &person('1'), good(), NOW).ok().unwrap();
    let with = |method| Client { secret: Some((Secret::new("a:b%c".to_owned()), method)), ..client(ISSUER) };
    let basic = redeem(&with(Method::Basic), &answer).unwrap();
    // door:a%3Ab%25c
    assert_eq!(basic.authorization.unwrap().expose(), "Basic ZG9vcjphJTNBYiUyNWM=");
    assert!(!basic.form.as_str().contains("client_"));
    let post = redeem(&with(Method::Post), &answer).unwrap();
    assert!(post.authorization.is_none());
    assert!(post.form.as_str().ends_with("&client_id=door&client_secret=a%3Ab%25c"));
    let methods =
        |list: &str| authority(ISSUER, &format!(r#","token_endpoint_auth_methods_supported":{list}"#)).method;
    assert_eq!(methods(r#"["client_secret_post"]"#), Method::Post);
    assert_eq!(methods(r#"["client_secret_post","client_secret_basic"]"#), Method::Basic);
    assert_eq!(authority(ISSUER, "").method, Method::Basic);
}

// control: U-07: the operator's client comes first, then the door's document, then a registration as a web application
#[test]
fn the_door_becomes_a_client_in_the_order_of_the_specification() {
    let name = |choice: Choice<'_>| match choice {
        Choice::Known(client) => format!("known {}", client.id),
        Choice::Document(client) => format!("document {}", client.id),
        Choice::Register(url) => format!("register {url}"),
        Choice::OtherIssuer => "other issuer".to_owned(),
        Choice::AskAdministrator => "ask".to_owned(),
    };
    let (operators, elsewhere) = (client(ISSUER), client("https://old.example"));
    let registered = Client { id: "registered".to_owned(), ..client(ISSUER) };
    let all = r#","registration_endpoint":"https://as.example/register","client_id_metadata_document_supported":true"#;
    let (bare, dynamic, all) =
        (authority(ISSUER, ""), authority(ISSUER, &all.replace("true", "false")), authority(ISSUER, all));
    let url = Some("https://door.example/client.json");
    for (operators, document, registered, authority, expected) in [
        (Some(&operators), url, Some(&registered), &all, "known door"),
        (Some(&elsewhere), url, Some(&registered), &all, "other issuer"),
        (None, url, Some(&registered), &all, "document https://door.example/client.json"),
        (None, None, Some(&registered), &all, "known registered"),
        (None, url, Some(&registered), &dynamic, "known registered"),
        (None, url, Some(&elsewhere), &dynamic, "register https://as.example/register"),
        (None, url, None, &dynamic, "register https://as.example/register"),
        (None, url, None, &bare, "ask"),
    ] {
        assert_eq!(name(choose(operators, document, registered, authority)), expected);
    }
    assert_eq!(
        registration_body("The \"door\"", "https://door.example/cb", &bare),
        r#"{"client_name":"The \"door\"","application_type":"web","redirect_uris":["https://door.example/cb"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_basic"}"#
    );
    let public = authority(ISSUER, r#","token_endpoint_auth_methods_supported":["none"]"#);
    assert!(registration_body("d", "c", &public).ends_with(r#""token_endpoint_auth_method":"none"}"#));
}

#[test]
fn a_registration_is_read_and_nothing_less() {
    let read =
        |body: &str| read_registration(&authority(ISSUER, ""), Bytes::copy_from_slice(body.as_bytes()));
    let with = |body: &str| {
        let client = read(body).ok().unwrap();
        assert_eq!((client.issuer.as_str(), client.id.as_str()), (ISSUER, "x"));
        client.secret.map(|(secret, method)| (secret.expose().clone(), method))
    };
    assert_eq!(with(r#"{"client_id":"x"}"#), None);
    assert_eq!(with(r#"{"client_id":"x","client_secret":"s"}"#), Some(("s".to_owned(), Method::Basic)));
    for (method, expected) in
        [("client_secret_post", Some(Method::Post)), ("client_secret_basic", Some(Method::Basic))]
    {
        let body =
            format!(r#"{{"client_id":"x","client_secret":"s","token_endpoint_auth_method":"{method}"}}"#);
        assert_eq!(with(&body).map(|(_, method)| method), expected);
    }
    assert_eq!(with(r#"{"client_id":"x","client_secret":"s","token_endpoint_auth_method":"none"}"#), None);
    for (body, error) in [
        ("", RegistrationError::NotJson),
        ("{}", RegistrationError::NoId),
        (r#"{"client_id":""}"#, RegistrationError::NoId),
        (r#"{"client_id":"a\nb"}"#, RegistrationError::NoId),
        (r#"{"client_id":"x","client_secret":1}"#, RegistrationError::Secret),
        (
            r#"{"client_id":"x","client_secret":"s","token_endpoint_auth_method":"tls"}"#,
            RegistrationError::Secret,
        ),
    ] {
        assert_eq!(read(body).err(), Some(error), "{body}");
    }
}

// control: U-09: what the challenge names is asked for, else all of the server's; a step adds to what was there, once
#[test]
fn scopes_are_chosen_in_order() {
    let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let bare = authority(ISSUER, "");
    assert_eq!(select(Some(&list("read")), &list("read write"), &bare), list("read"));
    assert_eq!(select(None, &list("read write read"), &bare), list("read write"));
    assert!(select(None, &[], &bare).is_empty());
    assert_eq!(step_up(&list("read"), &list("write read")), Some(list("read write")));
    assert_eq!(step_up(&list("read write"), &list("write")), None);
}

// control: U-10: offline access is asked for only where the authorization server lists it
#[test]
fn offline_access_is_asked_for_where_it_is_listed() {
    let list = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let offline = authority(ISSUER, r#","scopes_supported":["offline_access"]"#);
    assert_eq!(select(None, &list("read"), &offline), list("read offline_access"));
    assert_eq!(select(None, &list("read offline_access"), &authority(ISSUER, "")), list("read"));
    assert!(select(None, &[], &offline).is_empty());
}
