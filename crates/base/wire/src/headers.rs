//! The headers of the modern transport that mirror the body (T-13…T-24).
//!
//! A mirrored header is for machines on the way that do not read bodies. The door reads the body, checks that the
//! headers say the same, and writes new ones from the body for the upstream: none is ever copied, so none can say
//! something to the next hop that was not judged here.

mod outbound;
mod params;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;

pub use outbound::{outbound, outbound_with};
pub use params::{BadToolHeaders, ParamHeader, ParamMismatch, check_param_headers, x_mcp_headers};
pub(crate) use value::plain_value;
pub use value::{HeaderError, decode_value, encode_value};

/// The prefix of mirrored parameters, lower case.
pub const PARAM_PREFIX: &str = "mcp-param-";

/// The headers of one request that matter to the protocol, as raw values.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoutingHeaders<'a> {
    /// `MCP-Protocol-Version`
    pub protocol_version: Option<&'a [u8]>,
    /// `Mcp-Method`
    pub method: Option<&'a [u8]>,
    /// `Mcp-Name`
    pub name: Option<&'a [u8]>,
    /// `Mcp-Param-*`: what follows the prefix, lower case, and the value; one entry a header line.
    pub params: &'a [(&'a str, &'a [u8])],
    /// `Mcp-Session-Id`
    pub session: Option<&'a [u8]>,
    /// `Last-Event-ID`
    pub last_event: Option<&'a [u8]>,
    /// The first of the single-valued headers that came twice: two machines could each believe another one.
    pub duplicated: Option<&'static str>,
}

/// All that [`classify`](crate::classify) wants to know of a request's headers, gathered in one pass.
#[derive(Debug, Clone, Default)]
pub struct HeaderSet<'a> {
    /// `Content-Type`
    pub content_type: Option<&'a [u8]>,
    /// `Accept`; several lines are one list.
    pub accept: Option<Cow<'a, [u8]>>,
    protocol_version: Option<&'a [u8]>,
    method: Option<&'a [u8]>,
    name: Option<&'a [u8]>,
    params: Vec<(&'a str, &'a [u8])>,
    session: Option<&'a [u8]>,
    /// Several lines are one text, which is the name of no event.
    last_event: Option<Cow<'a, [u8]>>,
    duplicated: Option<&'static str>,
}

impl<'a> HeaderSet<'a> {
    /// Gathers from header lines whose names are lower case, as hyper gives them.
    pub fn collect(lines: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut set = Self::default();
        for (name, value) in lines {
            set.take(name, value);
        }
        set
    }

    /// Returns the view that the ladder reads.
    pub fn routing(&self) -> RoutingHeaders<'_> {
        RoutingHeaders {
            protocol_version: self.protocol_version,
            method: self.method,
            name: self.name,
            params: &self.params,
            session: self.session,
            last_event: self.last_event.as_deref(),
            duplicated: self.duplicated,
        }
    }

    fn take(&mut self, name: &'a str, value: &'a [u8]) {
        let (slot, label) = match name {
            "content-type" => (&mut self.content_type, "content-type"),
            "mcp-protocol-version" => (&mut self.protocol_version, "mcp-protocol-version"),
            "mcp-method" => (&mut self.method, "mcp-method"),
            "mcp-name" => (&mut self.name, "mcp-name"),
            "mcp-session-id" => (&mut self.session, "mcp-session-id"),
            "accept" => return join(&mut self.accept, value),
            "last-event-id" => return join(&mut self.last_event, value),
            _ => {
                if let Some(parameter) = name.strip_prefix(PARAM_PREFIX) {
                    self.params.push((parameter, value));
                }
                return;
            }
        };
        if slot.is_some() {
            self.duplicated = self.duplicated.or(Some(label));
        }
        *slot = Some(value);
    }
}

/// Several lines of a header that is a list are one list.
fn join<'a>(lines: &mut Option<Cow<'a, [u8]>>, value: &'a [u8]) {
    match lines {
        None => *lines = Some(Cow::Borrowed(value)),
        Some(list) => {
            let list = list.to_mut();
            list.extend_from_slice(b", ");
            list.extend_from_slice(value);
        }
    }
}
