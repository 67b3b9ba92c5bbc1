//! `doorward entra manifest`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use aws_lc_rs::digest::{SHA256, digest};
use clap::Args;
use doorward_config::{
    Access, Cloud, Config, EntraCredential, EntraTokens, Server, ServerCredential, Tenants,
};
use doorward_types::ClientId;
use serde_json::{Value, json};

use super::spoken::Spoken;
use crate::commands::serve;
use crate::failure::Failure;
use crate::out::{NAME, Out, WARN, paint};

/// Microsoft Graph, and what the door asks of it: to sign people in, and to read the groups of those who have too many.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const SIGN_IN: [&str; 4] = [
    "37f7f235-527c-4136-accd-4a02d197296e", // openid
    "14dad69e-099b-42c9-810b-d002981feec1", // profile
    "7427e0e9-2fba-42fe-b0c0-848c9e6a8182", // offline_access
    "e1fe6dd8-ba31-4d61-89e7-88639da4683d", // User.Read
];
const GROUP_MEMBER_READ_ALL: &str = "98830695-27a2-44f7-8c18-0c3ebc9698f6";

/// Print the app registration that fits a configuration, as Graph JSON or as `az` commands.
#[derive(Debug, Args)]
#[command(
    after_help = "The JSON is the body of PATCH https://graph.microsoft.com/v1.0/applications(appId='<client id>'). What it cannot hold,
federated credentials and consent, is in what --az prints."
)]
pub(crate) struct Manifest {
    /// Print a script for a shell with `az`, instead of JSON.
    #[arg(long, conflicts_with = "json")]
    az: bool,
    /// The registration of this server, where it has one of its own.
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// The configuration.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

/// One app registration, and the servers behind it.
struct Registration<'a> {
    config: &'a Config,
    id: ClientId,
    servers: Vec<&'a Server>,
    /// Whether it is the door's own, which signs people in and has a credential.
    own: bool,
    spoken: Spoken,
}

impl Manifest {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = serve::load(&self.config)?;
        let registration = self.registration(&config)?;
        if self.az {
            out.line(registration.script());
        } else {
            out.line(pretty(&registration.application()));
            // On standard error: what stands on the other is the body of one request.
            for note in registration.beside() {
                out.note(format_args!("{} {note}", paint(WARN, "note:")));
            }
        }
        let others = config.servers.iter().filter(|server| server.access.client_id != registration.id);
        for server in others {
            out.note(format_args!(
                "{} the server {} has an app registration of its own, {}\n {} --server {}",
                paint(WARN, "note:"),
                server.name,
                server.access.client_id,
                paint(NAME, "help:"),
                server.name
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn registration<'a>(&self, config: &'a Config) -> Result<Registration<'a>, Failure> {
        let id = match &self.server {
            Some(name) => {
                let server = config.server(name).ok_or_else(|| {
                    let names: Vec<_> = config.servers.iter().map(|server| server.name.as_str()).collect();
                    Failure::usage(format!("no server is called `{}`", crate::table::clean(name)))
                        .help(format!("name one of {}", names.join(", ")))
                })?;
                server.access.client_id.clone()
            }
            None => config.entra.client_id.clone().ok_or_else(|| {
                Failure::usage("`[entra]` has no `client_id`: each server has an app registration of its own")
                    .help("name a server with --server NAME")
            })?,
        };
        let servers = config.servers.iter().filter(|server| server.access.client_id == id).collect();
        let own = config.entra.client_id.as_ref() == Some(&id);
        Ok(Registration { config, id, servers, own, spoken: Spoken::of(config) })
    }
}

impl Registration<'_> {
    fn application(&self) -> Value {
        let redirects: Vec<String> = self.callback().into_iter().collect();
        let audience = match self.config.entra.tenants {
            Tenants::One(_) => "AzureADMyOrg",
            Tenants::Many(_) => "AzureADMultipleOrgs",
        };
        json!({
            "displayName": format!("Doorward ({})", self.config.gateway.public_url.authority()),
            "signInAudience": audience,
            "identifierUris": self.uris(),
            // v1 tokens name their audience by URI and their issuer otherwise, and HTTPS URIs are taken with 2 only.
            "api": { "requestedAccessTokenVersion": 2, "oauth2PermissionScopes": self.scopes() },
            "appRoles": self.roles(),
            // The platform Web alone: a single-page one makes Entra refuse the door's own redemption (AADSTS9002326).
            "web": {
                "redirectUris": redirects,
                "implicitGrantSettings": { "enableAccessTokenIssuance": false, "enableIdTokenIssuance": false },
            },
            "spa": { "redirectUris": [] },
            "publicClient": { "redirectUris": [] },
            "isFallbackPublicClient": false,
            "groupMembershipClaims": if self.spoken.groups { "SecurityGroup" } else { "None" },
            "optionalClaims": {
                "accessToken": [claim("idtyp"), claim("xms_cc")],
                // Who signs in again is not asked who they are.
                "idToken": [claim("login_hint")],
                "saml2Token": [],
            },
            "requiredResourceAccess": self.asked(),
        })
    }

    fn callback(&self) -> Option<String> {
        let facade = self.own && self.config.sign_in.is_some();
        facade.then(|| format!("{}/oauth/callback", self.config.gateway.public_url))
    }

    fn uris(&self) -> Vec<String> {
        let mut uris: Vec<String> = Vec::new();
        let all = self.servers.iter().flat_map(|server| server.access.app_id_uris.iter().cloned());
        for uri in all.chain([format!("api://{}", self.id)]) {
            if !uris.contains(&uri) {
                uris.push(uri);
            }
        }
        uris
    }

    fn named(&self, of: impl Fn(&Access) -> &[String]) -> BTreeSet<String> {
        self.servers.iter().flat_map(|server| of(&server.access).iter().cloned()).collect()
    }

    fn scope_names(&self) -> BTreeSet<String> {
        let mut names = self.named(|access| &access.required_scope);
        if names.is_empty() {
            // Entra gives a person's token for this application only if it has a scope.
            names.insert("mcp.access".to_owned());
        }
        names
    }

    fn scopes(&self) -> Vec<Value> {
        let words = |name: &str| {
            let said = self.config.sign_in.as_ref().and_then(|sign_in| sign_in.scopes.get(name).cloned());
            said.unwrap_or_else(|| {
                "Use MCP servers through the door as you, as far as your own rights reach".to_owned()
            })
        };
        let scope = |name: &String| {
            json!({
                "id": self.guid("scope", name), "value": name, "type": "User", "isEnabled": true,
                "adminConsentDisplayName": name, "adminConsentDescription": words(name),
                "userConsentDisplayName": name, "userConsentDescription": words(name),
            })
        };
        self.scope_names().iter().map(scope).collect()
    }

    /// Roles that servers require, that policies speak of and that machines have; examples where there are none.
    fn role_names(&self) -> BTreeSet<String> {
        let mut names = self.named(|access| &access.required_role);
        if self.own {
            names.extend(self.spoken.roles.iter().cloned());
            names.extend(self.config.clients.iter().flat_map(|client| client.roles.iter().cloned()));
            if names.is_empty() {
                names.extend(["Reader", "Writer"].map(str::to_owned));
            }
        }
        names
    }

    fn roles(&self) -> Vec<Value> {
        let sign_in = self.config.sign_in.as_ref();
        let apps = self.config.entra.allow_app_only
            || sign_in.is_some_and(|sign_in| sign_in.entra_tokens == EntraTokens::Apps);
        let kinds = if apps { json!(["User", "Application"]) } else { json!(["User"]) };
        let role = |name: &String| {
            json!({
                "id": self.guid("role", name), "value": name, "displayName": name, "isEnabled": true,
                "description": format!("Opens what policies of the door allow to {name}"), "allowedMemberTypes": kinds,
            })
        };
        self.role_names().iter().map(role).collect()
    }

    /// What the application may ask for: to sign people in, a token for itself, and groups.
    fn asked(&self) -> Vec<Value> {
        if !self.own || self.config.entra.credential.is_none() {
            return Vec::new();
        }
        let delegated = |id: &str| json!({ "id": id, "type": "Scope" });
        let groups = json!({ "id": GROUP_MEMBER_READ_ALL, "type": "Role" });
        let mut graph = vec![groups];
        let mut asked = Vec::new();
        if self.config.sign_in.is_some() {
            graph.splice(0..0, SIGN_IN.map(delegated));
            let own: Vec<Value> =
                self.scope_names().iter().map(|name| delegated(&self.guid("scope", name))).collect();
            asked.push(json!({ "resourceAppId": self.id.as_str(), "resourceAccess": own }));
        }
        asked.push(json!({ "resourceAppId": GRAPH, "resourceAccess": graph }));
        asked
    }

    /// The same each time, so that a second run changes nothing: what people consented to is kept by id.
    fn guid(&self, kind: &str, name: &str) -> String {
        let hash = digest(&SHA256, format!("doorward/{kind}/{}/{name}", self.id).as_bytes());
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash.as_ref()).for_each(|(byte, from)| *byte = *from);
        let number = u128::from_be_bytes(bytes);
        // Version 8, variant 1 (RFC 9562 section 5.8).
        let number = number & !(0xf << 76) & !(0x3 << 62) | 0x8 << 76 | 0x2 << 62;
        let text = format!("{number:032x}");
        let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
    }

    /// The federated credential that makes the machine's identity or the platform's token the application's proof.
    fn federated(&self) -> Option<Value> {
        let (name, issuer, subject) = match self.config.entra.credential.as_ref().filter(|_| self.own)? {
            EntraCredential::ManagedIdentity { .. } => {
                let tenant = self.config.entra.tenants.as_slice().first()?;
                let authority = authority(self.config.entra.cloud);
                ("doorward-managed-identity", format!("{authority}/{tenant}/v2.0"), "$IDENTITY".to_owned())
            }
            EntraCredential::WorkloadIdentity { .. } => (
                "doorward-workload-identity",
                "$ISSUER".to_owned(),
                "system:serviceaccount:$NAMESPACE:$ACCOUNT".to_owned(),
            ),
            EntraCredential::Certificate { .. } | EntraCredential::Secret { .. } => return None,
        };
        let audience = match self.config.entra.cloud {
            Cloud::Public => "api://AzureADTokenExchange",
            Cloud::UsGov => "api://AzureADTokenExchangeUSGov",
            Cloud::China => "api://AzureADTokenExchangeChina",
        };
        Some(json!({ "name": name, "issuer": issuer, "subject": subject, "audiences": [audience] }))
    }

    /// Permissions whose ids only the owners of those APIs know.
    fn wishes(&self) -> impl Iterator<Item = String> {
        self.servers.iter().filter(|_| self.own).filter_map(|server| match &server.credential {
            Some(ServerCredential::OnBehalfOf { scope } | ServerCredential::Workload { scope }) => Some(format!(
                "The server {} is called with tokens for {scope}: give this application that permission (API permissions) and consent to it.",
                server.name
            )),
            _ => None,
        })
    }

    /// What belongs to the registration and is no part of its JSON.
    fn beside(&self) -> Vec<String> {
        let federated = self.federated().map(|federated| {
            format!(
                "its federated credential, for POST …/federatedIdentityCredentials:\n{}",
                pretty(&federated)
            )
        });
        federated.into_iter().chain(self.wishes()).collect()
    }

    fn script(&self) -> String {
        let id = &self.id;
        let graph = match self.config.entra.cloud {
            Cloud::Public => "https://graph.microsoft.com",
            Cloud::UsGov => "https://graph.microsoft.us",
            Cloud::China => "https://microsoftgraph.chinacloudapi.cn",
        };
        let application = format!("{graph}/v1.0/applications(appId='{id}')");
        let mut script = format!(
            "set -eu\n# Sign in first, as somebody who may change this application: az login --tenant {}\n\n",
            self.config.entra.tenants.as_slice().first().map(ToString::to_string).unwrap_or_default()
        );
        if self.uris().iter().any(|uri| uri.starts_with("https:")) {
            script.push_str(&format!(
                "# First the token version: Entra takes https URIs from applications of version 2 only.\n{}",
                rest("PATCH", &application, &json!({ "api": { "requestedAccessTokenVersion": 2 } }), false)
            ));
        }
        script.push_str("# The registration. Scopes and roles that it has already under these names keep their ids: put those in.\n");
        script.push_str(&rest("PATCH", &application, &self.application(), false));
        script.push_str(&format!("\n# Its service principal in this tenant.\naz ad sp show --id {id} --output none 2>/dev/null || az ad sp create --id {id}\n"));
        if let Some(federated) = self.federated() {
            script.push_str(match self.config.entra.credential {
                Some(EntraCredential::ManagedIdentity { .. }) => {
                    "\n# The proof: the managed identity, by its object (principal) id. Only user-assigned ones of this tenant are taken.\nIDENTITY=$(az identity show --resource-group \"$RESOURCE_GROUP\" --name \"$IDENTITY_NAME\" --query principalId --output tsv)\n"
                }
                _ => "\n# The proof: the service account, by what its tokens say. Set ISSUER, NAMESPACE and ACCOUNT first.\n",
            });
            script.push_str(&rest(
                "POST",
                &format!("{application}/federatedIdentityCredentials"),
                &federated,
                true,
            ));
        }
        match self.config.entra.credential.as_ref().filter(|_| self.own) {
            Some(EntraCredential::Certificate { certificate, .. }) => script.push_str(&format!(
                "\n# The proof: the public half of the certificate.\naz ad app credential reset --id {id} --append --cert @{}\n",
                shell(&certificate.display().to_string())
            )),
            Some(EntraCredential::Secret { file, .. }) => script.push_str(&format!(
                "\n# The proof: a secret, good for half a year. Better is one of the kinds without.\n(umask 077; az ad app credential reset --id {id} --append --end-date \"$(date -u -d '+180 days' +%Y-%m-%d)\" --query password --output tsv > {})\n",
                shell(&file.display().to_string())
            )),
            _ => {}
        }
        if !self.asked().is_empty() {
            script.push_str(&format!(
                "\n# Consent for everybody: otherwise each person is asked by Microsoft too, where they may consent at all (AADSTS65001).\naz ad app permission admin-consent --id {id}\n"
            ));
        }
        for wish in self.wishes() {
            script.push_str(&format!("\n# {wish}\n"));
        }
        script.trim_end().to_owned()
    }
}

fn authority(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Public => "https://login.microsoftonline.com",
        Cloud::UsGov => "https://login.microsoftonline.us",
        Cloud::China => "https://login.partner.microsoftonline.cn",
    }
}

fn claim(name: &str) -> Value {
    json!({ "name": name, "essential": false, "source": null, "additionalProperties": [] })
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// One call of Graph. The shell fills variables in only where there are some: a text of the configuration must not run.
fn rest(method: &str, url: &str, body: &Value, fills: bool) -> String {
    let end = if fills { "JSON" } else { "'JSON'" };
    format!(
        "az rest --method {method} --url \"{url}\" --headers Content-Type=application/json --body @/dev/stdin <<{end}\n{}\nJSON\n",
        pretty(body)
    )
}

/// A word of a shell that means itself (POSIX 2.2.2).
fn shell(text: &str) -> String {
    let plain = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_configuration_is_one_word_of_the_script() {
        assert_eq!(shell("keys/cert.pem"), "keys/cert.pem");
        assert_eq!(shell("a b; rm -rf $HOME"), "'a b; rm -rf $HOME'");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(shell(""), "''");
    }
}
