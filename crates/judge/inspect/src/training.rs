//! What training and measuring need: the features of each sentence, and judging by weights that are not shipped. The
//! product calls none of this.

use doorward_wire::Value;

pub use crate::features::COUNT;
use crate::judge::{Report, judge, seen};
pub use crate::model::{Learned, Weights, scale};
use crate::names::Names;
use crate::place::Place;
use crate::sentence::Known;
pub use crate::tool::topic_of;
use crate::tool::{judge_tool, name_of, strings};
pub use crate::topic::Topic;

/// One sentence as the model sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The sentence, read.
    pub text: String,
    /// What the model sees of it.
    pub features: Vec<u16>,
}

/// Returns what the model sees of a text that stands in a tool or document of this topic.
pub fn sentences_of(place: Place, text: &str, topic: &Topic, names: &Names) -> Vec<Seen> {
    seen(place, text, topic, Known::of(names, ""))
}

/// Returns what the model sees of a tool's definition.
pub fn sentences_of_tool(definition: Value<'_>, names: &Names) -> Vec<Seen> {
    let own = name_of(definition);
    let known = Known::of(names, &own);
    let mut all = Vec::new();
    let topic = topic_of(definition);
    strings(definition, &mut |place, text| all.extend(seen(place, text, &topic, known)));
    all
}

/// Judges a text as the product does, by these weights.
pub fn text_by(weights: &Weights, place: Place, text: &str) -> Report {
    judge(place, text, Known::of(&Names::default(), ""), weights, &Topic::of(text))
}

/// Judges a tool as the product does, by these weights.
pub fn tool_by(weights: &Weights, definition: Value<'_>, names: &Names) -> Report {
    judge_tool(definition, names, Some(weights), None)
}
