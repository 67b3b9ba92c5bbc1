//! The `claims` parameter: what the client is capable of, and what it was told to come back with.

use serde_json::Value;

use crate::AadResult;
use crate::errors::AadError;

/// A parsed `claims` parameter.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ClaimsRequest {
    /// `xms_cc` lists `cp1`: the client understands claims challenges.
    pub(crate) capable: bool,
    /// Authentication contexts.
    pub(crate) acrs: Vec<String>,
    /// A policy is named, as in the answer to an on-behalf-of request.
    pub(crate) policy: bool,
}

impl ClaimsRequest {
    /// Reads the parameter.
    pub(crate) fn parse(text: Option<&str>) -> AadResult<Self> {
        let Some(text) = text else { return Ok(Self::default()) };
        let Ok(Value::Object(claims)) = serde_json::from_str(text) else {
            return Err(AadError::new(
                9_002_313,
                "Invalid request. The 'claims' parameter is not a JSON object.",
            ));
        };
        let Some(wanted) = claims.get("access_token") else { return Ok(Self::default()) };
        Ok(Self {
            capable: values(wanted.get("xms_cc")).iter().any(|value| value == "cp1"),
            acrs: values(wanted.get("acrs")),
            policy: wanted.get("polids").is_some(),
        })
    }
}

fn values(request: Option<&Value>) -> Vec<String> {
    let Some(request) = request else { return Vec::new() };
    let many = request.get("values").and_then(Value::as_array).into_iter().flatten();
    request.get("value").into_iter().chain(many).filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capability_and_step_up_are_read() {
        let text = r#"{"access_token":{"xms_cc":{"values":["cp1"]},"acrs":{"essential":true,"value":"c1"}}}"#;
        let claims = ClaimsRequest::parse(Some(text)).unwrap();
        assert!(claims.capable && !claims.policy);
        assert_eq!(claims.acrs, ["c1"]);
        assert!(ClaimsRequest::parse(None).unwrap().acrs.is_empty());
        assert!(ClaimsRequest::parse(Some("[]")).is_err());
    }
}
