//! `[guard]`, in a file of its own or beside a gateway.

use doorward_types::ObjectId;

use crate::build::{self, values};
use crate::model::{Cloud, Console, Guard, GuardConfig, Policy, TokenCache};
use crate::problem::Problems;
use crate::read::Section;
use crate::sign_in::resource_scope;
use crate::units::Fault;
use crate::{Build, checks, net, parse};

/// Tables of the gateway: in a file without one they would be read by nobody.
const OF_GATEWAY: &[&str] = &[
    "shared_audience",
    "limits",
    "sessions",
    "entra",
    "sign_in",
    "vault",
    "client",
    "server",
    "flow",
    "data",
    "admin",
    "advise",
];

/// Says whether the file is a guard's alone.
pub(crate) fn alone(root: &Section<'_>) -> bool {
    root.has("guard") && !root.has("gateway")
}

/// Reads a file for the guard.
pub(crate) fn config(root: &Section<'_>, build: Build, problems: &mut Problems) -> Option<GuardConfig> {
    if !alone(root) {
        let config = build::config(root, build, problems);
        if !root.has("guard") {
            problems.add(
                None,
                "there is no `[guard]` table, so nobody knows who is to sign in where",
                "add `[guard]` with `tenant` and `client_id`; docs/accounts.md says where they come from",
            );
        }
        let config = config?;
        let (policy, rules, audit) = (config.policy, config.rules, config.audit);
        return Some(GuardConfig {
            guard: config.guard?,
            policy,
            rules,
            audit,
            log: config.log,
            lab: config.lab,
        });
    }
    for key in OF_GATEWAY.iter().copied().filter(|key| root.has(key)) {
        problems.add(
            root.name_at(key),
            format!("`{key}` is the gateway's, and this file has no `[gateway]`"),
            "take it out, or add `[gateway]` if this is a gateway's file too",
        );
    }
    let guard = root.group("guard", problems).and_then(|section| guard(&section, problems));
    let policy = root
        .group_or_defaults("policy", problems)
        .and_then(|section| Some(Policy { dir: section.text("dir", problems, parse::path)?.value }));
    let rules =
        root.group_or_defaults("rules", problems).and_then(|section| build::rules(&section, problems));
    let audit =
        root.group_or_defaults("audit", problems).and_then(|section| build::audit(&section, problems));
    let log = root.group_or_defaults("log", problems).and_then(|section| build::log(&section, problems));
    let lab = build::optional_lab(root, build, problems);
    Some(GuardConfig { guard: guard?, policy: policy?, rules: rules?, audit: audit?, log: log?, lab: lab? })
}

/// Reads the table.
pub(crate) fn guard(section: &Section<'_>, problems: &mut Problems) -> Option<Guard> {
    let tenant = section.text("tenant", problems, parse::tenant);
    let client_id = section.text("client_id", problems, parse::client_id);
    let cloud = section.choice("cloud", problems).map(Cloud::of);
    let people = section.list("allowed_people", problems, object_id);
    let groups = section.list("allowed_groups", problems, object_id);
    checks::distinct("person", &people, problems);
    checks::distinct("group", &groups, problems);
    let cache = section.choice("cache", problems);
    let cache_dir = section.text("cache_dir", problems, parse::path);
    let passphrase = section.text("passphrase_file", problems, parse::path);
    let broker = section.flag("broker", problems);
    let console = section
        .has("console")
        .then(|| section.group("console", problems).and_then(|section| console(&section, problems)));
    if passphrase.is_some() && cache != Some("passphrase-file") {
        problems.add(
            section.at("passphrase_file"),
            "`passphrase_file` is of no use: `cache` takes no passphrase",
            "add `cache = \"passphrase-file\"`, or take it out",
        );
    }
    Some(Guard {
        tenant: tenant?.value,
        client_id: client_id?.value,
        cloud: cloud?,
        allowed_people: values(people),
        allowed_groups: values(groups),
        cache: match cache? {
            "passphrase-file" => TokenCache::Passphrase(passphrase.map(|read| read.value)),
            "insecure-file" => TokenCache::InsecureFile,
            _ => TokenCache::Keychain,
        },
        cache_dir: cache_dir.map(|read| read.value),
        broker: broker?,
        console: match console {
            None => None,
            Some(console) => Some(console?),
        },
    })
}

/// Reads `[guard.console]`. The scope stands here and is never asked of the console: a wrong one could have a token for
/// another application sent to it.
fn console(section: &Section<'_>, problems: &mut Problems) -> Option<Console> {
    let url = section.text("url", problems, net::origin);
    let scope = section.text("scope", problems, resource_scope);
    if let Some(url) = url.as_ref().filter(|url| !url.value.is_https() && !url.value.is_loopback()) {
        problems.add(
            section.at("url"),
            format!("`{}` would have your token sent in the clear", url.value),
            format!("write \"https://{}\"", url.value.authority()),
        );
    }
    Some(Console { url: url?.value, scope: scope?.value })
}

fn object_id(text: &str) -> Result<ObjectId, Fault> {
    ObjectId::parse(text).map_err(|why| {
        Fault::new(
            format!("`{text}` is {why}"),
            "copy the Object ID from the person or group in the Entra admin center",
        )
    })
}
