//! The forms of single texts: GUIDs, scopes, App ID URIs, header names and the like.

use std::path::PathBuf;

use doorward_types::{ClientId, ServerName, TenantId};

use crate::units::Fault;

/// Segments of the door's own paths, present and planned; a server of that name would hide them.
const RESERVED: [&str; 9] =
    ["well-known", "healthz", "readyz", "metrics", "oauth", "account", "admin", "assets", "doorward"];

/// Microsoft Graph's application id. Tokens for it are stolen by the thousand; a door that accepted them would be open.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

pub(crate) fn server_name(text: &str) -> Result<ServerName, Fault> {
    let name = ServerName::parse(text).map_err(|why| {
        let tame: String = text
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(64)
            .collect();
        let help = match ServerName::parse(tame.trim_matches('-')) {
            Ok(tame) => format!("write \"{tame}\""),
            Err(_) => "write a short name such as \"crm\"".to_owned(),
        };
        Fault::new(format!("`{text}` is {why}"), help)
    })?;
    if RESERVED.contains(&text) {
        return Err(Fault::new(
            format!("`{text}` is a path of the door's own"),
            format!("choose another name, for example \"{text}-server\""),
        ));
    }
    Ok(name)
}

pub(crate) fn tenant(text: &str) -> Result<TenantId, Fault> {
    TenantId::parse(text).map_err(|why| match text {
        "common" | "organizations" | "consumers" => Fault::new(
            format!("`{text}` lets in people of every tenant there is"),
            "list the tenants that may come in: `tenants = [\"<GUID>\", …]`",
        ),
        domain if domain.contains('.') => Fault::new(
            format!("`{domain}` is a domain, and tokens name their tenant by its GUID"),
            "copy the Tenant ID from the overview page of the Entra admin center",
        ),
        _ => Fault::new(
            format!("`{text}` is {why}"),
            "copy the Tenant ID from the overview page of the Entra admin center",
        ),
    })
}

pub(crate) fn client_id(text: &str) -> Result<ClientId, Fault> {
    let id = ClientId::parse(text).map_err(|why| {
        Fault::new(format!("`{text}` is {why}"), "copy the Application (client) ID from the app registration")
    })?;
    if id.as_str() == GRAPH {
        return Err(Fault::new(
            "this is Microsoft Graph's id: every token for Graph would open the door",
            "register an application of your own and copy its Application (client) ID",
        ));
    }
    Ok(id)
}

pub(crate) fn app_id_uri(text: &str) -> Result<String, Fault> {
    let wrong = |why: &str, help: &str| Err(Fault::new(format!("`{text}` {why}"), help));
    let register = "copy the Application ID URI from \"Expose an API\" of the app registration";
    let plain = text.bytes().all(|b| b.is_ascii_graphic());
    if !plain
        || !["api://", "https://", "urn:"]
            .iter()
            .any(|scheme| text.strip_prefix(scheme).is_some_and(|r| !r.is_empty()))
    {
        return wrong("is not an App ID URI", register);
    }
    if text.ends_with('/') {
        return wrong("ends in a slash, and Entra registers no such App ID URI", "leave the slash out");
    }
    if text.contains(GRAPH) || text.contains("//graph.microsoft.") {
        return wrong("is Microsoft Graph's: every token for Graph would open the door", register);
    }
    Ok(text.to_owned())
}

pub(crate) fn scope(text: &str) -> Result<String, Fault> {
    if let Some((_, last)) = text.rsplit_once('/') {
        return Err(Fault::new(
            format!("`{text}` is the scope as clients ask for it, and tokens hold only its last part"),
            format!("write \"{last}\""),
        ));
    }
    if ["openid", "profile", "email", "offline_access", "user.read"]
        .contains(&text.to_ascii_lowercase().as_str())
    {
        return Err(Fault::new(
            format!(
                "`{text}` belongs to sign-in or to Microsoft Graph and never stands in a token for this app"
            ),
            "name a scope from \"Expose an API\" of the app registration",
        ));
    }
    word(text, "scope", "name a scope from \"Expose an API\" of the app registration")
}

pub(crate) fn role(text: &str) -> Result<String, Fault> {
    word(text, "role", "name an app role of the app registration by its value")
}

pub(crate) fn path(text: &str) -> Result<PathBuf, Fault> {
    if text.is_empty() || text.contains('\0') {
        return Err(Fault::new(
            "this is not a path",
            "name a file or folder; a relative one is relative to this file",
        ));
    }
    if text.starts_with('~') || text.contains("${") || text.contains("$(") {
        return Err(Fault::new(
            format!("`{text}` would need a shell, and none reads this file"),
            "write the whole path, or one relative to this file",
        ));
    }
    Ok(PathBuf::from(text))
}

pub(crate) fn argument(text: &str) -> Result<String, Fault> {
    if text.contains('\0') {
        return Err(Fault::new("an argument holds a zero byte", "leave it out"));
    }
    Ok(text.to_owned())
}

/// A variable that is written in the file, so its value is no secret.
pub(crate) fn variable(name: &str, value: &str) -> Result<String, Fault> {
    variable_name(name)?;
    if looks_secret(name) {
        return Err(Fault::new(
            format!("`{name}` looks like a secret, and nothing secret is written in this file"),
            format!("put the value in a file of mode 0600 and write `env_files = {{ {name} = \"path\" }}`"),
        ));
    }
    argument(value)
}

/// A variable whose value is in a file.
pub(crate) fn variable_file(name: &str, file: &str) -> Result<PathBuf, Fault> {
    variable_name(name)?;
    path(file)
}

/// A fixed header for an upstream. Headers that carry credentials, frame the message or belong to MCP are the door's.
pub(crate) fn header(name: &str, value: &str) -> Result<String, Fault> {
    let lower = name.to_ascii_lowercase();
    if lower.is_empty()
        || !lower.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    {
        return Err(Fault::new(
            format!("`{name}` is not a header name"),
            "write a name such as \"x-region\"",
        ));
    }
    let credential = ["authorization", "cookie", "x-auth", "x-csrf"].iter().any(|word| lower.contains(word))
        || lower == "dpop"
        || looks_secret(&lower);
    if credential {
        return Err(Fault::new(
            format!("`{name}` carries a credential, and nothing secret is written in this file"),
            "take the header out; credentials for remote servers are not configured as headers",
        ));
    }
    let framing = [
        "host",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "origin",
        "accept",
        "keep-alive",
        "expect",
        "forwarded",
        "via",
        "last-event-id",
    ];
    let owned = ["content-", "transfer-", "mcp-", "x-forwarded-", "proxy-", "sec-", "access-control-"];
    if framing.contains(&lower.as_str()) || owned.iter().any(|prefix| lower.starts_with(prefix)) {
        return Err(Fault::new(
            format!(
                "`{name}` is set by the door itself, and a second one would make two readers see two messages"
            ),
            "take the header out",
        ));
    }
    if !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) || value.trim() != value {
        return Err(Fault::new(
            format!("the value of `{name}` has characters that a header may not have"),
            "use printable ASCII without blanks at the ends",
        ));
    }
    Ok(value.to_owned())
}

/// Whether a name says that its value is a credential.
pub(crate) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let words = [
        "secret",
        "password",
        "passwd",
        "passphrase",
        "token",
        "credential",
        "apikey",
        "api_key",
        "access_key",
        "private_key",
    ];
    words.iter().any(|word| name.contains(word)) && !name.ends_with("_file")
}

fn variable_name(name: &str) -> Result<(), Fault> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if name.is_empty() || !plain {
        return Err(Fault::new(
            format!("`{name}` is not a variable name"),
            "use A-Z, 0-9 and _, no digit in front",
        ));
    }
    // The dynamic loader and the language runtimes run code named by these before the server's own.
    let loader = name.starts_with("LD_") || name.starts_with("DYLD_");
    if loader || ["NODE_OPTIONS", "PYTHONSTARTUP", "BASH_ENV", "ENV", "PERL5OPT", "RUBYOPT"].contains(&name) {
        return Err(Fault::new(
            format!("`{name}` makes the child run other code than `command` names"),
            "take it out, or start a script that sets it",
        ));
    }
    Ok(())
}

fn word(text: &str, what: &str, help: &str) -> Result<String, Fault> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\,".contains(&b));
    if text.is_empty() || text.len() > 120 || !plain {
        return Err(Fault::new(format!("`{text}` is not a {what}"), help));
    }
    Ok(text.to_owned())
}
