//! `[[server]]`: each on its own, then all beside one another.

use std::collections::BTreeMap;
use std::ops::Range;

use doorward_types::ClientId;

use crate::advise;
use crate::build::values;
use crate::checks;
use crate::data;
use crate::flow::Rows;
use crate::model::{
    Access, Child, DataUse, Elicitation, EntraTokens, Era, FlaggedArguments, FlaggedDefinitions,
    FlaggedResults, Limits, Pins, Remote, Risk, Server, ServerCredential, Spotlight, Target,
};
use crate::net::{self, Origin};
use crate::parse;
use crate::problem::Problems;
use crate::read::Section;
use crate::sign_in;
use crate::units::{show_size, show_span};

/// What `[entra]` says for servers that do not say it themselves.
#[derive(Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) client_id: Option<ClientId>,
    app_id_uris: Vec<String>,
    required_scope: Vec<String>,
    required_role: Vec<String>,
    app_only: bool,
    /// A bad `client_id` is one problem, not one more for each server.
    client_id_written: bool,
    /// Whether there is a store to keep pins in.
    pub(crate) vault: bool,
}

impl Defaults {
    pub(crate) fn read(entra: &Section<'_>, problems: &mut Problems) -> Self {
        Self {
            client_id: entra.text("client_id", problems, parse::client_id).map(|read| read.value),
            app_id_uris: values(entra.list("app_id_uris", problems, parse::app_id_uri)),
            required_scope: values(entra.list("required_scope", problems, parse::scope)),
            required_role: values(entra.list("required_role", problems, parse::role)),
            // Read again, and told if wrong, with the rest of `[entra]`.
            app_only: entra.flag("allow_app_only", &mut Problems::default()).unwrap_or(false),
            client_id_written: entra.has("client_id"),
            vault: false,
        }
    }
}

/// Reads every `[[server]]`.
#[expect(clippy::too_many_arguments, reason = "each is of another table")]
pub(crate) fn read<'a>(
    root: &Section<'a>,
    rows: &mut Rows<'a>,
    defaults: &Defaults,
    limits: Option<&Limits>,
    lab_origins: &[Origin],
    shared_audience: bool,
    callers: EntraTokens,
    problems: &mut Problems,
) -> Vec<Server> {
    let sections = root.groups("server", problems);
    let mut servers = Vec::new();
    for section in &sections {
        // Of a server that is wrong otherwise too: a person sees everything at once.
        rows.of_server(section, problems);
        if let Some(server) = server(section, defaults, limits, lab_origins, problems) {
            let place = section.at("name");
            // The door's own tokens name exactly one server; only Entra's are the same for all behind one registration
            // (D-12), and applications have roles alone to be told apart by.
            let told_apart = shared_audience || callers == EntraTokens::None;
            let app_only = defaults.app_only || callers == EntraTokens::Apps;
            checks::sibling(&server, &servers, place.clone(), (told_apart, app_only), problems);
            exchangeable(section, &server, defaults, callers, problems);
            servers.push((server, place));
        }
    }
    if root.has("server") && sections.is_empty() && problems.is_empty() {
        problems.add(
            root.at("server"),
            "no server is listed, so nothing would be served",
            "add a `[[server]]` table",
        );
    }
    servers.into_iter().map(|(server, _)| server).collect()
}

/// Entra exchanges a token only for the application that it was issued for (AADSTS500131), and that is the server's own
/// where callers bring Entra's.
fn exchangeable(
    section: &Section<'_>,
    server: &Server,
    defaults: &Defaults,
    callers: EntraTokens,
    problems: &mut Problems,
) {
    let exchanged = matches!(server.credential, Some(ServerCredential::OnBehalfOf { .. }));
    let foreign = defaults.client_id.as_ref().is_some_and(|door| *door != server.access.client_id);
    if exchanged && foreign && callers == EntraTokens::All {
        problems.add(
            section.at("client_id"),
            "callers bring tokens for this server's own app registration, and the door can exchange only those for its own (AADSTS500131)",
            "take `client_id` out here and tell the server apart by `required_scope`, or add `[sign_in]` without `entra_tokens = \"all\"`",
        );
    }
}

/// A server, and where its name stands.
pub(crate) type Placed = (Server, Option<Range<usize>>);

fn server(
    section: &Section<'_>,
    defaults: &Defaults,
    limits: Option<&Limits>,
    lab_origins: &[Origin],
    problems: &mut Problems,
) -> Option<Server> {
    let name = section.text("name", problems, parse::server_name);
    let access = access(section, defaults, problems);
    let timeout = section.duration("timeout", problems);
    let era = section.choice("era", problems).map(|word| match word {
        "legacy" => Era::Legacy,
        "modern" => Era::Modern,
        "both" => Era::Both,
        _ => Era::Auto,
    });
    let flagged_definitions = section.choice("flagged_definitions", problems).map(|word| match word {
        "record" => FlaggedDefinitions::Record,
        "pass" => FlaggedDefinitions::Pass,
        _ => FlaggedDefinitions::Withhold,
    });
    let data = section.choice("data", problems).map(|word| match word {
        "record" => DataUse::Record,
        "off" => DataUse::Off,
        _ => DataUse::Rules,
    });
    let data_label = section.text("data_label", problems, data::any);
    let flagged_arguments = section.choice("flagged_arguments", problems).map(|word| match word {
        "block" => FlaggedArguments::Block,
        "pass" => FlaggedArguments::Pass,
        _ => FlaggedArguments::Record,
    });
    let flagged_results = section.choice("flagged_results", problems).map(|word| match word {
        "block" => FlaggedResults::Block,
        "record" => FlaggedResults::Record,
        "pass" => FlaggedResults::Pass,
        _ => FlaggedResults::Mark,
    });
    let spotlight = section.choice("spotlight", problems).map(Spotlight::of);
    let max_result_bytes = budget(section, limits, problems);
    let max_result_tokens = section.count("max_result_tokens", problems);
    let pins = pins(section, defaults.vault, problems);
    let look_alikes = section.choice("look_alikes", problems);
    let advise = section.choice("advise", problems).map(advise::scope);
    let risk = section.choice("risk", problems).map(|word| match word {
        "low" => Risk::Low,
        _ => Risk::High,
    });
    let target = target(section, lab_origins, problems);
    let sse = matches!(&target, Some(Target::Http(Remote { sse: true, .. })));
    if sse && matches!(era, Some(Era::Modern | Era::Both)) {
        problems.add(
            section.at("era"),
            "2026-07-28 is not spoken over HTTP+SSE",
            "take `era` out, or `transport` if the server speaks Streamable HTTP",
        );
    }
    let era = if sse { era.map(|_| Era::Legacy) } else { era };
    let sse_clients = section.flag("sse_clients", problems);
    let credential = section.has("credential").then(|| {
        section
            .group("credential", problems)
            .and_then(|section| sign_in::server_credential(&section, problems))
    });
    let elicitation = section
        .group_or_defaults("elicitation", problems)
        .and_then(|section| elicitation(&section, target.as_ref(), problems));
    if let (Some(timeout), Some(limits)) = (&timeout, limits)
        && timeout.value > limits.call_timeout_max
    {
        let most = show_span(u64::try_from(limits.call_timeout_max.as_millis()).unwrap_or(u64::MAX));
        problems.add(
            timeout.span.clone(),
            format!("`timeout` is longer than `limits.call_timeout_max`, which ends every call after {most}"),
            format!("write at most \"{most}\", or raise `call_timeout_max` in [limits]"),
        );
    }
    Some(Server {
        name: name?.value,
        access: access?,
        target: target?,
        era: era?,
        sse_clients: sse_clients?,
        flagged_definitions: flagged_definitions?,
        data: data?,
        data_label: data_label.map(|read| read.value),
        flagged_results: flagged_results?,
        flagged_arguments: flagged_arguments?,
        spotlight: spotlight?,
        max_result_bytes,
        max_result_tokens,
        pins: pins?,
        look_alikes_blocked: look_alikes? == "block",
        advise: advise?,
        risk: risk?,
        credential: match credential {
            None => None,
            Some(credential) => Some(credential?),
        },
        elicitation: elicitation?,
        timeout: timeout.map_or_else(|| limits.map(|limits| limits.call_timeout), |read| Some(read.value))?,
    })
}

/// How large one answer may be: less than what is carried at all, or it is a promise that nobody keeps.
fn budget(section: &Section<'_>, limits: Option<&Limits>, problems: &mut Problems) -> Option<usize> {
    let bytes = section.size("max_result_bytes", problems)?;
    let budget = usize::try_from(bytes).ok()?;
    let carried = limits.map_or(usize::MAX, |limits| limits.response_bytes.max(limits.event_bytes));
    if budget > carried {
        let most = show_size(u64::try_from(carried).unwrap_or(u64::MAX));
        problems.add(
            section.at("max_result_bytes"),
            format!("`max_result_bytes` is more than [limits] lets an answer have, which is {most}"),
            format!("write at most \"{most}\", or raise `response_bytes` in [limits]"),
        );
    }
    Some(budget)
}

fn pins(section: &Section<'_>, vault: bool, problems: &mut Problems) -> Option<Pins> {
    let pins = match section.has("pins") {
        false if vault => return Some(Pins::FirstUse),
        false => return Some(Pins::Off),
        true => section.choice("pins", problems)?,
    };
    let pins = match pins {
        "off" => return Some(Pins::Off),
        "approval" => Pins::Approval,
        _ => Pins::FirstUse,
    };
    if !vault {
        problems.add(
            section.at("pins"),
            "there is no `[vault]`, so there is nowhere to keep what people agree to",
            "add a `[vault]` with its `key_file` or `key_vault_key`, or take `pins` out",
        );
    }
    Some(pins)
}

fn elicitation(
    section: &Section<'_>,
    target: Option<&Target>,
    problems: &mut Problems,
) -> Option<Elicitation> {
    let hosts = values(section.list("url_hosts", problems, net::host));
    let own = match target {
        Some(Target::Http(remote)) => vec![remote.url.origin().authority().to_owned()],
        _ => Vec::new(),
    };
    let (forms, urls) = (section.choice("forms", problems), section.choice("urls", problems));
    Some(Elicitation {
        forms_guarded: forms? == "guarded",
        url_hosts: if section.has("url_hosts") { hosts } else { own },
        urls_unproven: urls? == "unproven",
    })
}

fn access(section: &Section<'_>, defaults: &Defaults, problems: &mut Problems) -> Option<Access> {
    let own_id = section.text("client_id", problems, parse::client_id).map(|read| read.value);
    let own_uris = values(section.list("app_id_uris", problems, parse::app_id_uri));
    let scope = values(section.list("required_scope", problems, parse::scope));
    let role = values(section.list("required_role", problems, parse::role));
    let own = section.has("client_id");
    if section.has("app_id_uris") && !own {
        problems.add(
            section.at("app_id_uris"),
            "`app_id_uris` without `client_id`: the URIs of the shared app registration stand in [entra]",
            "move them to `app_id_uris` in [entra], or add the `client_id` they belong to",
        );
    }
    if !own && !defaults.client_id_written {
        problems.add(
            section.span(),
            "neither this server nor [entra] has a `client_id`, so no token could be meant for it",
            "add `client_id = \"<Application (client) ID>\"` to [entra] or here",
        );
    }
    // The URIs of another app registration are not taken over: its tokens would open this server.
    let (client_id, mut app_id_uris) =
        if own { (own_id?, own_uris) } else { (defaults.client_id.clone()?, defaults.app_id_uris.clone()) };
    app_id_uris.push(format!("api://{client_id}"));
    let mut seen = std::collections::BTreeSet::new();
    app_id_uris.retain(|uri| seen.insert(uri.clone()));
    Some(Access {
        client_id,
        app_id_uris,
        required_scope: if section.has("required_scope") { scope } else { defaults.required_scope.clone() },
        required_role: if section.has("required_role") { role } else { defaults.required_role.clone() },
    })
}

const ONLY_COMMAND: [&str; 7] = ["shared", "max_children", "idle", "cwd", "env", "env_files", "sandbox"];
const ONLY_URL: [&str; 3] = ["headers", "credential", "transport"];

fn target(section: &Section<'_>, lab_origins: &[Origin], problems: &mut Problems) -> Option<Target> {
    let remote = remote(section, lab_origins, problems);
    let child = child(section, problems);
    match (section.has("url"), section.has("command")) {
        (true, false) => {
            misplaced(section, &ONLY_COMMAND, "`command`", problems);
            remote.map(Target::Http)
        }
        (false, true) => {
            misplaced(section, &ONLY_URL, "`url`", problems);
            child.map(Target::Stdio)
        }
        (true, true) => {
            problems.add(
                section.at("command"),
                "the server has `url` and `command`, and it can be in one place only",
                "keep `url` for a remote server or `command` for one that is started here",
            );
            None
        }
        (false, false) => {
            problems.add(
                section.span(),
                "the server has neither `url` nor `command`",
                "add `url = \"https://…/mcp\"` for a remote server or `command = [\"program\", \"argument\"]` for one that is started here",
            );
            None
        }
    }
}

fn misplaced(section: &Section<'_>, keys: &[&str], needs: &str, problems: &mut Problems) {
    for key in keys.iter().filter(|key| section.has(key)) {
        problems.add(
            section.at(key),
            format!("`{key}` means something only for a server with {needs}"),
            format!("take `{key}` out"),
        );
    }
}

fn remote(section: &Section<'_>, lab_origins: &[Origin], problems: &mut Problems) -> Option<Remote> {
    let url = section.text("url", problems, net::url);
    let headers = section
        .map("headers", problems, |name, value| Ok((name.to_ascii_lowercase(), parse::header(name, value)?)));
    let transport = section.choice("transport", problems);
    let mut by_name = BTreeMap::new();
    for (written, (name, value)) in headers {
        if by_name.insert(name, value).is_some() {
            let what = format!("the header `{written}` stands here twice, case aside");
            problems.add_beside_secret(section.name_at("headers").unwrap_or_default(), what, "keep one");
        }
    }
    let url = url?;
    let origin = url.value.origin();
    if !origin.is_https() && !origin.is_loopback_address() && !lab_origins.contains(origin) {
        let help = if origin.host() == "localhost" {
            "write 127.0.0.1 or [::1]: the name `localhost` is looked up, and a look-up can be answered by others".to_owned()
        } else {
            format!("write \"https://{}\"", url.value.to_string().trim_start_matches("http://"))
        };
        problems.add(
            url.span.clone(),
            format!("`{}` would send what people ask in the clear", url.value),
            help,
        );
    }
    Some(Remote { url: url.value, headers: by_name, sse: transport? == "http+sse" })
}

fn child(section: &Section<'_>, problems: &mut Problems) -> Option<Child> {
    let told = problems.count();
    let mut words = values(section.list("command", problems, parse::argument)).into_iter();
    let words_are_right = problems.count() == told;
    let env = section.map("env", problems, parse::variable);
    let env_files = section.map("env_files", problems, parse::variable_file);
    let cwd = section.text("cwd", problems, parse::path).map(|read| read.value);
    let sandbox = section.has("sandbox").then(|| values(section.list("sandbox", problems, parse::argument)));
    let shared = section.flag("shared", problems);
    let max_children = section.count("max_children", problems);
    let idle = section.duration("idle", problems);
    for name in env_files.keys().filter(|name| env.contains_key(*name)) {
        problems.add(
            section.at("env_files"),
            format!("`{name}` stands in `env` and in `env_files`"),
            "keep one of the two",
        );
    }
    let program = words.next();
    if section.has("command") && words_are_right && program.as_ref().is_none_or(String::is_empty) {
        problems.add(
            section.at("command"),
            "`command` names no program",
            "write `command = [\"program\", \"argument\"]`",
        );
    }
    Some(Child {
        sandbox,
        program: program?,
        args: words.collect(),
        env,
        env_files,
        cwd,
        shared: shared?,
        max_children: max_children?,
        idle: idle?.value,
    })
}
