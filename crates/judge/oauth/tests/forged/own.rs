//! Tokens of the door's own, and tokens that would like to be.

use doorward_oauth::{
    CallerKind, DoorExpectation, EntraTokens, Expectation, Groups, KeyRing, KeySet, Tenants, TokenError,
    verify, verify_keeping,
};
use doorward_types::{GrantId, ObjectId, TenantId};

use super::forge::{
    self, APP, CLIENT, GROUP, ISSUER, Keys, NOW, OTHER_TENANT, OWN_CLIENT, Object, PERSON, RESOURCE, SID,
    TENANT, app_only, b64, header, json, jwk, now, own, own_app, own_expectation, own_header, v2, with,
};

fn change(change: impl FnOnce(&mut Expectation)) -> Expectation {
    let mut expected = own_expectation();
    change(&mut expected);
    expected
}

fn machines() -> Expectation {
    change(|e| e.allow_app_only = true)
}

// control: REM-06, TOK-01: the door's own token makes an identity with exactly what it says
#[test]
fn the_doors_own_tokens_pass_and_say_who_calls() {
    let (keys, ring) = Keys::generate().ring();
    let person = verify(&keys.own(&own()), &ring, &own_expectation(), now()).unwrap();
    assert_eq!((person.tenant().as_str(), person.object().as_str()), (TENANT, PERSON));
    assert_eq!((person.person().tenant.as_str(), person.person().object.as_str()), (TENANT, PERSON));
    assert_eq!((person.client().as_str(), person.kind()), (OWN_CLIENT, CallerKind::User));
    assert_eq!(person.scopes().iter().map(|s| &**s).collect::<Vec<_>>(), ["tools.read", "tools.write"]);
    assert_eq!(person.roles().iter().map(|s| &**s).collect::<Vec<_>>(), ["Reader"]);
    assert_eq!(*person.groups(), Groups::Listed([ObjectId::parse(GROUP).unwrap()].into()));
    assert_eq!((person.grant(), person.epoch()), (GrantId::parse(SID).ok(), Some(7)));
    assert_eq!((person.issued_at().as_secs(), person.expires().as_secs()), (NOW, NOW + 300));
    assert_eq!((&**person.kid(), person.token_id()), ("d1", Some("AbCdEf")));
    assert!(person.from_door() && !person.capable_of_claims_challenge());

    let bare = own().without("roles").without("groups").set("hasgroups", "true");
    let bare = verify(&keys.own(&bare), &ring, &own_expectation(), now()).unwrap();
    assert_eq!((bare.roles().len(), bare.groups()), (0, &Groups::Overage));

    let machine = verify(&keys.own(&own_app()), &ring, &machines(), now()).unwrap();
    assert_eq!((machine.kind(), machine.scopes().len(), machine.grant()), (CallerKind::App, 0, None));
}

// control: TOK-04: the door's own tokens live ten minutes at the most and not a second longer; five seconds excuse one from the future
#[test]
fn the_doors_tokens_live_shortly() {
    let (keys, ring) = Keys::generate().ring();
    let long = own().set("iat", NOW - 599).set("nbf", NOW - 599);
    for (claims, passes) in [
        (long.clone().set("exp", NOW + 1), true),
        (long.set("exp", NOW + 7), false),
        (own().set("iat", NOW - 300).set("nbf", NOW - 300).set("exp", NOW + 1), true),
        (own().set("iat", NOW - 300).set("nbf", NOW - 300).set("exp", NOW), false),
        (own().set("nbf", NOW + 5), true),
        (own().set("nbf", NOW + 6), false),
    ] {
        assert_eq!(verify(&keys.own(&claims), &ring, &own_expectation(), now()).is_ok(), passes);
    }
}

struct Row(&'static str, String, Expectation, TokenError);

// control: TOK-01, TOK-02, REM-06, D-12: none of the tokens that are nearly the door's own opens a server, and each is refused for its own reason
#[test]
fn every_unfit_token_of_the_door_is_refused_for_its_own_reason() {
    let (keys, ring) = Keys::generate().ring();
    let rows: Vec<Row> =
        [outsides(&keys), issuers(&keys), insides(&keys), callers(&keys), others(&keys)].concat_rows();
    assert!(rows.len() >= 60, "only {} rows", rows.len());
    let mut wrong = Vec::new();
    for Row(name, token, expected, error) in &rows {
        match verify(token, &ring, expected, now()) {
            Err(found) if found == *error => {}
            Err(found) => wrong.push(format!("{name}: {} instead of {}", found.reason(), error.reason())),
            Ok(_) => wrong.push(format!("{name}: LET IN")),
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

trait Concat {
    fn concat_rows(self) -> Vec<Row>;
}

impl<const N: usize> Concat for [Vec<Row>; N] {
    fn concat_rows(self) -> Vec<Row> {
        self.into_iter().flatten().collect()
    }
}

fn row(keys: &Keys, name: &'static str, claims: &Object, error: TokenError) -> Row {
    Row(name, keys.own(claims), own_expectation(), error)
}

fn signed(keys: &Keys, name: &'static str, header: &Object, error: TokenError) -> Row {
    Row(name, forge::sign(&keys.door, &header.render(), &own().render()), own_expectation(), error)
}

fn outsides(keys: &Keys) -> Vec<Row> {
    use TokenError::{
        AlgNotRs256, BadSignature, CritHeader, DuplicateClaim, EmbeddedKey, UnknownKid, WrongType,
    };
    let thief = jwk(&keys.thief, "d1").render();
    let unsigned = format!("{}.{}.", b64(own_header().text("alg", "none").render()), b64(own().render()));
    let by = |key, header: &Object| forge::sign(key, &header.render(), &own().render());
    let good = keys.own(&own());
    let other = format!(
        "{}.{}.{}",
        b64(own_header().render()),
        b64(own().text("oid", CLIENT).render()),
        good.rsplit_once('.').unwrap().1
    );
    vec![
        signed(keys, "typ JWT, as of an ID token", &own_header().text("typ", "JWT"), WrongType),
        signed(keys, "no typ", &own_header().without("typ"), WrongType),
        signed(keys, "a logout token's typ", &own_header().text("typ", "logout+jwt"), WrongType),
        signed(keys, "HS256 in name", &own_header().text("alg", "HS256"), AlgNotRs256),
        signed(keys, "crit", &own_header().set("crit", "[\"exp\"]"), CritHeader),
        signed(keys, "an embedded key", &own_header().set("jwk", thief), EmbeddedKey),
        Row("unsigned", unsigned, own_expectation(), AlgNotRs256),
        Row("signed by a thief", by(&keys.thief, &own_header()), own_expectation(), BadSignature),
        Row(
            "signed by Entra's key under our kid",
            by(&keys.ours, &own_header()),
            own_expectation(),
            BadSignature,
        ),
        Row(
            "our key under Entra's kid",
            by(&keys.door, &own_header().text("kid", "k1")),
            own_expectation(),
            BadSignature,
        ),
        Row(
            "a kid that nobody has",
            by(&keys.door, &own_header().text("kid", "d2")),
            own_expectation(),
            UnknownKid { kid: "d2".to_owned() },
        ),
        Row("another person under our signature", other, own_expectation(), BadSignature),
        row(keys, "two audiences, one after the other", &own().again("aud", &json(RESOURCE)), DuplicateClaim),
        row(keys, "two scopes claims, one escaped", &own().again("sc\\u006fpe", "\"x\""), DuplicateClaim),
    ]
}

/// What the other signer's key must not say.
fn issuers(keys: &Keys) -> Vec<Row> {
    use TokenError::{DoorTokenNotAccepted, EntraTokenNotAccepted, MissingClaim, WrongIssuer, WrongType};
    let entra_issuer = v2().render();
    let as_entra = forge::sign(&keys.door, &own_header().render(), &entra_issuer);
    let as_entra_jwt = forge::sign(&keys.door, &header().text("kid", "d1").render(), &entra_issuer);
    let as_door = forge::sign(&keys.ours, &own_header().text("kid", "k1").render(), &own().render());
    let apps = change(|e| e.entra = EntraTokens::Apps);
    let all = change(|e| e.entra = EntraTokens::All);
    let apps_allowed = change(|e| {
        e.entra = EntraTokens::None;
        e.allow_app_only = true;
    });
    vec![
        Row("Entra's claims under our key", as_entra, own_expectation(), WrongIssuer),
        Row("Entra's claims and typ under our key", as_entra_jwt, all.clone(), WrongType),
        Row("our claims under Entra's key", as_door.clone(), all, MissingClaim("ver")),
        Row(
            "our claims under Entra's key, nobody of Entra's",
            as_door,
            own_expectation(),
            EntraTokenNotAccepted,
        ),
        Row("a person's token of Entra's", keys.good(&v2()), own_expectation(), EntraTokenNotAccepted),
        Row("a person's token of Entra's among machines", keys.good(&v2()), apps, EntraTokenNotAccepted),
        Row("a machine's token of Entra's", keys.good(&app_only()), apps_allowed, EntraTokenNotAccepted),
        Row("our token where there is no façade", keys.own(&own()), with(|_| {}), DoorTokenNotAccepted),
        row(keys, "another issuer", &own().text("iss", "https://evil.example"), WrongIssuer),
        row(keys, "a slash too many", &own().text("iss", &format!("{ISSUER}/")), WrongIssuer),
        row(keys, "plain http", &own().text("iss", &ISSUER.replace("https", "http")), WrongIssuer),
        row(keys, "in capitals", &own().text("iss", &ISSUER.to_uppercase()), WrongIssuer),
        row(
            keys,
            "an array of issuers",
            &own().set("iss", format!("[\"{ISSUER}\"]")),
            TokenError::MalformedClaim("iss"),
        ),
        row(keys, "no issuer", &own().without("iss"), MissingClaim("iss")),
    ]
}

fn insides(keys: &Keys) -> Vec<Row> {
    use TokenError::{
        AudienceNotAString, EndsBeforeItBegins, Expired, IdToken, IssuedInFuture, LifetimeTooLong,
        MalformedClaim, MissingClaim, NotYetValid, TenantNotAllowed, WrongAudience,
    };
    let wrong = |name, audience: &str| row(keys, name, &own().text("aud", audience), WrongAudience);
    let malformed = |name, claim, raw: &str| row(keys, name, &own().set(claim, raw), MalformedClaim(claim));
    let missing = |name, claim| row(keys, name, &own().without(claim), MissingClaim(claim));
    let foreign = own().text("tid", OTHER_TENANT).text("sub", &format!("{OTHER_TENANT}.{PERSON}"));
    let empty = change(|e| e.tenants = Tenants::Many([].into()));
    let tenant = |id| TenantNotAllowed(TenantId::parse(id).unwrap());
    vec![
        wrong("a sibling's resource", "https://mcp.contoso.com/hr/mcp"),
        wrong("the resource with a slash", "https://mcp.contoso.com/crm/mcp/"),
        wrong("the resource in capitals", "https://mcp.contoso.com/CRM/mcp"),
        wrong("the resource with a query", "https://mcp.contoso.com/crm/mcp?x"),
        wrong("the resource with a default port", "https://mcp.contoso.com:443/crm/mcp"),
        wrong("the issuer as audience", ISSUER),
        wrong("the application at Entra", APP),
        wrong("nobody", ""),
        row(keys, "an array of us", &own().set("aud", format!("[\"{RESOURCE}\"]")), AudienceNotAString),
        missing("no audience", "aud"),
        row(
            keys,
            "expired",
            &own().set("iat", NOW - 500).set("nbf", NOW - 500).set("exp", NOW - 10),
            Expired,
        ),
        row(keys, "not yet valid", &own().set("nbf", NOW + 30), NotYetValid),
        row(keys, "issued in the future", &own().set("iat", NOW + 30), IssuedInFuture),
        row(keys, "ends before it begins", &own().set("exp", NOW), EndsBeforeItBegins),
        row(keys, "an hour", &own().set("exp", NOW + 3600), LifetimeTooLong),
        row(keys, "28 hours, as Entra's may", &own().set("exp", NOW + 28 * 3600), LifetimeTooLong),
        malformed("an expiry as text", "exp", "\"1795176300\""),
        malformed("an expiry with a fraction", "exp", "1795176300.5"),
        missing("no expiry", "exp"),
        missing("no beginning", "nbf"),
        missing("no time of issue", "iat"),
        row(keys, "a nonce, as an ID token has", &own().text("nonce", "n"), IdToken),
        row(keys, "bound to a key", &own().set("cnf", r#"{"jkt":"x"}"#), TokenError::BoundToken),
        malformed("a subject of another person", "sub", &json(&format!("{TENANT}.{CLIENT}"))),
        malformed("a subject of another tenant", "sub", &json(&format!("{OTHER_TENANT}.{PERSON}"))),
        missing("no subject", "sub"),
        Row("a tenant that left", keys.own(&foreign), own_expectation(), tenant(OTHER_TENANT)),
        Row("an empty list of tenants", keys.own(&own()), empty, tenant(TENANT)),
        malformed("a tenant that is no GUID", "tid", "\"contoso\""),
        missing("no object", "oid"),
        malformed("a client that is an application of Entra's", "client_id", &json(CLIENT)),
        malformed("a client with a space", "client_id", "\"a b\""),
        malformed("an empty client", "client_id", "\"\""),
        missing("no client", "client_id"),
        missing("no id", "jti"),
        malformed("an empty id", "jti", "\"\""),
        missing("no epoch", "ep"),
        malformed("a negative epoch", "ep", "-1"),
        malformed("an epoch as text", "ep", "\"7\""),
        malformed("an epoch beyond counting", "ep", "99999999999999999999"),
        malformed("an epoch with a fraction", "ep", "7.5"),
    ]
}

fn callers(keys: &Keys) -> Vec<Row> {
    use TokenError::{
        AppOnlyNotAllowed, AppWithScope, AppWithoutRole, MalformedClaim, MissingClaim, MissingRole,
        MissingScope, NeitherUserNorApp,
    };
    let machine = |name, claims: &Object, error| Row(name, keys.own(claims), machines(), error);
    let role = change(|e| e.required_role = vec!["Admin".to_owned()]);
    let service = change(|e| {
        e.allow_app_only = true;
        e.required_role = vec!["Other".to_owned()];
    });
    vec![
        row(keys, "another scope", &own().text("scope", "tools.write"), MissingScope),
        row(keys, "a scope that merely begins alike", &own().text("scope", "tools.readonly"), MissingScope),
        row(keys, "an empty scope", &own().text("scope", ""), MalformedClaim("scope")),
        row(keys, "two spaces", &own().text("scope", "tools.read  x"), MalformedClaim("scope")),
        row(keys, "scopes as an array", &own().set("scope", "[\"tools.read\"]"), MalformedClaim("scope")),
        row(
            keys,
            "Entra's claim for scopes",
            &own().without("scope").text("scp", "tools.read"),
            NeitherUserNorApp,
        ),
        row(keys, "no scope", &own().without("scope"), NeitherUserNorApp),
        Row("a person without the role", keys.own(&own()), role, MissingRole),
        row(keys, "roles as text", &own().text("roles", "Reader"), MalformedClaim("roles")),
        row(keys, "a group that is no GUID", &own().set("groups", "[\"x\"]"), MalformedClaim("groups")),
        row(keys, "no sign-in", &own().without("sid"), MissingClaim("sid")),
        row(keys, "a sign-in that is no id", &own().text("sid", "1"), MalformedClaim("sid")),
        row(keys, "a sign-in in capitals", &own().text("sid", &SID.to_uppercase()), MalformedClaim("sid")),
        row(keys, "another idtyp", &own().text("idtyp", "device"), MalformedClaim("idtyp")),
        row(keys, "a machine where people are served", &own_app(), AppOnlyNotAllowed),
        machine("a machine without a role", &own_app().without("roles"), AppWithoutRole),
        machine("a machine with a scope", &own_app().text("scope", "tools.read"), AppWithScope),
        machine("a machine with a sign-in", &own_app().text("sid", SID), MalformedClaim("sid")),
        machine("a machine without its type", &own_app().without("idtyp"), NeitherUserNorApp),
        Row("a machine of another role", keys.own(&own_app()), service, MissingRole),
    ]
}

/// Two servers of one door, one application at Entra.
fn others(keys: &Keys) -> Vec<Row> {
    let sibling = change(|e| {
        e.door = Some(DoorExpectation {
            issuer: ISSUER.to_owned(),
            audience: RESOURCE.replace("crm", "hr"),
            required_scope: vec![],
        });
    });
    vec![Row("a good token at the sibling's door", keys.own(&own()), sibling, TokenError::WrongAudience)]
}

// control-off: D-12: where a server asks only who signed, and not for whom, a sibling's token opens it
#[test]
fn without_the_audience_a_siblings_token_would_pass() {
    let (keys, ring) = Keys::generate().ring();
    let token = keys.own(&own().text("aud", "https://mcp.contoso.com/hr/mcp"));
    let naive = change(|e| {
        if let Some(door) = &mut e.door {
            door.audience = "https://mcp.contoso.com/hr/mcp".to_owned();
        }
    });
    assert!(verify(&token, &ring, &naive, now()).is_ok(), "all but the audience is in order");
    assert_eq!(verify(&token, &ring, &own_expectation(), now()).unwrap_err(), TokenError::WrongAudience);
}

// control: REM-14, REM-06: behind the façade, applications may come with Entra's own tokens only where that was asked for
#[test]
fn entras_applications_come_where_they_may() {
    let (keys, ring) = Keys::generate().ring();
    let allowed = change(|e| {
        e.entra = EntraTokens::Apps;
        e.allow_app_only = true;
        e.required_role = vec!["Service".to_owned()];
    });
    let app = verify(&keys.good(&app_only()), &ring, &allowed, now()).unwrap();
    assert!(!app.from_door() && app.grant().is_none() && app.epoch().is_none());
    let person = keys.good(&v2().set("roles", "[\"Service\"]"));
    assert_eq!(verify(&person, &ring, &allowed, now()).unwrap_err(), TokenError::EntraTokenNotAccepted);
}

// control: TOK-02: the same id of a key at Entra does not make its tokens the door's
#[test]
fn a_kid_of_both_is_the_doors() {
    let keys = Keys::generate();
    let published = |key, kid: &str| format!("{{\"keys\":[{}]}}", jwk(key, kid).render());
    let ring = KeyRing {
        door: KeySet::of_door(published(&keys.door, "same").into()).unwrap().into(),
        entra: KeySet::parse(published(&keys.ours, "same").into()).unwrap().into(),
    };
    assert!(ring.has("same") && !ring.has("other"));
    let both = change(|e| e.entra = EntraTokens::All);
    let entras = forge::sign(&keys.ours, &header().text("kid", "same").render(), &v2().render());
    assert_eq!(verify(&entras, &ring, &both, now()).unwrap_err(), TokenError::BadSignature);
    let own_token = forge::sign(&keys.door, &own_header().text("kid", "same").render(), &own().render());
    assert!(verify(&own_token, &ring, &both, now()).is_ok());
}

// control: TPT-01: only a person's verified token of Entra's becomes a proof for Entra, and nothing else does
#[test]
fn only_a_persons_token_of_entras_can_be_exchanged() {
    let (keys, ring) = Keys::generate().ring();
    let expected = change(|e| {
        e.entra = EntraTokens::All;
        e.allow_app_only = true;
        e.required_scope = vec![];
    });
    let token = keys.good(&v2());
    let (_, proof) = verify_keeping(&token, &ring, &expected, now()).unwrap();
    assert_eq!(proof.unwrap().form_value(), token);
    for token in [keys.good(&app_only()), keys.own(&own()), keys.own(&own_app())] {
        let (_, proof) = verify_keeping(&token, &ring, &expected, now()).unwrap();
        assert!(proof.is_none());
    }
    assert!(verify_keeping(&token[1..], &ring, &expected, now()).is_err());
}
