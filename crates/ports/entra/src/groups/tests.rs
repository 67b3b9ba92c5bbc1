use doorward_oauth::Cloud;
use doorward_types::{ClientId, Secret};

use super::*;
use crate::client::EntraConfig;
use crate::credential::ClientCredential;
use crate::script::Script;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const APP: &str = "11111111-2222-3333-4444-555555555555";
const CAROL: &str = "00000000-0000-0000-aaaa-000000000003";
const GROUP: &str = "00000000-0000-0000-bbbb-000000000001";

fn token_url(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token")
}

fn members_url(collection: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/{collection}/{CAROL}/getMemberObjects")
}

fn token_answer(token: &str) -> String {
    format!(r#"{{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"{token}"}}"#)
}

fn list(ids: &[&str]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    format!(
        r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata","value":[{}]}}"#,
        ids.join(",")
    )
}

fn script() -> Script {
    let script = Script::new();
    script.answer(&token_url(TENANT), 200, token_answer("graph-token"));
    script.answer(&members_url("users"), 200, list(&[GROUP]));
    script
}

fn groups(script: &Script) -> Groups {
    let config = EntraConfig {
        cloud: Cloud::named("public").unwrap(),
        client_id: ClientId::parse(APP).unwrap(),
        credential: ClientCredential::Secret(Secret::new("a&b=c d/\u{e9}".to_owned())),
    };
    let entra = EntraClient::new(Arc::new(script.clone()), config, script.stopwatch());
    Groups::new(Arc::new(script.clone()), entra, script.stopwatch())
}

async fn carol(groups: &Groups) -> Result<Vec<String>, GroupsError> {
    let (tenant, object) = (TenantId::parse(TENANT).unwrap(), ObjectId::parse(CAROL).unwrap());
    let found = groups.of(&tenant, &object, CallerKind::User).await?;
    Ok(found.iter().map(ToString::to_string).collect())
}

// control: AUT-01: groups that do not fit into a token are asked of Graph with the door's own token
#[tokio::test]
async fn groups_are_asked_of_graph_with_our_own_token() {
    let script = script();
    let groups = groups(&script);
    assert_eq!(carol(&groups).await.unwrap(), [GROUP]);
    let seen = script.seen();
    assert_eq!(seen[0].line, format!("POST {}", token_url(TENANT)));
    assert_eq!(
        seen[0].body,
        format!(
            "grant_type=client_credentials&client_id={APP}&client_secret=a%26b%3Dc%20d%2F%C3%A9\
             &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
        )
    );
    assert_eq!(seen[1].line, format!("POST {}", members_url("users")));
    assert_eq!(seen[1].authorization.as_deref(), Some("Bearer graph-token"));
    assert_eq!(seen[1].body, r#"{"securityEnabledOnly":true}"#);

    script.advance(Duration::from_secs(299));
    carol(&groups).await.unwrap();
    assert!(script.lines().is_empty(), "five minutes from memory");
    script.answer(&members_url("users"), 200, list(&[]));
    script.advance(Duration::from_secs(1));
    assert!(carol(&groups).await.unwrap().is_empty(), "a person who left a group is out within five minutes");
    assert_eq!(script.lines(), [format!("POST {}", members_url("users"))], "the token is kept longer");
    script.advance(Duration::from_secs(3000));
    carol(&groups).await.unwrap();
    assert_eq!(script.lines().len(), 2, "a token is not used in its last minutes");
}

#[tokio::test]
async fn applications_are_asked_for_as_such_and_tenants_have_tokens_of_their_own() {
    let script = script();
    script.answer(&members_url("servicePrincipals"), 200, list(&[GROUP]));
    script.answer(&token_url(OTHER), 200, token_answer("other-token"));
    let groups = groups(&script);
    let object = ObjectId::parse(CAROL).unwrap();
    groups.of(&TenantId::parse(OTHER).unwrap(), &object, CallerKind::App).await.unwrap();
    let seen = script.seen();
    assert_eq!(seen[1].line, format!("POST {}", members_url("servicePrincipals")));
    assert_eq!(seen[1].authorization.as_deref(), Some("Bearer other-token"));
    carol(&groups).await.unwrap();
    assert_eq!(script.seen()[1].authorization.as_deref(), Some("Bearer graph-token"));
}

// control: AUT-01: whatever is wrong with Graph's answer, the groups are unknown and never empty
#[tokio::test]
async fn every_failure_closes_and_says_why() {
    let error_body = r#"{"error":{"code":"Authorization_RequestDenied","message":"secret details"}}"#;
    let no_secret =
        r#"{"error":"invalid_client","error_description":"AADSTS7000215: ...","error_codes":[7000215]}"#;
    let more = format!(r#"{{"value":["{GROUP}"],"@odata.nextLink":"https://graph.microsoft.com/more"}}"#);
    let twice = format!(r#"{{"value":[],"value":["{GROUP}"]}}"#);
    let refused = |status, code: Option<&str>| GroupsError::Refused { status, code: code.map(str::to_owned) };
    let token = |status, error: Option<&str>, code| GroupsError::TokenRefused {
        status,
        error: error.map(str::to_owned),
        code,
    };
    for (url, status, body, expected) in [
        (members_url("users"), 403, error_body, refused(403, Some("Authorization_RequestDenied"))),
        (members_url("users"), 500, "oops", refused(500, None)),
        (members_url("users"), 302, "", refused(302, None)),
        (members_url("users"), 400, r#"{"error":{"code":"a\r\nb"}}"#, refused(400, None)),
        (members_url("users"), 401, "{}", refused(401, None)),
        (members_url("users"), 404, "{}", GroupsError::UnknownCaller),
        (members_url("users"), 200, "{}", GroupsError::BadAnswer("the list of groups has no array `value`")),
        (
            members_url("users"),
            200,
            r#"{"value":{}}"#,
            GroupsError::BadAnswer("the list of groups has no array `value`"),
        ),
        (
            members_url("users"),
            200,
            r#"{"value":["Admins"]}"#,
            GroupsError::BadAnswer("a group's id is not a GUID"),
        ),
        (
            members_url("users"),
            200,
            r#"{"value":[null]}"#,
            GroupsError::BadAnswer("a group's id is not a GUID"),
        ),
        (members_url("users"), 200, "<html>", GroupsError::BadAnswer("the list of groups is not valid JSON")),
        (members_url("users"), 200, &twice, GroupsError::BadAnswer("the list of groups is not valid JSON")),
        (members_url("users"), 200, &more, GroupsError::BadAnswer("the list of groups is not complete")),
        (token_url(TENANT), 401, no_secret, token(401, Some("invalid_client"), Some(7_000_215))),
        (token_url(TENANT), 500, "oops", token(500, None, None)),
        (
            token_url(TENANT),
            200,
            r#"{"token_type":"Bearer","access_token":"x"}"#,
            GroupsError::BadAnswer("the token answer has no bearer token with a lifetime"),
        ),
        (
            token_url(TENANT),
            200,
            r#"{"token_type":"Bearer","expires_in":3599,"access_token":"x\r\nHost: y"}"#,
            GroupsError::BadAnswer("the token answer has no bearer token with a lifetime"),
        ),
    ] {
        let script = script();
        script.answer(&url, status, body);
        assert_eq!(carol(&groups(&script)).await.unwrap_err(), expected, "{status} {body}");
    }
    let script = script();
    script.down();
    let error = carol(&groups(&script)).await.unwrap_err();
    assert!(matches!(error, GroupsError::Unreachable(_)), "{error}");
    assert!(!error.to_string().contains("client_secret"), "{error}");
}

// control: AUT-01: a pause that Graph asks for is kept by every caller, and callers are refused meanwhile
#[tokio::test]
async fn a_pause_is_shared_by_all() {
    let script = script();
    let groups = groups(&script);
    script.answer_with(&members_url("users"), 429, &[("retry-after", "30")], "{}");
    let throttled = |secs| GroupsError::Throttled { retry_in: Duration::from_secs(secs) };
    assert_eq!(carol(&groups).await.unwrap_err(), throttled(30));
    script.seen();
    script.answer(&members_url("users"), 200, list(&[GROUP]));
    script.advance(Duration::from_secs(10));
    assert_eq!(carol(&groups).await.unwrap_err(), throttled(20));
    let other = ObjectId::parse(GROUP).unwrap();
    let tenant = TenantId::parse(TENANT).unwrap();
    assert_eq!(
        groups.of(&tenant, &other, CallerKind::User).await.unwrap_err(),
        throttled(20),
        "other callers wait too"
    );
    assert!(script.lines().is_empty(), "nothing is sent during the pause");
    script.advance(Duration::from_secs(20));
    assert_eq!(carol(&groups).await.unwrap(), [GROUP]);
}

#[tokio::test]
async fn a_pause_without_a_length_doubles() {
    let script = script();
    let groups = groups(&script);
    script.answer(&members_url("users"), 503, "");
    let mut pauses = Vec::new();
    for _ in 0..12 {
        match carol(&groups).await {
            Err(GroupsError::Throttled { retry_in }) => {
                pauses.push(retry_in.as_secs());
                script.advance(retry_in);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]);
}

#[tokio::test]
async fn a_token_that_ended_early_is_replaced_once() {
    let script = script();
    let groups = groups(&script);
    carol(&groups).await.unwrap();
    script.seen();
    script.advance(KEPT);
    script.answer(&members_url("users"), 401, "{}");
    carol(&groups).await.unwrap_err();
    let (token, members) = (format!("POST {}", token_url(TENANT)), format!("POST {}", members_url("users")));
    assert_eq!(script.lines(), [members.clone(), token, members]);
}

#[tokio::test]
async fn many_callers_at_once_share_one_request() {
    let script = script();
    let groups = groups(&script);
    script.hold();
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let groups = groups.clone();
            tokio::spawn(async move { carol(&groups).await })
        })
        .collect();
    while script.count() == 0 {
        tokio::task::yield_now().await;
    }
    callers[0].abort();
    script.release();
    for caller in callers.into_iter().skip(1) {
        assert_eq!(caller.await.unwrap().unwrap(), [GROUP]);
    }
    assert_eq!(script.lines().len(), 2, "one token, one list");
}

#[tokio::test]
async fn callers_who_waited_share_the_failure_and_the_next_asks_again() {
    let script = script();
    let groups = groups(&script);
    script.answer(&members_url("users"), 500, "");
    script.hold();
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let groups = groups.clone();
            tokio::spawn(async move { carol(&groups).await })
        })
        .collect();
    while script.count() == 0 {
        tokio::task::yield_now().await;
    }
    script.release();
    for caller in callers {
        caller.await.unwrap().unwrap_err();
    }
    assert_eq!(script.lines().len(), 2);
    script.answer(&members_url("users"), 200, list(&[GROUP]));
    script.advance(Duration::from_secs(1));
    assert_eq!(carol(&groups).await.unwrap(), [GROUP]);
}
