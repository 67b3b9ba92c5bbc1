//! The token endpoint: grants that do not exist, clients that are not who they say, tokens word for word.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use doorward_oauth::{CallerKind, Groups};
use doorward_types::{GrantId, ObjectId};

use super::*;
use crate::client::{Client, ClientAuth, ClientKeys, SecretHash};
use crate::testing::{CRM, ISSUER, NOW, Signer, TOKEN_ENDPOINT, after, client, id, params, person};

fn error(pairs: &[(&str, &str)]) -> &'static str {
    read(&params(pairs)).err().unwrap().error
}

// control: REM-08, TOK-01: the token endpoint mints for codes, refresh tokens and clients, and for nothing else
#[test]
fn there_are_three_grants() {
    for grant in [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:device_code",
        "Authorization_Code",
        "authorization_code refresh_token",
    ] {
        let asked = [("grant_type", grant), ("assertion", "eyJ"), ("subject_token", "eyJ"), ("code", "c")];
        assert_eq!(error(&asked), "unsupported_grant_type", "{grant}");
    }
    assert_eq!(error(&[]), "invalid_request");
    assert_eq!(error(&[("grant_type", "authorization_code")]), "invalid_request");
    assert_eq!(error(&[("grant_type", "refresh_token")]), "invalid_request");
    let code =
        [("grant_type", "authorization_code"), ("code", "c"), ("code_verifier", "v"), ("resource", CRM)];
    match read(&params(&code)) {
        Ok(TokenRequest::Code { code, redirect_uri: None, verifier: Some(verifier), resource }) => {
            assert_eq!((code.expose().as_str(), verifier.expose().as_str()), ("c", "v"));
            assert_eq!(resource.as_deref(), Some(CRM));
        }
        _ => panic!("not a code"),
    }
    let machine = [("grant_type", "client_credentials"), ("scope", "a")];
    assert!(matches!(
        read(&params(&machine)),
        Ok(TokenRequest::ClientCredentials { scope: Some(_), resource: None })
    ));
}

// control: B-11: a refresh may ask for less and never for more
#[test]
fn scopes_only_shrink() {
    let granted = ["tools.read".to_owned(), "tools.write".to_owned()];
    let ask = |scope| narrowed(&granted, scope).map_err(|error| error.error);
    assert_eq!(ask(None), Ok(granted.to_vec()));
    assert_eq!(ask(Some("offline_access")), Ok(granted.to_vec()));
    assert_eq!(ask(Some("tools.write")), Ok(vec!["tools.write".to_owned()]));
    assert_eq!(ask(Some("tools.read tools.admin")), Err("invalid_scope"));
}

fn who(pairs: &[(&str, &str)], header: Option<&str>) -> Result<String, &'static str> {
    match presented(&params(pairs), header.map(str::as_bytes)) {
        Ok(Presented::None { client_id }) => Ok(format!("none {client_id}")),
        Ok(Presented::Secret { client_id, secret }) => Ok(format!("secret {client_id} {}", secret.expose())),
        Ok(Presented::Assertion { client_id, .. }) => Ok(format!("assertion {client_id:?}")),
        Err(error) => Err(error.error),
    }
}

// control: IDC-11: a client authenticates in one way, and two at once are refused
#[test]
fn a_client_presents_itself_in_one_way() {
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let jwt = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    for (pairs, header, expected) in [
        (&[("client_id", "a")][..], None, Ok("none a")),
        (&[("client_id", "a"), ("client_secret", "s")], None, Ok("secret a s")),
        (&[], Some(basic("https%3A%2F%2Fa.example%2Fc:s%3A%2B+x")), Ok("secret https://a.example/c s:+ x")),
        (&[("client_id", "a")], Some(basic("a:s")), Ok("secret a s")),
        (&[("client_id", "a")], Some(basic("a:")), Ok("none a")),
        (&[("client_assertion", "e"), ("client_assertion_type", jwt)], None, Ok("assertion None")),
        (&[], None, Err("invalid_client")),
        (&[("client_secret", "s")], None, Err("invalid_client")),
        (&[("client_id", "11111111-2222-3333-4444-555555555555")], None, Err("invalid_client")),
        (&[("client_id", "b")], Some(basic("a:s")), Err("invalid_request")),
        (&[("client_secret", "s")], Some(basic("a:s")), Err("invalid_request")),
        (
            &[("client_assertion", "e"), ("client_assertion_type", jwt)],
            Some(basic("a:s")),
            Err("invalid_request"),
        ),
        (
            &[("client_id", "a"), ("client_secret", "s"), ("client_assertion", "e")],
            None,
            Err("invalid_request"),
        ),
        (&[("client_assertion", "e")], None, Err("invalid_request")),
        (&[("client_assertion", "e"), ("client_assertion_type", "saml")], None, Err("invalid_request")),
        (&[("client_id", "a")], Some("Bearer eyJ".to_owned()), Err("invalid_client")),
        (&[("client_id", "a")], Some("Basic !".to_owned()), Err("invalid_client")),
        (&[("client_id", "a")], Some(basic("a")), Err("invalid_client")),
        (&[("client_id", "a")], Some(basic("a:%zz")), Err("invalid_client")),
    ] {
        assert_eq!(who(pairs, header.as_deref()), expected.map(str::to_owned), "{pairs:?} {header:?}");
    }
}

fn prove(client: &Client, presented: &Presented) -> Result<Proof, TokenError> {
    authenticate(client, presented, TOKEN_ENDPOINT, ISSUER, NOW)
}

// control: IDC-11: a client with a credential must use it, and one without has none
#[test]
fn credentials_are_neither_skipped_nor_invented() {
    let none = || Presented::None { client_id: id("dwc-1") };
    let secret =
        |text: &str| Presented::Secret { client_id: id("dwc-1"), secret: Secret::new(text.to_owned()) };
    let public = client("dwc-1");
    let confidential = Client { auth: ClientAuth::Secret(SecretHash::of(b"right")), ..client("dwc-1") };
    assert!(prove(&public, &none()).is_ok());
    assert!(prove(&confidential, &secret("right")).is_ok());
    let same = TokenError::client();
    for (client, presented) in [
        (&public, secret("any")),
        (&confidential, none()),
        (&confidential, secret("wrong")),
        (&confidential, secret("righ")),
        (&client("dwc-2"), none()),
        (&Client { expires: Some(NOW), ..client("dwc-1") }, none()),
    ] {
        // The same words whatever was wrong: nobody learns which clients exist.
        assert_eq!(prove(client, &presented), Err(same.clone()));
    }
    assert_eq!((same.status, same.error), (401, "invalid_client"));
    assert_eq!(
        same.body(),
        r#"{"error":"invalid_client","error_description":"the client is unknown, or did not prove who it is"}"#
    );
}

/// A client with a P-256 key `e` and an RSA key `r`.
struct Machine {
    elliptic: Signer,
    rsa: Signer,
    client: Client,
}

impl Machine {
    fn new() -> Self {
        let (elliptic, rsa) = (Signer::p256(), Signer::rsa());
        let (e, r) = (elliptic.jwk(r#","kid":"e""#), rsa.jwk(r#","kid":"r""#));
        let keys = ClientKeys::parse(Bytes::from(format!(r#"{{"keys":[{e},{r}]}}"#))).unwrap();
        let client = Client { auth: ClientAuth::Keys(Arc::new(keys)), ..client("dwc-1") };
        Self { elliptic, rsa, client }
    }

    fn judge(&self, assertion: &str) -> Result<Proof, TokenError> {
        let assertion = Secret::new(assertion.to_owned());
        prove(&self.client, &Presented::Assertion { client_id: Some(id("dwc-1")), assertion })
    }

    fn es256(&self, claims: &str) -> String {
        self.elliptic.sign(r#"{"alg":"ES256","kid":"e"}"#, claims)
    }
}

fn claim(aud: &str, exp: i64, more: &str) -> String {
    let exp = after(exp).as_secs();
    format!(r#"{{"iss":"dwc-1","sub":"dwc-1","aud":{aud},"exp":{exp},"jti":"j"{more}}}"#)
}

#[test]
fn assertions_prove_a_client() {
    let machine = Machine::new();
    let aud = format!("\"{TOKEN_ENDPOINT}\"");
    let good = claim(&aud, 60, "");
    let expected = Proof { jti: Some("j".to_owned()), expires: Some(after(120)) };
    for (signer, header) in [
        (&machine.elliptic, r#"{"alg":"ES256","kid":"e","typ":"JWT"}"#),
        (&machine.elliptic, r#"{"alg":"ES256"}"#),
        (&machine.rsa, r#"{"alg":"RS256","kid":"r"}"#),
        (&machine.rsa, r#"{"alg":"PS256","typ":"client-authentication+jwt"}"#),
    ] {
        assert_eq!(machine.judge(&signer.sign(header, &good)).as_ref(), Ok(&expected), "{header}");
    }
    for aud in
        [format!("\"{ISSUER}\""), format!("[\"{ISSUER}\"]"), format!("[\"{ISSUER}\",\"{TOKEN_ENDPOINT}\"]")]
    {
        assert!(machine.judge(&machine.es256(&claim(&aud, 300, ""))).is_ok(), "{aud}");
    }
    // The id may stand in the assertion alone.
    let assertion = Secret::new(machine.es256(&good));
    let unnamed = Presented::Assertion { client_id: None, assertion };
    assert_eq!(unnamed.client_id(), Some(id("dwc-1")));
    assert!(prove(&machine.client, &unnamed).is_ok());
}

// control: IDC-11, TOK-05: an assertion is this client's, for this door alone, short-lived and with an id to remember
#[test]
fn forged_assertions_prove_nothing() {
    let machine = Machine::new();
    let aud = format!("\"{TOKEN_ENDPOINT}\"");
    for claims in [
        claim(&aud, -60, ""),
        claim(&aud, 421, ""),
        claim(&aud, 60, &format!(r#","iat":{}"#, after(61).as_secs())),
        claim(&aud, 60, &format!(r#","nbf":{}"#, after(61).as_secs())),
        claim(&aud, 60, r#","iat":"now""#),
        claim(r#""https://evil.example""#, 60, ""),
        claim(&format!("[{aud},\"https://evil.example\"]"), 60, ""),
        claim("[]", 60, ""),
        claim(&format!("\"{TOKEN_ENDPOINT}/\""), 60, ""),
        claim("{}", 60, ""),
        claim(&aud, 60, "").replace(r#""iss":"dwc-1""#, r#""iss":"dwc-2""#),
        claim(&aud, 60, "").replace(r#""sub":"dwc-1""#, r#""sub":"dwc-2""#),
        claim(&aud, 60, "").replace(r#","jti":"j""#, ""),
        claim(&aud, 60, "").replace(r#""jti":"j""#, r#""jti":"""#),
        claim(&aud, 60, "").replace(r#""exp""#, r#""expires""#),
        claim(&aud, 60, r#","sub":"dwc-1""#),
    ] {
        assert!(machine.judge(&machine.es256(&claims)).is_err(), "{claims}");
    }
    let good = claim(&aud, 60, "");
    let other = Signer::p256();
    let own = format!(r#"{{"alg":"ES256","jwk":{}}}"#, other.jwk(""));
    for (signer, header) in [
        (&other, r#"{"alg":"ES256","kid":"e"}"#),
        (&other, own.as_str()),
        (&machine.elliptic, r#"{"alg":"ES256","kid":"r"}"#),
        (&machine.elliptic, r#"{"alg":"ES256","kid":7}"#),
        (&machine.elliptic, r#"{"alg":"none"}"#),
        (&machine.elliptic, r#"{"alg":"HS256"}"#),
        (&machine.elliptic, r#"{"alg":"RS256"}"#),
        (&machine.elliptic, r#"{"alg":"ES256","crit":["exp"]}"#),
        (&machine.elliptic, r#"{"alg":"ES256","typ":"dpop+jwt"}"#),
        (&machine.elliptic, r#"{"alg":"ES256","typ":"at+jwt"}"#),
        (&machine.rsa, r#"{"alg":"ES256","kid":"r"}"#),
    ] {
        assert!(machine.judge(&signer.sign(header, &good)).is_err(), "{header}");
    }
    let text = machine.es256(&good);
    let (signed, _) = text.rsplit_once('.').unwrap();
    for text in [signed, &format!("{signed}."), &format!("{text}="), &format!("{text}.x"), "", "a.b.c"] {
        assert!(machine.judge(text).is_err(), "{text}");
    }
}

fn access<'a>(
    person: &'a doorward_types::Person,
    client: &'a doorward_types::ClientId,
    groups: &'a Groups,
) -> Access<'a> {
    Access {
        issuer: ISSUER,
        person,
        client,
        resource: CRM,
        scopes: &[],
        roles: &[],
        groups,
        grant: None,
        epoch: 3,
        jti: "j1",
        kind: CallerKind::User,
        jkt: None,
        auth_time: None,
    }
}

// control: REM-06, TOK-04, D-12: an access token names one resource, its client and its person, and lives ten minutes at most
#[test]
fn access_tokens_are_as_rfc_9068_says() {
    let (person, client) = (person('1'), id("https://a.example/c"));
    let ids: BTreeSet<_> = [ObjectId::parse("aaaaaaaa-bbbb-cccc-dddd-000000000009").unwrap()].into();
    let (scopes, roles) = (["tools.read".to_owned(), "tools.write".to_owned()], ["Admin".to_owned()]);
    let groups = Groups::Listed(ids);
    let full = Access {
        scopes: &scopes,
        roles: &roles,
        grant: Some(GrantId([0xab; 16])),
        jkt: Some("K"),
        auth_time: Some(after(-5)),
        ..access(&person, &client, &groups)
    };
    assert_eq!(
        claims(&full, NOW, Duration::from_secs(300)),
        concat!(
            r#"{"iss":"https://mcp.contoso.com","sub":"72f988bf-86f1-41af-91ab-2d7cd011db47.aaaaaaaa-bbbb-cccc-dddd-000000000001","#,
            r#""aud":"https://mcp.contoso.com/crm/mcp","exp":1795176300,"iat":1795176000,"nbf":1795176000,"jti":"j1","#,
            r#""client_id":"https://a.example/c","tid":"72f988bf-86f1-41af-91ab-2d7cd011db47","#,
            r#""oid":"aaaaaaaa-bbbb-cccc-dddd-000000000001","ep":3,"scope":"tools.read tools.write","#,
            r#""sid":"abababababababababababababababab","roles":["Admin"],"#,
            r#""groups":["aaaaaaaa-bbbb-cccc-dddd-000000000009"],"cnf":{"jkt":"K"},"auth_time":1795175995}"#
        )
    );
    let app = Access { kind: CallerKind::App, ..access(&person, &client, &Groups::Overage) };
    let text = claims(&app, NOW, Duration::from_secs(86_400));
    assert!(
        text.contains(r#""exp":1795176600,"#) && text.ends_with(r#""ep":3,"idtyp":"app","hasgroups":true}"#),
        "{text}"
    );
}

struct Fixed;

impl Sign for Fixed {
    fn kid(&self) -> &str {
        "k\"1"
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignFailed> {
        if message.is_empty() { Err(SignFailed) } else { Ok(vec![0xff; 3]) }
    }
}

#[test]
fn tokens_and_answers_are_written_whole() {
    let token = access_token(&Fixed, "{}").unwrap();
    assert_eq!(token.expose(), "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJSUzI1NiIsImtpZCI6ImtcIjEifQ.e30.____");
    let refresh = Secret::new("dwr.x".to_owned());
    assert_eq!(
        token_answer(&Secret::new("a".to_owned()), 300, Some(&refresh), "s t", "Bearer").expose(),
        r#"{"access_token":"a","token_type":"Bearer","expires_in":300,"refresh_token":"dwr.x","scope":"s t"}"#
    );
    assert_eq!(
        token_answer(&Secret::new("a".to_owned()), 2, None, "", "DPoP").expose(),
        r#"{"access_token":"a","token_type":"DPoP","expires_in":2}"#
    );
}
