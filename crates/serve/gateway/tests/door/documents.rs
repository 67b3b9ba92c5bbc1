//! Orders in documents that a server hands over in bytes (INJ-02): a PDF, a letter, a mail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::injected::{NOTE, ORDER, one, told};

/// A page in letters that no search finds.
fn page() -> Vec<u8> {
    let hex: String = ORDER.bytes().map(|b| format!("{b:02x}")).collect();
    let paints = format!("BT 3 Tr /F1 1 Tf -9 -9 Td <{hex}> Tj ET");
    format!(
        "%PDF-1.7\n1 0 obj << /Type /Page /Contents 2 0 R >> endobj\n2 0 obj << /Length {} >>\nstream\n{paints}\nendstream endobj\n\
         trailer << /Root 1 0 R >>\n%%EOF",
        paints.len()
    )
    .into_bytes()
}

/// A letter whose words are cut into runs, in an archive that is not packed.
fn letter() -> Vec<u8> {
    let runs: String =
        ORDER.chars().map(|c| format!("<w:r><w:rPr><w:vanish/></w:rPr><w:t>{c}</w:t></w:r>")).collect();
    let xml = format!("<w:document><w:body><w:p>{runs}</w:p></w:body></w:document>");
    let name = "word/document.xml";
    let mut all = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    all.extend([(xml.len() as u32).to_le_bytes(), (xml.len() as u32).to_le_bytes()].concat());
    all.extend([name.len() as u8, 0, 0, 0]);
    all.extend(name.bytes().chain(xml.bytes()));
    all.extend(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    all
}

fn mail() -> Vec<u8> {
    let coded: String = ORDER.bytes().map(|b| format!("={b:02X}")).collect();
    format!(
        "From: a@b.example\r\nTo: c@d.example\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{coded}"
    )
    .into_bytes()
}

fn resource(media: &str, bytes: &[u8]) -> Value {
    let held = json!({"uri": "file:///a", "mimeType": media, "blob": STANDARD.encode(bytes)});
    json!({"content": [{"type": "resource", "resource": held}]})
}

fn all() -> [Value; 4] {
    [
        resource("application/pdf", &page()),
        resource("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &letter()),
        resource("message/rfc822", &mail()),
        resource("application/octet-stream", &page()),
    ]
}

// control: INJ-02, INJ-01: An order in a PDF, a letter or a mail that comes in bytes is marked and recorded, and kept back where results
// may be, in both revisions.
#[tokio::test]
async fn an_order_in_a_document_is_marked_or_kept_back() {
    for (n, document) in all().into_iter().enumerate() {
        let modern = n % 2 == 0;
        let marked = told("", modern, document.clone()).await;
        assert_eq!(marked.result()["content"], document["content"], "nothing that is read changes");
        assert!(marked.rules("marked").contains(&"instruct.override".to_owned()), "{}", marked.outcome);
        assert!(marked.result()["_meta"][NOTE]["findings"].is_array());
        assert_eq!(marked.alarms[0]["alarm"], "result-flagged");
        assert!(!marked.record.contains("id_rsa"));

        let kept = told("flagged_results = \"block\"", modern, document).await;
        assert_eq!(kept.result()["isError"], true);
        assert!(
            kept.result()["content"][0]["text"].as_str().unwrap().contains("withheld"),
            "{}",
            kept.result()
        );
    }
}

// control-off: INJ-02, INJ-01: Where results are not read, the documents pass, and nobody ever knows.
#[tokio::test]
async fn without_it_the_documents_pass() {
    for document in all() {
        let told = told("flagged_results = \"pass\"\nspotlight = \"off\"", false, document.clone()).await;
        assert_eq!(told.result(), document);
        assert_eq!((told.alarms.len(), &told.outcome["findings"]), (0, &Value::Null));
    }
}

// control: CTX-01: A document that cannot be read is said to be unread, and why; one that says nothing bad is no finding.
#[tokio::test]
async fn what_cannot_be_read_is_said() {
    let locked = b"%PDF-1.7\ntrailer << /Root 1 0 R /Encrypt 5 0 R >>\n%%EOF";
    let told_of = told("", true, resource("application/pdf", locked)).await;
    assert_eq!(told_of.result()["_meta"][NOTE]["unread"], true);
    assert_eq!(told_of.rules("marked"), ["unread", "unread-encrypted"]);
    let honest = resource("text/csv", b"id,name,note\n1,Jane,ready to ship\n2,Joe,waits for a part\n");
    for honest in [honest, one("id,name,note\n1,Jane,ready to ship\n2,Joe,waits for a part\n")] {
        assert_eq!(told("", true, honest).await.outcome["findings"], Value::Null);
    }
}
