use super::*;

fn found(kind: &'static str, class: Class, confidence: Confidence) -> Found {
    Found { kind, class, confidence, span: 0..1, why: "", encoding: None }
}

const HERE: Circumstances<'static> = Circumstances {
    direction: Direction::Result,
    purpose: Purpose::Content,
    field: Some("Notes"),
    label: "confidential",
    roles: &["reader"],
};

#[test]
fn without_rows_secrets_go_and_personal_data_stays() {
    let handling = Handling::default();
    for (class, confidence, expected) in [
        (Class::Secret, Confidence::Certain, Treatment::Redact),
        (Class::Secret, Confidence::Likely, Treatment::Redact),
        (Class::Secret, Confidence::Possible, Treatment::Allow),
        (Class::Personal, Confidence::Certain, Treatment::Allow),
    ] {
        assert_eq!(handling.of(&found("x", class, confidence), &HERE), expected);
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
    let cases: [(Change, bool); 13] = [
        (|_| (), true),
        (|row| row.what = What::Any, true),
        (|row| row.what = What::Kind("payment-card".into()), true),
        (|row| row.what = What::Kind("iban".into()), false),
        (|row| row.what = What::Class(Class::Secret), false),
        (|row| row.direction = Some(Direction::Arguments), false),
        (|row| row.purpose = Some(Purpose::Contact), false),
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
