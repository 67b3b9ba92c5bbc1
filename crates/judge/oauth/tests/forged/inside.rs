//! What is wrong inside, under a good signature: claims.

use doorward_oauth::{Tenants, TokenError};
use doorward_types::TenantId;

use super::forge::{self, app_only, header, id_token, json, v1, v2, with};
use super::forge::{APP, CLIENT, GROUP, Keys, NOW, OTHER_TENANT, Object, SIBLING, TENANT, URI};
use super::outside::nested;
use super::table::{Row, row, row_for};

pub(crate) fn rows(keys: &Keys) -> Vec<Row> {
    [issuers(keys), audiences(keys), times(keys), purposes(keys), forms(keys)].into_iter().flatten().collect()
}

// === who issued ===

fn issuers(keys: &Keys) -> Vec<Row> {
    use TokenError::{KeyIssuerMismatch, KeyWithoutIssuer, MalformedClaim, MissingClaim, WrongIssuer};
    let refuse = |name, claims: Object| row(name, keys.good(&claims), WrongIssuer);
    let v2_issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let v1_issuer = format!("https://sts.windows.net/{TENANT}/");
    let foreign = v2().text("tid", OTHER_TENANT).text("iss", &v2_issuer.replace(TENANT, OTHER_TENANT));
    let both = with(|e| {
        e.tenants = Tenants::Many([TENANT, OTHER_TENANT].map(|t| TenantId::parse(t).unwrap()).into());
    });
    let none = with(|e| e.tenants = Tenants::Many([].into()));
    let stranger = || TokenError::TenantNotAllowed(TenantId::parse(OTHER_TENANT).unwrap());
    let ours = || TokenError::TenantNotAllowed(TenantId::parse(TENANT).unwrap());
    vec![
        refuse("v2 with v1's issuer", v2().text("iss", &v1_issuer)),
        refuse("v1 with v2's issuer", v1().text("iss", &v2_issuer)),
        refuse("a slash too many", v2().text("iss", &format!("{v2_issuer}/"))),
        refuse("v1 without its slash", v1().text("iss", v1_issuer.trim_end_matches('/'))),
        refuse("an issuer in capitals", v2().text("iss", &v2_issuer.to_uppercase())),
        refuse(
            "the template as issuer",
            v2().text("iss", "https://login.microsoftonline.com/{tenantid}/v2.0"),
        ),
        refuse("common as issuer", v2().text("iss", "https://login.microsoftonline.com/common/v2.0")),
        refuse("another host", v2().text("iss", &v2_issuer.replace(".com", ".com.evil.example"))),
        refuse("another cloud", v2().text("iss", &v2_issuer.replace(".com", ".us"))),
        refuse("plain http", v2().text("iss", &v2_issuer.replace("https", "http"))),
        refuse(
            "another tenant's issuer with our tid",
            v2().text("iss", &v2_issuer.replace(TENANT, OTHER_TENANT)),
        ),
        refuse("our issuer with another tid", v2().text("tid", OTHER_TENANT)),
        refuse("a homograph", v2().text("iss", &v2_issuer.replace("login", "l\u{43e}gin"))),
        row("another tenant", keys.good(&foreign), stranger()),
        row_for("an empty allow-list allows none", none, keys.good(&v2()), ours()),
        row("a tid that is no GUID", keys.good(&v2().text("tid", "common")), MalformedClaim("tid")),
        row("no tid", keys.good(&v2().without("tid")), MissingClaim("tid")),
        row("no issuer", keys.good(&v2().without("iss")), MissingClaim("iss")),
        row(
            "an array of issuers",
            keys.good(&v2().set("iss", format!("[\"{v2_issuer}\"]"))),
            MalformedClaim("iss"),
        ),
        row(
            "a key of another issuer",
            keys.token(&header().text("kid", "k-other"), &v2()),
            KeyIssuerMismatch,
        ),
        row(
            "v1 by a key of another issuer",
            keys.token(&header().text("kid", "k-other"), &v1()),
            KeyIssuerMismatch,
        ),
        row_for(
            "a key of one allowed tenant for another",
            both.clone(),
            keys.token(&header().text("kid", "k-other"), &v2()),
            KeyIssuerMismatch,
        ),
        row_for(
            "a key of nobody where many are allowed",
            both,
            keys.token(&header().text("kid", "k-bare"), &v2()),
            KeyWithoutIssuer,
        ),
        row("no version", keys.good(&v2().without("ver")), MissingClaim("ver")),
        row("a version that is a number", keys.good(&v2().set("ver", "2.0")), MalformedClaim("ver")),
        row("version 3", keys.good(&v2().text("ver", "3.0")), TokenError::UnknownVersion),
        row_for(
            "v1 where it is off",
            with(|e| e.accept_v1 = false),
            keys.good(&v1()),
            TokenError::V1NotAccepted,
        ),
    ]
}

// === for whom ===

fn audiences(keys: &Keys) -> Vec<Row> {
    use TokenError::{AudienceNotAString, GraphToken, MissingClaim, WrongAudience};
    let aud = |raw: String| keys.good(&v2().set("aud", raw));
    let v1_aud = |text: &str| keys.good(&v1().text("aud", text));
    vec![
        row("a sibling server's application", aud(json(SIBLING)), WrongAudience),
        row("an array that holds us", aud(format!("[{}]", json(APP))), AudienceNotAString),
        row("an array with us second", aud(format!("[{},{}]", json(SIBLING), json(APP))), AudienceNotAString),
        row("an object", aud(format!("{{\"{APP}\":true}}")), AudienceNotAString),
        row("null", aud("null".to_owned()), AudienceNotAString),
        row("true", aud("true".to_owned()), AudienceNotAString),
        row("no audience", keys.good(&v2().without("aud")), MissingClaim("aud")),
        row("an empty audience", aud(json("")), WrongAudience),
        row("us with a slash", aud(json(&format!("{APP}/"))), WrongAudience),
        row("us with a space", aud(json(&format!("{APP} "))), WrongAudience),
        row("us and another, parted by a comma", aud(json(&format!("{APP},{SIBLING}"))), WrongAudience),
        row("us in capitals", aud(json(&APP.replace('1', "A").to_uppercase())), WrongAudience),
        row("our v1 URI in a v2 token", aud(json(URI)), WrongAudience),
        row("our v1 URI with a slash", v1_aud(&format!("{URI}/")), WrongAudience),
        row("the start of our v1 URI", v1_aud("api://cr"), WrongAudience),
        row("a v1 URI that begins like ours", v1_aud(&format!("{URI}.evil")), WrongAudience),
        row("the server's URL", aud(json("https://mcp.contoso.com/crm/mcp")), WrongAudience),
        row("Graph by its URL", aud(json("https://graph.microsoft.com")), GraphToken),
        row("Graph by its URL with a slash, v1", v1_aud("https://graph.microsoft.com/"), GraphToken),
        row("Graph by its id", aud(json("00000003-0000-0000-c000-000000000000")), GraphToken),
        row("Azure's management", aud(json("https://management.azure.com/")), WrongAudience),
        row("the client's own id", aud(json(CLIENT)), WrongAudience),
    ]
}

// === when ===

fn times(keys: &Keys) -> Vec<Row> {
    use TokenError::{
        EndsBeforeItBegins, Expired, IssuedInFuture, LifetimeTooLong, MalformedClaim, MissingClaim,
        NotYetValid,
    };
    let exp = |raw: &str| row("exp", keys.good(&v2().set("exp", raw)), MalformedClaim("exp"));
    let named = |name: &'static str, row: Row| Row { name, ..row };
    let at = |name: &str, secs: i64| keys.good(&v2().set(name, secs));
    vec![
        row("expired", at("exp", NOW - 100), Expired),
        row("expired by exactly the skew", at("exp", NOW - 60), Expired),
        row_for(
            "expired an hour ago under an absurd skew",
            with(|e| e.skew = std::time::Duration::from_secs(86_400)),
            keys.good(&v2().set("iat", NOW - 9000).set("nbf", NOW - 9000).set("exp", NOW - 3600)),
            Expired,
        ),
        row("not valid yet", at("nbf", NOW + 61), NotYetValid),
        row("issued in the future", at("iat", NOW + 61), IssuedInFuture),
        row("a life of 29 hours", at("exp", NOW - 300 + 29 * 3600), LifetimeTooLong),
        row("a life of a century", at("exp", NOW + 3_155_760_000), LifetimeTooLong),
        row("milliseconds instead of seconds", at("exp", (NOW + 3600) * 1000), MalformedClaim("exp")),
        row("ends as it begins", at("exp", NOW - 300), EndsBeforeItBegins),
        row("no exp", keys.good(&v2().without("exp")), MissingClaim("exp")),
        row("no nbf", keys.good(&v2().without("nbf")), MissingClaim("nbf")),
        row("no iat", keys.good(&v2().without("iat")), MissingClaim("iat")),
        named("exp as a string", exp("\"1795179600\"")),
        named("exp with a fraction", exp("1795179600.5")),
        named("exp with an exponent", exp("1e300")),
        named("exp below zero", exp("-1")),
        named("exp beyond 64 bits", exp("99999999999999999999")),
        named("exp null", exp("null")),
        named("exp in an array", exp("[1795179600]")),
        named("exp true", exp("true")),
        row("nbf as a string", keys.good(&v2().set("nbf", "\"0\"")), MalformedClaim("nbf")),
        row("iat with a fraction", keys.good(&v2().set("iat", "0.5")), MalformedClaim("iat")),
    ]
}

// === what for ===

fn purposes(keys: &Keys) -> Vec<Row> {
    use TokenError::{
        AppOnlyNotAllowed, AppWithScope, AppWithoutRole, BoundToken, IdToken, MalformedClaim, MissingClaim,
        MissingRole, MissingScope, NeitherUserNorApp,
    };
    let apps = || with(|e| e.allow_app_only = true);
    let service = || {
        with(|e| {
            e.allow_app_only = true;
            e.required_role = vec!["Service".to_owned()];
        })
    };
    let reader = || with(|e| e.required_role = vec!["Reader".to_owned()]);
    let scp = |raw: &str| keys.good(&v2().set("scp", raw));
    vec![
        row("an ID token", keys.good(&id_token()), IdToken),
        row("an ID token without a nonce", keys.good(&id_token().without("nonce")), IdToken),
        row("an ID token with roles", keys.good(&id_token().set("roles", "[\"Admin\"]")), IdToken),
        row("an ID token with c_hash and a scope", keys.good(&v2().text("c_hash", "x")), IdToken),
        row("a bound token without proof", keys.good(&v2().set("cnf", r#"{"jkt":"x"}"#)), BoundToken),
        row_for(
            "an application's token without idtyp",
            apps(),
            keys.good(&app_only().without("idtyp")),
            NeitherUserNorApp,
        ),
        row("a token with neither", keys.good(&v2().without("scp").without("roles")), NeitherUserNorApp),
        row(
            "idtyp user without a scope",
            keys.good(&v2().without("scp").text("idtyp", "user")),
            NeitherUserNorApp,
        ),
        row("an application where people are served", keys.good(&app_only()), AppOnlyNotAllowed),
        row_for(
            "an application without roles",
            service(),
            keys.good(&app_only().without("roles")),
            AppWithoutRole,
        ),
        row_for(
            "an application with no role",
            service(),
            keys.good(&app_only().set("roles", "[]")),
            AppWithoutRole,
        ),
        row_for(
            "an application with another role",
            service(),
            keys.good(&app_only().set("roles", "[\"Reader\"]")),
            MissingRole,
        ),
        row_for(
            "an application where a scope tells servers apart",
            apps(),
            keys.good(&app_only()),
            MissingRole,
        ),
        row_for(
            "an application with a scope",
            service(),
            keys.good(&app_only().text("scp", "tools.read")),
            AppWithScope,
        ),
        row("an unknown idtyp", keys.good(&v2().text("idtyp", "device")), MalformedClaim("idtyp")),
        row("idtyp in an array", keys.good(&v2().set("idtyp", "[\"app\"]")), MalformedClaim("idtyp")),
        row("another scope", scp("\"mcp.access\""), MissingScope),
        row("a scope that begins like ours", scp("\"tools.readwrite\""), MissingScope),
        row("a scope that ours begins like", scp("\"tools\""), MissingScope),
        row("our scope in capitals", scp("\"TOOLS.READ\""), MissingScope),
        row("scopes parted by commas", scp("\"tools.read,tools.write\""), MissingScope),
        row("an empty scope", scp("\"\""), MalformedClaim("scp")),
        row("a scope of spaces", scp("\"  \""), MalformedClaim("scp")),
        row("scopes parted by a tab", scp(r#""mcp.access\ttools.read""#), MalformedClaim("scp")),
        row("scopes in an array", scp("[\"tools.read\"]"), MalformedClaim("scp")),
        row("a null scope", scp("null"), MalformedClaim("scp")),
        row_for(
            "a person without the role",
            reader(),
            keys.good(&v2().set("roles", "[\"Read\"]")),
            MissingRole,
        ),
        row_for("a person without roles", reader(), keys.good(&v2().without("roles")), MissingRole),
        row("no client", keys.good(&v2().without("azp")), MissingClaim("azp")),
        row(
            "v1's client claim in v2",
            keys.good(&v2().without("azp").text("appid", CLIENT)),
            MissingClaim("azp"),
        ),
        row(
            "v2's client claim in v1",
            keys.good(&v1().without("appid").text("azp", CLIENT)),
            MissingClaim("appid"),
        ),
        row("a client that is no GUID", keys.good(&v2().text("azp", "vscode")), MalformedClaim("azp")),
        row("no object", keys.good(&v2().without("oid")), MissingClaim("oid")),
        row(
            "an object that is a name",
            keys.good(&v2().text("oid", "alice@contoso.com")),
            MalformedClaim("oid"),
        ),
    ]
}

// === in what form ===

fn forms(keys: &Keys) -> Vec<Row> {
    use TokenError::{BadClaims, DuplicateClaim, MalformedClaim};
    let raw = |claims: &str| forge::sign(&keys.ours, &header().render(), claims);
    let set = |name: &str, json: &str| keys.good(&v2().set(name, json));
    let duplicate = |name: &str, json: &str| keys.good(&v2().again(name, json));
    vec![
        row("two audiences", duplicate("aud", &json(APP)), DuplicateClaim),
        row("two expiries", duplicate("exp", "9999999999"), DuplicateClaim),
        row("two tenants, one escaped", duplicate("\\u0074id", &json(OTHER_TENANT)), DuplicateClaim),
        row("two role lists, one escaped", duplicate("ro\\u006ces", "[\"Admin\"]"), DuplicateClaim),
        row("a duplicate inside a claim", set("_claim_sources", r#"{"a":1,"a":2}"#), DuplicateClaim),
        row("claims in an array", raw(&format!("[{}]", v2().render())), BadClaims),
        row("no JSON", raw("aud=x"), BadClaims),
        row("two documents", raw(&format!("{0}{0}", v2().render())), BadClaims),
        row("nested 40 deep", set("x", &nested(40)), BadClaims),
        row("a lone surrogate", set("name", r#""\ud800""#), BadClaims),
        row("a raw NUL", set("name", "\"a\0b\""), BadClaims),
        row("a trailing comma", raw(&v2().render().replace('}', ",}")), BadClaims),
        row("a comment", raw(&v2().render().replacen('{', "{/*x*/", 1)), BadClaims),
        row("roles as a string", set("roles", "\"Admin\""), MalformedClaim("roles")),
        row("roles as an object", set("roles", r#"{"Admin":true}"#), MalformedClaim("roles")),
        row("a role that is a number", set("roles", "[1]"), MalformedClaim("roles")),
        row("an empty role", set("roles", "[\"\"]"), MalformedClaim("roles")),
        row("groups as a string", set("groups", &json(GROUP)), MalformedClaim("groups")),
        row("a group by name", set("groups", "[\"Admins\"]"), MalformedClaim("groups")),
        row("null groups", set("groups", "null"), MalformedClaim("groups")),
        row("an overage that is text", set("hasgroups", "\"false\""), MalformedClaim("hasgroups")),
        row("claim names in an array", set("_claim_names", "[]"), MalformedClaim("_claim_names")),
        row("a token id that is a number", set("uti", "1"), MalformedClaim("uti")),
        row("capabilities that are no texts", set("xms_cc", "[1]"), MalformedClaim("xms_cc")),
        row(
            "a tid with a NUL",
            keys.good(&v2().set("tid", format!("\"{TENANT}\\u0000\""))),
            MalformedClaim("tid"),
        ),
    ]
}
