//! Who signed in: ID tokens good and unfit.

use std::time::Duration;

use doorward_oauth::{Cloud, Groups, IdTokenExpectation, Tenants, TokenError, verify_id_token};
use doorward_types::{ClientId, ObjectId, TenantId, Timestamp};

use super::forge::{
    self, APP, CLIENT, GROUP, Keys, NONCE, NOW, OTHER_TENANT, Object, PERSON, SIBLING, TENANT, b64, header,
    id_token, json, now, own, own_header, v1, v2,
};

fn expected() -> IdTokenExpectation<'static> {
    IdTokenExpectation {
        cloud: Cloud::named("public").unwrap(),
        tenants: Tenants::One(TenantId::parse(TENANT).unwrap()),
        client_id: ClientId::parse(APP).unwrap(),
        nonce: Some(NONCE),
        skew: Duration::from_secs(60),
    }
}

// control: TOK-02: a genuine ID token says who signed in
#[test]
fn a_genuine_id_token_says_who_signed_in() {
    let (keys, ring) = Keys::generate().ring();
    let full =
        id_token().text("login_hint", "O.CiQ").set("auth_time", NOW - 30).set("acrs", "[\"c1\",\"c2\"]");
    let id = verify_id_token(&keys.good(&full), &ring, &expected(), now()).unwrap();
    assert_eq!((id.person.tenant.as_str(), id.person.object.as_str()), (TENANT, PERSON));
    assert_eq!((id.name.as_deref(), id.login_hint.as_deref()), (Some("Alice A."), Some("O.CiQ")));
    assert_eq!(id.roles.iter().map(|role| &**role).collect::<Vec<_>>(), ["Reader"]);
    assert_eq!(id.groups, Groups::Listed([ObjectId::parse(GROUP).unwrap()].into()));
    assert_eq!(id.auth_time, Some(Timestamp::from_secs(NOW - 30)));
    assert_eq!(id.acrs.iter().map(|acr| &**acr).collect::<Vec<_>>(), ["c1", "c2"]);

    let bare = id_token().without("name").without("roles").without("groups").text("acrs", "c1");
    let id = verify_id_token(&keys.good(&bare), &ring, &expected(), now()).unwrap();
    assert_eq!(
        (id.name.as_deref(), id.login_hint.as_deref()),
        (Some("a@contoso.com"), Some("a@contoso.com"))
    );
    assert_eq!((id.roles.len(), id.groups, id.acrs.len()), (0, Groups::Absent, 1));
    // A token that names us as the party it was made for is made for us.
    assert!(verify_id_token(&keys.good(&id_token().text("azp", APP)), &ring, &expected(), now()).is_ok());
}

// control: TOK-02, D-14: nobody is signed in by another token, another's sign-in, or a forgery
#[test]
fn every_unfit_id_token_is_refused_for_its_own_reason() {
    use TokenError::{
        AlgNotRs256, AudienceNotAString, BadSignature, DuplicateClaim, EmbeddedKey, EndsBeforeItBegins,
        Expired, GraphToken, IssuedInFuture, KeyIssuerMismatch, LifetimeTooLong, MalformedClaim,
        MissingClaim, NotAnIdToken, NotYetValid, TenantNotAllowed, UnknownKid, UnknownVersion, V1NotAccepted,
        WrongAudience, WrongIssuer, WrongNonce, WrongType,
    };
    let (keys, ring) = Keys::generate().ring();
    let id = |claims: Object| keys.good(&claims);
    let with = |header: &Object| keys.token(header, &id_token());
    let set = |name: &str, raw: &str| keys.good(&id_token().set(name, raw));
    let foreign = id_token()
        .text("tid", OTHER_TENANT)
        .text("iss", &format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"));
    let unsigned = format!("{}.{}.", b64(header().text("alg", "none").render()), b64(id_token().render()));
    let thief = forge::jwk(&keys.thief, "k1").render();
    let by_thief = |header: &Object| forge::sign(&keys.thief, &header.render(), &id_token().render());
    let by_door =
        |header: &Object, claims: &Object| forge::sign(&keys.door, &header.render(), &claims.render());
    let rows = [
        ("an access token for the door itself", id(v2().text("azp", APP)), NotAnIdToken),
        ("an access token with our nonce", id(v2().text("nonce", NONCE)), NotAnIdToken),
        ("an access token of v1", id(v1()), V1NotAccepted),
        ("an application's token", id(v2().without("scp").text("idtyp", "app")), NotAnIdToken),
        ("an access token by its type", with(&header().text("typ", "at+jwt")), NotAnIdToken),
        ("a token bound to a key", id(id_token().set("cnf", "{}")), NotAnIdToken),
        ("the door's own access token", by_door(&own_header(), &own()), NotAnIdToken),
        ("an ID token by the door's key", by_door(&header().text("kid", "d1"), &id_token()), NotAnIdToken),
        ("another application's", id(id_token().text("aud", SIBLING)), WrongAudience),
        ("the client's", id(id_token().text("aud", CLIENT)), WrongAudience),
        ("made for another party", id(id_token().text("azp", CLIENT)), NotAnIdToken),
        ("two audiences", set("aud", &format!("[\"{APP}\",\"{CLIENT}\"]")), AudienceNotAString),
        ("no audience", id(id_token().without("aud")), MissingClaim("aud")),
        ("another sign-in's", id(id_token().text("nonce", "n-0S7")), WrongNonce),
        ("a longer nonce", id(id_token().text("nonce", "n-0S6x")), WrongNonce),
        ("a nonce in another case", id(id_token().text("nonce", "N-0S6")), WrongNonce),
        ("an empty nonce", id(id_token().text("nonce", "")), WrongNonce),
        ("no nonce", id(id_token().without("nonce")), MissingClaim("nonce")),
        ("an array of nonces", set("nonce", "[\"n-0S6\"]"), MalformedClaim("nonce")),
        ("a second nonce", id(id_token().again("nonce", &json("other"))), DuplicateClaim),
        ("another tenant's", id(foreign), TenantNotAllowed(TenantId::parse(OTHER_TENANT).unwrap())),
        ("another tenant's issuer", id(id_token().text("tid", OTHER_TENANT)), WrongIssuer),
        (
            "the issuer of v1",
            id(id_token().text("iss", &format!("https://sts.windows.net/{TENANT}/"))),
            WrongIssuer,
        ),
        (
            "the issuer of everybody",
            id(id_token().text("iss", "https://login.microsoftonline.com/common/v2.0")),
            WrongIssuer,
        ),
        ("version 1", id(id_token().text("ver", "1.0")), V1NotAccepted),
        ("version 3", id(id_token().text("ver", "3.0")), UnknownVersion),
        ("a key of another issuer", with(&header().text("kid", "k-other")), KeyIssuerMismatch),
        ("expired", set("exp", &(NOW - 61).to_string()), Expired),
        ("not yet valid", set("nbf", &(NOW + 61).to_string()), NotYetValid),
        ("issued in the future", set("iat", &(NOW + 61).to_string()), IssuedInFuture),
        (
            "ends before it begins",
            id(id_token().set("exp", NOW - 40).set("nbf", NOW - 30)),
            EndsBeforeItBegins,
        ),
        ("a year", set("exp", &(NOW + 365 * 86400).to_string()), LifetimeTooLong),
        ("no expiry", id(id_token().without("exp")), MissingClaim("exp")),
        ("nobody", id(id_token().without("oid")), MissingClaim("oid")),
        ("somebody by address", id(id_token().text("oid", "a@contoso.com")), MalformedClaim("oid")),
        ("no algorithm", unsigned, AlgNotRs256),
        ("HS256", with(&header().text("alg", "HS256")), AlgNotRs256),
        ("an embedded key", by_thief(&header().set("jwk", thief)), EmbeddedKey),
        ("signed by a thief", by_thief(&header()), BadSignature),
        ("a key that nobody has", with(&header().text("kid", "k9")), UnknownKid { kid: "k9".to_owned() }),
        ("a header nonce", with(&header().text("nonce", "x")), GraphToken),
        ("a logout token", with(&header().text("typ", "logout+jwt")), WrongType),
    ];
    let mut wrong = Vec::new();
    for (name, token, error) in &rows {
        match verify_id_token(token, &ring, &expected(), now()) {
            Err(found) if found == *error => {}
            Err(found) => wrong.push(format!("{name}: {} instead of {}", found.reason(), error.reason())),
            Ok(_) => wrong.push(format!("{name}: LET IN")),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let never = IdTokenExpectation { nonce: Some(""), ..expected() };
    assert_eq!(
        verify_id_token(&keys.good(&id_token().text("nonce", "")), &ring, &never, now()).unwrap_err(),
        WrongNonce,
        "a sign-in whose nonce was lost is over"
    );
}

// control-off: D-14: who compares no nonce takes the ID token of another sign-in for the answer to this one
#[test]
fn without_the_nonce_another_sign_in_would_do() {
    let (keys, ring) = Keys::generate().ring();
    let stolen = keys.good(&id_token().text("nonce", "the-victims"));
    let naive = IdTokenExpectation { nonce: Some("the-victims"), ..expected() };
    assert!(verify_id_token(&stolen, &ring, &naive, now()).is_ok(), "all but the nonce is in order");
    assert_eq!(verify_id_token(&stolen, &ring, &expected(), now()).unwrap_err(), TokenError::WrongNonce);
}
