//! Entra's error numbers, explained. Entra's own texts name people, tenants and addresses, and seldom say what to do; of
//! them the number is kept, and what stands on pages and in logs is written here.

mod table;
#[cfg(test)]
mod tests;

/// What an error of Entra's means, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// The number behind `AADSTS`.
    pub code: u32,
    /// In a few words.
    pub title: &'static str,
    /// Why it happens.
    pub cause: &'static str,
    /// The one step that mends it.
    pub fix: &'static str,
}

/// Explains an error, by the number behind `AADSTS`.
pub fn explain(code: u32) -> Option<&'static Explanation> {
    table::all().find(|row| row.code == code)
}

/// Finds the number in one of Entra's error texts (`AADSTS50011: The redirect URI …`). The text is foreign, and nothing
/// of it but the number is used.
pub fn aadsts(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("AADSTS")?;
    // No number of Entra's has more than ten digits; whoever writes more is not Entra.
    let digits: String = rest.chars().take(11).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
