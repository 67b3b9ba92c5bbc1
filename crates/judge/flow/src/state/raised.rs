//! The label that was reached, and what raised each half of it.

use doorward_types::Timestamp;

use crate::label::{Confidentiality, Integrity, Label};
use crate::verdict::{Mark, Source};

/// Two marks at most, however much is read: what raised each half to where it is, first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Raised {
    pub(crate) secret: Option<Mark<Confidentiality>>,
    pub(crate) tainted: Option<Mark<Integrity>>,
}

impl Raised {
    pub(crate) fn label(&self) -> Label {
        Label {
            integrity: self.tainted.as_ref().map_or(Label::BOTTOM.integrity, |mark| mark.level),
            confidentiality: self.secret.as_ref().map_or(Label::BOTTOM.confidentiality, |mark| mark.level),
        }
    }

    /// What one source alone raises.
    pub(crate) fn by(source: &Source, label: Label, at: Timestamp) -> Self {
        let secret = Mark { level: label.confidentiality, source: source.clone(), at };
        let tainted = Mark { level: label.integrity, source: source.clone(), at };
        Self {
            secret: Some(secret).filter(|mark| mark.level > Label::BOTTOM.confidentiality),
            tainted: Some(tainted).filter(|mark| mark.level > Label::BOTTOM.integrity),
        }
    }

    /// Joins the two; of equal levels the earlier mark explains it. In whatever order marks are joined, the same one is
    /// left: an approval names it.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.secret = higher(self.secret.take(), other.secret);
        self.tainted = higher(self.tainted.take(), other.tainted);
    }
}

fn higher<L: Ord>(one: Option<Mark<L>>, two: Option<Mark<L>>) -> Option<Mark<L>> {
    match (one, two) {
        (Some(one), Some(two)) => {
            let earlier = (two.at, &two.source) < (one.at, &one.source);
            let replaces = two.level > one.level || two.level == one.level && earlier;
            Some(if replaces { two } else { one })
        }
        (one, two) => one.or(two),
    }
}
