//! Finding: one pass over a text for the beginnings of everything, and a closer, bounded look at each.

use std::ops::Range;
use std::sync::LazyLock;

use doorward_text::Literals;

use crate::charset::Charset;
use crate::checksum;
use crate::encoded;
use crate::found::{Class, Confidence, Encoding, Found, disjoint};
use crate::look::{Look, Mark};
use crate::named;
use crate::personal;
use crate::place::Place;
use crate::rules::{self, Rule};
use crate::secrets;

#[cfg(test)]
mod tests;
mod window;

/// Looks for secrets and personal data. Made once: making it orders the rules.
pub struct Finder {
    literals: Literals,
    seeks: Vec<(&'static str, Seek)>,
}

/// What a literal announces.
#[derive(Clone, Copy)]
enum Seek {
    Rule(&'static Rule),
    Name,
    Armour,
    Putty,
    Jwt,
    Address,
    Bearer,
    Basic,
    CurlUser,
    Dsn,
    Identified,
    Option,
    Signature,
    Person(personal::Anchor),
    Mark(Mark),
}

const LITERALS: [(&str, Seek); 17] = [
    ("-----BEGIN ", Seek::Armour),
    ("PuTTY-User-Key-File-", Seek::Putty),
    ("eyJ", Seek::Jwt),
    ("ewog", Seek::Jwt),
    ("://", Seek::Address),
    ("bearer ", Seek::Bearer),
    ("basic ", Seek::Basic),
    (" -u ", Seek::CurlUser),
    ("--user ", Seek::CurlUser),
    ("@tcp(", Seek::Dsn),
    ("@unix(", Seek::Dsn),
    ("sig=", Seek::Signature),
    ("bearer%20", Seek::Bearer),
    ("identified by ", Seek::Identified),
    ("sshpass -p ", Seek::Option),
    ("redis-cli -a ", Seek::Option),
    (" -p", Seek::Option),
];

/// Literals are looked at in the order in which so much of each ends.
const FRONT: usize = 5;

impl Finder {
    /// Makes the rules ready.
    pub fn new() -> Self {
        let rules =
            rules::all().flat_map(|rule| rule.anchors.iter().map(move |anchor| (*anchor, Seek::Rule(rule))));
        let names = named::ANCHORS.into_iter().map(|anchor| (anchor, Seek::Name));
        let people = personal::ANCHORS.into_iter().map(|(anchor, kind)| (anchor, Seek::Person(kind)));
        let marks = personal::MARKS.into_iter().map(|(word, mark)| (word, Seek::Mark(mark)));
        let seeks: Vec<_> = rules.chain(LITERALS).chain(names).chain(people).chain(marks).collect();
        Self { literals: Literals::new(seeks.iter().map(|(anchor, _)| *anchor), FRONT), seeks }
    }

    /// The one finder of this process: it depends on nothing, and every door has use for it.
    pub fn shared() -> &'static Self {
        static FINDER: LazyLock<Finder> = LazyLock::new(Finder::new);
        &FINDER
    }

    /// Finds what is in a text, in order and without overlaps. The time is proportional to the text, whatever it holds.
    pub fn find(&self, text: &str, place: &Place<'_>) -> Vec<Found> {
        self.find_counted(text, place).0
    }

    /// Finds, and says how many steps the closer looks took.
    pub(crate) fn find_counted(&self, text: &str, place: &Place<'_>) -> (Vec<Found>, usize) {
        let look = Look::new(text);
        let mut found = Vec::new();
        if let Some(field) = place.field {
            found.extend(named::member(&look, field));
            found.extend(personal::member(&look, field));
        }
        let runs = self.plain(&look, place, &mut found);
        let mut spent = look.spent();
        for run in runs {
            spent += self.in_base64(&look, run, &mut found);
        }
        spent += self.in_percent(&look, &mut found);
        spent += self.beside(text, place, &mut found);
        found.retain(|found| !personal::is_purpose(found, place));
        (disjoint(found), spent + look.spent())
    }

    /// Finds what stands alone only once its neighbours are gone: a card that a hyphen ties to a token was a part of an
    /// id, and would be left behind, bare, where the token is taken out.
    fn beside(&self, text: &str, place: &Place<'_>, found: &mut Vec<Found>) -> usize {
        let certain = |found: &&Found| found.confidence > Confidence::Possible;
        if !found.iter().any(|found| certain(&found)) {
            return 0;
        }
        let mut rest = text.as_bytes().to_vec();
        for found in found.iter().filter(certain) {
            rest.get_mut(found.span.clone()).unwrap_or_default().fill(b'*');
        }
        // Findings stand on borders of characters, so this is always text.
        let Ok(rest) = String::from_utf8(rest) else { return 0 };
        let look = Look::new(&rest);
        self.plain(&look, place, found);
        look.spent()
    }

    /// Finds what stands in a text as it is; returns the runs of characters that may be base64.
    fn plain(&self, look: &Look<'_>, place: &Place<'_>, found: &mut Vec<Found>) -> Vec<Range<usize>> {
        // Within one name, value or armour nothing is looked at twice.
        let mut name_end = 0;
        self.literals.find(look.text(), |number, start| {
            let Some((anchor, seek)) = self.seeks.get(number) else { return };
            let end = start + anchor.len();
            match seek {
                Seek::Name if start < name_end => {}
                Seek::Name => {
                    let (end, hit) = named::named(look, start);
                    name_end = end;
                    found.extend(hit);
                }
                Seek::Rule(rule) => {
                    let Some(hit) = secrets::matches(look, rule, anchor, start) else { return };
                    if rule.kind == "aws-access-key" {
                        found.extend(secrets::secret_after(look, hit.span.end));
                    }
                    found.push(hit);
                }
                Seek::Mark(mark) => look.mark(end, *mark),
                seek => found.extend(look_at(look, *seek, anchor, start, end)),
            }
        });
        for at in memchr::memchr_iter(b'@', look.bytes()) {
            found.extend(personal::mail(look, at));
        }
        walk(look, place, found)
    }

    fn in_base64(&self, look: &Look<'_>, run: Range<usize>, found: &mut Vec<Found>) -> usize {
        let Some(text) = encoded::base64(look, run.start, run.end) else { return 0 };
        let padding = look.run(run.end, Charset::of(b"="), 2);
        let inner = Look::new(&text);
        let mut within = Vec::new();
        self.plain(&inner, &Place::default(), &mut within);
        if let Some(best) = within
            .into_iter()
            .filter(is_worth_decoding)
            .max_by_key(|found| (found.class == Class::Secret, found.confidence))
        {
            found.push(Found {
                span: run.start..run.end + padding,
                encoding: Some(Encoding::Base64),
                ..best
            });
        }
        inner.spent()
    }

    fn in_percent(&self, look: &Look<'_>, found: &mut Vec<Found>) -> usize {
        let (mut done, mut spent) = (0, 0);
        for at in memchr::memchr_iter(b'%', look.bytes()) {
            if at < done {
                continue;
            }
            let Some(stretch) = encoded::percent(look, at, done) else { continue };
            done = stretch.end;
            let inner = Look::new(&stretch.text);
            let mut within = Vec::new();
            self.plain(&inner, &Place::default(), &mut within);
            for hit in within.into_iter().filter(is_worth_decoding) {
                let (Some(start), Some(end)) =
                    (stretch.places.get(hit.span.start), stretch.places.get(hit.span.end))
                else {
                    continue;
                };
                let span = *start..*end;
                found.push(Found { span, encoding: Some(Encoding::Percent), ..hit });
            }
            spent += inner.spent();
        }
        spent
    }
}

impl Default for Finder {
    fn default() -> Self {
        Self::new()
    }
}

/// What is guessed is not guessed in what had to be decoded first.
fn is_worth_decoding(found: &Found) -> bool {
    found.confidence >= if found.class == Class::Secret { Confidence::Likely } else { Confidence::Certain }
}

fn look_at(look: &Look<'_>, seek: Seek, anchor: &str, start: usize, end: usize) -> Option<Found> {
    match seek {
        Seek::Armour => secrets::private_key(look, start),
        Seek::Putty => secrets::putty(look, start, end),
        Seek::Jwt => secrets::jwt(look, start),
        Seek::Address => secrets::user_info(look, end),
        Seek::Bearer => secrets::bearer(look, end),
        Seek::Basic => secrets::basic(look, end),
        Seek::CurlUser => secrets::curl_user(look, end),
        Seek::Dsn => secrets::dsn(look, start),
        Seek::Identified => named::password_at(look, end),
        Seek::Option => secrets::option(look, start, end),
        Seek::Signature => secrets::shared_access_signature(look, end),
        Seek::Person(personal::Anchor::Person) if look.begins(start, Charset::WORD) => {
            personal::named_person(look, end)
        }
        Seek::Person(personal::Anchor::Street) => personal::street(look, start, anchor),
        Seek::Person(personal::Anchor::Unit) => personal::unit(look, start, end),
        Seek::Person(_) | Seek::Rule(_) | Seek::Name | Seek::Mark(_) => None,
    }
}

const ENCODED: u8 = 1;
const DIGIT: u8 = 2;
/// What each byte may be part of.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let (mut byte, mut rest) = (0_u8, classes.as_mut_slice());
    while let [first, tail @ ..] = rest {
        let digit = if byte.is_ascii_digit() { DIGIT } else { 0 };
        *first = if Charset::ANY64.has(byte) { ENCODED | digit } else { 0 };
        rest = tail;
        byte = byte.wrapping_add(1);
    }
    classes
};

/// Walks over every byte for what has no literal: numbers, and runs of characters that look encoded.
fn walk(look: &Look<'_>, place: &Place<'_>, found: &mut Vec<Found>) -> Vec<Range<usize>> {
    let class = |byte: &u8| CLASSES.get(usize::from(*byte)).copied().unwrap_or(0);
    let mut runs = Vec::new();
    let mut numbers_from = 0;
    let mut at = 0;
    while let Some(rest) = look.bytes().get(at..).filter(|rest| !rest.is_empty()) {
        let mut kinds = 0;
        let run =
            rest.iter().map(class).take_while(|class| *class != 0).inspect(|class| kinds |= class).count();
        if kinds & DIGIT != 0 {
            numbers_from = numbers_in(look, at..at + run, numbers_from, place, found);
        }
        // The sign of a line of a patch belongs to nothing.
        let sign = matches!(look.at(at), b'+' | b'-') && matches!(look.before(at), 0 | b'\n');
        if run >= encoded::SHORTEST {
            end_run(look, at + usize::from(sign)..at + run, found, &mut runs);
        }
        at += run + 1;
    }
    runs
}

/// Looks at each number of a run that was not a part of the one before it; returns where the last one ends.
fn numbers_in(
    look: &Look<'_>,
    run: Range<usize>,
    from: usize,
    place: &Place<'_>,
    found: &mut Vec<Found>,
) -> usize {
    let (mut numbers_from, mut at) = (from, run.start);
    while at < run.end {
        let digits = look.run(at, Charset::DIGIT, run.end - at);
        if digits == 0 {
            at += 1;
            continue;
        }
        if at >= numbers_from {
            numbers_from = personal::numbers(look, at, place, found);
        }
        let letters =
            |from: usize| look.at(from).is_ascii_alphabetic() && look.at(from + 1).is_ascii_alphabetic();
        if digits >= 2 && at >= 2 && letters(at - 2) {
            found.extend(personal::iban(look, at - 2));
        }
        at += digits;
    }
    numbers_from
}

fn end_run(look: &Look<'_>, run: Range<usize>, found: &mut Vec<Found>, runs: &mut Vec<Range<usize>>) {
    found.extend(secrets::discord(look, &run));
    if run.len() == 52 && checksum::devops_token(look.slice(run.clone())) {
        found.push(Found::secret(
            "azure-devops-token",
            Confidence::Certain,
            run.clone(),
            "its check digits are right",
        ));
    }
    runs.push(run);
}
