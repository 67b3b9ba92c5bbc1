//! Look-ups by short name, id or address.

use super::{App, Seed, Tenant, User};

impl Seed {
    /// Finds a tenant by id, domain or short name.
    pub(crate) fn tenant(&self, key: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| {
            tenant.id.eq_ignore_ascii_case(key)
                || tenant.domain.eq_ignore_ascii_case(key)
                || tenant.name == key
        })
    }

    /// Finds a person by short name, object id or principal name.
    pub(crate) fn user(&self, key: &str) -> Option<&User> {
        self.users.iter().find(|user| {
            user.name == key || user.id.eq_ignore_ascii_case(key) || user.upn.eq_ignore_ascii_case(key)
        })
    }

    /// Finds the person who typed `login` on a sign-in page, in `tenant` or, with none, wherever they are a member.
    pub(crate) fn signing_in(&self, login: &str, tenant: Option<&Tenant>) -> Option<&User> {
        self.users.iter().find(|user| {
            let here = tenant.map_or(user.home_tenant.is_none(), |tenant| user.tenant == tenant.name);
            let named = user.upn.eq_ignore_ascii_case(login) || user.mail.eq_ignore_ascii_case(login);
            here && named && !login.is_empty()
        })
    }

    /// Finds an application by short name or client id.
    pub(crate) fn app(&self, key: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.name == key || app.id.eq_ignore_ascii_case(key))
    }

    /// Finds an application by client id alone: what a client may send.
    pub(crate) fn client(&self, id: &str) -> Option<&App> {
        self.apps.iter().find(|app| app.id.eq_ignore_ascii_case(id))
    }

    /// Returns the tenant a person is in.
    pub(crate) fn tenant_of(&self, user: &User) -> Option<&Tenant> {
        self.tenant(&user.tenant)
    }
}

impl App {
    /// Tells whether the application can be used in a tenant.
    pub(crate) fn is_in(&self, tenant: &Tenant) -> bool {
        self.multi_tenant || self.tenant == tenant.name
    }
}
