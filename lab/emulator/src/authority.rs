//! The first segment of a path: a tenant by id or domain, or one of the names that stand for many.

use crate::errors::AadError;
use crate::lab::Lab;
use crate::seed::{App, Tenant};

/// What a client named as its authority.
#[derive(Clone, Copy)]
pub(crate) enum Authority<'a> {
    /// One directory.
    One(&'a Tenant),
    /// `common` or `organizations`: the person decides.
    Any,
}

impl<'a> Authority<'a> {
    /// Reads the path's first segment.
    pub(crate) fn parse(lab: &'a Lab, segment: &str) -> Result<Self, AadError> {
        if matches!(segment, "common" | "organizations") {
            return Ok(Self::Any);
        }
        let known = lab.seed.tenants.iter().find(|tenant| {
            tenant.id.eq_ignore_ascii_case(segment) || tenant.domain.eq_ignore_ascii_case(segment)
        });
        known.map(Self::One).ok_or_else(|| {
            AadError::new(90002, format!("Tenant '{segment}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."))
        })
    }

    /// Returns the directory, for grants that cannot do without (AADSTS50059).
    pub(crate) fn tenant(self) -> Result<&'a Tenant, AadError> {
        match self {
            Self::One(tenant) => Ok(tenant),
            Self::Any => Err(AadError::new(
                50059,
                "No tenant-identifying information found in either the request or implied by any provided credentials.",
            )),
        }
    }

    /// Refuses an application of one directory at an authority of many (AADSTS50194).
    pub(crate) fn admits(self, client: &App) -> Result<(), AadError> {
        if client.multi_tenant || matches!(self, Self::One(_)) {
            return Ok(());
        }
        Err(AadError::new(
            50_194,
            format!(
                "Application '{}'({}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps.",
                client.id, client.name
            ),
        ))
    }

    /// Returns the name people know it by.
    pub(crate) fn name(self) -> &'a str {
        match self {
            Self::One(tenant) => &tenant.name,
            Self::Any => "common",
        }
    }

    /// Returns what issuers hold in the place of the tenant id.
    pub(crate) fn in_issuer(self) -> String {
        match self {
            Self::One(tenant) => tenant.id.clone(),
            Self::Any => String::from("{tenantid}"),
        }
    }
}
