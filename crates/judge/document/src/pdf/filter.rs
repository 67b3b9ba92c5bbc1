//! Filters of streams: whatever packs words. What packs pictures is left packed.

use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};

use crate::out::{Out, Unread};

use super::lexer::{Obj, hex};

/// Filters of one stream, one behind the other.
const MOST: usize = 8;

/// What a stream holds; none where it is a picture, or nothing of it can be unpacked.
pub(crate) fn unpack(
    raw: &[u8],
    dict: &Obj,
    resolve: impl Fn(&Obj) -> Obj,
    out: &mut Out<'_>,
) -> Option<Vec<u8>> {
    let list = |names: [&[u8]; 2]| match names.iter().find_map(|name| dict.get(name)).map(&resolve) {
        Some(Obj::Array(items)) => items.iter().map(&resolve).collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let (filters, params) = (list([b"Filter", b"F"]), list([b"DecodeParms", b"DP"]));
    if !out.spend(raw.len()) || filters.len() > MOST {
        out.unread(Unread::TooLarge);
        return None;
    }
    let mut data = raw.to_vec();
    for (n, filter) in filters.iter().enumerate() {
        let Some(name) = filter.name() else { continue };
        data = match name {
            b"FlateDecode" | b"Fl" => predicted(inflate(&data, out), params.get(n)),
            b"LZWDecode" | b"LZW" => {
                let early = params.get(n).and_then(|params| params.get(b"EarlyChange")).and_then(Obj::whole);
                predicted(lzw(&data, early != Some(0), out), params.get(n))
            }
            b"ASCIIHexDecode" | b"AHx" => hex(data.split(|b| *b == b'>').next().unwrap_or_default()),
            b"ASCII85Decode" | b"A85" => ascii85(&data),
            b"RunLengthDecode" | b"RL" => run_length(&data, out),
            b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => {
                return None;
            }
            b"Crypt" => {
                out.unread(Unread::Encrypted);
                return None;
            }
            _ => {
                out.unread(Unread::Unknown);
                return None;
            }
        };
        if !out.spend(data.len()) {
            return None;
        }
    }
    Some(data)
}

/// Unpacks, with or without a head. Of a bomb or a spoilt stream there is what came before, as every viewer shows it.
fn inflate(data: &[u8], out: &mut Out<'_>) -> Vec<u8> {
    let limit = out.room();
    let error = match decompress_to_vec_zlib_with_limit(data, limit) {
        Ok(all) => return all,
        Err(error) => error,
    };
    let bare = || decompress_to_vec_with_limit(data, limit).unwrap_or_default();
    match error.status {
        TINFLStatus::HasMoreOutput => out.unread(Unread::TooLarge),
        // The sum at the end is wrong, or missing: all is there.
        TINFLStatus::Adler32Mismatch => {}
        _ if error.output.is_empty() => {
            let all = bare();
            if all.is_empty() {
                out.unread(Unread::Broken);
            }
            return all;
        }
        _ => out.unread(Unread::Broken),
    }
    error.output
}

/// Takes back what made rows of a table pack better (PNG's predictors).
fn predicted(data: Vec<u8>, params: Option<&Obj>) -> Vec<u8> {
    let number =
        |name: &[u8], default| params.and_then(|params| params.get(name)?.whole()).unwrap_or(default);
    if number(b"Predictor", 1) < 10 {
        return data;
    }
    let bits = number(b"Colors", 1).clamp(1, 32) * number(b"BitsPerComponent", 8).clamp(1, 16);
    let row = (bits * number(b"Columns", 1).clamp(1, 1 << 16)).div_ceil(8).min(data.len().max(1));
    let pixel = bits.div_ceil(8);
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut above = vec![0; row];
    for line in data.chunks(row + 1) {
        let Some((kind, bytes)) = line.split_first() else { break };
        let mut now = vec![0; row];
        for (n, b) in bytes.iter().enumerate() {
            let left = n.checked_sub(pixel).and_then(|n| now.get(n).copied()).unwrap_or(0_u8);
            let up: u8 = above.get(n).copied().unwrap_or(0);
            let corner = n.checked_sub(pixel).and_then(|n| above.get(n).copied()).unwrap_or(0);
            let guess = match kind {
                1 => left,
                2 => up,
                3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                4 => paeth(left, up, corner),
                _ => 0,
            };
            if let Some(place) = now.get_mut(n) {
                *place = b.wrapping_add(guess);
            }
        }
        out.extend(now.get(..bytes.len()).unwrap_or_default());
        above = now;
    }
    out
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let guess = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |b: u8| (guess - i16::from(b)).abs();
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}

fn lzw(data: &[u8], is_early: bool, out: &mut Out<'_>) -> Vec<u8> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let limit = out.room();
    let mut all: Vec<u8> = Vec::new();
    // Each entry is a stretch of what came out: that of the code before, and one byte more.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let (mut bits, mut held, mut width) = (0_u32, 0, 9);
    let mut last: Option<(usize, usize)> = None;
    for b in data {
        bits = bits << 8 | u32::from(*b);
        held += 8;
        if held < width {
            continue;
        }
        held -= width;
        let code = (bits >> held) as usize & ((1 << width) - 1);
        if code == END {
            break;
        }
        if code == CLEAR {
            table.clear();
            (width, last) = (9, None);
            continue;
        }
        if let Some((start, length)) = last.filter(|_| table.len() < 4096 - 258) {
            table.push((start, length + 1));
        }
        let start = all.len();
        match code.checked_sub(258) {
            None => all.push(code as u8),
            Some(n) => {
                let Some((from, length)) = table.get(n).copied() else {
                    out.unread(Unread::Broken);
                    break;
                };
                if all.len() + length > limit {
                    out.unread(Unread::TooLarge);
                    break;
                }
                // Its last byte may be the first of its own copy.
                for at in from..from + length {
                    all.extend(all.get(at).copied());
                }
            }
        }
        last = Some((start, all.len() - start));
        let next = table.len() + 258 + usize::from(is_early) + 1;
        width = match next {
            ..=512 => 9,
            513..=1024 => 10,
            1025..=2048 => 11,
            _ => 12,
        };
    }
    all
}

fn ascii85(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 5 * 4 + 4);
    let (mut group, mut held) = (0_u32, 0);
    for b in data.strip_prefix(b"<~").unwrap_or(data) {
        match b {
            b'~' => break,
            b'z' if held == 0 => out.extend([0; 4]),
            b'!'..=b'u' => {
                group = group.wrapping_mul(85).wrapping_add(u32::from(b - b'!'));
                held += 1;
                if held == 5 {
                    out.extend(group.to_be_bytes());
                    (group, held) = (0, 0);
                }
            }
            _ => {}
        }
    }
    if held > 1 {
        for _ in held..5 {
            group = group.wrapping_mul(85).wrapping_add(84);
        }
        out.extend(group.to_be_bytes().iter().take(held - 1));
    }
    out
}

fn run_length(data: &[u8], out: &mut Out<'_>) -> Vec<u8> {
    let limit = out.room();
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(length) = data.get(at).copied().filter(|length| *length != 128) {
        let count = usize::from(length);
        if length < 128 {
            all.extend(data.iter().skip(at + 1).take(count + 1));
            at += count + 2;
        } else {
            let Some(b) = data.get(at + 1) else { break };
            all.extend(std::iter::repeat_n(*b, 257 - count));
            at += 2;
        }
        if all.len() > limit {
            out.unread(Unread::TooLarge);
            break;
        }
    }
    all
}
