//! Machines: clients that act for themselves. The operator configured them with their roles; they are nobody's deputy
//! and never taken for a person (REM-14).

use doorward_issuer::client::Client;
use doorward_issuer::token::{Access, TokenError};
use doorward_oauth::{CallerKind, Groups, Tenants};
use doorward_types::{ObjectId, Person};

use crate::respond::Answer;
use crate::tell::Told;
use crate::token::{is_confidential, machine_object};
use crate::{Asked, Facade};

impl Facade {
    pub(crate) async fn machine(
        &self,
        asked: &Asked<'_>,
        client: &Client,
        scope: Option<&str>,
        resource: Option<&str>,
        key: Option<&str>,
    ) -> Answer {
        if !client.grants.client_credentials || !is_confidential(client) || client.roles.is_empty() {
            self.count(asked.source, "client-credentials-not-allowed", asked.now);
            return self
                .oauth_error(&TokenError::new("unauthorized_client", "this client does not act for itself"));
        }
        let resources = &self.settings.resources;
        let found = match (resource, resources.as_slice()) {
            (Some(url), _) => self.settings.resource(url),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let Some(resource) = found.filter(|resource| self.settings.may_use(&client.id, &resource.server))
        else {
            return self.oauth_error(&TokenError::new(
                "invalid_target",
                "name a `resource` of this door that the client may use",
            ));
        };
        let wanted: Vec<&str> =
            scope.unwrap_or_default().split(' ').filter(|scope| !scope.is_empty()).collect();
        // An application has no scopes in its token; it may name those of the server, as clients do, and no others.
        if !wanted.iter().all(|scope| resource.scopes.iter().any(|own| own == scope)) {
            return self
                .oauth_error(&TokenError::new("invalid_scope", "a scope that the resource does not have"));
        }
        let Ok(object) = ObjectId::parse(&machine_object(&client.id)) else {
            return self.token_broken("a machine's name");
        };
        // Of the door's own tenant, or the first of several: the pair with the object above names this machine alone.
        let tenant = match &self.settings.tenants {
            Tenants::One(tenant) => Some(tenant.clone()),
            Tenants::Many(tenants) => tenants.first().cloned(),
        };
        let Some(tenant) = tenant else { return self.token_broken("no tenant") };
        let person = Person { tenant, object };
        let told = Told {
            person: Some(&person),
            application: true,
            client: Some(&client.id),
            server: Some(&resource.server),
            reason: Some("client-credentials"),
            ..Told::default()
        };
        if let Err(error) = self.tell("token-issued", told, asked.now).await {
            return self.token_log_failed(&error);
        }
        let epoch = match self.parts.store.epoch().await {
            Ok(epoch) => epoch,
            Err(error) => return self.token_store_failed(&error),
        };
        let Ok(jti) = self.draw() else { return self.token_broken("no randomness") };
        let access = Access {
            issuer: &self.settings.issuer,
            person: &person,
            client: &client.id,
            resource: &resource.url,
            scopes: &[],
            roles: &client.roles,
            groups: &Groups::Absent,
            grant: None,
            epoch,
            jti: &jti,
            kind: CallerKind::App,
            jkt: key,
            auth_time: None,
        };
        match self.sign(&access, asked.now).await {
            Ok(token) => self.hand_out(&token, None, access.scopes, key),
            Err(answer) => *answer,
        }
    }
}
