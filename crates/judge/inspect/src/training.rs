//! What training needs to see: the features of each sentence. The product calls none of this.

use doorward_wire::Value;

pub use crate::features::COUNT;
use crate::judge::seen;
pub use crate::model::Weights;
use crate::place::Place;
use crate::tool::strings;

/// One sentence as the model sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The sentence, read.
    pub text: String,
    /// What the model sees of it.
    pub features: Vec<u16>,
}

/// Returns what the model sees of a text.
pub fn sentences_of(place: Place, text: &str) -> Vec<Seen> {
    seen(place, text)
}

/// Returns what the model sees of a tool's definition.
pub fn sentences_of_tool(definition: Value<'_>) -> Vec<Seen> {
    let mut all = Vec::new();
    strings(definition, &mut |place, text| all.extend(seen(place, text)));
    all
}
