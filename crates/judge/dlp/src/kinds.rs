//! The names of everything that can be found, for those who write rows.

use crate::found::Class;
use crate::named;
use crate::personal::{ADDRESS, CARD, CPR, IBAN, MAIL, NAME, PHONE, SSN};
use crate::rules;

/// Secrets that are found by more than a rule.
const OTHERS: [&str; 11] = [
    "azure-devops-token",
    "azure-shared-access-signature",
    "aws-secret-key",
    "basic-credentials",
    "bearer-token",
    "discord-token",
    "json-web-token",
    "named-secret",
    "password",
    "password-in-address",
    "private-key",
];
const PERSONAL: [&str; 8] = [ADDRESS, CARD, CPR, IBAN, MAIL, NAME, PHONE, SSN];

/// Every kind of finding, by name, with its class.
pub fn kinds() -> Vec<(&'static str, Class)> {
    let rules = rules::all().map(|rule| rule.kind);
    let secrets = rules.chain(named::kinds()).chain(OTHERS).map(|kind| (kind, Class::Secret));
    let mut all: Vec<_> = secrets.chain(PERSONAL.map(|kind| (kind, Class::Personal))).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find::Finder;
    use crate::place::Place;
    use crate::testing::Draw;

    #[test]
    fn what_is_found_has_a_name_that_rows_can_use() {
        let (finder, mut draw) = (Finder::new(), Draw::new(91));
        let texts = [
            draw.github(),
            draw.jwt(),
            draw.armour("RSA PRIVATE KEY"),
            format!("Authorization: Bearer {}", draw.token(40)),
            format!("https://anna:{}@host.example/", draw.token(16)),
            format!("password = \"{}\"", "k9Zq7mX4vTe"),
            format!("card {}", draw.card("4539", 16)),
            draw.iban("DE", 22),
            "call +45 32 12 34 56 or write to anna@firma.dk".to_owned(),
        ];
        let kinds = kinds();
        for text in texts {
            let found = finder.find(&text, &Place::default());
            assert!(!found.is_empty(), "{text}");
            for found in found {
                assert!(kinds.contains(&(found.kind, found.class)), "{}", found.kind);
            }
        }
        assert!(kinds.len() > 100, "{}", kinds.len());
    }
}
