use super::*;

fn found(kind: &'static str, class: Class, confidence: Confidence) -> Found {
    Found { kind, class, confidence, span: 0..1, why: "", encoding: None }
}

const HERE: Circumstances<'static> = Circumstances {
    direction: Direction::Result,
    purpose: Purpose::Content,
    field: Some("Notes"),
    tool: "read",
    label: "confidential",
    roles: &["reader"],
};

#[test]
fn without_rows_secrets_go_and_personal_data_stays() {
    let handling = Handling::default();
    for (class, confidence, answered, sent) in [
        (Class::Secret, Confidence::Certain, Treatment::Redact, Treatment::Block),
        (Class::Secret, Confidence::Likely, Treatment::Redact, Treatment::Block),
        (Class::Secret, Confidence::Possible, Treatment::Allow, Treatment::Allow),
        (Class::Personal, Confidence::Certain, Treatment::Allow, Treatment::Allow),
    ] {
        let found = found("x", class, confidence);
        assert_eq!(handling.of(&found, &HERE), answered);
        let arguments = Circumstances { direction: Direction::Arguments, ..HERE };
        assert_eq!(handling.of(&found, &arguments), sent);
        let password = Circumstances { purpose: Purpose::Credential, ..arguments };
        assert_eq!(handling.of(&found, &password), Treatment::Allow, "its own place");
    }
}

#[test]
fn the_first_row_that_fits_decides() {
    type Change = fn(&mut Row);
    let row = |change: Change| {
        let mut row = Row::new(What::Class(Class::Personal), Treatment::Block);
        change(&mut row);
        row
    };
    let card = found("payment-card", Class::Personal, Confidence::Certain);
    let cases: [(Change, bool); 15] = [
        (|_| (), true),
        (|row| row.what = What::Any, true),
        (|row| row.what = What::Kind("payment-card".into()), true),
        (|row| row.what = What::Kind("iban".into()), false),
        (|row| row.what = What::Class(Class::Secret), false),
        (|row| row.direction = Some(Direction::Arguments), false),
        (|row| row.purpose = Some(Purpose::Contact), false),
        (|row| row.tools = vec!["read".into()], true),
        (|row| row.tools = vec!["write".into()], false),
        (|row| row.fields = vec!["notes".into()], true),
        (|row| row.fields = vec!["body".into()], false),
        (|row| row.labels = vec!["public".into(), "confidential".into()], true),
        (|row| row.labels = vec!["public".into()], false),
        (|row| row.roles = vec!["admin".into(), "reader".into()], true),
        (|row| row.roles = vec!["admin".into()], false),
    ];
    for (number, (change, fits)) in cases.into_iter().enumerate() {
        let handling = Handling::new(vec![row(change), Row::new(What::Any, Treatment::Mask)]);
        let expected = if fits { Treatment::Block } else { Treatment::Mask };
        assert_eq!(handling.of(&card, &HERE), expected, "case {number}");
    }
}
