//! What a seed must satisfy beyond its shape.

use std::collections::BTreeSet;

use doorward_types::{ClientId, ObjectId, TenantId};

use super::Seed;

/// Returns the first thing wrong with a seed, in words.
pub(super) fn check(seed: &Seed) -> Result<(), String> {
    if seed.tenants.is_empty() {
        return Err(String::from("a seed needs at least one [[tenant]]"));
    }
    ids(seed)?;
    unique("tenant", seed.tenants.iter().map(|it| it.name.as_str()))?;
    unique("tenant id", seed.tenants.iter().map(|it| it.id.as_str()))?;
    unique("group", seed.groups.iter().map(|it| it.name.as_str()))?;
    unique("user", seed.users.iter().map(|it| it.name.as_str()))?;
    unique("user id", seed.users.iter().map(|it| it.id.as_str()))?;
    unique("app", seed.apps.iter().map(|it| it.name.as_str()))?;
    unique("app id", seed.apps.iter().map(|it| it.id.as_str()))?;
    unique(
        "identifier_uris entry",
        seed.apps.iter().flat_map(|it| it.identifier_uris.iter().map(String::as_str)),
    )?;
    users(seed)?;
    for name in &seed.key_vault.admits {
        known("app", name, seed.apps.iter().any(|it| it.name == *name), "vault", "admits")?;
    }
    for name in &seed.content_safety.admits {
        known("app", name, seed.apps.iter().any(|it| it.name == *name), "content_safety", "admits")?;
    }
    unique("vault secret", seed.key_vault.secrets.iter().map(|it| it.name.as_str()))?;
    apps(seed)
}

fn ids(seed: &Seed) -> Result<(), String> {
    for tenant in &seed.tenants {
        TenantId::parse(&tenant.id).map_err(|error| format!("tenant {}: id is {error}", tenant.name))?;
    }
    for group in &seed.groups {
        ObjectId::parse(&group.id).map_err(|error| format!("group {}: id is {error}", group.name))?;
    }
    for user in &seed.users {
        ObjectId::parse(&user.id).map_err(|error| format!("user {}: id is {error}", user.name))?;
    }
    for app in &seed.apps {
        ClientId::parse(&app.id).map_err(|error| format!("app {}: id is {error}", app.name))?;
    }
    Ok(())
}

fn users(seed: &Seed) -> Result<(), String> {
    for user in &seed.users {
        for tenant in [Some(&user.tenant), user.home_tenant.as_ref()].into_iter().flatten() {
            known("tenant", tenant, seed.tenants.iter().any(|it| it.name == *tenant), "user", &user.name)?;
        }
        for group in &user.groups {
            known("group", group, seed.groups.iter().any(|it| it.name == *group), "user", &user.name)?;
        }
        for (app, roles) in &user.roles {
            let found = seed.apps.iter().find(|it| it.name == *app);
            known("app", app, found.is_some(), "user", &user.name)?;
            for role in roles {
                known("role", role, found.is_some_and(|it| it.roles.contains(role)), "user", &user.name)?;
            }
        }
    }
    Ok(())
}

fn apps(seed: &Seed) -> Result<(), String> {
    for app in &seed.apps {
        known("tenant", &app.tenant, seed.tenants.iter().any(|it| it.name == app.tenant), "app", &app.name)?;
        if !matches!(app.token_version, 1 | 2) {
            return Err(format!("app {}: token_version is {}, not 1 or 2", app.name, app.token_version));
        }
        if let Some(uri) = app.identifier_uris.iter().find(|uri| uri.ends_with('/')) {
            return Err(format!(
                "app {}: identifier_uris entry {uri} ends in a slash, which Entra refuses",
                app.name
            ));
        }
        let bare = app.secrets.is_empty() && !app.certificate && app.federated.is_empty() && !app.public;
        if (app.managed_identity.is_some() || app.blueprint.is_some()) && !bare {
            return Err(format!(
                "app {}: a managed or agent identity has no credential of its own",
                app.name
            ));
        }
        if let Some(identity) = &app.managed_identity {
            ObjectId::parse(&identity.object_id)
                .map_err(|error| format!("app {}: object_id is {error}", app.name))?;
        }
        if let Some(blueprint) = &app.blueprint {
            let there = seed.apps.iter().any(|it| it.name == *blueprint);
            known("app", blueprint, there, "app", &app.name)?;
        }
        if app.public && (!app.secrets.is_empty() || app.certificate || !app.federated.is_empty()) {
            return Err(format!("app {}: a public client has no credential", app.name));
        }
        for (client, scopes) in &app.preauthorized {
            known("app", client, seed.apps.iter().any(|it| it.name == *client), "app", &app.name)?;
            for scope in scopes {
                known("scope", scope, app.scopes.contains(scope), "app", &app.name)?;
            }
        }
        for (client, roles) in &app.app_grants {
            known("app", client, seed.apps.iter().any(|it| it.name == *client), "app", &app.name)?;
            for role in roles {
                known("role", role, app.roles.contains(role), "app", &app.name)?;
            }
        }
    }
    Ok(())
}

fn known(kind: &str, name: &str, found: bool, owner_kind: &str, owner: &str) -> Result<(), String> {
    if found { Ok(()) } else { Err(format!("{owner_kind} {owner}: no {kind} is called {name}")) }
}

fn unique<'a>(kind: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(format!("the {kind} {name} is there twice"));
        }
    }
    Ok(())
}
