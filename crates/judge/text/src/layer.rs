//! What comes out of a reading.

use std::ops::Range;

use crate::map::Traced;

/// How a layer's words were hidden, or that they were not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The text itself, its characters folded.
    Surface,
    /// The text without its markup.
    Plain,
    /// Characters of Unicode's tag block, which no font shows.
    Tags,
    /// Bytes carried by a run of variation selectors.
    Selectors,
    /// Characters that a directional override shows in another order.
    Bidi,
    /// An HTML or Markdown comment.
    Comment,
    /// An element that its style or an attribute hides.
    Unseen,
    /// The value of an HTML attribute, or the title of a Markdown link.
    Attribute,
    /// Where a link or an image points to.
    Target,
    /// Backslash escapes, as in JSON within a string.
    Escapes,
    /// Base64.
    Base64,
    /// Hexadecimal digits, or ones and zeros.
    Digits,
    /// Percent escapes of URLs.
    Percent,
    /// Quoted-printable of mails.
    QuotedPrintable,
    /// Letters turned by thirteen.
    Rot13,
    /// Letters in reverse.
    Reversed,
    /// Letters set apart by blanks or signs.
    Spread,
    /// Digits for letters.
    Lettered,
}

impl Origin {
    /// Says whether a person who looks at the text, rendered or not, does not see these words as words.
    pub fn is_hidden(self) -> bool {
        !matches!(
            self,
            Self::Surface | Self::Plain | Self::Attribute | Self::Target | Self::Escapes | Self::Percent
        )
    }

    /// Names it in a sentence: "read from …".
    pub fn name(self) -> &'static str {
        match self {
            Self::Surface => "the text",
            Self::Plain => "the text without its markup",
            Self::Tags => "invisible tag characters",
            Self::Selectors => "a run of variation selectors",
            Self::Bidi => "characters under a directional override",
            Self::Comment => "a comment",
            Self::Unseen => "an element that is not shown",
            Self::Attribute => "an attribute",
            Self::Target => "an address",
            Self::Escapes => "backslash escapes",
            Self::Base64 => "base64",
            Self::Digits => "digits that stand for characters",
            Self::Percent => "percent escapes",
            Self::QuotedPrintable => "quoted-printable",
            Self::Rot13 => "letters turned by thirteen",
            Self::Reversed => "letters in reverse",
            Self::Spread => "letters set apart",
            Self::Lettered => "digits for letters",
        }
    }
}

/// A means of hiding that was seen, wherever it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarkKind {
    /// Characters without width inside a Latin word, or many together.
    ZeroWidth,
    /// Tag characters that are no flag.
    Tags,
    /// Variation selectors where nothing varies, two or more together.
    Selectors,
    /// A directional override or isolate.
    Bidi,
    /// A terminal's escape sequence.
    Ansi,
    /// Control characters.
    Control,
    /// A word of Latin letters and of look-alikes from another script.
    LookAlike,
    /// Letters in mathematical, circled or wide form.
    Styled,
    /// Blanks that push what follows out of sight.
    Blank,
    /// Characters of private use, which every reader may take differently.
    Private,
    /// A comment of three words or more.
    Comment,
    /// An element that is not shown, of three words or more.
    Unseen,
}

/// One such means, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What was used.
    pub kind: MarkKind,
    /// Bytes of the source, from the first to the last.
    pub span: Range<usize>,
    /// How many characters, words or places it concerns.
    pub count: usize,
}

/// Plain words, and where they came from.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(crate) traced: Traced,
    pub(crate) origin: Origin,
    pub(crate) depth: u8,
    pub(crate) hidden: bool,
}

impl Layer {
    /// Returns the words.
    pub fn text(&self) -> &str {
        &self.traced.text
    }

    /// Returns how they were hidden.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns how many steps lie between the source and these words.
    pub fn depth(&self) -> u8 {
        self.depth
    }

    /// Says whether any of those steps takes the words out of a person's sight.
    pub fn is_hidden(&self) -> bool {
        self.hidden
    }

    /// Returns the bytes of the source that `range` of the text came from.
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        self.traced.source(range)
    }
}

/// All that can be read in a text.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    pub(crate) layers: Vec<Layer>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) is_cut: bool,
}

impl Reading {
    /// Returns the layers, the surface first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Returns the means of hiding, at most one entry a kind.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// Returns the mark of this kind.
    pub fn mark(&self, kind: MarkKind) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.kind == kind)
    }

    /// Says whether there was more to decode than the limits allow.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(crate) fn note(&mut self, kind: MarkKind, span: Range<usize>, count: usize) {
        if let Some(mark) = self.marks.iter_mut().find(|mark| mark.kind == kind) {
            mark.span = mark.span.start.min(span.start)..mark.span.end.max(span.end);
            mark.count += count;
        } else {
            self.marks.push(Mark { kind, span, count });
        }
    }
}
