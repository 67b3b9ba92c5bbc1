//! What follows from an opinion. Pure: the same opinion always has the same consequence.

use std::collections::BTreeMap;

use crate::opinion::{Category, NoOpinion, Opinion, Service};

/// What a call can do at the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Little: it reads, or can be undone.
    Low,
    /// Much.
    High,
}

/// What is done about a text. Nothing is let through in silence once there is a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// It goes on, and it is recorded and said aloud why it should perhaps not.
    Flag,
    /// It does not go on.
    Refuse,
}

/// What is done, by risk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByRisk {
    /// Where much can happen.
    pub high: Act,
    /// Where little can.
    pub low: Act,
}

impl ByRisk {
    fn of(self, risk: Risk) -> Act {
        match risk {
            Risk::High => self.high,
            Risk::Low => self.low,
        }
    }
}

/// From where on an opinion has a consequence, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// The severity from which on a category counts.
    pub severities: BTreeMap<Category, u8>,
    /// The percentage from which on the local model counts.
    pub sure: u8,
    /// What is done about a text that was found to be bad.
    pub on_finding: ByRisk,
    /// What is done about a text that nobody could judge as a whole.
    pub on_failure: ByRisk,
}

impl Default for Thresholds {
    /// Medium severity of every category, a model that is quite sure; what is bad is refused, and what was not judged is refused where risk is high.
    fn default() -> Self {
        Self {
            severities: Category::ALL.into_iter().map(|category| (category, 4)).collect(),
            sure: 90,
            on_finding: ByRisk { high: Act::Refuse, low: Act::Refuse },
            on_failure: ByRisk { high: Act::Refuse, low: Act::Flag },
        }
    }
}

/// One reason, for the record: it holds nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Prompt Shields see an attack.
    Attack,
    /// The local model sees an attack.
    Model {
        /// How sure it is, in percent.
        percent: u8,
    },
    /// Content Safety sees this much harm.
    Harm {
        /// Which.
        category: Category,
        /// How much.
        severity: u8,
    },
    /// Something stands on this list.
    Listed {
        /// Its name.
        list: String,
    },
    /// A service did not answer for all of the text.
    Missing {
        /// Which.
        service: Service,
        /// Why not.
        why: NoOpinion,
    },
    /// The text goes on for so many code points beyond what is asked about.
    Unread {
        /// How many.
        characters: usize,
    },
    /// Nobody was asked at all.
    NobodyAsked,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// It goes on and is said aloud.
    Flag(Vec<Reason>),
    /// It does not go on.
    Refuse(Vec<Reason>),
}

impl Verdict {
    /// Says whether the text does not go on.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refuse(_))
    }
}

/// Says what follows from an opinion. What was found weighs by `on_finding`, what is not known by `on_failure`; the stricter
/// of the two is done.
pub fn verdict(opinion: &Opinion, risk: Risk, thresholds: &Thresholds) -> Verdict {
    let found = findings(opinion, thresholds);
    let unknown = gaps(opinion);
    let on_finding = (!found.is_empty()).then(|| thresholds.on_finding.of(risk));
    let on_failure = (!unknown.is_empty()).then(|| thresholds.on_failure.of(risk));
    let reasons = found.into_iter().chain(unknown).collect();
    match on_finding.max(on_failure) {
        None => Verdict::Pass,
        Some(Act::Flag) => Verdict::Flag(reasons),
        Some(Act::Refuse) => Verdict::Refuse(reasons),
    }
}

fn findings(opinion: &Opinion, thresholds: &Thresholds) -> Vec<Reason> {
    let mut found = Vec::new();
    if opinion.shields.as_ref().is_some_and(|heard| heard.answer) {
        found.push(Reason::Attack);
    }
    let sure = opinion.model.as_ref().map(|heard| heard.answer).filter(|percent| *percent >= thresholds.sure);
    found.extend(sure.map(|percent| Reason::Model { percent }));
    let Some(content) = opinion.content.as_ref().map(|heard| &heard.answer) else { return found };
    for (&category, &severity) in &content.severities {
        if thresholds.severities.get(&category).is_some_and(|least| severity >= *least) {
            found.push(Reason::Harm { category, severity });
        }
    }
    for hit in &content.hits {
        let reason = Reason::Listed { list: hit.list.clone() };
        if !found.contains(&reason) {
            found.push(reason);
        }
    }
    found
}

fn gaps(opinion: &Opinion) -> Vec<Reason> {
    let shields = opinion.shields.as_ref().map(|heard| (Service::PromptShields, &heard.missing));
    let content = opinion.content.as_ref().map(|heard| (Service::ContentSafety, &heard.missing));
    let model = opinion.model.as_ref().map(|heard| (Service::LocalModel, &heard.missing));
    let mut gaps: Vec<Reason> = [shields, content, model]
        .into_iter()
        .flatten()
        .filter_map(|(service, missing)| Some(Reason::Missing { service, why: missing.clone()? }))
        .collect();
    if opinion.unread > 0 {
        gaps.push(Reason::Unread { characters: opinion.unread });
    }
    // An opinion of nobody is no good one.
    if shields.is_none() && content.is_none() && model.is_none() {
        gaps.push(Reason::NobodyAsked);
    }
    gaps
}

#[cfg(test)]
mod tests;
