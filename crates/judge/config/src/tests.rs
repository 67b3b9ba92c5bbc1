//! The key table and the reader agree; whatever the text, reading ends with an answer.

#![expect(clippy::disallowed_methods, reason = "the cases are files")]

mod bad;
mod good;

use super::*;
use crate::keys::{Group, Key, Kind, Need, ROOT};
use crate::words::example;

const LAB: Build = Build { lab: true };
const EVERY_KEY: &str = include_str!("../cases/good/every-key.toml");
const SIGN_IN: &str = include_str!("../cases/good/sign-in.toml");
const SMALLEST: &str = r#"
[gateway]
listen = "127.0.0.1:8443"
public_url = "http://127.0.0.1:8443"

[entra]
tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
client_id = "11111111-2222-3333-4444-555555555555"

[[server]]
name = "crm"
url = "https://crm.contoso.com/mcp"
"#;

/// Every key that is no table, with the header of the table it stands in.
fn leaves(group: &'static Group, header: &str, found: &mut Vec<(String, &'static Key)>) {
    for key in group.keys {
        match key.kind {
            Kind::Group(inner) => leaves(inner, &format!("[{}]", inner.path), found),
            Kind::Groups(inner) => leaves(inner, &format!("[[{}]]", inner.path), found),
            _ => found.push((header.to_owned(), key)),
        }
    }
}

fn all_leaves() -> Vec<(String, &'static Key)> {
    let mut found = Vec::new();
    leaves(&ROOT, "", &mut found);
    found
}

#[test]
fn what_is_left_out_has_the_documented_default() {
    let config = load("doorward.toml", SMALLEST, LAB).unwrap();
    assert_eq!(config.limits.request_bytes, 4 << 20);
    assert_eq!(config.limits.sessions, 20_000);
    assert_eq!(config.sessions.idle.as_secs(), 1800);
    assert_eq!(config.entra.cloud, Cloud::Public);
    assert!(config.entra.accept_v1 && !config.entra.allow_app_only && !config.shared_audience);
    assert_eq!(config.audit.durability, Durability::Batched);
    assert_eq!(config.audit.key_file, std::path::Path::new("keys/audit.key"));
    assert!(config.lab.is_none());
}

/// A documented key that no code reads would be a promise that nobody keeps.
#[test]
fn every_documented_key_is_read() {
    for (header, key) in all_leaves() {
        let inner = header.starts_with("[server.") || header.starts_with("[[server.");
        let header = if inner { format!("[[server]]\n{header}") } else { header };
        let wrong = format!("{header}\n{} = 1979-05-27\n", key.name);
        let errors = load("doorward.toml", &wrong, LAB).unwrap_err();
        let told = errors.problems().iter().any(|problem| {
            problem.what.starts_with("a date where")
                && problem.place.as_ref().is_some_and(|place| place.line == 2 + usize::from(inner))
        });
        assert!(told, "{header} {} is not read:\n{errors}", key.name);
    }
}

#[test]
fn the_file_with_every_key_has_every_key() {
    for (_, key) in all_leaves() {
        // Those that exclude one that is written.
        let other = ["tenant", "token_file", "workload", "key_vault_key", "issuer", "client_secret_file"];
        let line = format!("{} = ", key.name);
        let written =
            [EVERY_KEY, SIGN_IN].iter().any(|file| file.contains(&line)) || other.contains(&key.name);
        assert!(written, "{}", key.name);
    }
    load("doorward.toml", EVERY_KEY, LAB).unwrap();
}

#[test]
fn the_example_shown_for_a_key_is_of_its_type() {
    for (header, key) in all_leaves() {
        let text = format!("{header}\n{} = {}\n", key.name, example(key));
        let errors = load("doorward.toml", &text, LAB).unwrap_err();
        let refused = errors.problems().iter().find(|problem| {
            problem.what.contains(&format!("{}`)", key.name)) && problem.what.contains("expected")
                || problem.what.contains("not TOML")
        });
        assert!(refused.is_none(), "{text}{refused:?}");
    }
}

#[test]
fn every_choice_becomes_a_value_of_its_own() {
    for (header, key) in all_leaves() {
        let Kind::Choice(words) = key.kind else { continue };
        let header = if header == "[[server]]" { String::new() } else { header };
        let mut seen: Vec<Config> = Vec::new();
        for word in words {
            let mut text = match key.name {
                "transport" => SMALLEST.to_owned(),
                _ => SMALLEST.replace("url = \"https://crm.contoso.com/mcp\"", "command = [\"crm\"]"),
            };
            let mut line = format!("{} = \"{word}\"\n", key.name);
            line.push_str(match (key.name, *word) {
                ("kind", "workload-identity") => "token_file = \"t\"\n",
                ("kind", "certificate") => "certificate = \"c\"\nkey = \"k\"\n",
                ("kind", "secret") => "secret_file = \"s\"\n",
                ("source", _) => "kind = \"managed-identity\"\n",
                ("kind", "key-file") => "key_file = \"k\"\n",
                ("pins", _) => "[vault]\nkey_file = \"k\"\n",
                _ => "",
            });
            if header == "[[data.rule]]" {
                line.push_str("find = \"secrets\"\n");
                line.push_str(if key.name == "do" { "" } else { "do = \"mask\"\n" });
            }
            if header.starts_with("[advise") || key.name == "advise" && *word != "off" {
                text = text
                    .replace("name = \"crm\"", "name = \"crm\"\nadvise = \"results\"")
                    .replace("[entra]\n", "[entra]\ncredential = { kind = \"managed-identity\" }\n");
                let whole = "[advise]\nendpoint = \"https://contoso.cognitiveservices.azure.com\"\n";
                let credential = "[advise.credential]\nkind = \"entra\"\n";
                let other = if header == "[advise.credential]" { "" } else { credential };
                line = match key.name {
                    "advise" => {
                        text = text.replace("advise = \"results\"", line.trim_end());
                        format!("{whole}{other}")
                    }
                    _ => format!("{whole}{other}{header}\n{line}"),
                };
                text.push_str(&line);
                let config = load("doorward.toml", &text, LAB).unwrap_or_else(|errors| panic!("{errors}"));
                assert!(!seen.contains(&config), "{} = {word} reads as another word", key.name);
                seen.push(config);
                continue;
            }
            if header == "[guard]" {
                line.push_str("tenant = \"aaaabbbb-0000-cccc-1111-dddd2222eeee\"\nclient_id = \"00001111-aaaa-2222-bbbb-3333cccc4444\"\n");
            }
            if header == "[[client]]" {
                line.push_str(
                    "id = \"c\"\nname = \"C\"\nredirect_uris = [\"http://127.0.0.1/c\"]\n[sign_in]\n",
                );
            }
            if matches!(header.as_str(), "[sign_in]" | "[[client]]") {
                line.push_str("[vault]\nkey_file = \"k\"\n[entra.credential]\nkind = \"managed-identity\"\n");
            }
            if header == "[entra]" {
                text = text.replace("[entra]\n", &format!("[entra]\n{line}"));
            } else {
                text.push_str(&format!("{header}\n{line}"));
            }
            let config = load("doorward.toml", &text, LAB).unwrap();
            assert!(!seen.contains(&config), "{} = {word} reads as another word", key.name);
            seen.push(config);
        }
    }
}

#[test]
fn every_key_says_what_it_means() {
    for (_, key) in all_leaves() {
        assert!(key.about.ends_with('.') && !key.about.contains('|'), "{}", key.name);
        assert!(key.need != Need::Default(""), "{}", key.name);
    }
}

#[test]
fn a_file_cut_or_garbled_anywhere_gets_an_answer() {
    for at in (0..EVERY_KEY.len()).step_by(7) {
        let (head, tail) = EVERY_KEY.split_at(at);
        let _ = load("doorward.toml", head, LAB);
        for odd in ["\u{0}", "\"", "[", "=", "é", "\n", "#"] {
            if let Err(errors) = load("doorward.toml", &format!("{head}{odd}{tail}"), LAB) {
                assert!(!errors.to_string().is_empty() && !errors.problems().is_empty());
            }
        }
    }
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!("{SMALLEST}\n[log]\nlevel = {}", "[".repeat(100_000));
    assert!(load("doorward.toml", &deep, LAB).is_err());
    assert!(load("doorward.toml", &"#".repeat(MOST_BYTES + 1), LAB).is_err());
}

// control: TOK-07, REM-01: A secret that someone writes into the file is refused and does not appear in the message.
#[test]
fn a_secret_in_the_file_is_not_repeated() {
    let beside = |line: &str| SMALLEST.replace("url = \"https://crm.contoso.com/mcp\"", line);
    for text in [
        SMALLEST.replace("[entra]\n", "[entra]\nclient_secret = \"8Q~hush\"\n"),
        SMALLEST.replace("[entra]\n", "[entra]\ngraph_secret = \"8Q~hush\" # 8Q~hush\n"),
        SMALLEST.replace("[entra]\n", "[entra]\nclient_secret = \"8Q~hush\n"),
        SMALLEST.replace("[entra]\n", "[entra]\naccess-token.x = 8Q~hush\n"),
        SMALLEST.replace("http://127.0.0.1", "http://me:hush@127.0.0.1"),
        beside("command = [\"a\"]\nenv = { A = 1, GITHUB_TOKEN = \"hush\", \"B-\" = \"\" }"),
        beside("command = [\"a\"]\nenv = { A-B = \"hush\", C = \"hush\" }"),
        beside("url = \"https://a\"\nheaders = { x = \"hush\", X = \"hush\" }"),
        beside("url = \"https://a\"\ncredential = { key_vault_secret = \"hush\" }"),
        beside("url = \"https://a\"\ncredential = { secret = \"hush\" }"),
        beside(&format!(
            "url = \"https://a\"\ncredential = {{ secret_file = \"x\", prefix = \"hush{}\" }}",
            "!".repeat(64)
        )),
        SMALLEST.replace("[entra]\n", "[entra]\ncredential = { kind = \"secret\", secret = \"hush\" }\n"),
        SMALLEST
            .replace("[entra]\n", "[entra]\ncredential = { kind = \"hush\", client_secret = \"hush\" }\n")
            .replace("kind = \"hush\"", "kind = \"secret\""),
        beside("url = \"https://a\"\nheaders = { Authorization = \"Bearer hush\", x-b = 1 }"),
    ] {
        let errors = load("doorward.toml", &text, LAB).unwrap_err();
        assert!(!format!("{errors}{errors:?}").contains("hush"), "{text}{errors}");
    }
}

// control: D-19: A build without the feature `lab` refuses the table that replaces Entra.
#[test]
fn a_packaged_build_refuses_the_lab() {
    assert!(load("doorward.toml", EVERY_KEY, LAB).unwrap().lab.is_some());
    let errors = load("doorward.toml", EVERY_KEY, Build { lab: false }).unwrap_err();
    assert!(errors.problems()[0].what.contains("no lab"), "{errors}");
}

// control: D-12: Two servers whose tokens nothing tells apart are refused, unless the operator accepts it in words.
#[test]
fn a_shared_audience_must_be_said() {
    let two = format!("{SMALLEST}\n[[server]]\nname = \"wiki\"\nurl = \"https://wiki.contoso.com/mcp\"\n");
    assert!(load("doorward.toml", &two, LAB).unwrap_err().to_string().contains("would open"));
    let said = load("doorward.toml", &format!("shared_audience = true\n{two}"), LAB).unwrap();
    assert!(said.shared_audience);
    for key in ["required_scope", "required_role"] {
        let apart = two
            .replace("name = \"crm\"", &format!("name = \"crm\"\n{key} = \"a\""))
            .replace("name = \"wiki\"", &format!("name = \"wiki\"\n{key} = \"b\""));
        assert!(load("doorward.toml", &apart, LAB).is_ok(), "{key}");
        // One that asks for nothing takes the other's tokens.
        let open = two.replace("name = \"wiki\"", &format!("name = \"wiki\"\n{key} = \"b\""));
        assert!(load("doorward.toml", &open, LAB).is_err(), "{key}");
    }
}

// control: REM-11, IDC-03: Plain HTTP off loopback is refused unless a trusted proxy is named.
#[test]
fn plain_http_stays_on_loopback() {
    let out = SMALLEST
        .replace("listen = \"127.0.0.1:8443\"", "listen = \"192.0.2.1:8443\"")
        .replace("http://127.0.0.1:8443", "https://mcp.contoso.com");
    assert!(load("doorward.toml", &out, LAB).unwrap_err().to_string().contains("in the clear"));
    for remedy in ["trusted_proxies = [\"192.0.2.7/32\"]", "tls = { certificate = \"c\", key = \"k\" }"] {
        let safe = out.replace("[gateway]\n", &format!("[gateway]\n{remedy}\n"));
        assert!(load("doorward.toml", &safe, LAB).is_ok(), "{remedy}");
    }
}

const FACADE: &str = "[sign_in]\n[vault]\nkey_file = \"keys/vault.key\"\n";

fn facade(sign_in: &str) -> String {
    let own = FACADE.replace("[sign_in]\n", &format!("[sign_in]\n{sign_in}"));
    SMALLEST
        .replace("[entra]\n", "[entra]\ncredential = { kind = \"managed-identity\" }\n")
        .replace("[[server]]", &format!("{own}[[server]]"))
}

// control: D-12: The door's own tokens name one server; where Entra's are taken beside them, servers must be told apart.
#[test]
fn servers_behind_the_facade_are_told_apart_by_their_addresses() {
    let two = |sign_in: &str| {
        format!("{}\n[[server]]\nname = \"wiki\"\nurl = \"https://wiki.contoso.com/mcp\"\n", facade(sign_in))
    };
    load("doorward.toml", &two(""), LAB).unwrap_or_else(|errors| panic!("{errors}"));
    for callers in ["apps", "all"] {
        let open = two(&format!("entra_tokens = \"{callers}\"\n"));
        assert!(
            load("doorward.toml", &open, LAB).unwrap_err().to_string().contains("would open"),
            "{callers}"
        );
        for (key, apart) in [("required_scope", callers == "all"), ("required_role", true)] {
            let text = open
                .replace("name = \"crm\"", &format!("name = \"crm\"\n{key} = \"a\""))
                .replace("name = \"wiki\"", &format!("name = \"wiki\"\n{key} = \"b\""));
            assert_eq!(load("doorward.toml", &text, LAB).is_ok(), apart, "{callers} {key}");
        }
    }
}

// control: IDC-11: A door that signs people in is a confidential client; a secret has an owner; a machine can prove itself.
#[test]
fn a_secret_belongs_to_a_confidential_client() {
    load("doorward.toml", &facade(""), LAB).unwrap_or_else(|errors| panic!("{errors}"));
    let credential = "credential = { kind = \"managed-identity\" }\n";
    let client = |lines: &str| {
        facade("").replace("[[server]]", &format!("[[client]]\nid = \"a\"\nname = \"A\"\n{lines}[[server]]"))
    };
    for (text, what) in [
        (facade("").replace(credential, ""), "it has no credential"),
        (facade("").replace("client_id", "# client_id"), "no `client_id`"),
        (facade("").replace("[vault]\nkey_file = \"keys/vault.key\"\n", ""), "no `[vault]`"),
        (SMALLEST.replace("client_id", "credential = { kind = \"managed-identity\" }\n# "), "one of nobody"),
        (client("roles = [\"Service\"]\n"), "nothing to prove itself with"),
        (
            client("secret_file = \"s\"\njwks_file = \"k\"\nroles = [\"Service\"]\n"),
            "could prove itself by either",
        ),
        (client("secret_file = \"s\"\n"), "neither `redirect_uris`"),
    ] {
        let errors = load("doorward.toml", &text, LAB).unwrap_err();
        assert!(errors.to_string().contains(what), "{what}:\n{errors}");
    }
}

#[test]
fn what_people_agree_to_needs_a_place_to_be_kept() {
    use crate::model::Pins;
    let pins = |text: &str| load("doorward.toml", text, LAB).map(|config| config.servers[0].pins);
    assert_eq!(pins(SMALLEST).unwrap(), Pins::Off, "there is no vault");
    assert_eq!(pins(&facade("")).unwrap(), Pins::FirstUse);
    let with = |text: &str, word: &str| text.replace("[[server]]", &format!("[[server]]\npins = \"{word}\""));
    assert_eq!(pins(&with(&facade(""), "approval")).unwrap(), Pins::Approval);
    assert_eq!(pins(&with(&facade(""), "off")).unwrap(), Pins::Off);
    assert_eq!(pins(&with(SMALLEST, "off")).unwrap(), Pins::Off);
    for word in ["first-use", "approval"] {
        let errors = pins(&with(SMALLEST, word)).unwrap_err().to_string();
        assert!(errors.contains("there is no `[vault]`") && errors.contains("add a `[vault]`"), "{errors}");
    }
}

// control: REM-02: With `require_secretless` a client secret is refused, and the other kinds are not.
#[test]
fn a_secret_can_be_refused() {
    let with = |credential: &str| {
        SMALLEST.replace(
            "[entra]\n",
            &format!("[entra]\nrequire_secretless = true\ncredential = {{ {credential} }}\n"),
        )
    };
    let errors = load("doorward.toml", &with("kind = \"secret\", secret_file = \"s\""), LAB).unwrap_err();
    assert!(errors.to_string().contains("it can be copied"), "{errors}");
    for kind in [
        "kind = \"managed-identity\"",
        "kind = \"workload-identity\", token_file = \"t\"",
        "kind = \"certificate\", certificate = \"c\", key = \"k\"",
    ] {
        load("doorward.toml", &with(kind), LAB).unwrap_or_else(|errors| panic!("{errors}"));
    }
}

fn advised(endpoint: &str, credential: &str) -> String {
    SMALLEST
        .replace("name = \"crm\"", "name = \"crm\"\nadvise = \"results\"")
        .replace(
            "[[server]]",
            &format!("[advise]\nendpoint = \"{endpoint}\"\ncredential = {credential}\n[[server]]"),
        )
        .replace("[entra]\n", "[entra]\ncredential = { kind = \"managed-identity\" }\n")
}

// control: INJ-09: The door's tokens go to Azure's own hosts of its cloud alone, and texts to nobody in the clear.
#[test]
fn tokens_for_the_advisers_go_to_azure_alone() {
    let (entra, key) = ("{ kind = \"entra\" }", "{ kind = \"key-file\", key_file = \"k\" }");
    for (endpoint, credential, fits) in [
        ("https://contoso.cognitiveservices.azure.com", entra, true),
        ("https://contoso.cognitiveservices.azure.us", entra, false),
        ("https://contoso.cognitiveservices.azure.com.evil.example", entra, false),
        ("https://evilcognitiveservices.azure.com", entra, false),
        ("https://cognitiveservices.azure.com", entra, false),
        ("https://westeurope.api.cognitive.microsoft.com", entra, false),
        ("https://127.0.0.1:9443", entra, false),
        ("https://westeurope.api.cognitive.microsoft.com", key, true),
        ("https://127.0.0.1:9443", key, true),
        ("http://127.0.0.1:9443", key, false),
        ("http://contoso.cognitiveservices.azure.com", entra, false),
        ("https://contoso.cognitiveservices.azure.com/contentsafety", entra, false),
    ] {
        let loaded = load("doorward.toml", &advised(endpoint, credential), LAB);
        assert_eq!(loaded.is_ok(), fits, "{endpoint} {credential}: {loaded:?}");
    }
    let us = advised("https://contoso.cognitiveservices.azure.us", entra);
    let us = us.replace("[entra]\n", "[entra]\ncloud = \"usgov\"\n");
    load("doorward.toml", &us, LAB).unwrap_or_else(|errors| panic!("{errors}"));
}

// control: INJ-09: A server that counts on opinions is not served without, and nobody is asked unless a server says so.
#[test]
fn opinions_are_asked_for_where_both_say_so() {
    let text = advised("https://contoso.cognitiveservices.azure.com", "{ kind = \"entra\" }");
    let config = load("doorward.toml", &text, LAB).unwrap();
    let advise = config.advise.unwrap();
    let azure = advise.azure.unwrap();
    assert!(azure.prompt_shields && azure.content_safety.is_none() && advise.model.is_none());
    assert_eq!(advise.on_failure, AdviseByRisk { high: AdviseAct::Refuse, low: AdviseAct::Flag });
    assert_eq!((config.servers[0].advise, config.servers[0].risk), (AdviseScope::Results, Risk::High));
    assert_eq!(load("doorward.toml", SMALLEST, LAB).unwrap().servers[0].advise, AdviseScope::Off);
    let silent = text.replace("advise = \"results\"\n", "");
    assert!(load("doorward.toml", &silent, LAB).unwrap_err().to_string().contains("nobody asks"));
    let alone = SMALLEST.replace("name = \"crm\"", "name = \"crm\"\nadvise = \"both\"");
    assert!(load("doorward.toml", &alone, LAB).unwrap_err().to_string().contains("nobody to ask"));
}

// control: INJ-09: A model on this machine needs no service; what is said by halves does not pass for nobody.
#[test]
fn a_model_is_asked_alone_or_beside_the_services() {
    let of = |lines: &str| {
        let text = SMALLEST
            .replace("name = \"crm\"", "name = \"crm\"\nadvise = \"results\"")
            .replace("[[server]]", &format!("[advise]\n{lines}\n[[server]]"));
        load("doorward.toml", &text, LAB).map(|config| config.advise.unwrap())
    };
    let model = "model = { file = \"m.onnx\", tokenizer = \"t.json\" }";
    let alone = of(model).unwrap();
    let read = alone.model.unwrap();
    assert!(alone.azure.is_none() && read.sandbox && read.sha256.is_none());
    assert_eq!((read.benign, read.window, read.sure), (0, 512, 90));
    let azure =
        "endpoint = \"https://contoso.example\"\ncredential = { kind = \"key-file\", key_file = \"k\" }";
    let both = of(&format!("{azure}\n{model}")).unwrap();
    assert!(both.azure.is_some() && both.model.is_some());
    for (lines, told) in [
        ("", "there is nobody to ask"),
        ("deadline = \"1s\"", "there is nobody to ask"),
        ("endpoint = \"https://contoso.example\"", "has `endpoint` and no `credential`"),
        ("credential = { kind = \"entra\" }", "has `credential` and no `endpoint`"),
        (&format!("prompt_shields = true\n{model}"), "has `prompt_shields` and no `endpoint`"),
        (&format!("content_safety = {{ hate = 4 }}\n{model}"), "has `content_safety` and no `credential`"),
        (&format!("{azure}\nprompt_shields = false"), "nobody to ask at Azure"),
        ("model = { file = \"m.onnx\" }", "tokenizer"),
        (&model.replace(" }", ", window = 4 }"), "16 to 8192"),
        (&model.replace(" }", ", sha256 = \"abc\" }"), "no SHA-256"),
        (&model.replace(" }", &format!(", sha256 = \"{}\" }}", "g".repeat(64))), "no SHA-256"),
        (&model.replace(" }", &format!(", sha256 = \"{}\" }}", "a".repeat(66))), "no SHA-256"),
    ] {
        let errors = of(lines).unwrap_err().to_string();
        assert!(errors.contains(told), "{lines}: {errors}");
    }
}

// control: D-18: The key of the store may not lie where the store lies, however that is written.
#[test]
fn the_key_of_the_store_lies_elsewhere() {
    for (path, key, fits) in [
        ("vault/doorward.db", "keys/vault.key", true),
        ("vault/doorward.db", "vault/vault.key", false),
        ("vault/doorward.db", "./vault/keys/vault.key", false),
        ("vault/doorward.db", "keys/../vault/vault.key", false),
        ("doorward.db", "keys/vault.key", false),
        ("/var/lib/vault/doorward.db", "/etc/doorward/vault.key", true),
    ] {
        let text = facade("").replace("keys/vault.key\"", &format!("{key}\"\npath = \"{path}\""));
        let loaded = load("doorward.toml", &text, LAB);
        assert_eq!(loaded.is_ok(), fits, "{path} {key}: {loaded:?}");
    }
}
