//! What Microsoft Graph says of an app registration: what a doctor looks at.

use bytes::Bytes;
use doorward_types::Timestamp;
use doorward_wire::{Kind, Limits, Tree, Value};

/// The fields to ask Graph for.
pub const APPLICATION_FIELDS: &str = "id,appId,signInAudience,identifierUris,api,web,spa,publicClient,appRoles,optionalClaims,groupMembershipClaims,passwordCredentials,keyCredentials";

/// An app registration, as its home tenant has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its object id, by which its federated credentials are asked for.
    pub object_id: String,
    /// `signInAudience`: whose accounts may sign in.
    pub audience: Option<String>,
    /// App ID URIs.
    pub identifier_uris: Vec<String>,
    /// `api.requestedAccessTokenVersion`; nothing means 1.
    pub token_version: Option<i64>,
    /// Redirect addresses of the platform Web.
    pub web_redirects: Vec<String>,
    /// Redirect addresses of the platform Single-page application.
    pub spa_redirects: Vec<String>,
    /// Redirect addresses of the platform Mobile and desktop applications.
    pub public_redirects: Vec<String>,
    /// Scopes that it offers and that are enabled.
    pub scopes: Vec<String>,
    /// Roles that it offers and that are enabled.
    pub roles: Vec<Role>,
    /// Optional claims of access tokens.
    pub access_claims: Vec<String>,
    /// Optional claims of ID tokens.
    pub id_claims: Vec<String>,
    /// `groupMembershipClaims`.
    pub group_claims: Option<String>,
    /// The ends of its secrets.
    pub secrets: Vec<Ending>,
    /// The ends of its certificates.
    pub certificates: Vec<Ending>,
    /// Applications that need no consent for it.
    pub preauthorized: Vec<String>,
}

/// A role that a registration offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What stands in `roles`.
    pub value: String,
    /// People may have it.
    pub people: bool,
    /// Applications may have it.
    pub applications: bool,
}

/// A credential's last day, as far as Graph tells one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Its name or id.
    pub name: Option<String>,
    /// When it ends.
    pub ends: Option<Timestamp>,
}

/// A federated credential of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedCredential {
    /// Whose tokens it trusts.
    pub issuer: String,
    /// Whom they must be about.
    pub subject: String,
    /// Whom they must be for.
    pub audiences: Vec<String>,
}

/// The application as one tenant knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// It may be used.
    pub enabled: bool,
    /// Only those who are assigned to it may use it.
    pub assignment_required: bool,
}

/// An answer of Graph's that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Graph's answer is no list of what was asked for")]
pub struct BadList;

const MOST: usize = 1024 * 1024;

/// Reads the answer to a search for one application by its id: nothing if there is none.
///
/// # Errors
/// [`BadList`].
pub fn read_registration(body: Bytes, app_id: &str) -> Result<Option<Registration>, BadList> {
    let tree = tree(body)?;
    let Some(app) = list(&tree)?.into_iter().find(|app| is(app, app_id)) else { return Ok(None) };
    let at = |names: &[&str]| app.path(names);
    let enabled =
        |value: &Value<'_>| value.get("isEnabled").and_then(|enabled| enabled.as_bool()) != Some(false);
    let all = |names: &[&str]| at(names).into_iter().flat_map(|list| list.items()).take(1_000);
    let role = |role: Value<'_>| {
        let may = |whose: &str| {
            role.get("allowedMemberTypes").is_some_and(|kinds| kinds.items().any(|kind| kind.is_str(whose)))
        };
        Some(Role { value: text(&role, "value")?, people: may("User"), applications: may("Application") })
    };
    let ending = |credential: Value<'_>| Ending {
        name: text(&credential, "displayName").or_else(|| text(&credential, "keyId")),
        ends: text(&credential, "endDateTime").and_then(|date| date_of(&date)),
    };
    Ok(Some(Registration {
        object_id: text(&app, "id").ok_or(BadList)?,
        audience: text(&app, "signInAudience"),
        identifier_uris: texts(at(&["identifierUris"])),
        token_version: at(&["api", "requestedAccessTokenVersion"]).and_then(|version| version.as_i64()),
        web_redirects: texts(at(&["web", "redirectUris"])),
        spa_redirects: texts(at(&["spa", "redirectUris"])),
        public_redirects: texts(at(&["publicClient", "redirectUris"])),
        scopes: all(&["api", "oauth2PermissionScopes"])
            .filter(enabled)
            .filter_map(|scope| text(&scope, "value"))
            .collect(),
        roles: all(&["appRoles"]).filter(enabled).filter_map(role).collect(),
        access_claims: all(&["optionalClaims", "accessToken"])
            .filter_map(|claim| text(&claim, "name"))
            .collect(),
        id_claims: all(&["optionalClaims", "idToken"]).filter_map(|claim| text(&claim, "name")).collect(),
        group_claims: text(&app, "groupMembershipClaims"),
        secrets: all(&["passwordCredentials"]).map(ending).collect(),
        certificates: all(&["keyCredentials"]).map(ending).collect(),
        preauthorized: all(&["api", "preAuthorizedApplications"])
            .filter_map(|client| text(&client, "appId"))
            .collect(),
    }))
}

/// Reads the answer to a search for one service principal by its application's id: nothing if there is none.
///
/// # Errors
/// [`BadList`].
pub fn read_principal(body: Bytes, app_id: &str) -> Result<Option<Principal>, BadList> {
    let tree = tree(body)?;
    let flag = |app: &Value<'_>, name: &str| app.get(name).and_then(|value| value.as_bool());
    Ok(list(&tree)?.into_iter().find(|app| is(app, app_id)).map(|app| Principal {
        enabled: flag(&app, "accountEnabled") != Some(false),
        assignment_required: flag(&app, "appRoleAssignmentRequired") == Some(true),
    }))
}

/// Reads a list of federated credentials.
///
/// # Errors
/// [`BadList`].
pub fn read_federated(body: Bytes) -> Result<Vec<FederatedCredential>, BadList> {
    let tree = tree(body)?;
    let credential = |value: Value<'_>| {
        Some(FederatedCredential {
            issuer: text(&value, "issuer")?,
            subject: text(&value, "subject")?,
            audiences: texts(value.get("audiences")),
        })
    };
    list(&tree)?.into_iter().map(credential).collect::<Option<_>>().ok_or(BadList)
}

fn tree(body: Bytes) -> Result<Tree, BadList> {
    let limits = Limits { max_bytes: MOST, max_depth: 16, max_nodes: 65_536 };
    Tree::parse(body, &limits).map_err(|_| BadList)
}

fn list(tree: &Tree) -> Result<Vec<Value<'_>>, BadList> {
    let value = tree.root().get("value").filter(|value| value.kind() == Kind::Array).ok_or(BadList)?;
    Ok(value.items().collect())
}

fn is(app: &Value<'_>, app_id: &str) -> bool {
    text(app, "appId").is_some_and(|id| id.eq_ignore_ascii_case(app_id))
}

fn text(object: &Value<'_>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(std::borrow::Cow::into_owned)
}

fn texts(list: Option<Value<'_>>) -> Vec<String> {
    let items = list.into_iter().flat_map(|list| list.items()).take(1_000);
    items.filter_map(|item| item.as_str().map(std::borrow::Cow::into_owned)).collect()
}

/// Reads the date and time of day of a text such as `2027-01-31T12:00:00Z`; Graph writes no zone but UTC.
fn date_of(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok().map(i64::from);
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let written = separators.iter().all(|&(at, byte)| text.as_bytes().get(at) == Some(&byte));
    if !written || !text.ends_with('Z') {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let days =
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(Timestamp::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11111111-2222-3333-4444-555555555555";

    #[test]
    fn a_registration_is_read() {
        let body = format!(
            r#"{{"@odata.context":"x","value":[{{"id":"o","appId":"{ID}","signInAudience":"AzureADMyOrg",
            "identifierUris":["api://x"],"groupMembershipClaims":"SecurityGroup",
            "api":{{"requestedAccessTokenVersion":2,"oauth2PermissionScopes":[{{"value":"mcp.access","isEnabled":true}},{{"value":"old","isEnabled":false}}],"preAuthorizedApplications":[{{"appId":"c"}}]}},
            "web":{{"redirectUris":["https://d/oauth/callback"]}},"spa":{{"redirectUris":[]}},"publicClient":{{"redirectUris":["http://localhost"]}},
            "appRoles":[{{"value":"Reader","allowedMemberTypes":["User"],"isEnabled":true}},{{"value":null,"isEnabled":true}}],
            "optionalClaims":{{"accessToken":[{{"name":"xms_cc"}}],"idToken":[]}},
            "passwordCredentials":[{{"keyId":"k","displayName":null,"endDateTime":"2027-01-31T00:00:00Z"}}],"keyCredentials":[]}}]}}"#
        );
        let app = read_registration(Bytes::from(body), &ID.to_uppercase()).unwrap().unwrap();
        assert_eq!((app.token_version, app.object_id.as_str()), (Some(2), "o"));
        assert_eq!(app.scopes, ["mcp.access"]);
        assert_eq!(app.roles, [Role { value: "Reader".into(), people: true, applications: false }]);
        assert_eq!((app.access_claims, app.preauthorized), (vec!["xms_cc".to_owned()], vec!["c".to_owned()]));
        assert_eq!(app.web_redirects, ["https://d/oauth/callback"]);
        assert_eq!(app.secrets[0].ends, Some(Timestamp::from_secs(1_801_353_600)));
        assert_eq!(app.secrets[0].name.as_deref(), Some("k"));
    }

    #[test]
    fn what_is_absent_is_absent_and_what_is_none_is_refused() {
        let app = |body: &'static str| read_registration(Bytes::from_static(body.as_bytes()), ID);
        assert_eq!(app(r#"{"value":[]}"#), Ok(None));
        assert_eq!(app(r#"{"value":[{"id":"o","appId":"another"}]}"#), Ok(None));
        for bad in ["", "[]", "{}", r#"{"value":{}}"#, r#"{"value":[],"value":[]}"#] {
            assert_eq!(app(bad), Err(BadList), "{bad}");
        }
        let bare =
            format!(r#"{{"value":[{{"id":"o","appId":"{ID}","api":null,"web":{{"redirectUris":null}}}}]}}"#);
        let bare = read_registration(Bytes::from(bare), ID).unwrap().unwrap();
        assert_eq!((bare.token_version, bare.web_redirects.len(), bare.secrets.len()), (None, 0, 0));
    }

    #[test]
    fn principals_and_federated_credentials_are_read() {
        let body = format!(
            r#"{{"value":[{{"appId":"{ID}","accountEnabled":false,"appRoleAssignmentRequired":true}}]}}"#
        );
        let principal = read_principal(Bytes::from(body), ID).unwrap();
        assert_eq!(principal, Some(Principal { enabled: false, assignment_required: true }));
        let body = r#"{"value":[{"issuer":"i","subject":"s","audiences":["a"]}]}"#;
        let [credential] = &read_federated(Bytes::from_static(body.as_bytes())).unwrap()[..] else {
            panic!("one")
        };
        assert_eq!((credential.issuer.as_str(), credential.audiences.len()), ("i", 1));
        assert_eq!(read_federated(Bytes::from_static(br#"{"value":[{"issuer":"i"}]}"#)), Err(BadList));
    }

    #[test]
    fn dates_are_read() {
        for (text, secs) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2026-11-20T12:00:00.1234567Z", Some(1_795_176_000)),
            ("2100-02-28T23:59:59Z", Some(4_107_542_399)),
            ("2026-13-01T00:00:00Z", None),
            ("2026-11-20T12:00:00+01:00", None),
            ("2026-11-20", None),
            ("", None),
            ("2026-11-2üT12:00:00Z", None),
        ] {
            assert_eq!(date_of(text), secs.map(Timestamp::from_secs), "{text}");
        }
    }
}
