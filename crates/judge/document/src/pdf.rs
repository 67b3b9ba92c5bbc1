//! PDF: what its pages say, and what stands in it besides: titles, notes, forms, bookmarks, scripts, addresses, attached files.
//!
//! No table of the file is believed. Every object is found by its own head, wherever it stands and whatever points to it, older
//! versions and those that nothing points to among them: readers repair a broken file each in their own way.

pub(crate) mod filter;
mod font;
pub(crate) mod lexer;
mod page;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use memchr::memmem;

use crate::charset;
use crate::kind::any;
use crate::out::{Out, Unread};
use crate::xml;

use filter::unpack;
use font::{Font, Parts};
use lexer::{Lexer, Obj};
use page::{paint, strings, texts};

/// Objects of one file, their values, and those of what paints its pages.
const OBJECTS: usize = 100_000;
const VALUES: usize = 500_000;
const PAINTED: usize = 4_000_000;

/// One object, and where its stream's bytes stand in the file.
struct Entry {
    number: u32,
    value: Obj,
    stream: Option<std::ops::Range<usize>>,
}

struct Pdf<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
    /// The last object of each number.
    index: BTreeMap<u32, usize>,
    /// Fonts by the names that any resources give them.
    named: BTreeMap<Vec<u8>, Obj>,
    fonts: RefCell<BTreeMap<usize, Rc<Font>>>,
    left: Cell<usize>,
    left_to_paint: Cell<usize>,
}

pub(crate) fn read(bytes: &[u8], out: &mut Out<'_>) {
    if !out.spend(bytes.len()) {
        return;
    }
    let mut pdf = Pdf {
        bytes,
        entries: Vec::new(),
        index: BTreeMap::new(),
        named: BTreeMap::new(),
        fonts: RefCell::default(),
        left: Cell::new(VALUES),
        left_to_paint: Cell::new(PAINTED),
    };
    pdf.objects(out);
    // What is encrypted is noise to whoever has no key; what only says so is read.
    if pdf.entries.iter().any(|entry| entry.value.get(b"Encrypt").is_some()) {
        out.unread(Unread::Encrypted);
    }
    if memmem::find(bytes, b"%%EOF").is_none() {
        out.unread(Unread::Broken);
    }
    pdf.packed_objects(out);
    pdf.index = pdf.entries.iter().enumerate().map(|(at, entry)| (entry.number, at)).collect();
    pdf.named = pdf.all_fonts();
    let begun = out.count();
    let is_read = pdf.pages(out);
    pdf.streams(&is_read, begun, out);
    pdf.strings(out);
    if pdf.left.get() == 0 || pdf.left_to_paint.get() == 0 {
        out.unread(Unread::TooLarge);
    }
}

impl Pdf<'_> {
    /// Finds all objects that stand in the file, and its trailers.
    fn objects(&mut self, out: &mut Out<'_>) {
        let bytes = self.bytes;
        let ends: Vec<usize> = memmem::find_iter(bytes, b"endstream").collect();
        let heads =
            memmem::find_iter(bytes, b"obj").filter_map(|at| Some((number_before(bytes, at)?, at + 3)));
        let trailers = memmem::find_iter(bytes, b"trailer").map(|at| (0, at + 7));
        for (number, at) in heads.chain(trailers) {
            let mut lexer = Lexer::new(bytes, at, self.left.get());
            let value = lexer.next();
            self.left.set(lexer.left);
            // A string that nobody closes goes to the end of the file, and so would the next.
            if !out.spend(lexer.at - at) || self.is_full(out) {
                return;
            }
            let Some(value) = value else { continue };
            lexer.blanks();
            let stream = stream_at(bytes, lexer.at, &value, &ends);
            self.entries.push(Entry { number, value, stream });
        }
    }

    fn is_full(&self, out: &mut Out<'_>) -> bool {
        let is_full = self.entries.len() >= OBJECTS;
        if is_full {
            out.unread(Unread::TooLarge);
        }
        is_full
    }

    /// Finds the objects that stand in streams.
    fn packed_objects(&mut self, out: &mut Out<'_>) {
        let packed: Vec<usize> = (0..self.entries.len())
            .filter(|at| self.entry(*at).is_some_and(|entry| entry.value.is(b"Type", b"ObjStm")))
            .collect();
        for at in packed {
            let Some(data) = self.data(at, out) else { continue };
            let number = |name: &[u8]| {
                self.entry(at).and_then(|entry| entry.value.get(name)?.whole()).unwrap_or_default()
            };
            let (count, first) = (number(b"N"), number(b"First"));
            let mut head = Lexer::new(&data, 0, self.left.get());
            let mut places = Vec::new();
            for _ in 0..count {
                let (Some(number), Some(offset)) = (head.next(), head.next()) else { break };
                places.extend(number.whole().zip(offset.whole()));
            }
            self.left.set(head.left);
            for (number, offset) in places {
                let mut lexer =
                    Lexer::new(&data, first.saturating_add(offset).min(data.len()), self.left.get());
                let begun = lexer.at;
                let value = lexer.next();
                self.left.set(lexer.left);
                if !out.spend(lexer.at - begun) || self.is_full(out) {
                    return;
                }
                self.entries.extend(value.map(|value| Entry { number: number as u32, value, stream: None }));
            }
        }
    }

    /// Reads all pages, and says which streams were theirs.
    fn pages(&self, out: &mut Out<'_>) -> BTreeSet<usize> {
        let mut read = BTreeSet::new();
        for (at, entry) in self.entries.iter().enumerate() {
            // A note's contents are a string.
            let contents = entry.value.get(b"Contents").filter(|contents| !matches!(contents, Obj::Str(_)));
            let Some(contents) = contents else { continue };
            // A list of streams may be an object itself.
            let listed = self.resolve(contents).items();
            let pieces = if listed.is_empty() { std::slice::from_ref(contents) } else { listed };
            if !out.spend(pieces.len()) {
                break;
            }
            let mut data = Vec::new();
            for stream in pieces.iter().filter_map(|piece| self.at(piece)) {
                data.extend(self.data(stream, out).unwrap_or_default());
                data.push(b'\n');
                read.insert(stream);
            }
            self.painted(&data, &self.resources(at), out);
        }
        read
    }

    /// Reads all other streams: forms, patterns, letters that are drawn, scripts, metadata, attached files, and what nothing
    /// points to.
    fn streams(&self, is_read: &BTreeSet<usize>, begun: usize, out: &mut Out<'_>) {
        let mut has_picture = false;
        for (at, entry) in self.entries.iter().enumerate() {
            let is = |name: &[u8], values: &[&[u8]]| values.iter().any(|value| entry.value.is(name, value));
            if is(b"Subtype", &[b"Image"]) {
                has_picture = true;
                continue;
            }
            // Objects that were read, and tables of places, are for machines; a form is one whatever else it says it is.
            let is_read = is_read.contains(&at)
                || is(b"Type", &[b"ObjStm", b"XRef"]) && entry.value.get(b"BBox").is_none();
            if entry.stream.is_none() || is_read {
                continue;
            }
            let is_font = entry.value.get(b"Length1").is_some()
                || is(b"Subtype", &[b"Type1C", b"CIDFontType0C", b"OpenType"]);
            let Some(data) = self.data(at, out) else { continue };
            if is(b"Type", &[b"EmbeddedFile"]) {
                out.inside(|out| any(&data, "", out));
            }
            // The letters of a font are drawn, and drawings are no words.
            if is_font && !is_plain(&data) {
                continue;
            }
            if shows(&data) && self.painted(&data, &self.resources(at), out) {
                continue;
            }
            if data.starts_with(b"<") {
                xml::read(&charset::text(&data, ""), out);
            }
            if !data.starts_with(b"<?") && memmem::find(&data, b"begincmap").is_none() && is_prose(&data) {
                out.put("stream", charset::text(&data, ""));
            }
        }
        if has_picture && out.count() == begun {
            // A page that was only scanned says nothing here.
            out.unread(Unread::Unknown);
        }
    }

    /// Reads what a stream paints, and says whether there was any of it.
    fn painted(&self, data: &[u8], resources: &[&Obj], out: &mut Out<'_>) -> bool {
        let mut left = self.left_to_paint.get();
        let painted = paint(data, &mut |name| self.font(name, resources, out), &mut left);
        self.left_to_paint.set(left);
        let is_any = !painted.runs.is_empty();
        let (text, read) = texts(painted.runs);
        out.put("page", text);
        read.into_iter().for_each(|read| out.put("page", read));
        out.put("page", prose(painted.strings.iter().map(Vec::as_slice)));
        if painted.is_cut {
            out.unread(Unread::TooLarge);
        }
        if painted.is_guessed {
            out.unread(Unread::Unknown);
        }
        is_any
    }

    /// Reads all strings that objects hold: titles, notes, fields, scripts, addresses, and what is said to those who cannot see.
    fn strings(&self, out: &mut Out<'_>) {
        let mut found = Vec::new();
        self.entries.iter().for_each(|entry| strings(&entry.value, &mut found));
        let mut known = BTreeSet::new();
        found.retain(|text| known.insert(*text));
        out.put("strings", prose(found.into_iter()));
    }

    /// The resources of a page or a form: its own, or those of the pages it stands under.
    fn resources(&self, at: usize) -> Vec<&Obj> {
        let mut found = Vec::new();
        let mut at = Some(at);
        for _ in 0..16 {
            let Some(entry) = at.and_then(|at| self.entry(at)) else { break };
            found.extend(entry.value.get(b"Resources").map(|resources| self.resolve(resources)));
            at = entry.value.get(b"Parent").and_then(|parent| self.at(parent));
        }
        found
    }

    /// All fonts by their names.
    fn all_fonts(&self) -> BTreeMap<Vec<u8>, Obj> {
        let mut found = BTreeMap::new();
        for entry in &self.entries {
            let resources = entry.value.get(b"Resources").unwrap_or(&entry.value);
            // Fonts that several pages share may be an object of their own.
            let is_list = |list: &&Obj| {
                let first = list.members().first().map(|(_, value)| self.resolve(value));
                first.is_some_and(|font| font.is(b"Type", b"Font"))
            };
            let list = resources.get(b"Font").or_else(|| Some(&entry.value).filter(is_list));
            let list = list.filter(|list| !matches!(list, Obj::Ref(_)));
            for (name, font) in list.map_or(&[][..], Obj::members) {
                found.entry(name.clone()).or_insert_with(|| font.clone());
            }
        }
        found
    }

    /// The font of this name; where the resources do not know it, the first in the file that has it.
    fn font(&self, name: &[u8], resources: &[&Obj], out: &mut Out<'_>) -> Option<Rc<Font>> {
        let mut lists = resources.iter().filter_map(|resources| Some(self.resolve(resources.get(b"Font")?)));
        let own = lists.find_map(|list| out.spend(list.members().len()).then(|| list.get(name)).flatten());
        let value = own.or_else(|| self.named.get(name))?;
        let at = self.at(value);
        if let Some(font) = at.and_then(|at| self.fonts.borrow().get(&at).cloned()) {
            return Some(font);
        }
        let dict = self.resolve(value);
        let part = |name: &[u8]| dict.get(name).map(|value| self.resolve(value));
        let table = dict.get(b"ToUnicode").and_then(|table| self.at(table)).and_then(|at| self.data(at, out));
        let below =
            part(b"DescendantFonts").and_then(|fonts| fonts.items().first()).map(|font| self.resolve(font));
        let parts = Parts {
            dict,
            encoding: part(b"Encoding"),
            widths: part(b"Widths"),
            wide: below.and_then(|font| font.get(b"W")).map(|widths| self.resolve(widths)),
            table: table.as_deref(),
        };
        let mut left = self.left.get();
        let font = Rc::new(Font::of(&parts, &mut left));
        self.left.set(left);
        self.fonts.borrow_mut().extend(at.map(|at| (at, font.clone())));
        Some(font)
    }

    fn entry(&self, at: usize) -> Option<&Entry> {
        self.entries.get(at)
    }

    fn at(&self, value: &Obj) -> Option<usize> {
        if let Obj::Ref(number) = value { self.index.get(number).copied() } else { None }
    }

    /// What a value stands for, if it stands for another.
    fn resolve<'v>(&'v self, value: &'v Obj) -> &'v Obj {
        self.at(value).and_then(|at| self.entry(at)).map_or(value, |entry| &entry.value)
    }

    fn data(&self, at: usize, out: &mut Out<'_>) -> Option<Vec<u8>> {
        let entry = self.entry(at)?;
        let raw = self.bytes.get(entry.stream.clone()?)?;
        unpack(raw, &entry.value, |value| self.resolve(value).clone(), out)
    }
}

/// The number of the object whose `obj` stands at `at`.
fn number_before(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = |end: usize| {
        let before = bytes.get(..end).unwrap_or_default();
        let end = before.len() - before.iter().rev().take(16).take_while(|b| b.is_ascii_whitespace()).count();
        let start = end - before.get(..end)?.iter().rev().take(10).take_while(|b| b.is_ascii_digit()).count();
        (start < end).then_some((start, end))
    };
    let (start, _) = digits(at)?;
    let (start, end) = digits(start).filter(|(_, end)| *end < start)?;
    str::from_utf8(bytes.get(start..end)?).ok()?.parse().ok()
}

/// Where the bytes of a stream stand that begins at `at`: as long as it says, if it ends there, else up to the next end.
fn stream_at(bytes: &[u8], at: usize, dict: &Obj, ends: &[usize]) -> Option<std::ops::Range<usize>> {
    let rest = bytes.get(at..)?.strip_prefix(b"stream")?;
    let rest = rest
        .strip_prefix(b"\r\n")
        .or_else(|| rest.strip_prefix(b"\n"))
        .or_else(|| rest.strip_prefix(b"\r"))
        .unwrap_or(rest);
    let start = bytes.len() - rest.len();
    let next = |from: usize| ends.get(ends.partition_point(|end| *end < from)).copied();
    let told = dict.get(b"Length").and_then(Obj::whole).map(|length| start.saturating_add(length));
    let end = told.filter(|told| next(*told).is_some_and(|end| end - told <= 4)).or_else(|| next(start));
    Some(start..end.unwrap_or(bytes.len()))
}

/// Whether a stream has an operator that shows text.
fn shows(data: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [b"Tj", b"TJ", b")'", b")\"", b") '", b") \""];
    WORDS.iter().any(|word| memmem::find(data, word).is_some())
}

/// Strings that say something: words, or an address.
fn prose<'s>(strings: impl Iterator<Item = &'s [u8]>) -> String {
    let mut all = String::new();
    for text in strings.map(|text| charset::text(text, "")) {
        if text.contains("://") || text.contains(' ') && is_prose(text.as_bytes()) {
            all.push_str(text.trim());
            all.push_str("\n\n");
        }
    }
    all
}

/// Whether nearly all bytes are printable.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().filter(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()).count() * 8 > bytes.len() * 7
}

/// Whether bytes are text, rather than numbers or noise.
fn is_prose(bytes: &[u8]) -> bool {
    let odd = bytes.iter().filter(|b| b.is_ascii_control() && !b.is_ascii_whitespace()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
    odd * 32 <= bytes.len() && letters * 3 > bytes.len()
}
