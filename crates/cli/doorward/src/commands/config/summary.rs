//! What a valid configuration comes to, defaults filled in.

use std::path::{Path, PathBuf};
use std::time::Duration;

use doorward_config::{
    AdviseCredential, AdviseScope, Cloud, Config, Durability, EntraCredential, EntraTokens, Era, Server,
    ServerCredential, SignIn, Target, VaultKey,
};
use doorward_wire::{LEGACY, MODERN};
use serde_json::{Value, json};

use crate::out::{BAD, DIM, NAME, Out, STRONG, paint};
use crate::table::{Cell, Table, cell};

/// A file that the configuration names and that is not there, and what the door does about it.
pub(crate) struct Missing {
    pub(crate) path: PathBuf,
    pub(crate) what: &'static str,
}

/// Looks for what the door reads when it starts. Not an error: a configuration is often checked where it is not used.
pub(crate) fn missing_files(config: &Config) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut look = |path: &Path, what: &'static str| {
        if !path.exists() {
            missing.push(Missing { path: path.to_owned(), what });
        }
    };
    const NEEDED: &str = "the door does not start without it";
    if let Some(tls) = &config.gateway.tls {
        look(&tls.certificate, NEEDED);
        look(&tls.key, NEEDED);
    }
    match &config.entra.credential {
        Some(EntraCredential::Secret { file, .. }) => look(file, NEEDED),
        Some(EntraCredential::WorkloadIdentity { token_file }) => look(token_file, NEEDED),
        Some(EntraCredential::Certificate { certificate, key }) => {
            look(certificate, NEEDED);
            look(key, NEEDED);
        }
        Some(EntraCredential::ManagedIdentity { .. }) | None => {}
    }
    if let Some(advise) = &config.advise {
        if let Some(AdviseCredential::KeyFile(file)) = advise.azure.as_ref().map(|azure| &azure.credential) {
            look(file, NEEDED);
        }
        if let Some(model) = &advise.model {
            look(&model.file, NEEDED);
            look(&model.tokenizer, NEEDED);
        }
    }
    for client in &config.clients {
        client.secret_file.iter().chain(&client.jwks_file).for_each(|file| look(file, NEEDED));
    }
    for server in &config.servers {
        if let Target::Stdio(child) = &server.target {
            child.cwd.iter().for_each(|folder| look(folder, "the server cannot be started in it"));
            child.env_files.values().for_each(|file| look(file, NEEDED));
        }
        match &server.credential {
            Some(ServerCredential::SecretFile { file, .. }) => look(file, NEEDED),
            Some(ServerCredential::UserGrant(grant)) => {
                grant.client_secret_file.iter().for_each(|file| look(file, NEEDED));
            }
            _ => {}
        }
    }
    look(&config.policy.dir, "the door reads its policies from it, and does not start without it");
    if let Some(lab) = &config.lab {
        look(&lab.ca_file, NEEDED);
    }
    missing
}

/// Prints the parts of a configuration, one block each.
pub(crate) fn print(out: &Out, config: &Config) {
    if let Some(lab) = &config.lab {
        out.line(paint(BAD, "LAB: tokens of an emulator are accepted. This door guards nothing."));
        out.line(format_args!("  authority {}\n", lab.authority));
    }
    block(out, "gateway", gateway(config));
    for server in &config.servers {
        block(out, &format!("server {}", paint(NAME, &server.name)), server_facts(config, server));
    }
    block(out, "entra", entra(config));
    if let Some(own) = &config.sign_in {
        block(out, "sign-in", sign_in(config, own));
    }
    block(out, "limits", limits(config));
    block(out, "policy and audit", records(config));
}

type Facts = Vec<(&'static str, String)>;

fn block(out: &Out, title: &str, facts: Facts) {
    let mut table = Table::indented(2);
    for (name, value) in facts {
        table.row([Cell::new(DIM, name), cell(value)]);
    }
    out.line(format_args!("{}\n{table}\n", paint(STRONG, title)));
}

fn gateway(config: &Config) -> Facts {
    let gateway = &config.gateway;
    let how = match &gateway.tls {
        Some(tls) => format!("TLS with {}", tls.certificate.display()),
        None if gateway.listen.ip().is_loopback() => "plain HTTP on loopback".into(),
        None => format!("plain HTTP behind {}", listed(&gateway.trusted_proxies)),
    };
    let mut facts = vec![
        ("public URL", gateway.public_url.to_string()),
        ("listens on", format!("{}, {how}", gateway.listen)),
        ("metrics", gateway.metrics.map_or("not served".into(), |address| address.to_string())),
    ];
    if !gateway.allowed_origins.is_empty() {
        facts.push(("origins", listed(&gateway.allowed_origins)));
    }
    facts
}

fn server_facts(config: &Config, server: &Server) -> Facts {
    let access = &server.access;
    let mut facts = vec![("clients use", format!("{}{}", config.gateway.public_url, server.path()))];
    match &server.target {
        Target::Http(remote) => {
            facts.push(("goes to", remote.url.to_string()));
        }
        Target::Stdio(child) => {
            let command: Vec<&str> =
                std::iter::once(&child.program).chain(&child.args).map(String::as_str).collect();
            facts.push(("runs", command.join(" ")));
            let whose = if child.shared { "one for all people" } else { "one for each person" };
            let idle = span(child.idle);
            facts.push((
                "children",
                format!("{whose}, at most {}, stopped after {idle} unused", child.max_children),
            ));
        }
    }
    facts.push(("speaks", speaks(server.era)));
    facts.push(("audience", format!("{}, {}", access.client_id, access.app_id_uris.join(", "))));
    facts.push(("token needs", needs(server)));
    if let Some(credential) = &server.credential {
        facts.push(("called with", called_with(credential)));
    }
    if let (Some(advise), Some(about)) = (&config.advise, asked_about(server.advise)) {
        let azure = advise.azure.iter().map(|azure| azure.endpoint.to_string());
        let model = advise.model.iter().map(|model| model.file.display().to_string());
        let asked: Vec<_> = azure.chain(model).collect();
        facts.push(("second opinions", format!("on {about}, from {}", asked.join(" and "))));
    }
    facts.push(("timeout", span(server.timeout)));
    facts
}

/// What leaves for the advisers.
fn asked_about(scope: AdviseScope) -> Option<&'static str> {
    match scope {
        AdviseScope::Off => None,
        AdviseScope::Results => Some("what it answers"),
        AdviseScope::Both => Some("what it answers and what it is sent"),
    }
}

fn needs(server: &Server) -> String {
    let access = &server.access;
    let one_of = |what: &str, names: &[String]| match names {
        [] => None,
        [one] => Some(format!("{what} {one}")),
        many => Some(format!("one of the {what}s {}", many.join(", "))),
    };
    let needs: Vec<String> = [one_of("scope", &access.required_scope), one_of("role", &access.required_role)]
        .into_iter()
        .flatten()
        .collect();
    if needs.is_empty() { "nothing but to be meant for it".into() } else { needs.join(" and ") }
}

fn entra(config: &Config) -> Facts {
    let entra = &config.entra;
    vec![
        ("cloud", cloud(entra.cloud).into()),
        ("tenants", listed(entra.tenants.as_slice())),
        ("v1 tokens", (if entra.accept_v1 { "accepted" } else { "refused" }).into()),
        (
            "services",
            (if entra.allow_app_only { "may call for themselves" } else { "may not call for themselves" })
                .into(),
        ),
        ("proof", proof(entra.credential.as_ref()).into()),
        ("group overage", (if entra.credential.is_some() { "asked of Graph" } else { "refused" }).into()),
    ]
}

fn proof(credential: Option<&EntraCredential>) -> &'static str {
    match credential {
        None => "none: the door asks nothing of Entra for itself",
        Some(EntraCredential::ManagedIdentity { .. }) => "the identity of the machine",
        Some(EntraCredential::WorkloadIdentity { .. }) => "a token of the platform's",
        Some(EntraCredential::Certificate { .. }) => "a certificate",
        Some(EntraCredential::Secret { .. }) => "a secret, which can be copied and expires",
    }
}

fn called_with(credential: &ServerCredential) -> String {
    match credential {
        ServerCredential::OnBehalfOf { scope } => format!("a token of Entra's for the caller and {scope}"),
        ServerCredential::Workload { scope } => format!("the door's own token for {scope}"),
        ServerCredential::SecretFile { file, header, .. } => {
            format!("the secret of {} in {header}", file.display())
        }
        ServerCredential::KeyVaultSecret { url, header, .. } => format!("the secret {url} in {header}"),
        ServerCredential::UserGrant(_) => "the caller's own account there".into(),
    }
}

fn sign_in(config: &Config, own: &SignIn) -> Facts {
    let ways: Vec<String> = [
        own.client_documents.then(|| "documents".to_owned()),
        own.registration.then(|| format!("registration, {} at most", own.registration_limit)),
        (!config.clients.is_empty()).then(|| format!("{} configured", config.clients.len())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let beside = match own.entra_tokens {
        EntraTokens::None => "refused",
        EntraTokens::Apps => "accepted of applications",
        EntraTokens::All => "accepted of everybody",
    };
    let mut facts = vec![
        ("clients", if ways.is_empty() { "none".into() } else { ways.join("; ") }),
        ("access token", span(own.access_token)),
        ("sign-in", format!("ends {} unused, {} old", span(own.refresh_idle), span(own.refresh_absolute))),
        ("rechecked", format!("with Entra after {}", span(own.recheck))),
        ("Entra's tokens", beside.into()),
    ];
    if let Some(vault) = &config.vault {
        let key = match &vault.key {
            VaultKey::File(path) => path.display().to_string(),
            VaultKey::KeyVault(url) => url.to_string(),
        };
        facts.push(("store", format!("{}, opened with {key}", vault.path.display())));
    }
    facts
}

fn limits(config: &Config) -> Facts {
    let limits = &config.limits;
    let sizes =
        [limits.request_bytes, limits.response_bytes, limits.event_bytes, limits.header_bytes].map(size);
    let [request, response, event, headers] = sizes;
    let (silent, whole) = (span(limits.call_timeout), span(limits.call_timeout_max));
    vec![
        ("sizes", format!("request {request}, answer {response}, event {event}, headers {headers}")),
        ("calls", format!("{} at once; {silent} silent, {whole} in all", limits.concurrent_calls)),
        ("sessions", format!("{}, {} a person", limits.sessions, limits.sessions_per_person)),
        (
            "a session",
            format!("ends {} unused, {} old", span(config.sessions.idle), span(config.sessions.absolute)),
        ),
        ("drain", span(limits.drain)),
    ]
}

fn records(config: &Config) -> Facts {
    let audit = &config.audit;
    let durability = match audit.durability {
        Durability::Batched => "on disk within 10 ms",
        Durability::Record => "on disk before the call goes on",
    };
    vec![
        ("policies", config.policy.dir.display().to_string()),
        ("audit log", format!("{}, {durability}", audit.dir.display())),
        ("signed with", audit.key_file.display().to_string()),
        ("second sink", audit.checkpoint_dir.display().to_string()),
    ]
}

pub(crate) fn json(file: &str, config: &Config, missing: &[Missing]) -> Value {
    let servers: Vec<Value> = config.servers.iter().map(|server| server_json(config, server)).collect();
    let limits = &config.limits;
    json!({
        "valid": true,
        "file": file,
        "public_url": config.gateway.public_url.as_str(),
        "listen": config.gateway.listen.to_string(),
        "metrics": config.gateway.metrics.map(|address| address.to_string()),
        "tls": config.gateway.tls.is_some(),
        "cloud": cloud(config.entra.cloud),
        "tenants": config.entra.tenants.as_slice().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "sign_in": config.sign_in.is_some(),
        "clients": config.clients.iter().map(|client| client.id.as_str()).collect::<Vec<_>>(),
        "servers": servers,
        "limits": {
            "request_bytes": limits.request_bytes,
            "response_bytes": limits.response_bytes,
            "event_bytes": limits.event_bytes,
            "header_bytes": limits.header_bytes,
            "call_timeout_s": limits.call_timeout.as_secs_f64(),
            "call_timeout_max_s": limits.call_timeout_max.as_secs_f64(),
            "concurrent_calls": limits.concurrent_calls,
            "sessions": limits.sessions,
            "sessions_per_person": limits.sessions_per_person,
        },
        "policy_dir": config.policy.dir.display().to_string(),
        "audit_dir": config.audit.dir.display().to_string(),
        "lab": config.lab.is_some(),
        "missing_files": missing.iter().map(|file| file.path.display().to_string()).collect::<Vec<_>>(),
    })
}

fn server_json(config: &Config, server: &Server) -> Value {
    let access = &server.access;
    let target = match &server.target {
        Target::Http(remote) => json!({ "url": remote.url.to_string() }),
        Target::Stdio(child) => json!({ "program": child.program, "args": child.args }),
    };
    json!({
        "name": server.name.as_str(),
        "resource": format!("{}{}", config.gateway.public_url, server.path()),
        "target": target,
        "era": era(server.era),
        "client_id": access.client_id.as_str(),
        "app_id_uris": access.app_id_uris,
        "required_scope": access.required_scope,
        "required_role": access.required_role,
        "timeout_s": server.timeout.as_secs_f64(),
    })
}

fn era(era: Era) -> &'static str {
    match era {
        Era::Auto => "auto",
        Era::Legacy => "legacy",
        Era::Modern => "modern",
        Era::Both => "both",
    }
}

fn speaks(era: Era) -> String {
    match era {
        Era::Auto => "what it says when it is asked".to_owned(),
        Era::Legacy => LEGACY.to_owned(),
        Era::Modern => MODERN.to_owned(),
        Era::Both => format!("{MODERN} and {LEGACY}"),
    }
}

fn cloud(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Public => "public",
        Cloud::UsGov => "usgov",
        Cloud::China => "china",
    }
}

fn listed<T: ToString>(things: &[T]) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A duration in the largest unit that it is a whole number of, as the file writes it.
fn span(span: Duration) -> String {
    let millis = span.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    match units.into_iter().find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}

/// A size in the largest unit that it is a whole number of, as the file writes it.
fn size(bytes: usize) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_as_the_file_writes_them() {
        for (millis, text) in [(0, "0ms"), (250, "250ms"), (1_500, "1500ms"), (60_000, "1m"), (90_000, "90s")]
        {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
        assert_eq!(span(Duration::from_secs(12 * 3600)), "12h");
        for (bytes, text) in
            [(0, "0B"), (1_000, "1000B"), (65_536, "64KiB"), (4 << 20, "4MiB"), (1 << 30, "1GiB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
