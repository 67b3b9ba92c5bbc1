//! What stands in the place of a finding. All of it is ASCII without quotes and backslashes.

use crate::encoded;
use crate::find::Finder;
use crate::found::{Class, Encoding, Found};
use crate::handling::Treatment;
use crate::look::Look;
use crate::personal::{CARD, IBAN, MAIL, PHONE};
use crate::place::Place;
use crate::vault::{Scope, Vault};

pub(super) struct Replacer<'r> {
    pub(super) finder: &'r Finder,
    pub(super) scope: Scope<'r>,
    pub(super) vault: &'r Vault,
}

impl Replacer<'_> {
    pub(super) fn replacement(&mut self, value: &str, found: &Found, treatment: Treatment) -> String {
        let placeholder =
            (treatment == Treatment::Tokenise).then(|| self.vault.placeholder(self.scope, found, value));
        if let Some(placeholder) = placeholder.flatten() {
            return placeholder;
        }
        if found.encoding == Some(Encoding::Base64)
            && let Some(text) = self.within_base64(value, found, treatment)
        {
            return text;
        }
        if treatment == Treatment::Mask { mask(value, found) } else { redacted(found.kind, found.class) }
    }

    /// Base64 stays base64, since whoever reads it decodes it: what it held is replaced in it.
    fn within_base64(&mut self, value: &str, found: &Found, treatment: Treatment) -> Option<String> {
        let run = value.trim_end_matches('=');
        let text = encoded::base64(&Look::new(run), 0, run.len())?;
        let (mut out, mut from) = (String::new(), 0);
        for inner in self.finder.find(&text, &Place::default()) {
            if inner.class != found.class || inner.encoding.is_some() {
                continue;
            }
            out.push_str(text.get(from..inner.span.start)?);
            let value = text.get(inner.span.clone())?;
            out.push_str(&if treatment == Treatment::Mask {
                mask(value, &inner)
            } else {
                redacted(inner.kind, inner.class)
            });
            from = inner.span.end;
        }
        out.push_str(text.get(from..)?);
        (from > 0).then(|| encoded::to_base64(value, &out))
    }
}

pub(super) fn redacted(kind: &str, class: Class) -> String {
    let class = if class == Class::Secret { "secret" } else { "personal" };
    format!("[{class}:{kind}]")
}

/// Stars, and as much of a text as helps to recognise it and nobody to use it. Of a secret, and of numbers whose end is
/// what is asked for on the telephone, that is nothing.
fn mask(value: &str, found: &Found) -> String {
    let last = |count: usize| {
        let digits: Vec<char> = value.chars().filter(char::is_ascii_alphanumeric).collect();
        digits.iter().skip(digits.len().saturating_sub(count)).collect::<String>()
    };
    match found.kind {
        CARD | IBAN => format!("****{}", last(4)),
        PHONE => format!("****{}", last(2)),
        MAIL => {
            let domain = value.rsplit_once('@').map_or("", |(_, domain)| domain);
            let first: String = value.chars().take(1).filter(char::is_ascii_alphanumeric).collect();
            format!("{first}****@{domain}")
        }
        _ => "****".into(),
    }
}
