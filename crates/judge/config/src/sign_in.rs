//! Signing in: `[entra.credential]`, `[sign_in]`, `[[client]]`, `[vault]`, `server.credential`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::build::values;
use crate::checks;
use crate::model::{
    EntraCredential, EntraTokens, IdentitySource, RegisteredClient, Server, ServerCredential, SignIn,
    Spotlight, UserGrant, Vault, VaultKey,
};
use crate::net::{self, HttpUrl, Origin};
use crate::parse;
use crate::problem::Problems;
use crate::read::{Read, Section};

mod forms;
mod whole;

pub(crate) use forms::resource_scope;
pub(crate) use whole::{Whole, whole};

use forms::{
    client_document, client_name, date, default_scope, header_name, host, scheme, vault_url, words_of,
    words_or_nothing,
};

/// Reads `[entra.credential]`: each kind has its own keys, and a key of another kind is a slip.
pub(crate) fn credential(section: &Section<'_>, problems: &mut Problems) -> Option<EntraCredential> {
    let kind = section.choice("kind", problems);
    let identity = section.text("managed_identity", problems, parse::client_id);
    let source = section.choice("source", problems);
    let mut path = |key| section.text(key, problems, parse::path).map(|read| read.value);
    let (token_file, certificate, key, secret_file) =
        (path("token_file"), path("certificate"), path("key"), path("secret_file"));
    let expires = section.text("secret_expires", problems, date);
    let kind = kind?;
    let of = |kind: &str| -> &[&str] {
        match kind {
            "managed-identity" => &["managed_identity", "source"],
            "workload-identity" => &["token_file"],
            "certificate" => &["certificate", "key"],
            _ => &["secret_file", "secret_expires"],
        }
    };
    for other in ["managed-identity", "workload-identity", "certificate", "secret"] {
        for key in of(other).iter().filter(|key| other != kind && section.has(key)) {
            problems.add(
                section.at(key),
                format!("`{key}` belongs to the kind `{other}`, and this is `{kind}`"),
                format!("take `{key}` out, or write `kind = \"{other}\"`"),
            );
        }
    }
    let mut need = |value: Option<PathBuf>, key: &str| {
        if value.is_none() && !section.has(key) {
            problems.add(
                section.span(),
                format!("a credential of the kind `{kind}` needs `{key}`"),
                format!("add `{key} = \"<path>\"`"),
            );
        }
        value
    };
    match kind {
        "managed-identity" => Some(EntraCredential::ManagedIdentity {
            identity: identity.map(|read| read.value),
            source: match source? {
                "imds" => IdentitySource::Imds,
                "app-service" => IdentitySource::AppService,
                "arc" => IdentitySource::Arc,
                _ => IdentitySource::Auto,
            },
        }),
        "workload-identity" => {
            Some(EntraCredential::WorkloadIdentity { token_file: need(token_file, "token_file")? })
        }
        "certificate" => {
            let (certificate, key) = (need(certificate, "certificate"), need(key, "key"));
            Some(EntraCredential::Certificate { certificate: certificate?, key: key? })
        }
        _ => Some(EntraCredential::Secret {
            file: need(secret_file, "secret_file")?,
            expires: expires.map(|read| read.value),
        }),
    }
}

/// Reads `[sign_in]`.
pub(crate) fn sign_in(section: &Section<'_>, problems: &mut Problems) -> Option<SignIn> {
    let access_token = section.duration("access_token", problems);
    let refresh_idle = section.duration("refresh_idle", problems);
    let refresh_absolute = section.duration("refresh_absolute", problems);
    let recheck = section.duration("recheck", problems);
    let session = section.duration("session", problems);
    let registration = section.choice("registration", problems);
    let registration_limit = section.count("registration_limit", problems);
    let registration_expires = section.duration("registration_expires", problems);
    let client_documents = section.flag("client_documents", problems);
    let client_document_hosts = section.list("client_document_hosts", problems, host);
    let redirect_schemes = section.list("redirect_schemes", problems, scheme);
    let entra_tokens = section.choice("entra_tokens", problems);
    let scopes = section.map("scopes", problems, |name, words| {
        parse::scope(name)?;
        words_of(words)
    });
    let signing_key_days = section.count("signing_key_days", problems);
    checks::at_most(("refresh_idle", &refresh_idle), ("refresh_absolute", &refresh_absolute), problems);
    Some(SignIn {
        access_token: access_token?.value,
        refresh_idle: refresh_idle?.value,
        refresh_absolute: refresh_absolute?.value,
        recheck: recheck?.value,
        session: session?.value,
        registration: registration? == "on",
        registration_limit: u64::try_from(registration_limit?).ok()?,
        registration_expires: registration_expires?.value,
        client_documents: client_documents?,
        client_document_hosts: values(client_document_hosts),
        redirect_schemes: values(redirect_schemes),
        entra_tokens: match entra_tokens? {
            "apps" => EntraTokens::Apps,
            "all" => EntraTokens::All,
            _ => EntraTokens::None,
        },
        scopes,
        signing_key_life: Duration::from_secs(86_400 * u64::try_from(signing_key_days?).ok()?),
    })
}

/// Reads `[[client]]`.
pub(crate) fn client(
    section: &Section<'_>,
    servers: &[Server],
    problems: &mut Problems,
) -> Option<RegisteredClient> {
    let id = section.text("id", problems, client_name);
    let name = section.text("name", problems, words_of);
    let redirect_uris = section.list("redirect_uris", problems, |text| Ok(text.to_owned()));
    let secret_file = section.text("secret_file", problems, parse::path);
    let jwks_file = section.text("jwks_file", problems, parse::path);
    let roles = section.list("roles", problems, parse::role);
    let allowed = section.list("servers", problems, parse::server_name);
    let require_dpop = section.flag("require_dpop", problems);
    let spotlight = section.choice("spotlight", problems).map(Spotlight::of);
    if secret_file.is_some() && jwks_file.is_some() {
        problems.add(
            section.at("jwks_file"),
            "the client has a secret and keys, and could prove itself by either",
            "keep one of the two; keys are the better one",
        );
    }
    if !roles.is_empty() && !section.has("secret_file") && !section.has("jwks_file") {
        problems.add(
            section.at("roles"),
            "anybody could be this machine: it has roles and nothing to prove itself with",
            "add `jwks_file` or `secret_file`, or take `roles` out",
        );
    }
    if roles.is_empty() && redirect_uris.is_empty() {
        problems.add(
            section.span(),
            "the client has neither `redirect_uris`, to sign people in, nor `roles`, to act for itself",
            "add one of the two",
        );
    }
    for server in &allowed {
        if !servers.iter().any(|known| known.name == server.value) {
            problems.add(
                server.span.clone(),
                format!("no server is called `{}`", server.value),
                "name a `[[server]]` of this file",
            );
        }
    }
    Some(RegisteredClient {
        id: id?.value,
        name: name?.value,
        redirect_uris: values(redirect_uris),
        secret_file: secret_file.map(|read| read.value),
        jwks_file: jwks_file.map(|read| read.value),
        roles: values(roles),
        servers: values(allowed),
        require_dpop: require_dpop.unwrap_or(false),
        spotlight,
    })
}

/// Reads `[vault]`.
pub(crate) fn vault(section: &Section<'_>, problems: &mut Problems) -> Option<Vault> {
    let path = section.text("path", problems, parse::path);
    let key_file = section.text("key_file", problems, parse::path);
    let key_vault = section.text("key_vault_key", problems, |text| vault_url(text, "keys"));
    if let (Some(path), Some(key_file)) = (&path, &key_file)
        && path.value.parent().is_some_and(|folder| lies_in(&key_file.value, folder))
    {
        problems.add(
            section.at("key_file"),
            "the key lies in the folder of what it opens: whoever copies the one has the other",
            "put it elsewhere, for example `key_file = \"keys/vault.key\"`",
        );
    }
    let key = match (key_file, key_vault, section.has("key_file") || section.has("key_vault_key")) {
        (Some(file), None, _) => VaultKey::File(file.value),
        (None, Some(url), _) => VaultKey::KeyVault(https(url, problems)?),
        (Some(_), Some(_), _) => {
            problems.add(
                section.at("key_vault_key"),
                "the vault has two keys",
                "keep one of `key_file` and `key_vault_key`",
            );
            return None;
        }
        (None, None, true) => return None,
        (None, None, false) => {
            problems.add(
                section.span(),
                "the vault has no key",
                "add `key_file = \"keys/vault.key\"`, or `key_vault_key` for a key in Azure Key Vault",
            );
            return None;
        }
    };
    Some(Vault { path: path?.value, key })
}

/// Reads `server.credential`.
pub(crate) fn server_credential(section: &Section<'_>, problems: &mut Problems) -> Option<ServerCredential> {
    const KINDS: [&str; 5] = ["on_behalf_of", "workload", "secret_file", "key_vault_secret", "user_grant"];
    let on_behalf_of = section.text("on_behalf_of", problems, resource_scope);
    let workload = section.text("workload", problems, default_scope);
    let secret_file = section.text("secret_file", problems, parse::path);
    let key_vault_secret = section.text("key_vault_secret", problems, |text| vault_url(text, "secrets"));
    let header = section.text("header", problems, header_name);
    let prefix = section.text("prefix", problems, words_or_nothing);
    let user_grant = section.flag("user_grant", problems);
    let issuer = section.text("issuer", problems, net::url);
    let client_id = section.text("client_id", problems, words_of);
    let client_secret_file = section.text("client_secret_file", problems, parse::path);
    let client_document = section.text("client_document", problems, client_document);
    let scopes = section.list("scopes", problems, parse::scope);
    let written: Vec<&str> = KINDS
        .iter()
        .copied()
        .filter(|key| section.has(key) && (*key != "user_grant" || user_grant == Some(true)))
        .collect();
    if written.len() != 1 {
        let what = if written.is_empty() {
            "the credential is of no kind".to_owned()
        } else {
            format!("the credential is of several kinds: {}", written.join(", "))
        };
        problems.add(section.span(), what, format!("write exactly one of {}", KINDS.join(", ")));
        return None;
    }
    let (header, prefix) = (header?.value, prefix?.value);
    match written.first().copied() {
        Some("on_behalf_of") => Some(ServerCredential::OnBehalfOf { scope: on_behalf_of?.value }),
        Some("workload") => Some(ServerCredential::Workload { scope: workload?.value }),
        Some("secret_file") => {
            Some(ServerCredential::SecretFile { file: secret_file?.value, header, prefix })
        }
        Some("key_vault_secret") => Some(ServerCredential::KeyVaultSecret {
            url: https(key_vault_secret?, problems)?,
            header,
            prefix,
        }),
        _ => {
            if client_secret_file.is_some() && client_id.is_none() {
                problems.add(
                    section.at("client_secret_file"),
                    "a secret of nobody: there is no `client_id`",
                    "add the `client_id` that the secret belongs to",
                );
            }
            if client_document.is_some() && client_id.is_some() {
                problems.add(
                    section.at("client_document"),
                    "the door is one client there: `client_id` names it already",
                    "keep `client_id` or `client_document`",
                );
            }
            Some(ServerCredential::UserGrant(UserGrant {
                issuer: issuer.map(|read| read.value),
                client_id: client_id.map(|read| read.value),
                client_secret_file: client_secret_file.map(|read| read.value),
                client_document: client_document.map(|read| read.value),
                scopes: values(scopes),
            }))
        }
    }
}

fn https(url: Read<HttpUrl>, problems: &mut Problems) -> Option<HttpUrl> {
    let origin: &Origin = url.value.origin();
    if origin.is_https() {
        return Some(url.value);
    }
    problems.add(
        url.span,
        format!("`{}` is not https", url.value),
        "copy the identifier from the vault's page in the Azure portal",
    );
    None
}

/// Compares paths as they are written: what links make of them is judged again when the files are opened.
fn lies_in(file: &Path, folder: &Path) -> bool {
    checks::plain(file).starts_with(checks::plain(folder))
}
