//! Second opinions as the configuration wants them: who is asked, with what, and what follows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use doorward_advise::{
    Act, AdviserCredential, Advisers, AdvisersConfig, AzureConfig, ByRisk, Category, ContentSettings,
    Direction, LocalConfig, LocalModel, Question, Reason, Risk, Thresholds, TokenFuture, Tokens, Verdict,
    verdict,
};
use doorward_config::{
    Advise, AdviseAct, AdviseAzure, AdviseByRisk, AdviseCredential, AdviseModel, Config, ContentSafety,
};
use doorward_engine::{Advice as Follows, AdviseOn, Advised};
use doorward_entra::{ConfiguredFetch, EntraClient, Sleeper, Stopwatch};
use doorward_net::{Connector, Origin};
use doorward_sandbox::Launcher;
use doorward_types::ServerName;

use crate::build::{BuildError, read_secret};
use crate::credentials::{is_private, own_tenant};

/// The argument with which the program runs a model.
pub const MODEL_WORKER: &str = "model-worker";
/// Answers that are kept of each service.
const KEPT: usize = 10_000;

/// Who is asked for second opinions, and what follows from them.
pub struct Advice {
    advisers: Advisers,
    thresholds: Thresholds,
    deadline: Duration,
    /// What each server can do at the worst.
    risks: BTreeMap<ServerName, Risk>,
}

impl Advice {
    /// Asks about texts and says what follows: within the deadline that is configured, whatever the services do.
    pub async fn judge(&self, question: &Question<'_>, risk: Risk) -> Verdict {
        let opinion = self.advisers.ask(question, self.deadline).await;
        verdict(&opinion, risk, &self.thresholds)
    }

    /// Asks about what a server answered.
    pub async fn results(&self, tenant: &str, texts: &[&str], risk: Risk) -> Verdict {
        self.judge(&Question { tenant, direction: Direction::Documents, texts }, risk).await
    }

    /// Asks about what a server is to be sent.
    pub async fn arguments(&self, tenant: &str, texts: &[&str], risk: Risk) -> Verdict {
        self.judge(&Question { tenant, direction: Direction::UserPrompt, texts }, risk).await
    }

    /// Asks on behalf of the door, and says what follows in its words.
    pub(crate) async fn about(&self, question: Advised<'_>) -> Follows {
        let Advised { server, tenant, on, texts } = question;
        let (tenant, risk) = (tenant.as_str(), self.risks.get(server).copied().unwrap_or(Risk::High));
        let verdict = match on {
            AdviseOn::Call => self.arguments(tenant, texts, risk).await,
            AdviseOn::Answer => self.results(tenant, texts, risk).await,
        };
        match verdict {
            Verdict::Pass => Follows::Pass,
            Verdict::Flag(reasons) => Follows::Flag(told(server, &reasons)),
            Verdict::Refuse(reasons) => Follows::Refuse(told(server, &reasons)),
        }
    }
}

/// Says the reasons aloud, and returns what records call them.
fn told(server: &ServerName, reasons: &[Reason]) -> Vec<&'static str> {
    let name = |reason: &Reason| {
        tracing::warn!(%server, ?reason, "a second opinion");
        match reason {
            Reason::Attack => "advise.attack",
            Reason::Model { .. } => "advise.model",
            Reason::Harm { .. } => "advise.harm",
            Reason::Listed { .. } => "advise.listed",
            Reason::Missing { .. } | Reason::NobodyAsked => "advise.no-opinion",
            Reason::Unread { .. } => "advise.unread",
        }
    };
    reasons.iter().map(name).collect()
}

impl fmt::Debug for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Advice").field("thresholds", &self.thresholds).finish_non_exhaustive()
    }
}

/// Makes the advisers, where some are configured. A model is read and tried before the door opens.
pub(crate) async fn advice(
    config: &Config,
    entra: Option<&EntraClient>,
    connector: &Connector,
) -> Result<Option<Advice>, BuildError> {
    let Some(advise) = &config.advise else { return Ok(None) };
    let azure = match &advise.azure {
        Some(azure) => Some(services(config, azure, entra)?),
        None => None,
    };
    let model = match &advise.model {
        Some(model) => Some(local(model).await?),
        None => None,
    };
    let made = AdvisersConfig { azure, model, pieces: advise.pieces, keep: advise.keep, kept: KEPT };
    // The operator wrote the endpoint, and it may be a private one.
    let fetch = Arc::new(ConfiguredFetch(connector.clone()));
    let advisers = Advisers::new(fetch, made, Stopwatch::system(), Sleeper::system())
        .map_err(|error| bad(error.to_string()))?;
    Ok(Some(Advice {
        advisers,
        thresholds: thresholds(advise),
        deadline: advise.deadline,
        risks: risks(config),
    }))
}

fn bad(what: String) -> BuildError {
    BuildError::Target(format!("[advise]: {what}"))
}

fn services(
    config: &Config,
    azure: &AdviseAzure,
    entra: Option<&EntraClient>,
) -> Result<AzureConfig, BuildError> {
    Ok(AzureConfig {
        endpoint: Origin::parse(azure.endpoint.as_str()).map_err(|error| bad(error.to_string()))?,
        credential: credential(config, azure, entra)?,
        prompt_shields: azure.prompt_shields,
        content: azure.content_safety.as_ref().map(settings),
    })
}

async fn local(model: &AdviseModel) -> Result<LocalModel, BuildError> {
    // Found once: when the file was replaced by a newer program, that is what runs the model from then on.
    let worker =
        std::env::current_exe().map_err(|error| bad(format!("this program cannot be found: {error}")))?;
    let config = LocalConfig {
        model: model.file.clone(),
        tokenizer: model.tokenizer.clone(),
        sha256: model.sha256,
        window: model.window,
        benign: model.benign,
        sure: model.sure,
        command: vec![worker.display().to_string(), MODEL_WORKER.to_owned()],
        walls: model.sandbox.then(Launcher::default),
    };
    let started = LocalModel::start(config, Stopwatch::system(), Sleeper::system()).await;
    started.map_err(|error| bad(format!("{}: {error}", model.file.display())))
}

fn risks(config: &Config) -> BTreeMap<ServerName, Risk> {
    let risk = |server: &doorward_config::Server| match server.risk {
        doorward_config::Risk::Low => Risk::Low,
        doorward_config::Risk::High => Risk::High,
    };
    config.servers.iter().map(|server| (server.name.clone(), risk(server))).collect()
}

fn credential(
    config: &Config,
    azure: &AdviseAzure,
    entra: Option<&EntraClient>,
) -> Result<AdviserCredential, BuildError> {
    match &azure.credential {
        AdviseCredential::KeyFile(file) => {
            if !is_private(file) {
                tracing::warn!(file = %file.display(), "others on this machine can read the key: chmod 600 it");
            }
            Ok(AdviserCredential::Key(read_secret(file)?))
        }
        AdviseCredential::Entra => {
            let missing = || BuildError::NoCredential("advise.credential");
            let entra = entra.cloned().ok_or_else(missing)?;
            let tenant = own_tenant(config).ok_or_else(missing)?.to_string();
            let scope = match config.entra.cloud {
                doorward_config::Cloud::Public => "https://cognitiveservices.azure.com/.default",
                doorward_config::Cloud::UsGov => "https://cognitiveservices.azure.us/.default",
                doorward_config::Cloud::China => "https://cognitiveservices.azure.cn/.default",
            };
            Ok(AdviserCredential::Tokens(Arc::new(OwnTokens { entra, tenant, scope })))
        }
    }
}

/// Tokens of the door's own identity for the services.
struct OwnTokens {
    entra: EntraClient,
    tenant: String,
    scope: &'static str,
}

impl Tokens for OwnTokens {
    fn token(&self) -> TokenFuture {
        let (entra, tenant, scope) = (self.entra.clone(), self.tenant.clone(), self.scope);
        Box::pin(async move { entra.app_token(&tenant, scope).await.map_err(|error| error.to_string()) })
    }

    fn refused(&self) {
        self.entra.forget_app_token(&self.tenant, self.scope);
    }
}

/// What each category counts from, for those that were written.
fn severities(content: &ContentSafety) -> BTreeMap<Category, u8> {
    let all = [
        (Category::Hate, content.hate),
        (Category::SelfHarm, content.self_harm),
        (Category::Sexual, content.sexual),
        (Category::Violence, content.violence),
    ];
    all.into_iter().filter_map(|(category, severity)| Some((category, severity?))).collect()
}

fn settings(content: &ContentSafety) -> ContentSettings {
    ContentSettings {
        categories: severities(content).into_keys().collect(),
        blocklists: content.blocklists.clone(),
    }
}

fn thresholds(advise: &Advise) -> Thresholds {
    let content = advise.azure.as_ref().and_then(|azure| azure.content_safety.as_ref());
    Thresholds {
        severities: content.map(severities).unwrap_or_default(),
        sure: advise.model.as_ref().map_or(100, |model| model.sure),
        on_finding: by_risk(advise.on_finding),
        on_failure: by_risk(advise.on_failure),
    }
}

fn by_risk(configured: AdviseByRisk) -> ByRisk {
    let act = |act| match act {
        AdviseAct::Refuse => Act::Refuse,
        AdviseAct::Flag => Act::Flag,
    };
    ByRisk { high: act(configured.high), low: act(configured.low) }
}
