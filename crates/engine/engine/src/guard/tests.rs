//! The guards, case by case.

use bytes::Bytes;
use doorward_wire::{Limits, Tree};
use proptest::prelude::*;

use super::*;

fn rules() -> ElicitationRules {
    ElicitationRules {
        forms_guarded: true,
        url_hosts: vec![
            "login.contoso.com".into(),
            "127.0.0.1:8080".into(),
            "[::1]".into(),
            "192.0.2.1".into(),
        ],
        plain_loopback: true,
        urls: Urls::Unproven,
    }
}

fn tree(text: &str) -> Tree {
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn judged(params: &serde_json::Value, rules: &ElicitationRules, era: Era) -> Result<bool, Unasked> {
    let tree = tree(&params.to_string());
    judge(Some(tree.root()), rules, era).map(|url| url.is_some())
}

fn form(schema: serde_json::Value) -> Result<bool, Unasked> {
    let params = serde_json::json!({"message": "Please fill this in.", "requestedSchema": schema});
    judged(&params, &rules(), Era::Modern)
}

fn field(name: &str, field: serde_json::Value) -> Result<bool, Unasked> {
    form(serde_json::json!({"type": "object", "properties": {name: field}}))
}

// control: L-24: a word that asks for a secret is found in every language, spelling and disguise that the list knows
#[test]
fn secrets_are_asked_for_in_many_ways() {
    for text in [
        "password",
        "Password",
        "PASSWORDS",
        "passWord",
        "PaSsWoRd",
        "user_password",
        "dbPassword",
        "mypassword",
        "p a s s w o r d",
        "p.a.s.s.w.o.r.d",
        "pass-word",
        "pass\u{200b}word",
        "p\u{ad}assword",
        "pass\u{e0041}word",
        "paßwort",
        "Benutzerpasswort",
        "contraseña",
        "CONTRASEN\u{303}A",
        "mot de passe",
        "motDePasse",
        "Kennwort",
        "adgangskode",
        "lösenord",
        "hasło",
        "şifre",
        "пароль",
        "密码を入力",
        "パスワード",
        "비밀번호",
        "mật khẩu",
        "p4ssw0rd",
        "p@$$word",
        "pаsswоrd",
        "ｐａｓｓｗｏｒｄ",
        "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝",
        "ⓟⓐⓢⓢⓦⓞⓡⓓ",
        "p̶a̶s̶s̶w̶o̶r̶d̶",
        "passcode",
        "Pass phrase",
        "client_secret",
        "clientSecret",
        "SECRET",
        "s e c r e t",
        "api key",
        "apiKey",
        "API_KEY",
        "X-API-KEY",
        "APIKey",
        "your api-keys",
        "access token",
        "token",
        "GITHUB_TOKEN",
        "personalAccessToken",
        "privateKey",
        "SSH key",
        "seed phrase",
        "recovery phrase",
        "connectionString",
        "credentials",
        "one-time code",
        "oneTimeCode",
        "OTP",
        "2FA",
        "otp_code",
        "verification code",
        "Bestätigungscode",
        "card number",
        "creditCardNumber",
        "CVV",
        "cvv2",
        "Kreditkartennummer",
        "ssn",
        "Social Security Number",
        "CPR-nummer",
        "your PIN",
        "pin code",
        "pincode",
        "Please type the password that you use at work",
    ] {
        assert!(asks_for_secret(text, false), "{text}");
    }
    for label in ["pin", "PIN", "userPin", "card_pin", "pin1", "cpr", "p i n"] {
        assert!(asks_for_secret(label, true), "{label}");
    }
}

#[test]
fn what_only_looks_like_a_secret_passes() {
    for text in [
        "passenger",
        "passengerName",
        "boarding pass",
        "compass",
        "trespass",
        "compass words",
        "passport",
        "pinboard",
        "spin",
        "opinion",
        "shopping",
        "tokenizer model name",
        "max_tokens",
        "maxTokens",
        "token limit",
        "page_token",
        "monkey",
        "keyboard",
        "key",
        "sort key",
        "primary key",
        "secretary",
        "Secretariat",
        "secretName",
        "otpions",
        "to Ken",
        "send it to kenneth",
        "cvvx",
        "description",
        "tanning",
        "username",
        "e-mail",
        "city",
        "code",
        "zip code",
        "country code",
        "",
        " ",
        "1234",
        "\u{200b}",
        "🔑",
        "ss n",
        "ap ikey",
        "passwordless",
    ] {
        assert!(!asks_for_secret(text, true), "{text}");
    }
    assert!(!asks_for_secret("Which note should I pin?", false));
    assert!(!asks_for_secret("First aid and CPR course", false));
}

// control: L-24: whatever a person reads of a form is read, wherever in it the secret is asked for
#[test]
fn a_form_that_asks_for_a_secret_is_refused() {
    let text = || serde_json::json!({"type": "string"});
    for (name, asked) in [
        ("password", text()),
        ("x", serde_json::json!({"type": "string", "title": "Password"})),
        ("x", serde_json::json!({"type": "string", "title": "PIN"})),
        ("x", serde_json::json!({"type": "integer", "description": "The PIN code of your card"})),
        ("x", serde_json::json!({"type": "number", "title": "CVV"})),
        ("x", serde_json::json!({"type": "string", "default": "your password"})),
        ("x", serde_json::json!({"type": "string", "format": "password"})),
        ("x", serde_json::json!({"type": "string", "writeOnly": true})),
        ("p\u{61}ssword", text()),
    ] {
        assert_eq!(field(name, asked.clone()), Err(Unasked::Secret), "{name} {asked}");
    }
    let fields = serde_json::json!({"a": {"type": "boolean"}, "b": {"type": "string", "title": "API key"}});
    for schema in [
        serde_json::json!({"type": "object", "title": "Password", "properties": {"x": text()}}),
        serde_json::json!({"type": "object", "description": "Enter your token.", "properties": {"x": text()}}),
        serde_json::json!({"type": "object", "properties": fields}),
    ] {
        assert_eq!(form(schema.clone()), Err(Unasked::Secret), "{schema}");
    }
    let schema = serde_json::json!({"type": "object", "properties": {"x": text()}});
    let params = serde_json::json!({"mode": "form", "message": "Your password?", "requestedSchema": schema});
    assert_eq!(judged(&params, &rules(), Era::Legacy), Err(Unasked::Secret));
    // Written in JSON's own escapes, it is the same word.
    let escaped = r#"{"message":"m","requestedSchema":{"type":"object","properties":{"\u0070assword":{"type":"string"}}}}"#;
    assert_eq!(judge(Some(tree(escaped).root()), &rules(), Era::Modern).err(), Some(Unasked::Secret));
}

// control-off: L-24: with the guard off the same form is passed on
#[test]
fn with_the_guard_off_a_form_asks_for_anything() {
    let schema = serde_json::json!({"type": "object", "properties": {"password": {"type": "string"}}});
    let params = serde_json::json!({"message": "Your password?", "requestedSchema": schema});
    let off = ElicitationRules { forms_guarded: false, ..rules() };
    assert_eq!(judged(&params, &off, Era::Legacy), Ok(false));
}

#[test]
fn every_form_of_both_revisions_passes() {
    let choices = serde_json::json!([{"const": "a", "title": "Password"}, {"const": "b", "title": "B"}]);
    let schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "Name", "description": "Yours", "minLength": 1, "maxLength": 9, "pattern": "^x", "default": "x"},
            "mail": {"type": "string", "format": "email"},
            "site": {"type": "string", "format": "uri"},
            "day": {"type": "string", "format": "date"},
            "time": {"type": "string", "format": "date-time"},
            "age": {"type": "integer", "minimum": 0, "maximum": 150, "default": 30},
            "score": {"type": "number", "default": 9.5, "exclusiveMinimum": 0},
            "verified": {"type": "boolean", "default": true},
            "color": {"type": "string", "enum": ["red", "green"], "enumNames": ["Red", "Green"], "default": "red"},
            "titled": {"type": "string", "oneOf": choices, "default": "a"},
            "several": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}, "minItems": 1, "maxItems": 2, "default": ["a"]},
            "titles": {"type": "array", "items": {"anyOf": choices}},
        },
        "required": ["name"],
        "additionalProperties": false,
    });
    assert_eq!(form(schema), Ok(false));
    assert_eq!(form(serde_json::json!({"type": "object", "properties": {}})), Ok(false));
    // Nothing can be written into these, whatever they are called.
    let chosen = serde_json::json!({"type": "object", "title": "Password", "properties": {"resetPassword": {"type": "boolean"}}});
    assert_eq!(form(chosen), Ok(false));
}

// control: L-24: a form has the fields that the protocol has and no others, so that nothing in it goes unread
#[test]
fn what_is_no_form_is_refused() {
    for wrong in [
        serde_json::json!({"type": "object", "properties": {}}),
        serde_json::json!({"type": "string", "$ref": "https://evil.example/schema"}),
        serde_json::json!({"type": ["string"]}),
        serde_json::json!({"anyOf": [{"type": "string"}]}),
        serde_json::json!({}),
        serde_json::json!("string"),
        serde_json::json!({"type": "string", "format": "binary"}),
        serde_json::json!({"type": "string", "title": ["Password"]}),
        serde_json::json!({"type": "string", "enum": [{"const": "a"}]}),
        serde_json::json!({"type": "string", "oneOf": [{"title": "a"}]}),
        serde_json::json!({"type": "string", "items": {"enum": ["a"]}}),
        serde_json::json!({"type": "array"}),
        serde_json::json!({"type": "array", "items": {"type": "string"}}),
        serde_json::json!({"type": "array", "items": {"type": "object", "enum": ["a"]}}),
        serde_json::json!({"type": "null"}),
    ] {
        assert_eq!(field("x", wrong.clone()), Err(Unasked::Malformed), "{wrong}");
    }
    let many: serde_json::Map<_, _> =
        (0..65).map(|n| (format!("f{n}"), serde_json::json!({"type": "string"}))).collect();
    for wrong in [
        serde_json::json!({"type": "object"}),
        serde_json::json!({"properties": {}}),
        serde_json::json!({"type": "array", "properties": {}}),
        serde_json::json!({"type": "object", "properties": {}, "allOf": [{}]}),
        serde_json::json!({"type": "object", "properties": {}, "$ref": "x"}),
        serde_json::json!({"type": "object", "properties": {}, "required": "x"}),
        serde_json::json!({"type": "object", "properties": {"x": {"type": "string", "title": "x".repeat(FORM)}}}),
        serde_json::json!({"type": "object", "properties": many}),
        serde_json::json!(null),
    ] {
        assert_eq!(form(wrong.clone()), Err(Unasked::Malformed));
    }
    let schema = || serde_json::json!({"type": "object", "properties": {}});
    for wrong in [
        serde_json::json!({"requestedSchema": schema()}),
        serde_json::json!({"message": 1, "requestedSchema": schema()}),
        serde_json::json!({"message": "x".repeat(MESSAGE + 1), "requestedSchema": schema()}),
        serde_json::json!({"message": "m"}),
        serde_json::json!({"message": "m", "mode": "other", "requestedSchema": schema()}),
        serde_json::json!({"message": "m", "mode": null, "requestedSchema": schema()}),
        serde_json::json!([]),
    ] {
        assert_eq!(judged(&wrong, &rules(), Era::Modern), Err(Unasked::Malformed), "{wrong}");
    }
    assert_eq!(judge(None, &rules(), Era::Modern).err(), Some(Unasked::Malformed));
}

// control: L-24: an address leads to a host on the list by every reading of it, or it goes nowhere
#[test]
fn an_address_is_on_the_list() {
    let asks = |url: &str, rules: &ElicitationRules| {
        let params =
            serde_json::json!({"mode": "url", "message": "Open this.", "url": url, "elicitationId": "e"});
        judged(&params, rules, Era::Legacy)
    };
    for url in [
        "https://login.contoso.com",
        "https://LOGIN.contoso.com/",
        "https://login.contoso.com:443/a?state=x#y",
        "https://login.contoso.com?next=https://evil.example/@",
        "http://127.0.0.1:8080/x",
        "https://127.0.0.1:8080/x",
        "http://[::1]/",
        "https://[::1]:443/",
        "https://192.0.2.1/",
    ] {
        assert_eq!(asks(url, &rules()), Ok(true), "{url}");
    }
    for url in [
        "https://evil.example/",
        "https://login.contoso.com.evil.example/",
        "https://evil.login.contoso.com/",
        "https://login.contoso.com@evil.example/",
        "https://login.contoso.com:x@evil.example/",
        "https://me:pw@login.contoso.com/",
        "https://evil.example\\@login.contoso.com/",
        "https://login.contoso.com\\evil",
        "http://login.contoso.com/",
        "http://192.0.2.1/",
        "https://login.contoso.com:444/",
        "https://login.contoso.com:80/",
        "https://login.contoso.com:/",
        "https://login.contoso.com./",
        "https://login%2econtoso.com/",
        "https://ｌogin.contoso.com/",
        "https:/login.contoso.com/",
        "https:login.contoso.com",
        "https:///login.contoso.com/",
        "//login.contoso.com/",
        "HTTPS://login.contoso.com/",
        " https://login.contoso.com/",
        "https://login.contoso.com/\n",
        "https://login.\u{ad}contoso.com/",
        "javascript:alert(1)//login.contoso.com",
        "data:text/html,x",
        "",
        "login.contoso.com",
        "http://127.0.0.1/",
        "http://127.1:8080/",
        "http://2130706433:8080/",
        "file:///etc/passwd",
    ] {
        assert_eq!(asks(url, &rules()), Err(Unasked::Url), "{url:?}");
    }
    assert_eq!(asks(&format!("https://login.contoso.com/{}", "x".repeat(URL)), &rules()), Err(Unasked::Url));
    let outside = ElicitationRules { plain_loopback: false, ..rules() };
    assert_eq!(asks("http://127.0.0.1:8080/x", &outside), Err(Unasked::Url), "no lab, no plain HTTP");
}

// control-off: L-24: the list alone holds an address back
#[test]
fn with_the_host_on_the_list_an_address_goes_there() {
    let params = serde_json::json!({"mode": "url", "message": "Open this.", "url": "https://evil.example/"});
    let listed = ElicitationRules { url_hosts: vec!["evil.example".into()], ..rules() };
    assert_eq!(judged(&params, &listed, Era::Modern), Ok(true));
}

#[test]
fn an_older_server_names_its_question() {
    let asks = |id: serde_json::Value, era| {
        let mut params =
            serde_json::json!({"mode": "url", "message": "m", "url": "https://login.contoso.com/"});
        params["elicitationId"] = id;
        judged(&params, &rules(), era)
    };
    for id in [serde_json::json!(null), serde_json::json!(""), serde_json::json!(1)] {
        assert_eq!(asks(id.clone(), Era::Legacy), Err(Unasked::Malformed));
        assert_eq!(asks(id, Era::Modern), Ok(true));
    }
    let params = serde_json::json!({"mode": "url", "message": "m", "url": 1});
    assert_eq!(judged(&params, &rules(), Era::Modern), Err(Unasked::Malformed));
}

// control: L-24: an answer is one of three, and content comes only with a yes
#[test]
fn an_answer_is_one_of_three() {
    for good in [
        r#"{"action":"accept"}"#,
        r#"{"action":"accept","content":{}}"#,
        r#"{"action":"accept","content":{"a":"b","c":1.5,"d":true,"e":["f","g"],"h":null}}"#,
        r#"{"action":"decline"}"#,
        r#"{"action":"cancel","content":null}"#,
        r#"{"action":"decline","content":{},"_meta":{"x":{}}}"#,
    ] {
        assert!(is_answer(tree(good).root()), "{good}");
    }
    for wrong in [
        "{}",
        r#"{"action":"Accept"}"#,
        r#"{"action":1}"#,
        r#"{"action":["accept"]}"#,
        r#"{"action":"decline","content":{"a":"b"}}"#,
        r#"{"action":"cancel","content":"x"}"#,
        r#"{"action":"accept","content":"x"}"#,
        r#"{"action":"accept","content":["x"]}"#,
        r#"{"action":"accept","content":{"a":{"b":1}}}"#,
        r#"{"action":"accept","content":{"a":[1]}}"#,
        r#"{"content":{"a":"b"}}"#,
        r#""accept""#,
    ] {
        assert!(!is_answer(tree(wrong).root()), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,300}", label: bool) {
        // Whatever stands around it, a word that is set apart is found.
        let text = format!("{text} | password | {text}");
        prop_assert!(asks_for_secret(&text, label));
    }

    #[test]
    fn no_address_off_the_list_gets_through(host in "[a-z0-9.@:\\\\/%\\-]{0,40}", rest in "\\PC{0,40}") {
        let url = format!("https://{host}{rest}");
        if is_allowed(&url, &rules()) {
            let tail = url.trim_start_matches("https://").to_ascii_lowercase();
            let listed = rules().url_hosts.iter().any(|host| tail.starts_with(host.as_str()));
            prop_assert!(listed, "{}", url);
        }
    }
}

// control: L-24: a question as long as one may be is read in a moment: work that grew with its square would not end
#[test]
fn the_longest_question_is_read() {
    for word in ["passwor", "to ken ", "p a s s w o r ", "tokens "] {
        let text = word.repeat(FORM / word.len());
        assert!(!asks_for_secret(&text, false), "{word}");
    }
}
