//! What comes out of documents, and how much of it there may be.

/// One text of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is of its document: `page`, `cells`, `hidden`.
    pub name: &'static str,
    /// What it says.
    pub text: String,
}

/// Why something of a document was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unread {
    /// It is encrypted.
    Encrypted,
    /// It holds more, or grows to more, than is read of one message.
    TooLarge,
    /// It is cut off or spoilt.
    Broken,
    /// It is of a kind that is not read.
    Unknown,
}

impl Unread {
    /// Names it in a record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "unread-encrypted",
            Self::TooLarge => "unread-too-large",
            Self::Broken => "unread-broken",
            Self::Unknown => "unread-unknown",
        }
    }
}

/// The texts of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// In the order of the document.
    pub parts: Vec<Part>,
    /// Why it is not all of them: the first reason there was.
    pub unread: Option<Unread>,
}

/// What all documents of one message may cost together.
#[derive(Debug, Clone)]
pub struct Budget {
    /// Bytes of texts that come out.
    text: usize,
    /// Bytes that are unpacked, before and after.
    work: usize,
    /// Texts.
    parts: usize,
}

/// Bytes of texts that are given back.
const TEXT: usize = 1 << 20;
/// Bytes that are taken apart, packed and unpacked taken together.
const WORK: usize = 24 << 20;
/// What a small document may grow to, and how often its own length a large one: text packs to a tenth, a bomb to a thousandth.
const SMALL: usize = 256 << 10;
const RATIO: usize = 100;
const PARTS: usize = 4_096;
/// How deep documents lie in documents.
const DEPTH: u8 = 8;

impl Default for Budget {
    fn default() -> Self {
        Self { text: TEXT, work: WORK, parts: PARTS }
    }
}

/// Takes the texts of one document and of all that lie in it.
pub(crate) struct Out<'b> {
    document: Document,
    budget: &'b mut Budget,
    depth: u8,
    /// What is left to this document, which may be less than what is left to the message.
    work: usize,
}

impl<'b> Out<'b> {
    pub(crate) fn new(length: usize, budget: &'b mut Budget) -> Self {
        let work = budget.work.min(SMALL.saturating_add(length.saturating_mul(RATIO)));
        Self { document: Document::default(), budget, depth: 0, work }
    }

    pub(crate) fn done(self) -> Document {
        self.document
    }

    /// Takes a text, as far as there is room.
    pub(crate) fn put(&mut self, name: &'static str, text: impl Into<String>) {
        let mut text = text.into();
        if !text.bytes().any(|b| b.is_ascii_alphabetic() || b >= 0x80) {
            return;
        }
        if self.budget.parts == 0 || text.len() > self.budget.text {
            self.unread(Unread::TooLarge);
            text.truncate(text.floor_char_boundary(self.budget.text));
        }
        if self.budget.parts == 0 || text.is_empty() {
            return;
        }
        self.budget.parts -= 1;
        self.budget.text -= text.len();
        self.document.parts.push(Part { name, text });
    }

    /// How many texts were found so far.
    pub(crate) fn count(&self) -> usize {
        self.document.parts.len()
    }

    /// Says that something was not read.
    pub(crate) fn unread(&mut self, why: Unread) {
        self.document.unread.get_or_insert(why);
    }

    /// How many bytes may still be taken apart.
    pub(crate) fn room(&self) -> usize {
        self.work
    }

    /// Takes so many bytes of work, and says whether there were so many left.
    pub(crate) fn spend(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.work;
        if !fits {
            self.unread(Unread::TooLarge);
        }
        let spent = bytes.min(self.work);
        self.work -= spent;
        self.budget.work = self.budget.work.saturating_sub(spent);
        fits
    }

    /// Reads what lies in the document, unless it lies too deep.
    pub(crate) fn inside(&mut self, read: impl FnOnce(&mut Self)) {
        if self.depth == DEPTH {
            return self.unread(Unread::TooLarge);
        }
        self.depth += 1;
        read(self);
        self.depth -= 1;
    }
}
