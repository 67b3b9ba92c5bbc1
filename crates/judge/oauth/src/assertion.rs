//! A caller's token of Entra's as the proof with which Entra may be asked on their behalf.

use doorward_types::Secret;

/// A verified token, kept for one use: the request that exchanges it at the Entra that issued it (on behalf of). It
/// shows itself nowhere, cannot be copied, and cannot become a header: a token never crosses the door (TPT-01).
///
/// ```compile_fail,E0277
/// fn print(proof: &doorward_oauth::Assertion) -> String { format!("{proof}") }
/// ```
///
/// ```compile_fail,E0277
/// fn debug(proof: &doorward_oauth::Assertion) -> String { format!("{proof:?}") }
/// ```
///
/// ```compile_fail,E0599
/// fn copy(proof: doorward_oauth::Assertion) -> doorward_oauth::Assertion { proof.clone() }
/// ```
///
/// ```compile_fail,E0277
/// // What every HTTP library asks of a header's value.
/// fn header(_: impl AsRef<[u8]>) {}
/// fn forward(proof: doorward_oauth::Assertion) { header(proof) }
/// ```
///
/// ```compile_fail,E0277
/// fn forward(proof: doorward_oauth::Assertion) -> String { proof.into() }
/// ```
pub struct Assertion(Secret<String>);

impl Assertion {
    /// Keeps a token. Its caller has just verified it.
    pub(crate) fn of(token: &str) -> Self {
        Self(Secret::new(token.to_owned()))
    }

    /// Returns the value of the form field `assertion`. Only the request to the token endpoint of the Entra that issued
    /// it may use this; anywhere else it would be a caller's credential in foreign hands.
    pub fn form_value(&self) -> &str {
        self.0.expose()
    }
}
