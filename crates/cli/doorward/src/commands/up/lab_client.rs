//! Asking a running lab for a token.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use doorward_net::{Connector, ConnectorConfig, FetchLimits, Origin, Reach};
use http::Request;

use crate::failure::Failure;

/// Makes a connector that trusts a lab's certificate authority, for the lab's own origin alone.
pub(crate) fn connector(authority: &str, ca_pem: Vec<u8>) -> Result<Connector, Failure> {
    let origin = Origin::parse(authority).map_err(|error| Failure::new(format!("{authority}: {error}")))?;
    let config = ConnectorConfig {
        extra_roots_pem: vec![ca_pem],
        lab_origins: vec![origin],
        connect_timeout: Duration::from_secs(5),
    };
    Connector::new(config).map_err(|error| Failure::new(error.to_string()))
}

/// Gets a token of a lab that runs elsewhere, found by its data folder.
pub(crate) async fn mint(data: &Path, request: &serde_json::Value) -> Result<String, Failure> {
    let read = |name: &str| {
        let path = data.join(name);
        std::fs::read(&path).map_err(|error| {
            Failure::new(format!("cannot read {}: {error}", path.display()))
                .help("start the lab first (`doorward lab`, or `doorward up` and --data .doorward/lab)")
        })
    };
    let about: serde_json::Value = serde_json::from_slice(&read("lab.json")?)
        .map_err(|error| Failure::new(format!("lab.json: {error}")))?;
    let text = |member: &str| about.get(member).and_then(|value| value.as_str()).unwrap_or_default();
    let connector = connector(text("authority"), read("ca.pem")?)?;
    let request = Request::post(format!("{}/_lab/token", text("authority")))
        .header("content-type", "application/json")
        .header("x-lab-control-key", text("control_key"))
        .body(Bytes::from(request.to_string()))
        .map_err(|error| Failure::new(error.to_string()))?;
    let answer = connector.fetch(request, Reach::Lab, FetchLimits::default()).await.map_err(|error| {
        Failure::new(error.to_string()).help("the lab may have ended: start it again and ask again")
    })?;
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let token = body.get("access_token").and_then(|token| token.as_str());
    token.map(str::to_owned).ok_or_else(|| {
        let why = body.get("error").and_then(|error| error.as_str()).unwrap_or("no token in its answer");
        Failure::new(format!("the lab refused: {why}"))
            .help("see the seed for the people and applications there are")
    })
}
