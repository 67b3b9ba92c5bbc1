//! Every rule, with a secret drawn to its shape, and the neighbours of that shape that are none.

use super::*;
use crate::charset::Part;
use crate::testing::Draw;

/// Rules that are held against their own shape, with each of their beginnings.
fn cases() -> impl Iterator<Item = (&'static Rule, &'static str)> {
    rules::all().flat_map(|rule| rule.anchors.iter().map(move |anchor| (rule, *anchor)))
}

fn before(rule: &Rule) -> String {
    rule.near.first().map(|word| format!("{word} ")).unwrap_or_default()
}

// control: DAT-03: A secret of each provider's shape is found in a text, in quotes, in an address and in JSON.
#[test]
fn every_shape_is_found() {
    let mut draw = Draw::new(1);
    for (rule, anchor) in cases() {
        for round in 0..12 {
            let secret = draw.secret(rule, anchor);
            let near = before(rule);
            let text = match round % 6 {
                0 => format!("{near}{secret}"),
                1 => format!("{near}the value is {secret}, and more"),
                2 => format!("{{\"{near}a\":\"{secret}\"}}"),
                3 => format!("{near}\n{secret}\n"),
                4 => format!("{near}export X={secret} Y=2"),
                _ => format!("{near}(`{secret}`)"),
            };
            let found = find(&text);
            let hit = found.iter().find(|found| found.class == Class::Secret);
            let whole = hit.is_some_and(|hit| {
                let shown = text[hit.span.clone()].trim_end();
                shown.contains(secret.trim_end())
                    || secret.starts_with(shown) && secret.len() - shown.len() <= 3
            });
            assert!(whole, "{} {anchor} round {round}: {text} {found:?}", rule.kind);
        }
    }
}

#[test]
fn a_right_check_digit_makes_certain_and_a_wrong_one_does_not_hide() {
    let mut draw = Draw::new(2);
    let token = draw.github();
    assert_eq!(find(&token)[0].confidence, Confidence::Certain);
    let last = if token.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{last}", &token[..token.len() - 1]);
    assert_eq!(find(&wrong)[0].confidence, Confidence::Likely);
}

#[test]
fn a_shape_inside_of_a_longer_word_is_none() {
    let mut draw = Draw::new(3);
    for (rule, anchor) in cases() {
        // An edge of its own means that words are not what it stands in.
        if rule.edge.has(b'x')
            && !anchor.contains(['.', '/', ' ', '$', ':', '+', '-'])
            && rule.head.is_empty()
        {
            let secret = draw.secret(rule, anchor);
            let kinds = secrets(&format!("{}x{secret}", before(rule)));
            assert!(!kinds.contains(&rule.kind), "{}: x{secret}", rule.kind);
        }
    }
}

#[test]
fn a_shape_that_is_too_short_is_none() {
    let mut draw = Draw::new(4);
    for (rule, anchor) in cases() {
        let Some(Part::Run(_, least, _)) = rule.tail.last() else { continue };
        if *least < 8 {
            continue;
        }
        let secret = draw.secret(rule, anchor);
        let cut = &secret[..secret.len() - usize::from(*least) / 2];
        let kinds = secrets(&format!("{}{cut}.", before(rule)));
        assert!(!kinds.contains(&rule.kind), "{}: {cut}", rule.kind);
    }
}

#[test]
fn a_placeholder_in_a_shape_is_none() {
    for (rule, anchor) in cases() {
        for filling in
            ["x", "X", "0", "a", "abcdefghijklmnop", "0123456789", "your-token-here-", "EXAMPLE", "xxxx-"]
        {
            let long = filling.repeat(60);
            for length in (12..=100).step_by(11) {
                let text = format!("{}{}{anchor}{}", before(rule), "", &long[..length.min(long.len())]);
                assert_eq!(secrets(&text), Vec::<&str>::new(), "{}: {text}", rule.kind);
            }
        }
    }
}

#[test]
fn keys_in_armour_are_found_whole_cut_off_and_with_escaped_lines() {
    let mut draw = Draw::new(5);
    let names = [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "DSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
        "ANY PRIVATE KEY",
    ];
    for name in names {
        let key = draw.armour(name);
        for text in [
            key.clone(),
            key.replace('\n', "\\n"),
            key.replace('\n', "\r\n"),
            key[..220].to_owned(),
            format!("a{key}b"),
        ] {
            let found = find(&text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].kind, "private-key");
            assert!(found[0].span.len() >= text.len() - 2, "{text}");
        }
    }
    let encrypted = draw.armour("RSA PRIVATE KEY").replacen(
        '\n',
        "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
        1,
    );
    assert_eq!(secrets(&encrypted), ["private-key"]);
    for harmless in [
        draw.armour("PUBLIC KEY"),
        draw.armour("CERTIFICATE"),
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----".into(),
        "-----BEGIN PRIVATE KEY-----\n<your key>\n-----END PRIVATE KEY-----".into(),
        "starts with `-----BEGIN PRIVATE KEY-----` and then a lot of documentation follows".into(),
    ] {
        assert_eq!(secrets(&harmless), Vec::<&str>::new(), "{harmless}");
    }
}

#[test]
fn other_shapes_are_found() {
    let mut draw = Draw::new(6);
    let lines =
        |draw: &mut Draw| format!("{}\n{}", draw.of(Charset::BASE64, 64), draw.of(Charset::BASE64, 40));
    let putty = format!(
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: me\nPublic-Lines: 2\n{}\nPrivate-Lines: 2\n{}\nPrivate-MAC: {}",
        lines(&mut draw),
        lines(&mut draw),
        draw.hex(64)
    );
    assert!(is_found(&putty, "private-key", &putty));
    let jwt = draw.jwt();
    for text in [jwt.clone(), format!("token={jwt}&x=1"), format!("\"{jwt}\""), format!("Bearer {jwt}.")] {
        assert!(is_found(&text, "json-web-token", &jwt), "{text}");
    }
    let sealed = format!(
        "{}.{}.{}.{}.{}",
        &jwt[..jwt.find('.').unwrap()],
        draw.token(40),
        draw.token(16),
        draw.token(60),
        draw.token(22)
    );
    assert!(is_found(&sealed, "json-web-token", &sealed));
    let (id, secret) =
        (format!("AKIA{}", draw.of(Charset::CAPITAL, 16)), format!("a+Z9{}", draw.of(Charset::BASE64, 36)));
    for text in [format!("{id},{secret}"), format!("{id}\n{secret}\n"), format!("id: {id}\nkey: {secret}")] {
        assert!(secrets(&text).contains(&"aws-secret-key"), "{text}");
    }
    use base64::Engine as _;
    let number = base64::engine::general_purpose::STANDARD.encode(b"112233445566778899");
    let discord = format!("{number}.{}.{}", draw.of(Charset::URL64, 6), draw.of(Charset::URL64, 27));
    assert!(is_found(&discord, "discord-token", &discord));
}

#[test]
fn tokens_of_azure_devops_prove_themselves() {
    let mut draw = Draw::new(7);
    let mut bytes: Vec<u8> = (0..32).map(|_| draw.number(256) as u8).collect();
    let rest: Vec<u8> =
        (0..32).filter(|at| !checksum::DEVOPS_CHECK.contains(at)).map(|at| bytes[at]).collect();
    let check = (checksum::crc32(&rest) ^ checksum::DEVOPS_SEEDS[0]).to_le_bytes();
    for (at, byte) in checksum::DEVOPS_CHECK.into_iter().zip(check) {
        bytes[at] = byte;
    }
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |five: &[u8]| {
        let value = five.iter().fold(0, |value, bit| value << 1 | bit) << (5 - five.len());
        char::from(b"abcdefghijklmnopqrstuvwxyz234567"[usize::from(value)])
    };
    let token: String = bits.chunks(5).map(digit).collect();
    assert_eq!(token.len(), 52);
    assert!(is_found(&format!("pat {token}"), "azure-devops-token", &token));
    let other = format!("{}{}", &token[..51], if token.ends_with('a') { 'q' } else { 'a' });
    assert_eq!(secrets(&format!("hash {}", other.replace(&token[4..6], "zz"))), Vec::<&str>::new());
}
