//! Files that load: the published examples, and what each key becomes.
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use doorward_dlp::{Class, Confidence, Direction, Purpose, Row, Treatment, What};

use crate::{
    AdviseAct, AdviseByRisk, AdviseCredential, AdviseScope, Build, Cloud, Config, DataUse, Durability,
    Elicitation, EntraCredential, EntraTokens, Era, FlaggedResults, LogFormat, LogLevel, Risk,
    ServerCredential, Spotlight, Target, Tenants, TokenCache, VaultKey, is_for_guard, load, load_guard, page,
    schema,
};

const LAB: Build = Build { lab: true };
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../..");

fn good(name: &str) -> Config {
    let text = fs::read_to_string(format!("{}/cases/good/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    load(name, &text, LAB).unwrap_or_else(|errors| panic!("{errors}"))
}

fn files_in(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|ext| ext == "toml")).collect()
}

#[test]
fn every_published_example_loads_in_a_packaged_build() {
    let examples = files_in(format!("{ROOT}/examples"));
    assert!(examples.len() >= 5);
    for example in examples {
        let text = fs::read_to_string(&example).unwrap();
        load(example.to_str().unwrap(), &text, Build { lab: false })
            .unwrap_or_else(|errors| panic!("{errors}"));
    }
}

#[test]
fn every_file_that_loads_fits_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut files = files_in(format!("{ROOT}/examples"));
    files.extend(files_in(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/good")));
    for file in files {
        let value: serde_json::Value = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let faults: Vec<String> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{}: {faults:?}", file.display());
    }
    let unknown = serde_json::json!({ "gateway": { "listne": "127.0.0.1:1" } });
    assert!(!validator.is_valid(&unknown));
}

#[test]
fn labels_are_off_until_one_is_written() {
    let smallest = crate::load_labels("labels.toml", "").unwrap();
    assert_eq!((smallest.mode, smallest.rows), (crate::FlowMode::Off, 0));
    let one = "[[label]]\nserver = \"files\"\nconfidentiality = \"restricted\"\n";
    let labels = crate::load_labels("labels.toml", one).unwrap();
    assert_eq!((labels.mode, labels.rows), (crate::FlowMode::Enforce, 1));
    assert_eq!(labels.rules, doorward_flow::Rules::default());
    let errors = crate::load_labels("labels.toml", "[[label]]\nintegrity = \"trusted\"\n").unwrap_err();
    assert!(errors.to_string().contains("[[label]] needs `server`"), "{errors}");
}

#[test]
fn the_reference_page_is_the_committed_one() {
    let committed = format!("{ROOT}/docs/configuration.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&committed, page()).unwrap();
    }
    assert!(
        fs::read_to_string(&committed).unwrap_or_default() == page(),
        "docs/configuration.md is stale: BLESS=1 cargo test -p doorward-config writes it"
    );
}

#[test]
fn every_kind_of_data_is_on_its_page() {
    let page = fs::read_to_string(format!("{ROOT}/docs/data.md")).unwrap();
    let missing: Vec<_> = doorward_dlp::kinds()
        .into_iter()
        .map(|(kind, _)| kind)
        .filter(|kind| !page.contains(&format!("`{kind}`")))
        .collect();
    assert!(missing.is_empty(), "docs/data.md does not list {missing:?}");
}

#[test]
fn every_key_arrives_where_it_belongs() {
    let config = good("every-key");
    assert!(config.shared_audience);

    let gateway = &config.gateway;
    assert_eq!(gateway.listen, SocketAddr::from(([127, 0, 0, 1], 0)));
    assert_eq!(gateway.public_url.as_str(), "https://mcp.contoso.com:8443");
    assert_eq!(gateway.metrics.unwrap().port(), 9464);
    assert_eq!(gateway.allowed_origins[1].as_str(), "http://localhost:6274");
    assert_eq!(gateway.trusted_proxies[1].to_string(), "fd00::/8");
    assert_eq!(gateway.tls.as_ref().unwrap().key, Path::new("/etc/tls/key.pem"));

    let limits = &config.limits;
    assert_eq!([limits.request_bytes, limits.response_bytes], [1024, 2048]);
    assert_eq!([limits.event_bytes, limits.header_bytes], [3072, 4096]);
    assert_eq!([limits.concurrent_calls, limits.sessions, limits.sessions_per_person], [1, 2, 3]);
    assert_eq!(limits.call_timeout, Duration::from_millis(500));
    assert_eq!(limits.call_timeout_max, Duration::from_hours(24));
    assert_eq!(limits.drain, Duration::ZERO);
    assert_eq!(config.sessions.idle, Duration::from_secs(2));
    assert_eq!(config.sessions.absolute, Duration::from_secs(4));
    assert!(!config.sessions.resume);

    let entra = &config.entra;
    assert_eq!(entra.cloud, Cloud::China);
    assert!(
        matches!(&entra.tenants, Tenants::Many(list) if list[0].as_str() == "aaaabbbb-0000-cccc-1111-dddd2222eeee")
    );
    assert_eq!((entra.accept_v1, entra.allow_app_only), (false, true));
    let secret = EntraCredential::Secret { file: "secrets/graph".into(), expires: Some(1_801_353_600) };
    assert_eq!(entra.credential, Some(secret));

    assert_eq!((config.data.read_bytes, config.data.refuses_unread), (1024, true));
    let [tokenised, blocked] = config.data.rules.as_slice() else { panic!("{:?}", config.data) };
    let row = Row {
        at_least: Confidence::Certain,
        direction: Some(Direction::Result),
        purpose: Some(Purpose::Content),
        tools: vec!["read_file".into()],
        fields: vec!["notes".into()],
        labels: vec!["confidential".into()],
        roles: vec!["Mcp.Admin".into()],
        ..Row::new(What::Kind("payment-card".into()), Treatment::Tokenise)
    };
    let secrets = Row { what: What::Class(Class::Secret), ..row.clone() };
    assert_eq!(tokenised.rows, [row, secrets]);
    assert_eq!(tokenised.servers[0].as_str(), "child");
    let row = Row { direction: Some(Direction::Arguments), ..Row::new(What::Any, Treatment::Block) };
    assert_eq!(blocked.rows.as_slice(), std::slice::from_ref(&row));
    let [remote, child] = config.servers.as_slice() else { panic!("{:?}", config.servers) };
    assert_eq!((remote.data, remote.data_label.as_deref()), (DataUse::Record, Some("confidential")));
    assert_eq!((child.data, child.data_label.as_deref()), (DataUse::Rules, None));
    assert_eq!(config.data.rows_for(&remote.name), [row]);
    assert_eq!(config.data.rows_for(&child.name).len(), 3);
    let advise = config.advise.as_ref().unwrap();
    let azure = advise.azure.as_ref().unwrap();
    assert_eq!(azure.endpoint.as_str(), "https://westeurope.api.cognitive.microsoft.com");
    assert_eq!(azure.credential, AdviseCredential::KeyFile("secrets/content-safety".into()));
    let content = azure.content_safety.as_ref().unwrap();
    assert_eq!([content.hate, content.self_harm, content.sexual, content.violence], [2, 3, 4, 7].map(Some));
    assert_eq!(content.blocklists, ["contoso-words", "m.1"]);
    assert_eq!((advise.deadline, advise.keep), (Duration::from_millis(1500), Duration::from_mins(1)));
    assert_eq!((azure.prompt_shields, advise.pieces), (false, 3));
    let model = advise.model.as_ref().unwrap();
    assert_eq!((model.benign, model.window, model.sure, model.sandbox), (1, 256, 75, false));
    assert_eq!(model.sha256.unwrap()[..4], [0x9f, 0x86, 0xd0, 0x81]);
    assert_eq!(model.file, Path::new("models/guard.onnx"));
    assert_eq!(advise.on_finding, AdviseByRisk { high: AdviseAct::Refuse, low: AdviseAct::Flag });
    assert_eq!(advise.on_failure, AdviseByRisk { high: AdviseAct::Flag, low: AdviseAct::Refuse });
    let server = config.server("remote").unwrap();
    assert_eq!((server.advise, server.risk), (AdviseScope::Both, Risk::Low));

    assert_eq!(config.policy.dir, Path::new("rules"));
    assert_eq!(config.audit.durability, Durability::Record);
    assert_eq!(config.audit.segment_bytes, 1 << 20);
    assert_eq!(config.audit.key_file, Path::new("sign.key"));
    assert_eq!((config.log.format, config.log.level), (LogFormat::Json, LogLevel::Trace));
    let lab = config.lab.as_ref().unwrap();
    assert_eq!(lab.graph.to_string(), "https://127.0.0.1:8444/graph");
    assert_eq!(lab.origins[0].as_str(), "http://upstream.test:8080");
}

#[test]
fn servers_take_what_they_do_not_say_from_entra() {
    let config = good("every-key");
    let remote = config.server("remote").unwrap();
    assert_eq!(remote.path(), "/remote/mcp");
    assert_eq!(remote.timeout, config.limits.call_timeout);
    assert_eq!(
        remote.access.app_id_uris,
        ["api://one", "https://contoso.com/two", "api://11111111-2222-3333-4444-555555555555"]
    );
    assert_eq!(remote.access.required_role, ["Mcp.Use", "Mcp.Admin"]);
    let Target::Http(http) = &remote.target else { panic!("remote") };
    assert_eq!(http.url.to_string(), "http://127.0.0.1:3001/MCP?x=1");
    assert_eq!(http.headers["x-region"], "north");
    assert!(http.sse);
    let hosts = vec!["login.contoso.com".to_owned(), "127.0.0.1:8080".to_owned()];
    let asks = Elicitation { forms_guarded: false, url_hosts: hosts, urls_unproven: true };
    assert_eq!(remote.elicitation, asks);

    let child = config.server("child").unwrap();
    assert_eq!(child.timeout, Duration::from_secs(5));
    // The URIs of `[entra]` belong to another app registration.
    assert_eq!(child.access.app_id_uris, ["api://child", "api://66666666-7777-8888-9999-000000000000"]);
    assert!(child.access.required_scope.is_empty());
    let Target::Stdio(stdio) = &child.target else { panic!("child") };
    assert_eq!((stdio.program.as_str(), stdio.args.as_slice()), ("node", &["server.js".to_owned()][..]));
    assert_eq!((child.era, stdio.shared, stdio.max_children), (Era::Modern, true, 4));
    // What speaks HTTP+SSE speaks nothing later.
    assert_eq!((remote.era, remote.sse_clients, child.sse_clients), (Era::Legacy, true, false));
    assert_eq!(remote.flagged_definitions, crate::model::FlaggedDefinitions::Record);
    let flow = &config.flow;
    assert_eq!((flow.mode, flow.rows, flow.rules.calls), (crate::FlowMode::Record, 4, 100));
    assert_eq!(flow.rules.private, doorward_flow::Confidentiality::Internal);
    assert!(
        flow.definitions_trusted.contains(&remote.name) && !flow.definitions_trusted.contains(&child.name)
    );
    let sends = flow.labels.nature(&remote.name, doorward_flow::Item::Tool("send"));
    assert_eq!(sends.source, doorward_flow::Label::BOTTOM);
    // What its own row leaves out, the row of the server says; what that leaves out is the worst that is usual.
    let reads = flow.labels.nature(&remote.name, doorward_flow::Item::Resource("crm://customers/7"));
    assert_eq!(reads.source.confidentiality, doorward_flow::Confidentiality::Restricted);
    assert_eq!((reads.source.integrity, reads.labelled), (doorward_flow::Integrity::User, true));
    assert_eq!(
        flow.labels.nature(&child.name, doorward_flow::Item::Tool("x")).source,
        doorward_flow::Label::UNLABELLED
    );
    assert_eq!(child.flagged_definitions, crate::model::FlaggedDefinitions::Withhold);
    assert_eq!((remote.flagged_results, remote.spotlight), (FlaggedResults::Block, Spotlight::Datamark));
    assert_eq!((remote.max_result_bytes, remote.max_result_tokens), (Some(2 << 10), Some(20_000)));
    assert_eq!((child.max_result_bytes, child.max_result_tokens), (None, None));
    assert_eq!(remote.flagged_arguments, crate::model::FlaggedArguments::Block);
    assert_eq!(child.flagged_arguments, crate::model::FlaggedArguments::Record);
    assert_eq!((child.flagged_results, child.spotlight), (FlaggedResults::Mark, Spotlight::Annotate));
    let of_clients: Vec<_> = config.gateway.spotlight.values().copied().collect();
    assert_eq!(of_clients, [Spotlight::Off, Spotlight::Transform]);
    assert!(remote.look_alikes_blocked && !child.look_alikes_blocked);
    assert_eq!(stdio.idle, Duration::from_secs(6));
    assert_eq!(stdio.env["LANG"], "C");
    assert_eq!(stdio.sandbox.as_deref().unwrap(), ["files-read /srv/docs", "net api.contoso.com"]);
    assert_eq!(stdio.env_files["API_KEY"], Path::new("secrets/key"));
}

/// Entra looks for a bare scope in Microsoft Graph and refuses it (AADSTS650053).
#[test]
fn scopes_told_to_clients_are_never_bare() {
    let config = good("every-key");
    assert_eq!(config.server("remote").unwrap().access.scopes_supported(), ["api://one/mcp.access"]);
    assert_eq!(config.server("child").unwrap().access.scopes_supported(), ["api://child/.default"]);
}

#[test]
fn relative_paths_follow_the_file_and_absolute_ones_stay() {
    let config = good("every-key").rebase(Path::new("/etc/doorward"));
    let tls = config.gateway.tls.as_ref().unwrap();
    assert_eq!(tls.certificate, Path::new("/etc/doorward/tls/cert.pem"));
    assert_eq!(tls.key, Path::new("/etc/tls/key.pem"));
    assert_eq!(config.policy.dir, Path::new("/etc/doorward/rules"));
    assert_eq!(config.audit.dir, Path::new("/etc/doorward/log"));
    assert_eq!(config.audit.key_file, Path::new("/etc/doorward/sign.key"));
    assert_eq!(config.audit.checkpoint_dir, Path::new("/mnt/checkpoints"));
    let Some(EntraCredential::Secret { file, .. }) = &config.entra.credential else { panic!("credential") };
    assert_eq!(file, Path::new("/etc/doorward/secrets/graph"));
    let advise = config.advise.as_ref().unwrap();
    let Some(AdviseCredential::KeyFile(file)) = advise.azure.as_ref().map(|it| &it.credential) else {
        panic!("the advisers' key")
    };
    assert_eq!(file, Path::new("/etc/doorward/secrets/content-safety"));
    let model = advise.model.as_ref().map(|model| [model.file.as_path(), model.tokenizer.as_path()]);
    assert_eq!(
        model.unwrap(),
        ["guard.onnx", "tokenizer.json"].map(|file| Path::new("/etc/doorward/models").join(file))
    );
    assert_eq!(config.lab.as_ref().unwrap().ca_file, Path::new("/etc/doorward/lab/ca.pem"));
    let Target::Stdio(child) = &config.server("child").unwrap().target else { panic!("child") };
    assert_eq!(child.cwd.as_deref(), Some(Path::new("/etc/doorward/work")));
    assert_eq!(child.env_files["API_KEY"], Path::new("/etc/doorward/secrets/key"));
}

#[test]
fn the_lab_has_a_graph_of_its_own_without_being_told() {
    let lab = good("lab").lab.unwrap();
    assert_eq!(lab.graph.to_string(), "https://[::1]:8444/graph");
}

#[test]
fn signing_in_arrives_where_it_belongs() {
    let config = good("sign-in").rebase(Path::new("/etc/doorward"));
    let sign_in = config.sign_in.as_ref().unwrap();
    assert_eq!(sign_in.access_token, Duration::from_secs(120));
    assert_eq!((sign_in.registration, sign_in.registration_limit), (true, 50));
    assert_eq!(sign_in.client_document_hosts, ["vscode.dev"]);
    assert_eq!(sign_in.entra_tokens, EntraTokens::Apps);
    assert_eq!(sign_in.scopes["crm.use"], "Use the tools");
    assert_eq!(sign_in.signing_key_life, Duration::from_hours(24 * 7));
    let vault = config.vault.as_ref().unwrap();
    assert_eq!(vault.path, Path::new("/etc/doorward/vault/doorward.db"));
    assert_eq!(vault.key, VaultKey::File("/etc/doorward/keys/vault.key".into()));
    let [inspector, machine] = &config.clients[..] else { panic!("two clients") };
    assert_eq!(inspector.redirect_uris, ["http://127.0.0.1/callback"]);
    assert_eq!(machine.jwks_file.as_deref(), Some(Path::new("/etc/doorward/keys/machine.json")));
    assert_eq!(machine.servers[0].as_str(), "crm");
    let credential = |name: &str| config.server(name).unwrap().credential.clone().unwrap();
    assert_eq!(credential("crm"), ServerCredential::OnBehalfOf { scope: "api://crm/.default".into() });
    assert!(credential("crm").is_per_person() && !credential("search").is_per_person());
    let ServerCredential::KeyVaultSecret { header, prefix, .. } = credential("search") else {
        panic!("search")
    };
    assert_eq!((header.as_str(), prefix.as_str()), ("x-api-key", ""));
    let ServerCredential::UserGrant(grant) = credential("notes") else { panic!("notes") };
    assert_eq!(grant.issuer.unwrap().to_string(), "https://auth.notes.example/");
    let ServerCredential::UserGrant(grant) = credential("tasks") else { panic!("tasks") };
    let document = grant.client_document.unwrap();
    assert_eq!(document.to_string(), "https://www.contoso.com/doorward-client.json");
}

#[test]
fn the_guard_arrives_where_it_belongs() {
    let guard = good("every-key").rebase(Path::new("/etc/doorward")).guard.unwrap();
    assert_eq!(guard.tenant.as_str(), "aaaabbbb-0000-cccc-1111-dddd2222eeee");
    assert_eq!((guard.cloud, guard.broker), (Cloud::UsGov, false));
    assert_eq!(guard.allowed_people[0].as_str(), "11111111-2222-3333-4444-555555555551");
    assert_eq!(guard.allowed_groups[0].as_str(), "11111111-2222-3333-4444-555555555552");
    assert_eq!(guard.cache_dir.as_deref(), Some(Path::new("/etc/doorward/tokens")));
    assert_eq!(guard.cache, TokenCache::Passphrase(Some("/etc/doorward/secrets/passphrase".into())));
}

#[test]
fn a_guards_file_needs_no_gateway_and_has_none_of_its_tables() {
    const IDS: &str = "tenant = \"aaaabbbb-0000-cccc-1111-dddd2222eeee\"\nclient_id = \"00001111-aaaa-2222-bbbb-3333cccc4444\"\n";
    let small = format!("[guard]\n{IDS}");
    assert!(is_for_guard(&small) && load("g", &small, LAB).is_err());
    let config = load_guard("g", &small, LAB).unwrap().rebase(Path::new("/home/a"));
    assert_eq!((config.guard.cache, config.guard.broker), (TokenCache::Keychain, true));
    assert_eq!((config.guard.cache_dir, config.lab), (None, None));
    assert_eq!(config.audit.dir.parent(), Some(Path::new("/home/a")));
    let validator = jsonschema::validator_for(&schema()).unwrap();
    assert!(validator.is_valid(&toml::from_str(&small).unwrap()));

    let whole =
        fs::read_to_string(format!("{}/cases/good/every-key.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert!(!is_for_guard(&whole));
    assert_eq!(load_guard("g", &whole, LAB).unwrap().guard.cloud, Cloud::UsGov);
    for (text, told) in [
        (format!("{small}[entra]\nrequired_scope = \"x\"\n"), "`entra` is the gateway's"),
        (format!("{small}passphrase_file = \"p\"\n"), "`passphrase_file` is of no use"),
        (format!("{small}allowed_people = [\"alice\"]\n"), "`alice` is"),
        ("[guard]\ntenant = \"contoso.com\"\n".to_owned(), "is a domain"),
        (String::new(), "there is no `[guard]` table"),
    ] {
        let errors = load_guard("g", &text, LAB).unwrap_err().to_string();
        assert!(errors.contains(told), "{text}{errors}");
    }
}
