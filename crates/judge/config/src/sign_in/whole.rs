//! What no table of signing in can tell alone.

use std::collections::BTreeSet;
use std::ops::Range;

use doorward_types::ClientId;

use crate::model::{EntraTokens, RegisteredClient, Server, ServerCredential, SignIn};
use crate::near::nearest;
use crate::problem::Problems;
use crate::read::Section;

/// The scope of a server that requires none, where the door issues tokens.
const DEFAULT_SCOPE: &str = "mcp";

/// What no table of these can tell alone.
pub(crate) struct Whole<'a> {
    pub(crate) entra: &'a Section<'a>,
    pub(crate) sign_in: Option<&'a Section<'a>>,
    pub(crate) client_id: Option<&'a ClientId>,
    pub(crate) credential: bool,
    pub(crate) vault: bool,
    pub(crate) signed: Option<&'a SignIn>,
    pub(crate) allow_app_only: bool,
    pub(crate) clients: &'a [RegisteredClient],
    /// Where each client's table stands.
    pub(crate) places: &'a [Option<Range<usize>>],
    pub(crate) servers: &'a [Server],
}

/// Checks that what signing in needs is there, and that nothing stands there that nothing needs (IDC-11).
pub(crate) fn whole(whole: &Whole<'_>, problems: &mut Problems) {
    if let Some(section) = whole.sign_in {
        if whole.client_id.is_none() {
            problems.add(
                section.span(),
                "`[sign_in]` signs people in at Entra, and `[entra]` has no `client_id`",
                "add the `client_id` of the door's app registration to [entra]",
            );
        }
        if !whole.credential {
            problems.add(
                section.span(),
                "`[sign_in]` makes the door a confidential client of Entra, and it has no credential",
                "add `credential = { kind = \"managed-identity\" }` to [entra], or another kind",
            );
        }
        if !whole.vault {
            problems.add(
                section.span(),
                "`[sign_in]` must remember who is signed in, and there is no `[vault]`",
                "add `[vault]` with `key_file = \"keys/vault.key\"`",
            );
        }
    } else if !whole.clients.is_empty() {
        problems.add(
            whole.entra.span(),
            "`[[client]]` registers clients with the door, and without `[sign_in]` they sign in at Entra",
            "add `[sign_in]`, or take the clients out",
        );
    }
    let mut seen = BTreeSet::new();
    for (client, place) in whole.clients.iter().zip(whole.places) {
        if !seen.insert(client.id.as_str()) {
            let what = format!("a client called `{}` is above already", client.id);
            problems.add(place.clone(), what, "give each its own `id`");
        }
        // The door takes tokens of machines then; Entra's own would come in beside them, for any application.
        let all = whole.signed.is_some_and(|own| own.entra_tokens == EntraTokens::All);
        if all && !client.roles.is_empty() && !whole.allow_app_only {
            problems.add(
                place.clone(),
                "machines may come in, and with `entra_tokens = \"all\"` so could every application of the tenant that has a role",
                "write `entra_tokens = \"none\"` in [sign_in], or say `allow_app_only = true` in [entra]",
            );
        }
    }
    // Where a server could not be read, its scopes are not known.
    if let (Some(section), Some(own), true) = (whole.sign_in, whole.signed, problems.is_empty()) {
        scope_words(section, own, whole.servers, problems);
    }
    for server in whole.servers {
        let needs_entra = matches!(
            server.credential,
            Some(
                ServerCredential::OnBehalfOf { .. }
                    | ServerCredential::Workload { .. }
                    | ServerCredential::KeyVaultSecret { .. }
            )
        );
        if needs_entra && !whole.credential {
            problems.add(
                whole.entra.span(),
                format!("the credential of the server `{}` is asked for at Entra, and the door has none of its own", server.name),
                "add `credential = { kind = \"managed-identity\" }` to [entra], or another kind",
            );
        }
        if matches!(server.credential, Some(ServerCredential::UserGrant(_))) && whole.sign_in.is_none() {
            problems.add(
                whole.entra.span(),
                format!("people connect their accounts for the server `{}` on the door's own pages, which `[sign_in]` brings", server.name),
                "add `[sign_in]`",
            );
        }
    }
}

/// Words for a scope that no server has are a slip: people would be asked without them.
fn scope_words(section: &Section<'_>, own: &SignIn, servers: &[Server], problems: &mut Problems) {
    let mut known: BTreeSet<&str> =
        servers.iter().flat_map(|server| server.access.required_scope.iter().map(String::as_str)).collect();
    if servers.iter().any(|server| server.access.required_scope.is_empty()) {
        known.insert(DEFAULT_SCOPE);
    }
    for name in own.scopes.keys().filter(|name| !known.contains(name.as_str())) {
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the scopes are {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
        };
        problems.add(section.at("scopes"), format!("no server has the scope `{name}`"), help);
    }
}
