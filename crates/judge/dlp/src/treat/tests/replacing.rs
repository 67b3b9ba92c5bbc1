//! What stands where a finding stood.

use super::*;

fn quoted(text: &str) -> String {
    doorward_wire::quote(text)
}

// control: DAT-03: A secret in a result is gone from every place it stands in, and what stands beside it is untouched.
#[test]
fn a_secret_is_gone_from_every_place() {
    let mut draw = Draw::new(61);
    let token = draw.github();
    let text = format!(
        r#"{{"content":[{{"type":"text","text":"a\n\"{token}\" b é \u00e9"}},{{"type":"text","text":{}}}],"structuredContent":{{"key": "{token}" , "n":1.50,"x":[1, 2]}},"isError":false}}"#,
        quoted(&format!(r#"{{"key":"{token}","n":1.50}}"#))
    );
    let after = Case::result(Treatment::Redact).after(&text, &vault());
    assert!(!after.contains(&token[4..]));
    assert_eq!(
        after,
        format!(
            r#"{{"content":[{{"type":"text","text":"a\n\"[secret:github-token]\" b é é"}},{{"type":"text","text":{}}}],"structuredContent":{{"key": "[secret:github-token]" , "n":1.50,"x":[1, 2]}},"isError":false}}"#,
            quoted(r#"{"key":"[secret:github-token]","n":1.50}"#)
        )
    );
}

// control-off: DAT-03: Where secrets are allowed, the same result goes on byte for byte, and what was in it is recorded.
#[test]
fn what_is_allowed_stays_and_is_recorded() {
    let token = Draw::new(62).github();
    let document = tree(&format!(r#"{{"a":["{token}"]}}"#));
    let treated = Case::result(Treatment::Allow).treat(&document, &vault());
    assert!(treated.edits.is_empty() && treated.numbers.is_empty() && !treated.blocked);
    assert_eq!(treated.findings.len(), 1);
    assert_eq!(treated.findings[0].kind, "github-token");
    assert_eq!(&document.bytes()[treated.findings[0].within.range()], format!("\"{token}\"").as_bytes());
}

// control: D-04: What `structuredContent` calls a password is taken out of the prose beside it as well.
#[test]
fn twins_get_the_same_replacement() {
    let text = r#"{"content":[{"type":"text","text":"Log in as anna, and then type Winter2024! twice: Winter2024!"}],"structuredContent":{"user":"anna","password":"Winter2024!"}}"#;
    assert_eq!(
        Case::result(Treatment::Redact).after(text, &vault()),
        r#"{"content":[{"type":"text","text":"Log in as anna, and then type [secret:password] twice: [secret:password]"}],"structuredContent":{"user":"anna","password":"[secret:password]"}}"#
    );
}

// control: D-04: A card that is a number becomes a string only if the schema lets the caller do so.
#[test]
fn a_number_is_asked_about() {
    let card = Draw::new(63).card("4", 16);
    let document = tree(&format!(r#"{{"card":{card},"other":1234567890123456,"small":4111}}"#));
    let treated = Case::result(Treatment::Mask).treat(&document, &vault());
    assert!(treated.edits.is_empty());
    assert_eq!(treated.numbers.len(), 1);
    assert_eq!(&document.bytes()[treated.numbers[0].span.range()], card.as_bytes());
    assert_eq!(treated.numbers[0].text, format!("\"****{}\"", &card[12..]));
    // In JSON within a string nobody's schema is asked.
    let text = format!(r#"{{"text":{}}}"#, quoted(&format!(r#"{{"card":{card},"ok":true}}"#)));
    let after = Case::result(Treatment::Redact).after(&text, &vault());
    assert_eq!(after, format!(r#"{{"text":{}}}"#, quoted(r#"{"card":"[personal:payment-card]","ok":true}"#)));
}

#[test]
fn json_within_json_within_json_is_read() {
    let token = Draw::new(64).github();
    let inner = format!(r#"{{"env":[{{"name":"DB_PASSWORD","value":"Winter2024!"}}],"t":"{token}"}}"#);
    let text = format!(r#"{{"text":{}}}"#, quoted(&format!(r#"[{},null]"#, quoted(&inner))));
    let after = Case::result(Treatment::Redact).after(&text, &vault());
    let expected =
        r#"{"env":[{"name":"DB_PASSWORD","value":"[secret:password]"}],"t":"[secret:github-token]"}"#;
    assert_eq!(after, format!(r#"{{"text":{}}}"#, quoted(&format!(r#"[{},null]"#, quoted(expected)))));
}

#[test]
fn each_kind_has_its_mask() {
    let mut draw = Draw::new(65);
    let (card, iban, cpr) = (draw.card("51", 16), draw.iban("DK", 18), draw.cpr("010190"));
    for (text, expected) in [
        (format!("pay {card}"), format!("pay ****{}", &card[12..])),
        (format!("to {iban}"), format!("to ****{}", &iban[14..])),
        (format!("it is {cpr}"), "it is ****".into()),
        ("from anna@firma.dk".into(), "from a****@firma.dk".into()),
        ("on +45 12 34 56 78".into(), "on ****78".into()),
        (format!("with {}", draw.github()), "with ****".into()),
    ] {
        let after = Case::result(Treatment::Mask).after(&format!("{{\"a\":{}}}", quoted(&text)), &vault());
        assert_eq!(after, format!("{{\"a\":{}}}", quoted(&expected)));
    }
}

#[test]
fn base64_stays_base64() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let token = Draw::new(66).github();
    let blob = STANDARD.encode(format!("first line\ntoken = {token}\nlast line, with more text\n"));
    let after = Case::result(Treatment::Redact).after(&format!("{{\"blob\":\"{blob}\"}}"), &vault());
    let blob = tree(&after).root().get("blob").unwrap().as_str().unwrap().into_owned();
    let text = String::from_utf8(STANDARD.decode(blob).unwrap()).unwrap();
    assert_eq!(text, "first line\ntoken = [secret:github-token]\nlast line, with more text\n");
}

// control: DAT-03: A secret that a row blocks, or that stands in a member's name, ends the message.
#[test]
fn some_findings_end_the_message() {
    let token = Draw::new(67).github();
    let named = tree(&format!(r#"{{"{token}":1}}"#));
    let treated = Case::result(Treatment::Redact).treat(&named, &vault());
    assert!(treated.blocked && treated.edits.is_empty() && treated.findings[0].in_name);
    let valued = tree(&format!(r#"{{"a":"{token}","b":"anna@firma.dk"}}"#));
    let rows =
        vec![Row::new(What::Class(Class::Secret), Treatment::Block), Row::new(What::Any, Treatment::Redact)];
    let case = Case { handling: Handling::new(rows), ..Case::result(Treatment::Allow) };
    let treated = case.treat(&valued, &vault());
    assert!(treated.blocked && treated.edits.is_empty());
    let treatments: Vec<_> = treated.findings.iter().map(|finding| finding.treatment).collect();
    assert_eq!(treatments, [Treatment::Block, Treatment::Redact]);
}

#[test]
fn names_that_say_nothing_are_told_by_their_object() {
    let mut draw = Draw::new(68);
    let (d, n, list) = (draw.token(43), draw.token(86), format!("k7{}", draw.token(20)));
    let text =
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{n}","d":"{d}","apiKeys":["{list}"],"o":{{"d":"{n}"}}}}"#);
    let after = Case::result(Treatment::Redact).after(&text, &vault());
    assert_eq!(
        after,
        format!(
            r#"{{"kty":"EC","crv":"P-256","x":"{n}","d":"[secret:named-secret]","apiKeys":["[secret:named-secret]"],"o":{{"d":"{n}"}}}}"#
        )
    );
}
