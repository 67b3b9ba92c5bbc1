//! Where a text stands, which says what is honest there.

/// The place of a text in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The name of a tool, a prompt or a parameter.
    Name,
    /// What a tool, a prompt or a resource says of itself.
    Description,
    /// What a parameter, or any part of a schema, says of itself.
    Parameter,
    /// A default, an allowed value, an example, a pattern: data, in which nothing is said to anybody.
    Value,
    /// What a server tells the model about itself.
    Instructions,
    /// What a tool returned, a resource holds or a prompt is made of.
    Content,
    /// An error's words.
    Error,
}

impl Place {
    /// Whether the text describes what a server offers, rather than being what it delivers.
    pub fn is_definition(self) -> bool {
        !matches!(self, Self::Content | Self::Error)
    }

    /// The score from which on a text of this place is flagged.
    pub fn threshold(self) -> f32 {
        if self.is_definition() { 0.5 } else { 0.8 }
    }
}
