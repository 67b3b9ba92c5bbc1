//! Archives, and with them office files: Word's, Excel's and PowerPoint's, and OpenDocument's, are archives of XML.
//!
//! An archive names its files twice, in front of each and in a list at its end, and readers differ in what they believe. Here
//! no name is believed: each file is found by its own head, wherever it stands, and read for what it is.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::decompress_to_vec_with_limit;

use crate::charset;
use crate::kind::{any, is_picture, is_text};
use crate::out::{Out, Unread};
use crate::xml;

/// What a file in an archive begins with, and how long that is without its name.
const HEAD: &[u8] = b"PK\x03\x04";
const HEAD_LENGTH: usize = 30;
/// Files of one archive.
const MOST: usize = 4_096;
/// Unpacked of a file to see whether the rest is worth it.
const FRONT: usize = 512;

pub(crate) fn is(front: &[u8]) -> bool {
    front.starts_with(HEAD) || front.starts_with(b"PK\x05\x06")
}

pub(crate) fn read(bytes: &[u8], out: &mut Out<'_>) {
    for (n, at) in memchr::memmem::find_iter(bytes, HEAD).enumerate() {
        if n == MOST || out.room() == 0 {
            return out.unread(Unread::TooLarge);
        }
        match Packed::at(bytes, at) {
            Some(packed) => packed.read(out),
            None => out.unread(Unread::Broken),
        }
    }
    // The list at the end has its own end; without it something was cut off.
    if memchr::memmem::rfind(bytes, b"PK\x05\x06").is_none() {
        out.unread(Unread::Broken);
    }
}

/// One file as it lies in the archive.
struct Packed<'a> {
    name: &'a [u8],
    data: &'a [u8],
    method: u16,
    is_encrypted: bool,
}

impl<'a> Packed<'a> {
    fn at(bytes: &'a [u8], at: usize) -> Option<Self> {
        let head = bytes.get(at..at + HEAD_LENGTH)?;
        let short = |n: usize| Some(u16::from_le_bytes([*head.get(n)?, *head.get(n + 1)?]));
        let (flags, method) = (short(6)?, short(8)?);
        let size = u32::from_le_bytes([*head.get(18)?, *head.get(19)?, *head.get(20)?, *head.get(21)?]);
        let name_end = at + HEAD_LENGTH + usize::from(short(26)?);
        let start = name_end + usize::from(short(28)?);
        let rest = bytes.get(start..)?;
        // Where the size stands behind the file, or in a field for large ones, the file ends before the next mark.
        let is_told =
            flags & 8 == 0 && size != u32::MAX && usize::try_from(size).is_ok_and(|size| size <= rest.len());
        let end = if is_told { size as usize } else { next_mark(rest) };
        Some(Self {
            name: bytes.get(at + HEAD_LENGTH..name_end)?,
            data: rest.get(..end)?,
            method,
            is_encrypted: flags & 1 != 0,
        })
    }

    fn read(&self, out: &mut Out<'_>) {
        if self.data.is_empty() {
            return;
        }
        if self.is_encrypted {
            return out.unread(Unread::Encrypted);
        }
        match self.method {
            // What lies in a file that is not packed is found by its own head.
            0 if is(self.data) => {}
            0 => {
                if out.spend(self.data.len()) {
                    content(self.name, self.data, out);
                }
            }
            8 => {
                let front = match decompress_to_vec_with_limit(self.data, FRONT) {
                    Ok(all) => all,
                    Err(error) => error.output,
                };
                if is_picture(&front) && !is_text(&front, "") {
                    return;
                }
                if let Some(all) = unpacked(self.data, out) {
                    content(self.name, &all, out);
                }
            }
            _ => out.unread(Unread::Unknown),
        }
    }
}

/// Unpacks, within what is left. Of a bomb or a spoilt file there is what came before.
fn unpacked(data: &[u8], out: &mut Out<'_>) -> Option<Vec<u8>> {
    if !out.spend(data.len()) {
        return None;
    }
    let all = match decompress_to_vec_with_limit(data, out.room()) {
        Ok(all) => all,
        Err(error) => {
            let is_more = error.status == TINFLStatus::HasMoreOutput;
            out.unread(if is_more { Unread::TooLarge } else { Unread::Broken });
            error.output
        }
    };
    out.spend(all.len());
    Some(all)
}

fn content(name: &[u8], bytes: &[u8], out: &mut Out<'_>) {
    let text = bytes.trim_ascii_start();
    let is_marked = text.starts_with(b"<") || bytes.starts_with(b"\xef\xbb\xbf<") || {
        matches!(bytes, [0xFF, 0xFE, b'<', 0, ..] | [0xFE, 0xFF, 0, b'<', ..])
    };
    if is_marked {
        xml::read(&charset::text(bytes, ""), out);
    }
    // Pictures without a sign of their own, fonts and settings of printers.
    const NOISE: [&[u8]; 7] =
        [b".odttf", b".fntdata", b".ttf", b".emf", b".wmf", b".wdp", b"printerSettings1.bin"];
    // What does not call itself XML may be a page, or a text with a bracket in front.
    let is_xml = is_marked
        && memchr::memmem::find(text.get(..FRONT.min(text.len())).unwrap_or_default(), b"<?xml").is_some();
    if !is_xml && !NOISE.iter().any(|end| name.ends_with(end)) {
        out.inside(|out| any(bytes, "", out));
    }
}

/// Where the next file's head, or the list at the end, begins.
fn next_mark(bytes: &[u8]) -> usize {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(bytes.get(from..).unwrap_or_default(), b"PK") {
        from += at;
        if matches!(
            bytes.get(from + 2..from + 4),
            Some(b"\x03\x04" | b"\x01\x02" | b"\x05\x06" | b"\x06\x06")
        ) {
            return from;
        }
        from += 2;
    }
    bytes.len()
}
