//! The headers that go to the upstream, written from the judged body (T-16, T-17, T-20).

use crate::frame::{Frame, FrameKind};
use crate::headers::PARAM_PREFIX;
use crate::headers::params::{ParamHeader, header_text, x_mcp_headers};
use crate::headers::value::encode_value;
use crate::json::Value;
use crate::lens::routing_name;
use crate::method::{Era, Method};

/// Returns the protocol headers for a frame on its way upstream: lower-case names, encoded values. `version` is the
/// negotiated revision. With a tool's input schema, its mirrored parameters are added; an invalid schema adds none (its
/// tool is not listed, T-21).
pub fn outbound(
    frame: &Frame,
    era: Era,
    version: &str,
    tool_schema: Option<Value<'_>>,
) -> Vec<(String, String)> {
    let mirrored = tool_schema.and_then(|schema| x_mcp_headers(schema).ok()).unwrap_or_default();
    outbound_with(frame, era, version, &mirrored)
}

/// As [`outbound`], for callers that keep the annotations of a catalogue's tools.
pub fn outbound_with(
    frame: &Frame,
    era: Era,
    version: &str,
    mirrored: &[ParamHeader],
) -> Vec<(String, String)> {
    let mut headers = Vec::with_capacity(3 + mirrored.len());
    // A legacy version is negotiated by `initialize`: before its answer there is none to state.
    if era == Era::Modern || frame.known_method() != Method::Initialize {
        headers.push(("mcp-protocol-version".to_owned(), version.to_owned()));
    }
    if era == Era::Legacy {
        return headers;
    }
    if let Some(method) = frame.method() {
        headers.push(("mcp-method".to_owned(), method.to_owned()));
    }
    if let Some(name) = routing_name(frame) {
        headers.push(("mcp-name".to_owned(), encode_value(&name)));
    }
    if frame.known_method() == Method::ToolsCall && frame.kind() == FrameKind::Request {
        for header in mirrored {
            if let Some(text) = header_text(frame, header) {
                headers.push((format!("{PARAM_PREFIX}{}", header.name), encode_value(&text)));
            }
        }
    }
    headers
}
