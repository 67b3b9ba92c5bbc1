//! The people `get_profile` knows.

use serde_json::{Value, json};

/// One person's profile, found by `user_id` alone: who may ask for it is for the door to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The id the person's tokens carry (Entra's `oid`), so that a policy can compare the two.
    pub user_id: String,
    /// The name to show.
    pub name: String,
    /// What the person does here.
    pub role: String,
    /// The bed the person tends.
    pub bed: u32,
}

impl Profile {
    pub(crate) fn json(&self) -> Value {
        json!({"user_id": self.user_id, "name": self.name, "role": self.role, "bed": self.bed})
    }
}

/// The people of the lab's default seed, under the ids their tokens carry there.
pub(crate) fn built_in() -> Vec<Profile> {
    let profile = |user_id: &str, name: &str, role: &str, bed| Profile {
        user_id: user_id.to_owned(),
        name: name.to_owned(),
        role: role.to_owned(),
        bed,
    };
    vec![
        profile("a11ce000-0000-4000-8000-000000000001", "Alice Archer", "member", 7),
        profile("b0b00000-0000-4000-8000-000000000002", "Bob Baker", "keeper of the shed", 12),
        profile("ca201000-0000-4000-8000-000000000003", "Carol Carter", "treasurer", 31),
    ]
}
