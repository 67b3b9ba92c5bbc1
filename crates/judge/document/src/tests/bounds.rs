//! Documents that are made to be too much, and bytes that are none.

use proptest::prelude::*;

use super::making::{deflated, docx, page, pdf, zip};
use super::{ORDER, read, says};
use crate::{Budget, Document, Unread, document};

/// What all texts of one message may have together.
const MOST: usize = 1 << 20;

fn length(document: &Document) -> usize {
    document.parts.iter().map(|part| part.text.len()).sum()
}

// control: INJ-15: A bomb yields a bounded text, and the rest is said to be unread.
#[test]
fn bombs_are_bounded() {
    let spaces = vec![b' '; 6 << 20];
    let body = format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", "bomb ".repeat(1 << 20));
    let text = format!("BT ({}) Tj ET", "bomb ".repeat(1 << 20));
    let mut mail = "Subject: a\nFrom: b\nContent-Type: text/plain\n\nbottom".to_owned();
    for _ in 0..40 {
        mail = format!("Subject: a\nFrom: b\nContent-Type: message/rfc822\n\n{mail}");
    }
    let mut nested = zip(&[("a.txt", b"bottom of it all")]);
    for _ in 0..12 {
        nested = zip(&[("a.zip", &nested)]);
    }
    let once = deflated("", &spaces);
    for (name, bytes) in [
        ("file", zip(&[("a.txt", &spaces)])),
        ("letter", docx(&body)),
        ("page", page(&text)),
        ("streams", pdf(&vec![once; 20])),
        ("mails in mails", mail.into_bytes()),
        ("archives in archives", nested),
        ("objects", format!("%PDF-1.4\n{}", "1 0 obj 2\n".repeat(120_000)).into_bytes()),
        ("operators", page(&"()Tj".repeat(110_000))),
    ] {
        let document = read(&bytes, "");
        assert_eq!(document.unread, Some(Unread::TooLarge), "{name}");
        assert!(length(&document) <= MOST, "{name}: {}", length(&document));
        assert!(!says(&document, "bottom"), "{name}");
    }
}

// control: INJ-15: Beginnings without an end, and what is repeated without one, take no more than their length.
#[test]
fn beginnings_without_an_end_are_bounded() {
    for start in [
        "(",
        "<",
        "<<",
        "[",
        "1 0 obj (",
        "1 0 obj <<",
        "1 0 obj << /Type /ObjStm >> stream\n",
        "BI ID ",
        "(\\",
        "<AB",
    ] {
        let text = format!("%PDF-1.4\n{}", start.repeat(100_000 / start.len()));
        assert!(length(&read(text.as_bytes(), "")) <= MOST, "{start}");
        read(&page(&start.repeat(60_000)), "");
    }
    for start in ["<", "<a b=\"", "<!--", "<![CDATA[", "&", "&#", "<!ENTITY "] {
        read(&zip(&[("a.xml", format!("<x>{}", start.repeat(100_000 / start.len())).as_bytes())]), "");
    }
    let head = "From: a\nTo: b\nContent-Type: multipart/mixed; boundary=b\n";
    for middle in [
        "--b\n",
        "=?x?B?a",
        "=?",
        "Subject: =?utf-8?q?",
        "\n--b\nContent-Type: multipart/mixed; boundary=b\n\n",
    ] {
        read(format!("{head}{}", middle.repeat(80_000 / middle.len())).as_bytes(), "");
    }
    for cell in ["\"", "\"\"", ",\"", "a,\n"] {
        read(cell.repeat(80_000 / cell.len()).as_bytes(), "text/csv");
    }
    read(&b"PK\x03\x04".repeat(40_000), "");
}

#[test]
fn one_message_has_one_budget() {
    let mut budget = Budget::default();
    let file = zip(&[("a.txt", "some words ".repeat(30_000).as_bytes())]);
    let read: Vec<Document> = (0..6).map(|_| document(&file, "", &mut budget)).collect();
    assert!(read.iter().map(length).sum::<usize>() <= MOST);
    assert_eq!(read.first().unwrap().unread, None);
    assert_eq!(read.last().unwrap().unread, Some(Unread::TooLarge));
}

/// Documents, and what they are made of.
fn seeds() -> Vec<Vec<u8>> {
    let mail = "From: a\nTo: b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\nSGVsbG8=\n--b--";
    vec![
        page(&format!("BT /F1 12 Tf [({ORDER}) 3] TJ T* (a) ' ET")),
        docx(&format!("<w:p><w:r><w:t>{ORDER}</w:t></w:r></w:p>")),
        mail.as_bytes().to_vec(),
        b"a,b,c\n\"1\",=HYPERLINK(\"x\"),3\n4,5,6\n".to_vec(),
    ]
}

proptest! {
    // control: INJ-15: No bytes make a reader panic or say more than the bound.
    #[test]
    fn any_bytes_are_read_or_not(seed in 0_usize..4, cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12), end in any::<prop::sample::Index>(), media in "|application/pdf|text/csv|message/rfc822|text/plain; charset=utf-7") {
        let mut bytes = seeds().swap_remove(seed);
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if end.index(3) == 0 {
            bytes.truncate(end.index(bytes.len()));
        }
        let document = read(&bytes, &media);
        prop_assert!(length(&document) <= MOST);
    }

    #[test]
    fn noise_is_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..400), front in prop::sample::select(vec!["%PDF-1.4 1 0 obj << /Contents 1 0 R >> stream ", "PK\x03\x04", "From: a\nTo: b\n\n", ""])) {
        let document = read(&[front.as_bytes(), &bytes].concat(), "");
        prop_assert!(length(&document) <= 40_000);
    }
}
