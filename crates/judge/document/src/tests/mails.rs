//! Mails: every way in which one may write its words.

use crate::{Budget, Held, held, read};

use super::making::{base64, docx, page};
use super::{ORDER, says};

const HEAD: &str = "From: A <a@example.org>\r\nTo: b@example.org\r\nDate: Mon, 1 Jan 2026 10:00:00 +0000\r\n";

fn mail(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

fn found(text: &str) -> crate::Document {
    assert_eq!(held(text, "", false), Some(Held::Mail), "{text}");
    read(text, Held::Mail, "", &mut Budget::default())
}

fn parts(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--=_x\r\n{part}\r\n")).collect();
    format!(
        "Content-Type: multipart/{kind};\r\n boundary=\"=_x\"\r\n\r\nnothing to see\r\n{parts}--=_x--\r\n"
    )
}

/// Quoted-printable in which no word is whole.
fn quoted(text: &str) -> String {
    text.as_bytes()
        .chunks(7)
        .map(|part| {
            let part: String = part
                .iter()
                .enumerate()
                .map(|(n, b)| if n == 3 { format!("={b:02X}") } else { char::from(*b).to_string() })
                .collect();
            format!("{part}=\r\n")
        })
        .collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

// control: INJ-02: An order in a mail is read, in whatever it was encoded and whatever it was forwarded in.
#[test]
fn orders_in_mails_are_read() {
    let packed = base64(ORDER.as_bytes());
    let wrapped = packed
        .as_bytes()
        .chunks(20)
        .map(|line| str::from_utf8(line).unwrap())
        .collect::<Vec<_>>()
        .join("\r\n");
    let (quoted, wide) = (quoted(ORDER), base64(&utf16(ORDER)));
    let plain = "Content-Type: text/plain\r\n\r\nHello.";
    let html = format!("Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n{wrapped}");
    let inner = mail(&format!("Content-Transfer-Encoding: base64\r\n\r\n{wrapped}"));
    let inner_again = base64(
        mail(&parts("mixed", &[plain, &format!("Content-Type: message/rfc822\r\n\r\n{inner}")])).as_bytes(),
    );
    let letter = base64(&docx(&format!("<w:p><w:r><w:t>{ORDER}</w:t></w:r></w:p>")));
    let paper = base64(&page(&format!("BT /F1 12 Tf 72 700 Td ({ORDER}) Tj ET")));
    let cases = [
        format!("Content-Transfer-Encoding: base64\r\n\r\n{wrapped}"),
        format!("Content-Transfer-Encoding: Quoted-Printable\r\n\r\n{quoted}"),
        format!(
            "Content-Type: text/plain; charset=\"utf-16be\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{wide}"
        ),
        format!("Content-Type: text/plain; charset=utf-7\r\n\r\n{}", ORDER.replace(' ', "+ACA-")),
        parts("alternative", &[plain, &html]),
        parts("mixed", &[plain, &parts("related", &[plain, &html]).replace("=_x", "=_x2")]),
        parts("mixed", &[plain, &format!("Content-Type: message/rfc822\r\n\r\n{inner}")]),
        parts(
            "mixed",
            &[&format!(
                "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{inner_again}"
            )],
        ),
        // Two headers that contradict each other, and a part without any.
        format!("Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n{wrapped}"),
        format!("Content-Type: text/plain\r\n{}", parts("mixed", &[&html])),
        // Borders that are announced in pieces, or not at all.
        parts("mixed", &[&html]).replace("boundary=\"=_x\"", "boundary*0=\"=_\"; boundary*1=x"),
        parts("mixed", &[&html]).replace(";\r\n boundary=\"=_x\"", ""),
        // Attached files, under any name and type.
        parts(
            "mixed",
            &[&format!("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{paper}")],
        ),
        parts(
            "mixed",
            &[&format!("Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n{letter}")],
        ),
        parts(
            "mixed",
            &[&format!("Content-Type: text/calendar\r\nContent-Transfer-Encoding: base64\r\n\r\n{packed}")],
        ),
    ];
    for case in cases {
        let document = found(&mail(&case));
        assert!(says(&document, ORDER), "{case}\n{document:?}");
        assert_eq!(document.unread, None, "{case}");
    }
    for subject in [
        format!("=?utf-8?B?{packed}?="),
        format!("=?UTF-8*en?q?{}?=", ORDER.replace(' ', "_")),
        ORDER.split(' ').map(|word| format!("=?iso-8859-1?Q?{word}=20?=")).collect::<Vec<_>>().join("\r\n "),
        format!("=?utf-16be?b?{wide}?="),
    ] {
        let document = found(&mail(&format!("Subject: {subject}\r\n\r\nHello.")));
        assert!(says(&document, ORDER), "{subject}\n{document:?}");
    }
}

// control-off: INJ-02: Whoever reads the mail as it comes sees no word of them.
#[test]
fn as_it_comes_a_mail_says_nothing_of_it() {
    let packed = base64(ORDER.as_bytes());
    for text in [
        mail(&format!("Content-Transfer-Encoding: base64\r\n\r\n{packed}")),
        mail(&format!("\r\n{}", quoted(ORDER))),
    ] {
        assert!(!ORDER.split(' ').filter(|word| word.len() > 6).any(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn what_stands_in_a_mail_is_not_told_again() {
    let document = found(&mail(
        "Subject: Lunch\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nAt noon, as ever?\r\n",
    ));
    assert_eq!(document, crate::Document::default());
}

// control: INJ-02: What is said to be encoded, or to be something else, and is plain text, is read as that too.
#[test]
fn what_is_said_to_be_encoded_may_be_plain() {
    for text in [
        mail(&format!("Content-Transfer-Encoding: base64\r\n\r\n{ORDER}")),
        mail(&format!("Content-Transfer-Encoding: x-own\r\n\r\n{ORDER}")),
        mail(&format!("Content-Type: text/plain; charset=utf-16\r\n\r\n{ORDER}")),
        mail(&format!("Content-Type: text/plain\r\n\r\n%PDF-1.4 {ORDER}")),
        mail(&format!("Content-Type: text/plain\r\n\r\nPK\u{3}\u{4} {ORDER}")),
        mail(&format!("Content-Type: text/plain\r\n\r\nGIF8 {ORDER}")),
    ] {
        assert!(says(&crate::document(text.as_bytes(), "", &mut Budget::default()), ORDER), "{text}");
    }
    for (text, media) in [
        (format!("%PDF-1.4 {ORDER}"), "application/octet-stream"),
        (format!("%PDF-1.4 {ORDER} <<"), "text/plain"),
        (format!("GIF8 {ORDER}"), "application/octet-stream"),
        (format!("RIFF\u{1}{ORDER}"), ""),
        (ORDER.to_owned(), "text/plain; charset=utf-16le"),
    ] {
        let document = crate::document(text.as_bytes(), media, &mut Budget::default());
        assert!(says(&document, ORDER), "{text} {media} {document:?}");
    }
}

#[test]
fn a_signature_is_not_missed() {
    let signed = |kind: &str| {
        let part =
            format!("Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n{}", base64(&[0; 99]));
        found(&mail(&parts("signed", &["Content-Type: text/plain\r\n\r\nHello.", &part]))).unread
    };
    assert_eq!(signed("application/pkcs7-signature; name=\"smime.p7s\""), None);
    assert_eq!(signed("application/ms-tnef"), Some(crate::Unread::Unknown));
}

#[test]
fn what_is_no_mail_is_none() {
    for text in [
        "Note: this is a remark\nand it goes on for a while, over lines",
        "{\"from\": \"a\", \"to\": \"b\", \"subject\": \"c\"}",
        "From the beginning it was clear that nobody would come to the meeting",
        "subject: one header makes no mail\n\nas everybody knows it",
    ] {
        assert_eq!(held(text, "", false), None, "{text}");
    }
    assert_eq!(held("Subject: said to be a mail, and so it is", "message/rfc822", false), Some(Held::Mail));
}
