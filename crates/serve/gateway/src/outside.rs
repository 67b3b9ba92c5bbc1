//! What a door speaks to Entra with and what it expects of tokens, for commands that look without opening a door.

use doorward_config::Config;
use doorward_entra::EntraClient;
use doorward_net::Connector;
use doorward_oauth::{Cloud, Expectation, Tenants};
use doorward_types::ServerName;

use crate::build::{self, BuildError};
use crate::credentials::entra_client;

/// A door's outside.
pub struct Outside {
    /// Where Entra is.
    pub cloud: Cloud,
    /// Whose people may come in.
    pub tenants: Tenants,
    /// The way out.
    pub connector: Connector,
    /// What a token must be to open each server.
    pub expectations: Vec<(ServerName, Expectation)>,
    /// The client of Entra; nothing where no credential is configured.
    pub entra: Result<Option<EntraClient>, BuildError>,
}

/// Makes a door's outside; nothing is asked yet.
///
/// # Errors
/// [`BuildError`]. A credential that cannot be used is no error here: it is in [`Outside::entra`].
pub fn outside(config: &Config) -> Result<Outside, BuildError> {
    let cloud = build::cloud(config)?;
    let connector = build::connector(config)?;
    let rules = build::rules(config, &cloud, &std::sync::Arc::default(), &std::sync::Arc::default());
    let entra = entra_client(config, &cloud, &connector);
    let expectations = rules.into_iter().map(|rule| (rule.name, rule.expectation)).collect();
    Ok(Outside { tenants: build::tenants(config), cloud, connector, expectations, entra })
}
