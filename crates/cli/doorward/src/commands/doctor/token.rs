//! A token that was pasted: what the door says to it at each server, and why.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use doorward_config::{Config, ServerCredential};
use doorward_entra::EntraClient;
use doorward_gateway::Outside;
use doorward_oauth::{CallerKind, Expectation, Groups, Identity, KeySet, TokenError, verify_keeping};
use doorward_wire::{Limits, Tree};

use super::chain::{OwnKeys, ring};
use super::finding::Finding;
use super::service::refused;
use crate::commands::vault::now;

const AREA: &str = "token";
/// What is told of a token: whom it is for and by whom, and what it opens. Nothing that names a person.
const TOLD: [&str; 10] = ["iss", "aud", "ver", "tid", "azp", "appid", "client_id", "scp", "scope", "roles"];

/// Judges the token at every server, and tries what would be done with it.
pub(crate) async fn look(
    config: &Config,
    outside: &Outside,
    entra_keys: Option<Arc<KeySet>>,
    own: OwnKeys,
    token: &str,
    entra: Option<&EntraClient>,
    findings: &mut Vec<Finding>,
) {
    let Some(claims) = Claims::of(token) else {
        findings.push(
            Finding::bad(
                AREA,
                "this is no token that a door could read: three parts in base64url, parted by dots",
            )
            .fix("paste the access token, not a refresh token, a code or a session cookie"),
        );
        return;
    };
    findings.push(Finding::ok(AREA, format!("it says of itself: {}", claims.told())));
    if entra_keys.is_none() && own.is_none() {
        findings.push(
            Finding::warn(AREA, "whether that is true was not looked at: nobody was asked for keys")
                .fix("leave --offline out"),
        );
        return;
    }
    let keys = ring(entra_keys, own);
    for (name, expected) in &outside.expectations {
        match verify_keeping(token, &keys, expected, now()) {
            Ok((identity, assertion)) => {
                findings.push(Finding::ok(AREA, format!("{name}: comes in as {}", who(&identity))));
                if identity.bound_to().is_some() {
                    findings.push(
                        Finding::warn(
                            AREA,
                            format!("{name}: it is bound to a key (DPoP), and refused without"),
                        )
                        .fix("let the client that got it present it, with a proof for each request"),
                    );
                }
                findings.extend(beyond(config, &identity));
                let server = config.server(name.as_str()).and_then(|server| server.credential.as_ref());
                if let (Some(ServerCredential::OnBehalfOf { scope }), Some(entra), Some(assertion)) =
                    (server, entra, assertion)
                {
                    let tenant = identity.tenant().as_str();
                    findings.push(match entra.on_behalf_of(tenant, &assertion, scope).await {
                        Ok(_) => Finding::ok(AREA, format!("{name}: Entra exchanges it for {scope}")),
                        Err(error) => {
                            refused(AREA, &format!("{name}: Entra does not exchange it for {scope}"), &error)
                        }
                    });
                }
            }
            Err(error) => findings.push(explained(name.as_str(), &error, expected, &claims)),
        }
    }
}

fn who(identity: &Identity) -> String {
    let list = |names: &[Arc<str>]| names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" ");
    let kind = match identity.kind() {
        CallerKind::User => "a person",
        CallerKind::App => "an application",
    };
    format!("{kind}, with scopes [{}] and roles [{}]", list(identity.scopes()), list(identity.roles()))
}

/// What the token does not bring, although it comes in.
fn beyond(config: &Config, identity: &Identity) -> Vec<Finding> {
    let mut findings = Vec::new();
    match identity.groups() {
        Groups::Overage if config.entra.credential.is_none() => findings.push(
            Finding::bad(
                AREA,
                "it lists no groups, because there are too many, and the door cannot ask Graph for them",
            )
            .fix("add `credential` to [entra]; or give roles instead of groups"),
        ),
        Groups::Overage => findings
            .push(Finding::ok(AREA, "it lists no groups, because there are too many: the door asks Graph")),
        Groups::Absent | Groups::Listed(_) => {}
    }
    if !identity.from_door() && identity.kind() == CallerKind::User && !identity.capable_of_claims_challenge()
    {
        findings.push(
            Finding::warn(AREA, "its client cannot take a further step that Conditional Access asks for: it is refused instead")
                .code(50_076)
                .cause("the token lacks `xms_cc` with `cp1`")
                .fix("let clients sign in at the door (`[sign_in]`), which can"),
        );
    }
    findings
}

fn explained(server: &str, error: &TokenError, expected: &Expectation, claims: &Claims) -> Finding {
    let finding = Finding::bad(AREA, format!("{server}: refused, {error}"));
    let id = &expected.audience.client_id;
    let door = expected.door.as_ref();
    match error {
        TokenError::WrongAudience => match (claims.text("iss"), door) {
            (Some(issuer), Some(door)) if issuer == door.issuer => {
                finding.cause(format!("it is for {}, and this server is {}", claims.told_of("aud"), door.audience)).fix("each server has tokens of its own: let the client sign in for this one")
            }
            _ => finding
                .cause(format!("it is for {}, and this door is {id}", claims.told_of("aud")))
                .code(500_011)
                .fix(format!("let the client ask for a scope of this application: {}", scope(expected))),
        },
        TokenError::GraphToken => finding
            .code(650_053)
            .cause("the client asked for a bare scope, and Entra took it for one of Microsoft Graph's")
            .fix(format!("let the client ask for {}", scope(expected))),
        TokenError::V1NotAccepted => {
            finding.fix("App registrations > the application > Manifest: \"requestedAccessTokenVersion\": 2; or `accept_v1 = true`")
        }
        TokenError::Expired => finding.fix("get a new one; if clients do not, their refresh fails: Entra wants the scope named there (AADSTS90009), the door does not"),
        TokenError::NotYetValid | TokenError::IssuedInFuture => finding.fix("set this machine's clock: it is late"),
        TokenError::TenantNotAllowed(tenant) => {
            finding.code(50_020).cause(format!("it is of the tenant {tenant}")).fix("add that tenant to `tenants` in [entra], if its people may come in")
        }
        TokenError::MissingScope => finding.fix(format!("the token has [{}]: let the client ask for {}", claims.told_of("scp"), scope(expected))),
        TokenError::MissingRole => finding.fix(format!(
            "Enterprise applications > the application > Users and groups: assign the role {}",
            expected.required_role.join(" or ")
        )),
        TokenError::AppWithoutRole => finding.code(50_105).fix("give the application an app role of this one (`az rest`: appRoleAssignments)"),
        TokenError::AppOnlyNotAllowed => finding.fix("write `allow_app_only = true` in [entra], if applications may call for themselves"),
        TokenError::NeitherUserNorApp => {
            finding.fix("App registrations > the application > Token configuration > Add optional claim > Access: idtyp")
        }
        TokenError::EntraTokenNotAccepted => finding.fix("let the client sign in at the door; for applications write `entra_tokens = \"apps\"` in [sign_in]"),
        TokenError::DoorTokenNotAccepted => finding.fix("add `[sign_in]`, or have the client sign in again"),
        TokenError::UnknownKid { .. } | TokenError::BadSignature => finding
            .cause(format!("it says it is of {}", claims.told_of("iss")))
            .fix("compare that with the tenant and cloud of [entra]; a token of the door's own can be judged only while the door is open"),
        TokenError::WrongIssuer | TokenError::KeyIssuerMismatch => {
            finding.cause(format!("it says it is of {}", claims.told_of("iss"))).fix("compare that with the tenant and cloud of [entra]")
        }
        TokenError::IdToken => finding.fix("paste the access token: an ID token says who signed in, and opens nothing"),
        _ => finding.fix("get a new token from Entra; this one is damaged or not meant for a door"),
    }
}

fn scope(expected: &Expectation) -> String {
    let uri = expected.audience.app_id_uris.first().map_or("", String::as_str);
    format!("{uri}/{}", expected.required_scope.first().map_or(".default", String::as_str))
}

/// What a token says, unproven.
struct Claims(Tree);

impl Claims {
    fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let limits = Limits { max_bytes: 64 * 1024, max_depth: 16, max_nodes: 4096 };
        Tree::parse(Bytes::from(bytes), &limits).ok().map(Self)
    }

    fn text(&self, name: &str) -> Option<String> {
        Some(self.0.root().get(name)?.as_str()?.into_owned())
    }

    fn told_of(&self, name: &str) -> String {
        self.0.root().get(name).map_or_else(
            || "nothing".to_owned(),
            |value| value.as_str().map_or_else(|| value.raw().to_owned(), |text| text.into_owned()),
        )
    }

    fn told(&self) -> String {
        let told = TOLD.iter().filter(|name| self.0.root().get(name).is_some());
        told.map(|name| format!("{name} {}", self.told_of(name))).collect::<Vec<_>>().join(", ")
    }
}
