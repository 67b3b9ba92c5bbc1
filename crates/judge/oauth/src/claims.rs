//! The claims of a token whose signature has verified, each read in its one permitted form.

use std::collections::BTreeSet;
use std::sync::Arc;

use doorward_types::{ClientId, ObjectId, TenantId, Timestamp};
use doorward_wire::{Kind, Tree, Value};

use crate::error::TokenError;
use crate::identity::Groups;

/// 9999-12-31T23:59:59Z: later dates are a mistake or an attack on arithmetic.
const LAST_SECOND: i64 = 253_402_300_799;

/// A view of the claims that refuses wrong types: a claim that is there and malformed never reads as absent.
#[derive(Clone, Copy)]
pub(crate) struct Claims<'t>(Value<'t>);

impl<'t> Claims<'t> {
    pub(crate) fn of(tree: &'t Tree) -> Self {
        Self(tree.root())
    }

    pub(crate) fn has(self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// Reads a string that may be missing.
    pub(crate) fn text(self, name: &'static str) -> Result<Option<std::borrow::Cow<'t, str>>, TokenError> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or(TokenError::MalformedClaim(name))
    }

    /// Reads a string that must be there.
    pub(crate) fn required(self, name: &'static str) -> Result<std::borrow::Cow<'t, str>, TokenError> {
        self.text(name)?.ok_or(TokenError::MissingClaim(name))
    }

    /// Reads whom the token is for. An array is refused even if it holds us: the token would be good elsewhere too.
    pub(crate) fn audience(self) -> Result<std::borrow::Cow<'t, str>, TokenError> {
        let audience = self.0.get("aud").ok_or(TokenError::MissingClaim("aud"))?;
        audience.as_str().ok_or(TokenError::AudienceNotAString)
    }

    pub(crate) fn tenant(self) -> Result<TenantId, TokenError> {
        TenantId::parse(&self.required("tid")?).map_err(|_| TokenError::MalformedClaim("tid"))
    }

    pub(crate) fn object(self) -> Result<ObjectId, TokenError> {
        ObjectId::parse(&self.required("oid")?).map_err(|_| TokenError::MalformedClaim("oid"))
    }

    pub(crate) fn client(self, name: &'static str) -> Result<ClientId, TokenError> {
        ClientId::parse(&self.required(name)?).map_err(|_| TokenError::MalformedClaim(name))
    }

    /// Reads a `NumericDate` as whole seconds. Entra sends integers; `1e99`, `"1795176000"` and `1.5` mean different
    /// things to different readers.
    pub(crate) fn time(self, name: &'static str) -> Result<Timestamp, TokenError> {
        let value = self.0.get(name).ok_or(TokenError::MissingClaim(name))?;
        match value.as_i64() {
            Some(secs) if (0..=LAST_SECOND).contains(&secs) => Ok(Timestamp::from_secs(secs)),
            _ => Err(TokenError::MalformedClaim(name)),
        }
    }

    /// Reads scopes: names parted by single spaces (RFC 6749 section 3.3). An empty list grants nothing and is refused.
    pub(crate) fn scopes(self, name: &'static str) -> Result<Option<Vec<Arc<str>>>, TokenError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let scopes: Vec<Arc<str>> = text.split(' ').map(Arc::from).collect();
        if scopes.iter().all(|scope| is_scope(scope)) {
            Ok(Some(scopes))
        } else {
            Err(TokenError::MalformedClaim(name))
        }
    }

    /// Reads a whole number that is not negative.
    pub(crate) fn count(self, name: &'static str) -> Result<u64, TokenError> {
        let value = self.0.get(name).ok_or(TokenError::MissingClaim(name))?;
        value.as_i64().and_then(|number| u64::try_from(number).ok()).ok_or(TokenError::MalformedClaim(name))
    }

    /// Reads the thumbprint of the key that the token is bound to (RFC 9449 section 6.1). A binding of another kind, or one
    /// more beside it, is one that nobody here would prove.
    pub(crate) fn bound_to(self) -> Result<Option<Box<str>>, TokenError> {
        let Some(cnf) = self.0.get("cnf") else { return Ok(None) };
        let jkt = cnf.get("jkt").filter(|_| cnf.members().count() == 1).and_then(|jkt| jkt.as_str());
        let digest = |text: &str| {
            text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        jkt.filter(|jkt| digest(jkt)).map(|jkt| Some(jkt.into())).ok_or(TokenError::BoundToken)
    }

    /// Reads strings, one or a list of them; none if the claim is missing.
    pub(crate) fn texts(self, name: &'static str) -> Result<Vec<Arc<str>>, TokenError> {
        let Some(value) = self.0.get(name) else { return Ok(Vec::new()) };
        match value.as_str() {
            Some(one) => Ok(vec![Arc::from(one)]),
            None => strings(value).ok_or(TokenError::MalformedClaim(name)),
        }
    }

    /// Reads `roles`: an array of non-empty strings; none if it is missing.
    pub(crate) fn roles(self) -> Result<Vec<Arc<str>>, TokenError> {
        const BAD: TokenError = TokenError::MalformedClaim("roles");
        let Some(list) = self.0.get("roles") else { return Ok(Vec::new()) };
        strings(list)
            .ok_or(BAD)?
            .into_iter()
            .map(|role| if role.is_empty() { Err(BAD) } else { Ok(role) })
            .collect()
    }

    /// Reads `groups`, or that there were too many for the token. The address that an overage names is never read:
    /// it is a retired service, and following it would let a token choose where our credential goes.
    pub(crate) fn groups(self) -> Result<Groups, TokenError> {
        if self.overage()? {
            return Ok(Groups::Overage);
        }
        const BAD: TokenError = TokenError::MalformedClaim("groups");
        let Some(list) = self.0.get("groups") else { return Ok(Groups::Absent) };
        let ids = strings(list).ok_or(BAD)?;
        ids.iter()
            .map(|id| ObjectId::parse(id))
            .collect::<Result<BTreeSet<_>, _>>()
            .map(Groups::Listed)
            .map_err(|_| BAD)
    }

    /// Returns whether the client says that it can answer a claims challenge (`xms_cc` holds `cp1`).
    pub(crate) fn answers_challenges(self) -> Result<bool, TokenError> {
        let Some(list) = self.0.get("xms_cc") else { return Ok(false) };
        // Entra sends an array; a lone string has been seen and means the same.
        match list.as_str() {
            Some(one) => Ok(one == "cp1"),
            None => {
                Ok(strings(list).ok_or(TokenError::MalformedClaim("xms_cc"))?.iter().any(|c| &**c == "cp1"))
            }
        }
    }

    fn overage(self) -> Result<bool, TokenError> {
        if let Some(names) = self.0.get("_claim_names") {
            if names.kind() != Kind::Object {
                return Err(TokenError::MalformedClaim("_claim_names"));
            }
            if names.get("groups").is_some() {
                return Ok(true);
            }
        }
        if self.has("groups:src1") {
            return Ok(true);
        }
        match self.0.get("hasgroups") {
            None => Ok(false),
            Some(flag) => flag.as_bool().ok_or(TokenError::MalformedClaim("hasgroups")),
        }
    }
}

fn strings(list: Value<'_>) -> Option<Vec<Arc<str>>> {
    if list.kind() != Kind::Array {
        return None;
    }
    list.items().map(|item| item.as_str().map(Arc::from)).collect()
}

fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}
