//! `[advise]`: second opinions.

use crate::build::values;
use crate::checks;
use crate::model::{
    Advise, AdviseAct, AdviseAzure, AdviseByRisk, AdviseCredential, AdviseModel, AdviseScope, Cloud,
    ContentSafety, Lab, Server,
};
use crate::net::{self, Origin};
use crate::parse;
use crate::problem::Problems;
use crate::read::Section;
use crate::units::Fault;

/// Reads the table.
pub(crate) fn advise(section: &Section<'_>, problems: &mut Problems) -> Option<Advise> {
    let azure = azure(section, problems);
    let model =
        section.has("model").then(|| section.group("model", problems).and_then(|it| model(&it, problems)));
    let deadline = section.duration("deadline", problems);
    let pieces = section.count("pieces", problems);
    let keep = section.duration("keep", problems);
    let mut by_risk =
        |key| section.group_or_defaults(key, problems).and_then(|section| by_risk(&section, problems));
    let on_finding = by_risk("on_finding");
    let on_failure = by_risk("on_failure");
    Some(Advise {
        azure: azure?,
        model: match model {
            None => None,
            Some(model) => Some(model?),
        },
        deadline: deadline?.value,
        pieces: pieces?,
        keep: keep?.value,
        on_finding: on_finding?,
        on_failure: on_failure?,
    })
}

/// Reads what says of Azure's services; `Some(None)` if nothing does and a model is asked.
fn azure(section: &Section<'_>, problems: &mut Problems) -> Option<Option<AdviseAzure>> {
    const KEYS: [&str; 4] = ["endpoint", "credential", "prompt_shields", "content_safety"];
    let Some(written) = KEYS.into_iter().find(|key| section.has(key)) else {
        if !section.has("model") {
            problems.add(
                section.span(),
                "there is nobody to ask: no service of Azure's, and no model",
                "add `endpoint` and `credential`, or `model = { file = …, tokenizer = … }`, or take `[advise]` out",
            );
        }
        return Some(None);
    };
    for missing in ["endpoint", "credential"].into_iter().filter(|key| !section.has(key)) {
        problems.add(
            section.name_at(written),
            format!("Azure's services cannot be asked: `[advise]` has `{written}` and no `{missing}`"),
            "write both `endpoint` and `credential`; for a model on this machine alone take both out",
        );
    }
    let endpoint = section.has("endpoint").then(|| section.text("endpoint", problems, net::origin)).flatten();
    let credential = section
        .has("credential")
        .then(|| section.group("credential", problems).and_then(|it| credential(&it, problems)))
        .flatten();
    let prompt_shields = section.flag("prompt_shields", problems);
    let content_safety = section
        .has("content_safety")
        .then(|| section.group("content_safety", problems).and_then(|it| content_safety(&it, problems)));
    if let Some(plain) = endpoint.as_ref().filter(|read| !read.value.is_https()) {
        problems.add(
            plain.span.clone(),
            format!("`{}` would send texts and the credential in the clear", plain.value),
            format!("write \"https://{}\"", plain.value.authority()),
        );
    }
    if prompt_shields == Some(false) && content_safety.is_none() {
        problems.add(
            section.at("prompt_shields"),
            "there is nobody to ask at Azure: Prompt Shields are off, and there is no `content_safety`",
            "write `prompt_shields = true`, add `content_safety = { … }`, or take `endpoint` and `credential` out",
        );
    }
    Some(Some(AdviseAzure {
        endpoint: endpoint?.value,
        credential: credential?,
        prompt_shields: prompt_shields?,
        content_safety: match content_safety {
            None => None,
            Some(content_safety) => Some(content_safety?),
        },
    }))
}

fn model(section: &Section<'_>, problems: &mut Problems) -> Option<AdviseModel> {
    let file = section.text("file", problems, parse::path);
    let tokenizer = section.text("tokenizer", problems, parse::path);
    let sha256 = section.has("sha256").then(|| section.text("sha256", problems, sha256));
    let benign = section.count("benign", problems).and_then(|label| u8::try_from(label).ok());
    let window = section.count("window", problems).and_then(|tokens| u32::try_from(tokens).ok());
    let sure = section.count("sure", problems).and_then(|percent| u8::try_from(percent).ok());
    let sandbox = section.flag("sandbox", problems);
    Some(AdviseModel {
        file: file?.value,
        tokenizer: tokenizer?.value,
        sha256: match sha256 {
            None => None,
            Some(sha256) => Some(sha256?.value),
        },
        benign: benign?,
        window: window?,
        sure: sure?,
        sandbox: sandbox?,
    })
}

fn sha256(text: &str) -> Result<[u8; 32], Fault> {
    let bad = || {
        Fault::new(
            "this is no SHA-256",
            "write its 64 digits, as `cat model.onnx tokenizer.json | sha256sum` prints them",
        )
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return Err(bad());
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digits = pair.map(|digit| char::from(digit).to_digit(16));
        let [Some(high), Some(low)] = digits else { return Err(bad()) };
        *byte = u8::try_from(high * 16 + low).map_err(|_| bad())?;
    }
    Ok(bytes)
}

fn credential(section: &Section<'_>, problems: &mut Problems) -> Option<AdviseCredential> {
    let kind = section.choice("kind", problems);
    let key_file = section.text("key_file", problems, parse::path);
    if kind? == "entra" {
        if section.has("key_file") {
            problems.add(
                section.at("key_file"),
                "`key_file` is of no use: the kind \"entra\" asks with tokens",
                "take it out, or write `kind = \"key-file\"`",
            );
        }
        return Some(AdviseCredential::Entra);
    }
    if !section.has("key_file") {
        problems.add(
            section.at("kind"),
            "the kind \"key-file\" needs `key_file`",
            "add `key_file = \"secrets/content-safety\"`, or write `kind = \"entra\"`, which has no key to be copied",
        );
    }
    Some(AdviseCredential::KeyFile(key_file?.value))
}

fn content_safety(section: &Section<'_>, problems: &mut Problems) -> Option<ContentSafety> {
    let told = problems.count();
    let mut severity = |key| section.count(key, problems).and_then(|severity| u8::try_from(severity).ok());
    let (hate, self_harm) = (severity("hate"), severity("self_harm"));
    let (sexual, violence) = (severity("sexual"), severity("violence"));
    let lists = section.list("blocklists", problems, blocklist);
    checks::distinct("list", &lists, problems);
    let made = ContentSafety { hate, self_harm, sexual, violence, blocklists: values(lists) };
    if problems.count() == told && made == ContentSafety::default() {
        problems.add(
            section.span(),
            "Content Safety would be asked about nothing",
            "add a category with a severity, `violence = 4` for one, or `blocklists`",
        );
    }
    Some(made)
}

fn by_risk(section: &Section<'_>, problems: &mut Problems) -> Option<AdviseByRisk> {
    let mut act = |key| {
        section.choice(key, problems).map(|word| match word {
            "flag" => AdviseAct::Flag,
            _ => AdviseAct::Refuse,
        })
    };
    let (high, low) = (act("high"), act("low"));
    Some(AdviseByRisk { high: high?, low: low? })
}

/// The service's own rule for names.
fn blocklist(text: &str) -> Result<String, Fault> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(known) {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        format!("`{text}` is no name of a blocklist"),
        "write its name: 1 to 64 of letters, digits, `.`, `_`, `~` and `-`",
    ))
}

/// What the table needs from the rest of the file.
pub(crate) struct Whole<'a, 's> {
    pub(crate) root: &'a Section<'s>,
    pub(crate) advise: Option<&'a Section<'s>>,
    pub(crate) entra: Option<&'a Section<'s>>,
    pub(crate) read: Option<&'a Advise>,
    pub(crate) cloud: Option<Cloud>,
    pub(crate) lab: Option<&'a Lab>,
    pub(crate) servers: &'a [Server],
}

/// Checks the table against the rest of the file.
pub(crate) fn whole(whole: &Whole<'_, '_>, problems: &mut Problems) {
    let Some(section) = whole.advise else { return unasked(whole, problems) };
    let Some(advise) = whole.read else { return };
    if let Some(azure) = advise.azure.as_ref().filter(|azure| azure.credential == AdviseCredential::Entra) {
        tokens(whole, section, &azure.endpoint, problems);
    }
    let asks = whole.servers.iter().any(|server| server.advise != AdviseScope::Off);
    if !asks && !whole.servers.is_empty() {
        problems.add(
            section.span(),
            "nobody asks: no server has `advise`",
            "add `advise = \"results\"` to each `[[server]]` whose answers are to be judged, or take `[advise]` out",
        );
    }
}

/// A server that counts on opinions must not go without because nobody says where they come from.
fn unasked(whole: &Whole<'_, '_>, problems: &mut Problems) {
    // Read for their places alone; what is wrong with them was told.
    for section in whole.root.groups("server", &mut Problems::default()) {
        if section.choice("advise", &mut Problems::default()).is_some_and(|word| word != "off") {
            problems.add(
                section.at("advise"),
                "there is nobody to ask: the file has no `[advise]`",
                "add `[advise]` with `endpoint` and `credential` or with `model`, or write `advise = \"off\"`",
            );
        }
    }
}

/// A token for the services opens every resource that the door may use: it goes to the services and to nobody else.
fn tokens(whole: &Whole<'_, '_>, section: &Section<'_>, endpoint: &Origin, problems: &mut Problems) {
    let suffix = match whole.cloud {
        Some(Cloud::UsGov) => ".cognitiveservices.azure.us",
        Some(Cloud::China) => ".cognitiveservices.azure.cn",
        Some(Cloud::Public) | None => ".cognitiveservices.azure.com",
    };
    let in_lab = whole.lab.is_some() && endpoint.is_loopback_address();
    if !in_lab && !endpoint.host().ends_with(suffix) {
        problems.add(
            section.at("endpoint"),
            format!("`{endpoint}` is not known to be Azure's, and the door's tokens would go there"),
            format!("write the endpoint with the resource's own name, \"https://NAME{suffix}\"; others take a key: `kind = \"key-file\"`"),
        );
    }
    if whole.entra.is_some_and(|entra| !entra.has("credential")) {
        problems.add(
            section.at("credential"),
            "the door has no identity to ask with: there is no `entra.credential`",
            "add `credential` to `[entra]`, or write `kind = \"key-file\"` here",
        );
    }
}

/// Reads what a server says of it.
pub(crate) fn scope(word: &str) -> AdviseScope {
    match word {
        "results" => AdviseScope::Results,
        "both" => AdviseScope::Both,
        _ => AdviseScope::Off,
    }
}
