//! Entra's error numbers, explained: what each means at this door, and the one thing to do about it.
//!
//! Entra's own words are not shown to anybody, for they hold names and addresses; its number is, with these words.

mod application;
mod credential;
mod exchange;
mod person;
mod policy;

/// What an error of Entra's means, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The number behind `AADSTS`.
    pub code: u32,
    /// In a few words.
    pub title: &'static str,
    /// Why it happens.
    pub cause: &'static str,
    /// What to do: one step, and where.
    pub fix: &'static str,
}

/// Writes a row of the tables.
const fn row(code: u32, title: &'static str, cause: &'static str, fix: &'static str) -> Explanation {
    Explanation { code, title, cause, fix }
}

/// Explains an error.
pub fn explain(code: u32) -> Option<&'static Explanation> {
    explanations().find(|row| row.code == code)
}

/// Returns all there is to explain.
pub fn explanations() -> impl Iterator<Item = &'static Explanation> {
    [application::ROWS, credential::ROWS, exchange::ROWS, person::ROWS, policy::ROWS].into_iter().flatten()
}

/// Finds the number in one of Entra's error texts.
pub fn aadsts(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("AADSTS")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every number that Entra is known to give to requests such as the door's.
    const KNOWN: &[u32] = &[
        28000, 28003, 50001, 50011, 50013, 50020, 50027, 50034, 50053, 50055, 50057, 50058, 50059, 50072,
        50074, 50076, 50078, 50079, 50097, 50105, 50126, 50131, 50132, 50133, 50147, 50158, 50173, 50194,
        50196, 53000, 53001, 53003, 53011, 54005, 65001, 65002, 65004, 70000, 70008, 70011, 70016, 70018,
        70019, 70020, 70021, 70043, 82001, 90002, 90009, 90014, 90023, 90094, 500011, 500131, 500133, 501481,
        501491, 530032, 530036, 650052, 650053, 650054, 650055, 650056, 650057, 700016, 700021, 700022,
        700023, 700024, 700025, 700027, 700082, 700084, 700211, 700212, 700213, 700229, 900144, 900561,
        901002, 7000112, 7000114, 7000215, 7000218, 7000222, 7002137, 7002138, 9001023, 9002313, 9002326,
        9002327, 9010010,
    ];

    /// A fix that names none of these leaves the reader to search.
    const STEPS: &[&str] = &[
        "Entra admin center",
        "az ad ",
        "az rest ",
        "doorward.toml",
        "Sign in again",
        "Sign out",
        "Try again",
        "clock",
        "the client",
    ];

    // control: MSI-01: every number that Entra answers with has its cause and one step in words
    #[test]
    fn every_known_number_is_explained_once() {
        let mut seen = BTreeSet::new();
        for row in explanations() {
            assert!(seen.insert(row.code), "AADSTS{} twice", row.code);
        }
        for code in KNOWN {
            assert!(explain(*code).is_some(), "AADSTS{code} has no explanation");
        }
        assert_eq!(explain(1), None);
    }

    #[test]
    fn every_fix_names_a_step_and_every_sentence_ends() {
        for Explanation { code, title, cause, fix } in explanations().copied() {
            assert!(STEPS.iter().any(|step| fix.contains(step)), "AADSTS{code}: {fix}");
            assert!(cause.ends_with('.') && fix.ends_with('.') && !title.ends_with('.'), "AADSTS{code}");
            assert!(title.len() <= 90 && cause.len() <= 400 && fix.len() <= 500, "AADSTS{code}");
        }
    }

    #[test]
    fn a_number_is_found_in_a_text() {
        for (text, code) in [
            ("AADSTS50076: Due to a configuration change", Some(50076)),
            ("AADSTS9010010: The resource", Some(9_010_010)),
            ("error: AADSTS65004 x", Some(65004)),
            ("AADSTS: none", None),
            ("AADSTS99999999999999999999: too many", None),
            ("", None),
        ] {
            assert_eq!(aadsts(text), code, "{text}");
        }
    }
}
