//! A question for a name out of a sandbox: one host or nothing, and the answer repeats what was asked.

use doorward_sandbox::question::{self, Reply};

pub(crate) fn run(data: &[u8]) {
    let Ok(question) = question::parse(data) else { return };
    let name = &question.name;
    assert!(!name.is_empty() && name.len() <= 253);
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    assert!(name.bytes().all(letters), "{name}");
    // The labels in the message are those in the name: a resolver that reads on its own hears the same.
    let mut spelled = vec![];
    for label in name.split('.') {
        spelled.push(u8::try_from(label.len()).expect("a label is short"));
        spelled.extend_from_slice(label.as_bytes());
    }
    spelled.push(0);
    let asked = &data[12..12 + spelled.len() + 4];
    assert_eq!(asked[..spelled.len()].to_ascii_lowercase(), spelled);
    for length in 0..data.len() {
        assert!(question::parse(&data[..length]).is_err(), "a part of a question is none");
    }
    let address = [127, 78, 0, 2];
    for (reply, code, behind) in
        [(Reply::Address(address.into()), 0, 16), (Reply::Nothing, 0, 0), (Reply::Refused, 5, 0)]
    {
        let answer = question.answer(reply);
        assert_eq!(answer[..2], data[..2]);
        assert!(answer[2] & 0x80 != 0 && answer[3] & 0xf == code);
        assert_eq!(&answer[12..12 + asked.len()], asked);
        assert_eq!(answer.len(), 12 + asked.len() + behind);
        // No answer is a question, or two of us would talk for ever.
        assert!(question::parse(&answer).is_err());
    }
}
