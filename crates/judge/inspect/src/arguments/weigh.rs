//! How much each kind of attack weighs in each role: data.

use super::role::{ROLES, Role};
use crate::finding::Rule;
use crate::rules::argument as rules;

/// A kind of attack on what reads an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weapon {
    Shell,
    Command,
    Option,
    Sql,
    Traversal,
    System,
    Address,
    Template,
    Code,
    Object,
    Script,
    Entity,
    Ldap,
    Xpath,
    Nosql,
    Lines,
    Null,
    Formula,
    Pattern,
    Noise,
}

impl Weapon {
    pub(super) fn rule(self) -> &'static Rule {
        match self {
            Self::Shell => &rules::SHELL,
            Self::Command => &rules::COMMAND,
            Self::Option => &rules::OPTION,
            Self::Sql => &rules::SQL,
            Self::Traversal => &rules::TRAVERSAL,
            Self::System => &rules::SYSTEM,
            Self::Address => &rules::ADDRESS,
            Self::Template => &rules::TEMPLATE,
            Self::Code => &rules::CODE,
            Self::Object => &rules::OBJECT,
            Self::Script => &rules::SCRIPT,
            Self::Entity => &rules::ENTITY,
            Self::Ldap => &rules::LDAP,
            Self::Xpath => &rules::XPATH,
            Self::Nosql => &rules::NOSQL,
            Self::Lines => &rules::LINES,
            Self::Null => &rules::NULL,
            Self::Formula => &rules::FORMULA,
            Self::Pattern => &rules::PATTERN,
            Self::Noise => &rules::NOISE,
        }
    }

    /// From nothing, 0, to all, 1: what an attack that is certain of itself says where a parameter has this role.
    pub(super) fn weight(self, role: Role) -> f32 {
        let row: &[u8; ROLES] = match self {
            //                 cmd code sql pat  path url host  ref  id name mail head find text html tmpl filt data cell num  ?
            Self::Shell => {
                &[0, 0, 0, 5, 100, 100, 100, 100, 100, 95, 100, 90, 75, 30, 25, 20, 60, 15, 60, 100, 85]
            }
            Self::Command => {
                &[100, 15, 10, 0, 60, 60, 60, 60, 60, 60, 60, 60, 45, 20, 15, 15, 20, 15, 30, 60, 60]
            }
            Self::Option => &[0, 0, 0, 0, 100, 100, 100, 100, 70, 60, 100, 0, 5, 0, 0, 0, 0, 0, 0, 30, 30],
            Self::Sql => {
                &[5, 0, 100, 20, 100, 90, 100, 100, 100, 100, 100, 100, 85, 35, 25, 25, 50, 15, 60, 100, 90]
            }
            Self::Traversal => {
                &[15, 5, 0, 15, 100, 80, 100, 100, 100, 95, 100, 90, 65, 20, 20, 20, 60, 12, 60, 100, 85]
            }
            Self::System => {
                &[45, 5, 0, 10, 100, 80, 100, 100, 100, 90, 100, 80, 60, 20, 15, 15, 50, 12, 50, 100, 75]
            }
            Self::Address => {
                &[10, 3, 0, 0, 60, 100, 100, 100, 90, 80, 90, 80, 60, 15, 15, 15, 40, 10, 30, 100, 65]
            }
            Self::Template => {
                &[5, 0, 0, 10, 100, 100, 100, 100, 100, 100, 100, 100, 85, 40, 40, 0, 70, 15, 60, 100, 85]
            }
            Self::Code => {
                &[15, 0, 0, 10, 100, 100, 100, 100, 100, 100, 100, 100, 75, 25, 30, 30, 70, 15, 60, 100, 85]
            }
            Self::Object => {
                &[15, 0, 0, 10, 100, 100, 100, 100, 100, 100, 100, 100, 75, 30, 30, 30, 70, 80, 60, 100, 85]
            }
            Self::Script => {
                &[5, 0, 0, 10, 100, 100, 100, 100, 100, 100, 100, 100, 85, 40, 20, 15, 70, 12, 60, 100, 85]
            }
            Self::Entity => {
                &[15, 10, 0, 10, 100, 100, 100, 100, 100, 100, 100, 100, 90, 50, 60, 40, 90, 100, 80, 100, 90]
            }
            Self::Ldap => {
                &[0, 0, 0, 0, 80, 80, 100, 100, 100, 100, 100, 90, 85, 10, 5, 5, 80, 5, 60, 100, 75]
            }
            Self::Xpath => {
                &[0, 0, 0, 0, 60, 80, 100, 100, 100, 100, 100, 90, 80, 15, 10, 10, 30, 10, 60, 100, 75]
            }
            Self::Nosql => {
                &[0, 0, 0, 0, 100, 90, 100, 100, 100, 100, 100, 90, 85, 25, 10, 10, 60, 15, 60, 100, 75]
            }
            Self::Lines => {
                &[0, 0, 0, 0, 100, 100, 100, 100, 100, 80, 100, 100, 30, 0, 0, 0, 0, 0, 0, 100, 25]
            }
            Self::Null => {
                &[60, 30, 60, 60, 100, 100, 100, 100, 100, 100, 100, 100, 90, 55, 55, 55, 80, 30, 60, 100, 90]
            }
            Self::Formula => {
                &[0, 0, 0, 0, 60, 60, 80, 80, 80, 100, 80, 60, 60, 55, 30, 20, 20, 20, 60, 100, 65]
            }
            Self::Pattern => &[0, 0, 0, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Self::Noise => {
                &[0, 0, 0, 0, 100, 100, 100, 100, 100, 100, 100, 100, 60, 10, 10, 0, 40, 0, 30, 100, 60]
            }
        };
        row.get(role as usize).map_or(0.0, |percent| f32::from(*percent) / 100.0)
    }
}
