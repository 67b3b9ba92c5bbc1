//! What policies speak of: roles and groups that an app registration must put into tokens.

use std::collections::BTreeSet;
use std::io;

use doorward_config::Config;

/// Roles by name, and whether there is any group.
pub(crate) struct Spoken {
    pub(crate) roles: BTreeSet<String>,
    pub(crate) groups: bool,
}

impl Spoken {
    /// Reads the policies of a configuration. Where they cannot be read, groups may be among them: tokens without groups
    /// would let a `forbid` for a group miss its people.
    pub(crate) fn of(config: &Config) -> Self {
        match texts(config) {
            Ok(texts) => Self::read(&texts),
            Err(_) => Self { roles: BTreeSet::new(), groups: true },
        }
    }

    /// Finds entities by how they are written. Ones in comments count, too: a role more is a role that nobody has.
    fn read(texts: &[String]) -> Self {
        let roles = texts.iter().flat_map(|text| text.split("Role::\"").skip(1));
        let roles = roles.filter_map(|rest| rest.split_once('"')).map(|(name, _)| name);
        // What Entra takes for the value of a role, less what would have to be escaped.
        let plain = |name: &&str| {
            let byte = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
            (1..=120).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(byte)
        };
        Self {
            roles: roles.filter(plain).map(str::to_owned).collect(),
            groups: texts.iter().any(|text| text.contains("Group::")),
        }
    }
}

fn texts(config: &Config) -> io::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(&config.policy.dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "cedar") {
            texts.push(std::fs::read_to_string(path)?);
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_groups_are_found_as_they_are_written() {
        let read = |text: &str| Spoken::read(&[text.to_owned()]);
        let spoken = read(
            r#"permit (principal in Role::"Mcp.Read", action, resource) when { principal in Role::"W" };"#,
        );
        assert_eq!(spoken.roles.iter().map(String::as_str).collect::<Vec<_>>(), ["Mcp.Read", "W"]);
        assert!(!spoken.groups);
        assert!(read(r#"permit (principal in Group::"x", action, resource);"#).groups);
        let odd = read("Role::\"$(x)\" Role::\"\" Role::\"a b\" Role::\"open");
        assert!(odd.roles.is_empty());
    }
}
