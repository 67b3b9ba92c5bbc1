//! Ideas that words stand for. Rules and the model see these, never the words themselves.

/// A set of concepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Concepts(pub(crate) u64);

impl Concepts {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn of(concept: Concept) -> Self {
        Self(1 << concept as u8)
    }

    /// All of these.
    pub(crate) const fn all(list: &[Concept]) -> Self {
        let mut set = 0;
        let mut left = list;
        while let Some((first, rest)) = left.split_first() {
            set |= 1 << *first as u8;
            left = rest;
        }
        Self(set)
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn without(self, concept: Concept) -> Self {
        Self(self.0 & !(1 << concept as u8))
    }

    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn holds(self, all: Self) -> bool {
        self.0 & all.0 == all.0
    }

    pub(crate) const fn has(self, concept: Concept) -> bool {
        self.meets(Self::of(concept))
    }

    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the numbers of the concepts.
    pub(crate) fn numbers(self) -> impl Iterator<Item = u8> {
        ones(self.0)
    }
}

/// Iterates over the numbers of the bits that are set.
pub(crate) fn ones(bits: u64) -> impl Iterator<Item = u8> {
    let mut left = bits;
    std::iter::from_fn(move || {
        let next = left.trailing_zeros();
        left &= left.checked_sub(1)?;
        u8::try_from(next).ok()
    })
}

/// Declares the concepts together with the words that rules call them by.
macro_rules! concepts {
    ($($(#[$doc:meta])* $name:ident = $word:literal),+ $(,)?) => {
        /// One idea.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Concept { $($(#[$doc])* $name),+ }

        /// All of them, by their words.
        pub(crate) const CONCEPTS: &[(&str, Concept)] = &[$(($word, Concept::$name)),+];
    };
}

concepts! {
    // What is done.
    Read = "read",
    Send = "send",
    Include = "include",
    Put = "put",
    Return = "return",
    Call = "call",
    Omit = "omit",
    Change = "change",
    Delete = "delete",
    Grant = "grant",
    Install = "install",
    Tell = "tell",
    Pay = "pay",
    Repeat = "repeat",
    Answer = "answer",
    Decode = "decode",
    // To what.
    Secret = "secret",
    /// A path where secrets are kept.
    Vault = "vault",
    File = "file",
    Private = "private",
    Talk = "talk",
    SystemPrompt = "sysprompt",
    Instruction = "instruction",
    Safety = "safety",
    Tool = "tool",
    Parameter = "param",
    /// Money and where it goes.
    Money = "money",
    Everything = "everything",
    // Who.
    User = "user",
    Agent = "agent",
    This = "this",
    Other = "other",
    /// Somewhere outside.
    Outside = "outside",
    // How and when.
    Before = "before",
    After = "after",
    When = "when",
    Must = "must",
    Always = "always",
    Not = "not",
    Quiet = "quiet",
    Knowledge = "knowledge",
    Prior = "prior",
    // Why it should be obeyed.
    Attention = "attention",
    Authority = "authority",
    Priority = "priority",
    Pretext = "pretext",
    Threat = "threat",
    Freedom = "freedom",
    // Shapes.
    Address = "address",
    /// An address inside: loopback, metadata services.
    Inside = "inside",
    Shell = "shell",
    Sql = "sql",
    Script = "script",
    Delimiter = "delimiter",
    Traversal = "traversal",
    /// A name like `send_email`.
    Name = "name",
    /// The name of another tool of the same list.
    Sibling = "sibling",
    /// A large number.
    Many = "many",
    /// Counted calls, dates, hours: a trigger that waits.
    Timer = "timer",
    /// A verb in its plain form.
    Plain = "plain",
    /// A verb of description: `returns`, `reading`.
    Told = "told",
    /// The sentence asks.
    Question = "question",
    /// Words about attacks.
    Attack = "attack",
    /// What belongs to whoever speaks.
    Mine = "mine",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_lists_what_was_put_in() {
        let set = Concepts::of(Concept::Read).and(Concepts::of(Concept::Attack));
        let names: Vec<_> = set.numbers().map(|n| CONCEPTS[usize::from(n)].0).collect();
        assert_eq!(names, ["read", "attack"]);
        assert!(CONCEPTS.len() <= 64 && Concepts::NONE.numbers().next().is_none());
    }
}
