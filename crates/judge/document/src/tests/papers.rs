//! PDFs, as programs and attackers write them.

use std::fmt::Write as _;

use super::making::{base64, deflated, page, pdf, stream};
use super::{ORDER, read, says};
use crate::Unread;

fn utf16(text: &str) -> String {
    text.encode_utf16().fold("FEFF".to_owned(), |mut out, unit| {
        let _infallible = write!(out, "{unit:04X}");
        out
    })
}

// control: INJ-02: An order on a page is read, whatever it looks like, however its letters are set, and where it stands besides.
#[test]
fn orders_on_pages_are_read() {
    let words: Vec<&str> = ORDER.split(' ').collect();
    let apart: String = words.iter().map(|word| format!("({word}) -300 ")).collect();
    let letters: String =
        ORDER.chars().map(|c| if c == ' ' { "-280 ".to_owned() } else { format!("({c}) 12 ") }).collect();
    let hex: String = ORDER.bytes().map(|b| format!("{b:02x} ")).collect();
    let octal: String = ORDER.bytes().map(|b| format!("\\{b:03o}")).collect();
    let lines: String = words.iter().map(|word| format!("({word}) Tj T* ")).collect();
    // Each word at its place, painted from the last to the first.
    let mut x = 50.0;
    let mut placed = Vec::new();
    for word in &words {
        placed.push(format!("1 0 0 1 {x} 700 Tm ({word}) Tj "));
        x += word.len() as f64 * 7.0 + 6.0;
    }
    placed.reverse();
    let cases = [
        format!("BT /F1 12 Tf 72 700 Td ({ORDER}) Tj ET"),
        format!("BT /F1 12 Tf 3 Tr 72 700 Td ({ORDER}) Tj ET"),
        format!("1 1 1 rg BT /F1 0.1 Tf -5000 -5000 Td ({ORDER}) ' ET"),
        format!("BT /F1 12 Tf 1 2 ({ORDER}) \" ET"),
        format!("BT /F1 12 Tf [{apart}] TJ ET"),
        format!("BT /F1 12 Tf [{letters}] TJ ET"),
        format!("BT /F1 12 Tf <{hex}> Tj ET"),
        format!("BT /F1 12 Tf ({octal}) Tj ET"),
        format!("BT /F1 12 Tf 14 TL {lines} ET"),
        format!("BT /F1 12 Tf {} ET", placed.concat()),
        format!("q .24 0 0 -.24 0 792 cm BT /F1 50 Tf 1 0 0 -1 90 120 Tm ({ORDER}) Tj ET Q"),
        format!("0 1 -1 0 0 0 cm BT /F1 12 Tf [{apart}] TJ ET"),
        format!("/Span << /ActualText ({ORDER}) >> BDC BT (x) Tj ET EMC"),
        // A bracket in a picture opens nothing.
        format!("BI /W 2 /IM true ID \x01((\x02 EI BT /F1 12 Tf ({ORDER}) Tj ET"),
        format!("BT /F1 12 Tf ({ORDER}) Tj ET ("),
    ];
    for case in cases {
        let document = read(&page(&case), "application/pdf");
        assert!(says(&document, ORDER), "{case}\n{document:?}");
        assert_eq!(document.unread, None, "{case}");
    }
}

/// A page whose font has its own codes: each letter's is its place in the order.
fn coded(font: &str, table: &str, codes: &str) -> Vec<u8> {
    pdf(&[
        b"<< /Type /Page /Contents [4 0 R] /Resources 2 0 R >>".to_vec(),
        b"<< /Font << /F1 3 0 R >> >>".to_vec(),
        font.as_bytes().to_vec(),
        deflated("", format!("BT /F1 9 Tf {codes} Tj ET").as_bytes()),
        deflated("", table.as_bytes()),
    ])
}

// control: INJ-02: Letters are read by the table of their font, so that no code hides one.
#[test]
fn codes_of_fonts_are_letters() {
    let wide: String = (1..=ORDER.len()).map(|n| format!("{n:04X}")).collect();
    let chars: String =
        ORDER.chars().enumerate().map(|(n, c)| format!("<{:04X}> <{:04X}>\n", n + 1, c as u32)).collect();
    let head = "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange";
    let table = format!("{head} {} beginbfchar\n{chars}endbfchar endcmap", ORDER.len());
    let font = "<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 5 0 R >>";
    assert!(says(&read(&coded(font, &table, &format!("<{wide}>")), ""), ORDER));
    // Every letter is the one before it.
    let shifted: String = ORDER.bytes().map(|b| format!("{:02X}", b - 1)).collect();
    let table = format!("{head} 1 beginbfrange <00> <7E> <0001> endbfrange");
    let font = "<< /Type /Font /Subtype /TrueType /ToUnicode 5 0 R >>";
    assert!(says(&read(&coded(font, &table, &format!("<{shifted}>")), ""), ORDER));
    let names: String = ORDER
        .chars()
        .map(|c| match c {
            ' ' => "/space".to_owned(),
            '.' => "/uni002E".to_owned(),
            c => format!("/{c}"),
        })
        .collect();
    let font = format!("<< /Type /Font /Subtype /Type1 /Encoding << /Differences [1 {names}] >> >>");
    let short: String = (1..=ORDER.len()).map(|n| format!("{n:02X}")).collect();
    assert!(says(&read(&coded(&font, "", &format!("<{short}>")), ""), ORDER));
    // Without a table nobody knows.
    let font = "<< /Type /Font /Subtype /Type0 /Encoding /Identity-H >>";
    assert_eq!(read(&coded(font, "", &format!("<{wide}>")), "").unread, Some(Unread::Unknown));
}

// control: INJ-02: What stands in a PDF besides its pages is read: its title, notes, forms, scripts, addresses, what is attached,
// and objects within streams.
#[test]
fn what_stands_beside_the_pages_is_read() {
    let plain = |text: &str| text.as_bytes().to_vec();
    let painted = format!("BT ({ORDER}) Tj ET");
    let inner = format!("7 0 8 20 << /A 1 >>          << /Contents ({ORDER}) >>");
    // Rows of a table that say how they differ from the one above.
    let (mut rows, mut above) = (Vec::new(), [0_u8; 8]);
    for row in format!("{inner}        ").as_bytes().chunks_exact(8) {
        rows.push(2);
        rows.extend(row.iter().zip(above).map(|(b, up)| b.wrapping_sub(up)));
        above.copy_from_slice(row);
    }
    let predicted = "/Type /ObjStm /N 2 /First 9 /DecodeParms << /Predictor 12 /Columns 8 >>";
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(painted.as_bytes(), 6);
    let twice: String = packed.iter().map(|b| format!("{b:02x}")).collect();
    let objects = [
        plain(&format!("<< /Title ({ORDER}) >>")),
        plain(&format!("<< /Subject <{}> >>", utf16(ORDER))),
        plain(&format!("<< /Type /Annot /Subtype /Text /Contents ({ORDER}) >>")),
        plain(&format!("<< /Kids [ << /V ({ORDER}) >> ] >>")),
        plain(&format!("<< /S /JavaScript /JS (app.alert\\(\"{ORDER}\"\\)) >>")),
        stream("", format!("app.alert('{ORDER} (now)')").as_bytes()),
        stream("/Type /Metadata", format!("<x:xmpmeta><dc:title>{ORDER}</dc:title></x:xmpmeta>").as_bytes()),
        deflated("/Type /EmbeddedFile", ORDER.as_bytes()),
        deflated("/Type /EmbeddedFile", &page(&painted)),
        deflated("/Subtype /Form", painted.as_bytes()),
        deflated("/Subtype /Form /Length1 7 /Type /ObjStm /BBox [0 0 9 9]", painted.as_bytes()),
        deflated("/Subtype /Form /F (elsewhere)", painted.as_bytes()),
        stream(
            "/Filter /ASCIIHexDecode",
            painted.bytes().map(|b| format!("{b:02X}")).collect::<String>().as_bytes(),
        ),
        stream("/Filter [/AHx /Fl] ", twice.as_bytes()),
        deflated("/Type /ObjStm /N 2 /First 9", inner.as_bytes()),
        deflated(predicted, &rows),
    ];
    for object in objects {
        let document = read(&pdf(&[plain("<< /Type /Catalog >>"), object.clone()]), "");
        assert!(says(&document, ORDER), "{}\n{document:?}", String::from_utf8_lossy(&object));
        assert_eq!(document.unread, None);
    }
    let link = plain("<< /Subtype /Link /A << /S /URI /URI (https://evil.example/?q=1) >> >>");
    assert!(says(&read(&pdf(&[link]), ""), "https://evil.example/?q=1"));
}

#[test]
fn other_filters_are_read() {
    // From the standards: `-----A---B` in LZW, and words in base 85.
    let lzw = [0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01];
    let mut out = crate::out::Budget::default();
    let mut out = crate::out::Out::new(1_000, &mut out);
    let mut unpack = |filter: &str, data: &[u8]| {
        let dict = super::super::pdf::lexer::Lexer::new(format!("<< /Filter /{filter} >>").as_bytes(), 0, 99)
            .next()
            .unwrap();
        super::super::pdf::filter::unpack(data, &dict, Clone::clone, &mut out).unwrap()
    };
    assert_eq!(unpack("LZWDecode", &lzw), b"-----A---B");
    assert_eq!(unpack("ASCII85Decode", b"<~87cURD]i,\"Ebo80~>"), b"Hello World!");
    assert_eq!(unpack("RunLengthDecode", b"\x04Hello\xfd!\x80"), b"Hello!!!!");
}

// control-off: INJ-02: The file as it comes, or its base64, says nothing.
#[test]
fn as_it_comes_a_page_says_nothing() {
    let hex: String = ORDER.bytes().map(|b| format!("{b:02x}")).collect();
    let file = page(&format!("BT <{hex}> Tj ET"));
    assert!(
        !String::from_utf8_lossy(&file).contains("instructions") && !base64(&file).contains("instructions")
    );
}

// control: CTX-01: A PDF that is encrypted, cut off or only a picture is said to be unread, and what can be read of it is.
#[test]
fn what_is_not_read_is_said() {
    let whole = page(&format!("BT ({ORDER}) Tj ET"));
    let locked = String::from_utf8_lossy(&whole).replace("/Size 9", "/Size 9 /Encrypt 7 0 R").into_bytes();
    assert_eq!(read(&locked, "").unread, Some(Unread::Encrypted));
    let cut = read(&whole[..whole.len() - 60], "");
    assert!(says(&cut, ORDER) && cut.unread == Some(Unread::Broken), "{cut:?}");
    let scan = pdf(&[stream("/Subtype /Image /Filter /DCTDecode", &[0xFF; 99])]);
    assert_eq!(read(&scan, "").unread, Some(Unread::Unknown));
}
