//! What a `scope` parameter asks for: which API, by which name, and which of its scopes.

use crate::AadResult;
use crate::errors::AadError;
use crate::lab::Lab;
use crate::seed::{App, GRAPH_APP_ID, Tenant, User};

const OIDC: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// A parsed `scope`.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    /// The OpenID Connect scopes among them.
    pub(crate) oidc: Vec<String>,
    /// The APIs, in the order they were named. At the token endpoint there may be one only.
    pub(crate) targets: Vec<Target<'a>>,
}

/// One API of a request.
#[derive(Debug, Clone)]
pub(crate) struct Target<'a> {
    pub(crate) app: &'a App,
    /// The part before the scope's name; empty for Graph's bare names.
    pub(crate) prefix: String,
    /// The scopes' names; empty if `.default` was asked.
    pub(crate) names: Vec<String>,
}

impl<'a> Asked<'a> {
    /// Reads `scope` (and `resource`, whose rule it must satisfy).
    pub(crate) fn parse(
        lab: &'a Lab,
        tenant: Option<&Tenant>,
        client: &App,
        scope: &str,
        resource: Option<&str>,
    ) -> AadResult<Self> {
        let mut asked = Self { oidc: Vec::new(), targets: Vec::new() };
        let mut defaults = 0;
        for item in scope.split_ascii_whitespace() {
            if OIDC.contains(&item) {
                asked.oidc.push(item.to_owned());
                continue;
            }
            let (prefix, name) = split(item)?;
            let app = resolve(lab, tenant, client, prefix)?;
            if name == ".default" {
                defaults += 1;
                asked.add(app, prefix, None);
            } else if app.scopes.iter().any(|scope| scope == name) {
                asked.add(app, prefix, Some(name));
            } else {
                return Err(absent_scope(client, app, name));
            }
        }
        if defaults > 0 && (defaults > 1 || asked.targets.iter().any(|target| !target.names.is_empty())) {
            return Err(invalid_scope(
                scope,
                ".default scope can't be combined with resource-specific scopes.",
            ));
        }
        asked.check_resource(lab, tenant, resource)?;
        if asked.targets.is_empty() {
            if asked.oidc.is_empty() {
                return Err(invalid_scope(scope, "The scope names nothing."));
            }
            // Nothing but OpenID Connect is a request for Graph.
            let graph = resolve(lab, tenant, client, "")?;
            let names = asked.oidc.iter().filter(|name| *name != "offline_access").cloned().collect();
            asked.targets.push(Target { app: graph, prefix: String::new(), names });
        }
        Ok(asked)
    }

    /// Returns the one API (AADSTS700022 if there are several).
    pub(crate) fn single(&self) -> AadResult<&Target<'a>> {
        match self.targets.as_slice() {
            [only] => Ok(only),
            _ => Err(AadError::new(
                700_022,
                "The provided value for the input parameter 'scope' is not valid because it contains more than one resource.",
            )),
        }
    }

    pub(crate) fn has(&self, oidc: &str) -> bool {
        self.oidc.iter().any(|name| name == oidc)
    }

    fn add(&mut self, app: &'a App, prefix: &str, name: Option<&str>) {
        let known = self.targets.iter().position(|target| target.app.id == app.id);
        let names = name.map(str::to_owned);
        match known.and_then(|at| self.targets.get_mut(at)) {
            Some(target) => target.names.extend(names),
            None => {
                self.targets.push(Target {
                    app,
                    prefix: prefix.to_owned(),
                    names: names.into_iter().collect(),
                });
            }
        }
    }

    /// `resource` must be, letter for letter, an App ID URI of a v2 application, and that of every scope: a trailing
    /// slash, a v1 application and a bare scope (which is Graph's) are the usual ways to fail.
    fn check_resource(
        &mut self,
        lab: &'a Lab,
        tenant: Option<&Tenant>,
        resource: Option<&str>,
    ) -> AadResult<()> {
        let Some(resource) = resource else { return Ok(()) };
        let mismatch = || {
            AadError::new(
                9_010_010,
                "The resource parameter provided in the request doesn't match with the requested scopes.",
            )
        };
        let app = lab
            .seed
            .apps
            .iter()
            .find(|app| app.identifier_uris.iter().any(|uri| uri == resource) && is_there(app, tenant))
            .filter(|app| app.token_version == 2)
            .ok_or_else(mismatch)?;
        if self.targets.iter().any(|target| target.app.id != app.id) {
            return Err(mismatch());
        }
        if self.targets.is_empty() {
            // Assumed: without a scope of its own the request is for all that was granted.
            self.targets.push(Target { app, prefix: resource.to_owned(), names: Vec::new() });
        }
        Ok(())
    }
}

impl Target<'_> {
    /// Returns what the person asked to be allowed: the names, or all scopes for `.default`.
    pub(crate) fn wanted(&self) -> Vec<String> {
        if !self.names.is_empty() {
            return self.names.clone();
        }
        self.app.scopes.iter().filter(|scope| !OIDC.contains(&scope.as_str())).cloned().collect()
    }

    /// Returns the scopes the client may use for a person, or AADSTS65001.
    pub(crate) fn granted(&self, lab: &Lab, user: &User, client: &App) -> AadResult<Vec<String>> {
        let allowed = |scope: &String| is_allowed(lab, user, client, self.app, scope);
        let granted: Vec<String> = self.wanted().into_iter().filter(allowed).collect();
        let enough =
            if self.names.is_empty() { !granted.is_empty() } else { granted.len() == self.names.len() };
        if enough {
            return Ok(granted);
        }
        Err(AadError::new(
            65001,
            format!(
                "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an interactive authorization request for this user and resource.",
                client.id, client.name
            ),
        ))
    }

    /// Returns a scope as the answer names it.
    pub(crate) fn qualified(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// Returns the `aud` of a v1.0 token: the name that was used, or the id.
    pub(crate) fn audience(&self) -> &str {
        if self.prefix.is_empty() || self.app.id == GRAPH_APP_ID { &self.app.id } else { &self.prefix }
    }
}

fn is_allowed(lab: &Lab, user: &User, client: &App, resource: &App, scope: &str) -> bool {
    client.id == resource.id
        || OIDC.contains(&scope)
        || resource
            .preauthorized
            .get(&client.name)
            .is_some_and(|scopes| scopes.iter().any(|known| known == scope))
        || lab.store().has_consented(&user.id, &client.id, &resource.id, scope)
}

/// Cuts a scope into the API's name and its own; a bare name is Graph's.
fn split(item: &str) -> AadResult<(&str, &str)> {
    let printable = item.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    let (prefix, name) = item.rsplit_once('/').unwrap_or(("", item));
    if printable && !name.is_empty() {
        Ok((prefix, name))
    } else {
        Err(invalid_scope(item, "Scope is not valid."))
    }
}

fn resolve<'a>(lab: &'a Lab, tenant: Option<&Tenant>, client: &App, prefix: &str) -> AadResult<&'a App> {
    let found = lab.seed.apps.iter().find(|app| {
        let named =
            app.id.eq_ignore_ascii_case(prefix) || app.identifier_uris.iter().any(|uri| uri == prefix);
        named || prefix.is_empty() && app.id == GRAPH_APP_ID
    });
    let Some(app) = found.filter(|app| is_there(app, tenant)) else {
        let tenant = tenant.map_or("common", |tenant| tenant.name.as_str());
        return Err(AadError::new(
            500_011,
            format!(
                "The resource principal named {prefix} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
            ),
        ));
    };
    if app.id == client.id && !app.id.eq_ignore_ascii_case(prefix) {
        return Err(AadError::new(
            90009,
            format!(
                "Application '{}'({}) is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.",
                client.id, client.name
            ),
        ));
    }
    Ok(app)
}

fn is_there(app: &App, tenant: Option<&Tenant>) -> bool {
    tenant.is_none_or(|tenant| app.is_in(tenant))
}

fn absent_scope(client: &App, app: &App, name: &str) -> AadError {
    AadError::new(
        650_053,
        format!(
            "The application '{}' asked for scope '{name}' that doesn't exist on the resource '{}'. Contact the app vendor.",
            client.name, app.id
        ),
    )
}

fn invalid_scope(scope: &str, why: &str) -> AadError {
    AadError::new(
        70011,
        format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope '{scope}' is not valid. {why}"
        ),
    )
}
