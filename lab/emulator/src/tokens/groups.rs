//! The group claim and what replaces it when a person is in too many groups.

use serde_json::json;

use super::put;
use crate::jwt::Object;
use crate::seed::{Tenant, User};

/// Entra lists at most this many groups in a JWT.
const LISTED_AT_MOST: usize = 200;

/// The groups a token shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GroupClaim {
    /// The API did not ask for groups.
    Absent,
    /// The ids.
    Listed(Vec<String>),
    /// Too many: the claim points at a directory service that is retired, as Entra's still does.
    Overage,
    /// Too many for a URL: the short form of the implicit flow.
    HasGroups,
}

impl GroupClaim {
    /// Chooses the form for so many groups.
    pub(crate) fn of(ids: Vec<String>) -> Self {
        if ids.len() > LISTED_AT_MOST { Self::Overage } else { Self::Listed(ids) }
    }

    pub(super) fn put(&self, tenant: &Tenant, user: &User, claims: &mut Object) {
        match self {
            Self::Absent => {}
            Self::Listed(ids) if ids.is_empty() => {}
            Self::Listed(ids) => put(claims, "groups", json!(ids)),
            Self::HasGroups => put(claims, "hasgroups", json!(true)),
            Self::Overage => {
                let endpoint =
                    format!("https://graph.windows.net/{}/users/{}/getMemberObjects", tenant.id, user.id);
                put(claims, "_claim_names", json!({ "groups": "src1" }));
                put(claims, "_claim_sources", json!({ "src1": { "endpoint": endpoint } }));
            }
        }
    }
}
