//! Who may use the servers of this machine (LOC-07). The tenant is settled before: Entra's issuer of that one tenant has
//! signed who it is.

use doorward_oauth::Groups;
use doorward_types::{ObjectId, Person};

/// The people and groups that are let in; if both lists are empty, everybody of the tenant is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    /// Object ids of people.
    pub people: Vec<ObjectId>,
    /// Object ids of groups.
    pub groups: Vec<ObjectId>,
}

/// Why a person may not use this machine's servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// Neither the person nor one of their groups is listed.
    #[error(
        "this person may not use the servers of this machine: they are on neither list; add their object id to `guard.allowed_people`, or one of their groups to `guard.allowed_groups`"
    )]
    NotListed,
    /// The token tells no groups.
    #[error(
        "nobody knows this person's groups: Entra's token does not list them; set `groupMembershipClaims` of the app registration to `SecurityGroup`, and add `groups` to the optional claims of ID tokens"
    )]
    GroupsUntold,
    /// The token has no room for the groups.
    #[error(
        "the person is in more groups than a token lists; assign the groups to the application and set `groupMembershipClaims` to `ApplicationGroup`, or list the person in `guard.allowed_people`"
    )]
    TooManyGroups,
}

impl Allow {
    /// Judges a person whose ID token was verified.
    ///
    /// # Errors
    /// [`NotAllowed`]; what is not known never lets in.
    pub fn judge(&self, person: &Person, groups: &Groups) -> Result<(), NotAllowed> {
        let open = self.people.is_empty() && self.groups.is_empty();
        if open || self.people.contains(&person.object) {
            return Ok(());
        }
        if self.groups.is_empty() {
            return Err(NotAllowed::NotListed);
        }
        match groups {
            Groups::Listed(of) if self.groups.iter().any(|group| of.contains(group)) => Ok(()),
            Groups::Listed(_) => Err(NotAllowed::NotListed),
            Groups::Overage => Err(NotAllowed::TooManyGroups),
            _ => Err(NotAllowed::GroupsUntold),
        }
    }
}
