//! A value that can be used but not shown.

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A token, key or passphrase. It has no `Debug`, `Display` or `Serialize`, so that no log, error or record can hold
/// it by accident (TOK-07), and it is wiped when dropped. [`expose`](Self::expose) is the one word to search for.
///
/// ```compile_fail
/// let token = doorward_types::Secret::new(String::from("eyJ"));
/// println!("{token:?}");
/// ```
///
/// ```compile_fail
/// let token = doorward_types::Secret::new(String::from("eyJ"));
/// println!("{token}");
/// ```
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value at the border where it comes in.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value, for the one place that must use it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Compares in constant time: a caller who measures answers learns nothing of the secret but its length.
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_ref().ct_eq(candidate).into()
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_only_the_same_bytes() {
        let secret = Secret::new(b"correct horse".to_vec());
        assert!(secret.matches(b"correct horse"));
        assert!(!secret.matches(b"correct horsf"));
        assert!(!secret.matches(b"correct"));
        assert!(!secret.matches(b""));
    }
}
