//! Orders in documents that a server hands over in bytes (INJ-02): a PDF, a letter, a mail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::injected::{NOTE, ORDER, one, told};
use crate::leaks::{OFF, With, token};

/// A page in letters that no search finds.
fn page(says: &str) -> Vec<u8> {
    let hex: String = says.bytes().map(|b| format!("{b:02x}")).collect();
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
    format!("From: the office\r\nTo: all\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{coded}")
        .into_bytes()
}

fn resource(media: &str, bytes: &[u8]) -> Value {
    let held = json!({"uri": "file:///a", "mimeType": media, "blob": STANDARD.encode(bytes)});
    json!({"content": [{"type": "resource", "resource": held}]})
}

fn all() -> [Value; 4] {
    [
        resource("application/pdf", &page(ORDER)),
        resource("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &letter()),
        resource("message/rfc822", &mail()),
        resource("application/octet-stream", &page(ORDER)),
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

fn secret() -> Value {
    let mut held = resource("application/pdf", &page(&format!("the key is {}", token())));
    held["resultType"] = json!("complete");
    held
}

// control: DAT-03, D-04: A secret in a PDF cannot be taken out of it, so the answer is withheld, in both revisions; the record has its kind.
#[tokio::test]
async fn a_secret_in_a_document_stays_where_it_is() {
    for modern in [false, true] {
        let doors = With::default().answering(|_| secret()).await;
        let heard = doors.call(modern, "read_file", json!({})).await;
        assert_eq!(heard["result"]["isError"], true, "{heard}");
        assert!(
            heard.to_string().contains("withheld") && heard.to_string().contains("gitlab-token"),
            "{heard}"
        );
        assert_eq!(doors.found("outcome"), ["gitlab-token refused 1"]);
    }
    let locked = || resource("application/pdf", b"%PDF-1.7\ntrailer << /Encrypt 5 0 R >>\n%%EOF");
    let doors = With { server: "", more: "[data]\nunread = \"refuse\"" }.answering(move |_| locked()).await;
    let heard = doors.call(false, "read_file", json!({})).await;
    assert!(heard.to_string().contains("withheld: "), "{heard}");
    assert!(doors.found("outcome").contains(&"unread-content refused 1".to_owned()));
}

// control: DAT-02: A call that carries a secret in a PDF is refused, and the caller is told of which kind.
#[tokio::test]
async fn a_secret_in_a_document_is_not_sent() {
    let held = json!({"name": "a.pdf", "content": STANDARD.encode(page(&format!("the key is {}", token())))});
    for modern in [false, true] {
        let doors = With::default().answering(|_| one("done")).await;
        let heard = doors.call(modern, "read_file", held.clone()).await;
        let why = "the arguments hold a document with what may not be sent: gitlab-token";
        assert!(heard.to_string().contains(why), "{heard}");
        assert_eq!(doors.found("refused"), ["gitlab-token refused 1"]);
    }
}

// control-off: DAT-02, DAT-03: Where nothing is looked for, or what is found is only recorded, the PDF passes with its secret.
#[tokio::test]
async fn without_it_the_document_passes_with_its_secret() {
    let blob = secret()["content"][0]["resource"]["blob"].clone();
    let recorded = With { server: "data = \"record\"", more: "" };
    let carried = OFF.answering(|_| one("done")).await;
    let heard = carried.call(false, "read_file", json!({"content": blob})).await;
    assert_eq!(heard["result"]["content"][0]["text"], "done", "and a call carries it out");
    for (with, found) in [(OFF, vec![]), (recorded, vec!["gitlab-token seen 1"])] {
        let doors = with.answering(|_| secret()).await;
        let heard = doors.call(false, "read_file", json!({})).await;
        assert_eq!(heard["result"]["content"][0]["resource"]["blob"], blob);
        assert_eq!(doors.found("outcome"), found);
    }
}
