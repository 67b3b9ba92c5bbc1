//! What a frame is judged under: one immutable snapshot of configuration, policies and rules.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use doorward_inspect::Bundles;
use doorward_oauth::{Expectation, TokenCache};
use doorward_policy::{Policies, PolicyProblem, PolicyText, ServerShape};
use doorward_types::ServerName;
use doorward_wire::Limits;

use crate::advise::AdviseRules;
use crate::catalogue::Known;
use crate::content::ResultRules;
use crate::eras::Acquaintance;
use crate::eyes::Flagged;
use crate::flows::FlowRules;
use crate::guard::ElicitationRules;
use crate::leaks::DataRules;
use crate::pinned::PinRules;
use crate::stage::Caller;

/// Which protocol revisions the server behind the door speaks. Clients may speak either: what they say is carried to it in
/// their own where it speaks that, and bridged where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EraRule {
    /// The door asks it.
    Auto,
    /// 2025-11-25 and older only.
    Legacy,
    /// 2026-07-28 only.
    Modern,
    /// Either.
    Both,
}

/// Verified tokens remembered for one server.
pub(crate) const TOKENS: usize = 16_384;

/// What is configured for one server.
pub struct ServerRules {
    /// Its name.
    pub name: ServerName,
    /// Its canonical resource URL: the public URL and its path.
    pub resource: String,
    /// Where its protected resource metadata is served (RFC 9728).
    pub metadata_url: String,
    /// The scope that challenges name.
    pub challenge_scope: String,
    /// Which tokens fit.
    pub expectation: Expectation,
    /// Which revisions it speaks.
    pub era: EraRule,
    /// How long a server may be silent on a call.
    pub call_timeout: Duration,
    /// How long one call may take, progress included.
    pub call_most: Duration,
    /// Bounds of a request.
    pub request_limits: Limits,
    /// Bounds of an answer.
    pub answer_limits: Limits,
    /// The largest single event of a stream, in bytes.
    pub event_bytes: usize,
    /// Whether the callers' own tokens of Entra are kept for as long as they are known, to be exchanged at Entra for
    /// tokens for this server.
    pub keeps_assertion: bool,
    /// Whether this server is called with a credential of each person's own: what it offers may differ from one to the
    /// next, and without a person it cannot be asked (D-08).
    pub per_person_credential: bool,
    /// What the door has found out about it.
    pub acquaintance: Arc<Acquaintance>,
    /// What the server may ask people for.
    pub elicitation: ElicitationRules,
    /// Whether somebody is asked before a tool is called that the server marks as destructive (D-28).
    pub asks: bool,
    /// What becomes of definitions that give orders to the model.
    pub flagged: Flagged,
    /// What came from where, and what may leave: the same for all servers of a door.
    pub flow: Arc<FlowRules>,
    /// What is done about secrets and personal data; none, and nothing is looked for.
    pub data: Option<Arc<DataRules>>,
    /// What is done about the content of its answers.
    pub results: ResultRules,
    /// How its definitions are pinned; none, and they are not.
    pub pins: Option<PinRules>,
    /// What becomes of payloads in arguments: refused, recorded, or not looked for.
    pub arguments: Flagged,
    /// About what second opinions are asked.
    pub advise: AdviseRules,
    /// Rules beside those that are built in: the same for all servers of a door.
    pub bundles: Arc<Bundles>,
    /// Its lists are shown as they came, what breaks the rules included: for a scan, which has to see it and calls nothing.
    pub unabridged: bool,
    /// Tokens verified for this server under this snapshot. One cache a server: a token that fits a sibling server
    /// is not a token that fits this one (D-12).
    pub tokens: RwLock<TokenCache<Caller>>,
}

impl fmt::Debug for ServerRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRules").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Configuration, policies and rules, as one value that is swapped whole.
pub struct Snapshot {
    id: u64,
    servers: BTreeMap<ServerName, Arc<ServerRules>>,
    text: Arc<PolicyText>,
    known: BTreeMap<ServerName, Arc<Known>>,
    policies: Policies,
}

impl Snapshot {
    /// Compiles the policies against what is known of the servers' tools.
    ///
    /// # Errors
    /// Every problem of every policy; nothing takes effect.
    pub fn compile(
        id: u64,
        servers: Vec<ServerRules>,
        text: Arc<PolicyText>,
        known: BTreeMap<ServerName, Arc<Known>>,
    ) -> Result<Self, Vec<PolicyProblem>> {
        let servers: BTreeMap<_, _> =
            servers.into_iter().map(|rules| (rules.name.clone(), Arc::new(rules))).collect();
        let policies = Self::policies_for(&servers, &text, &known)?;
        Ok(Self { id, servers, text, known, policies })
    }

    fn policies_for(
        servers: &BTreeMap<ServerName, Arc<ServerRules>>,
        text: &PolicyText,
        known: &BTreeMap<ServerName, Arc<Known>>,
    ) -> Result<Policies, Vec<PolicyProblem>> {
        let shapes: Vec<ServerShape<'_>> = servers
            .keys()
            .map(|name| match known.get(name) {
                Some(known) => known.shape(name),
                None => ServerShape { name, tools: Vec::new(), prompts: Vec::new(), complete: false },
            })
            .collect();
        Policies::compile(text, &shapes)
    }

    /// Returns this snapshot with what was learned of one server's tools, under the next id.
    pub(crate) fn learned(&self, server: &ServerName, known: Arc<Known>) -> Result<Self, Vec<PolicyProblem>> {
        let mut all = self.known.clone();
        all.insert(server.clone(), known);
        let policies = Self::policies_for(&self.servers, &self.text, &all)?;
        let servers =
            self.servers.iter().map(|(name, rules)| (name.clone(), Arc::new(rules.renewed()))).collect();
        Ok(Self { id: self.id + 1, servers, text: Arc::clone(&self.text), known: all, policies })
    }

    /// Returns the snapshot's number; each later one is greater.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Returns what is configured for a server.
    pub fn server(&self, name: &str) -> Option<&Arc<ServerRules>> {
        self.servers.iter().find(|(known, _)| known.as_str() == name).map(|(_, rules)| rules)
    }

    /// Returns all servers, by name.
    pub fn servers(&self) -> impl Iterator<Item = &Arc<ServerRules>> {
        self.servers.values()
    }

    /// Returns the policies.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Returns what is known of the servers' tools, for the next snapshot.
    pub fn known(&self) -> &BTreeMap<ServerName, Arc<Known>> {
        &self.known
    }
}

impl ServerRules {
    /// The same rules with an empty token cache: prepared principals belong to the snapshot they were made under.
    fn renewed(&self) -> Self {
        Self {
            name: self.name.clone(),
            resource: self.resource.clone(),
            metadata_url: self.metadata_url.clone(),
            challenge_scope: self.challenge_scope.clone(),
            expectation: self.expectation.clone(),
            era: self.era,
            call_timeout: self.call_timeout,
            call_most: self.call_most,
            request_limits: self.request_limits,
            answer_limits: self.answer_limits,
            keeps_assertion: self.keeps_assertion,
            per_person_credential: self.per_person_credential,
            acquaintance: Arc::clone(&self.acquaintance),
            elicitation: self.elicitation.clone(),
            bundles: Arc::clone(&self.bundles),
            event_bytes: self.event_bytes,
            asks: self.asks,
            flagged: self.flagged,
            flow: Arc::clone(&self.flow),
            data: self.data.clone(),
            results: self.results.clone(),
            pins: self.pins.clone(),
            arguments: self.arguments,
            advise: self.advise,
            unabridged: self.unabridged,
            tokens: RwLock::new(TokenCache::new(TOKENS)),
        }
    }
}
