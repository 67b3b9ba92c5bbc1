//! From sections to `Config`: every section is read to its end before any is given up.

use doorward_types::ClientId;

use crate::model::{
    Admin, Audit, Cloud, Config, Durability, Entra, EntraCredential, EntraTokens, Gateway, Lab, Limits, Log,
    LogFormat, LogLevel, Policy, Rules, Sessions, Spotlight, Tenants, Tls,
};
use crate::problem::Problems;
use crate::read::{Read, Section};
use crate::servers::{self, Defaults};
use crate::units::Fault;
use crate::words::listed;
use crate::{Build, advise, checks, data, flow, guard, net, parse, sign_in};

/// Reads the whole file; `None` only where there is a problem.
pub(crate) fn config(root: &Section<'_>, build: Build, problems: &mut Problems) -> Option<Config> {
    let gateway_section = root.group("gateway", problems);
    let entra_section = root.group("entra", problems);
    let limits_section = root.group_or_defaults("limits", problems);
    let audit_section = root.group_or_defaults("audit", problems);
    let lab_section = root.has("insecure_lab").then(|| root.group("insecure_lab", problems)).flatten();

    let told = problems.count();
    let gateway = gateway_section.as_ref().and_then(|section| gateway(section, problems));
    let gateway_is_right = problems.count() == told;
    let limits = limits_section.as_ref().and_then(|section| limits(section, problems));
    let sessions =
        root.group_or_defaults("sessions", problems).and_then(|section| sessions(&section, problems));
    let lab = lab_section.as_ref().map(|section| lab(section, build, problems));
    let mut defaults =
        entra_section.as_ref().map(|section| Defaults::read(section, problems)).unwrap_or_default();
    defaults.vault = root.has("vault");
    let entra = entra_section.as_ref().and_then(|section| entra(section, &defaults, problems));
    let shared_audience = root.flag("shared_audience", problems);
    let sign_in_section = root.has("sign_in").then(|| root.group("sign_in", problems)).flatten();
    let sign_in = sign_in_section.as_ref().map(|section| sign_in::sign_in(section, problems));
    let callers = match &sign_in {
        Some(Some(own)) => own.entra_tokens,
        _ => EntraTokens::All,
    };
    let lab_origins = lab.as_ref().and_then(Option::as_ref).map_or(&[][..], |lab| &lab.origins);
    let mut rows = flow::Rows::default();
    let servers = servers::read(
        root,
        &mut rows,
        &defaults,
        limits.as_ref(),
        lab_origins,
        shared_audience == Some(true),
        callers,
        problems,
    );
    let admin_section = root.has("admin").then(|| root.group("admin", problems)).flatten();
    let admin = admin_section.as_ref().map(|section| admin(section, problems));
    let vault = root
        .has("vault")
        .then(|| root.group("vault", problems).and_then(|section| sign_in::vault(&section, problems)));
    let advise_section = root.has("advise").then(|| root.group("advise", problems)).flatten();
    let advise = advise_section.as_ref().map(|section| advise::advise(section, problems));
    let client_sections = root.groups("client", problems);
    let (clients, places): (Vec<_>, Vec<_>) = client_sections
        .iter()
        .filter_map(|section| Some((sign_in::client(section, &servers, problems)?, section.at("id"))))
        .unzip();
    let flow = flow::flow(root, &rows, problems);
    let data =
        root.group_or_defaults("data", problems).and_then(|section| data::data(&section, &servers, problems));
    let policy = root
        .group_or_defaults("policy", problems)
        .and_then(|section| Some(Policy { dir: section.text("dir", problems, parse::path)?.value }));
    let rules = root.group_or_defaults("rules", problems).and_then(|section| rules(&section, problems));
    let audit = audit_section.as_ref().and_then(|section| audit(section, problems));
    let log = root.group_or_defaults("log", problems).and_then(|section| log(&section, problems));
    let guard = root
        .has("guard")
        .then(|| root.group("guard", problems).and_then(|section| guard::guard(&section, problems)));

    if let (Some(section), Some(gateway)) = (&gateway_section, &gateway) {
        // A proxy or certificate that did not parse is told once, not again as one that is missing.
        if gateway_is_right {
            checks::gateway(section, gateway, problems);
        }
        let console = admin.as_ref().and_then(Option::as_ref);
        if let (Some(section), Some(admin)) = (&admin_section, console) {
            checks::admin(section, admin, gateway, root.has("vault"), problems);
        }
        if let Some(lab) = &lab_section {
            checks::lab(lab, gateway, console.map(|admin| admin.listen), problems);
        }
    }
    if let Some(section) = &entra_section {
        let whole = sign_in::Whole {
            entra: section,
            sign_in: sign_in_section.as_ref(),
            client_id: defaults.client_id.as_ref(),
            credential: section.has("credential"),
            vault: root.has("vault"),
            signed: sign_in.as_ref().and_then(Option::as_ref),
            allow_app_only: entra.as_ref().is_none_or(|entra| entra.allow_app_only),
            clients: &clients,
            places: &places,
            servers: &servers,
        };
        sign_in::whole(&whole, problems);
    }
    let whole = advise::Whole {
        root,
        advise: advise_section.as_ref(),
        entra: entra_section.as_ref(),
        read: advise.as_ref().and_then(Option::as_ref),
        cloud: entra.as_ref().map(|entra| entra.cloud),
        lab: lab.as_ref().and_then(Option::as_ref),
        servers: &servers,
    };
    // A table of another form was told already.
    if advise_section.is_some() || !root.has("advise") {
        advise::whole(&whole, problems);
    }
    Some(Config {
        sign_in: match sign_in {
            None => None,
            Some(sign_in) => Some(sign_in?),
        },
        clients,
        vault: match vault {
            None => None,
            Some(vault) => Some(vault?),
        },
        admin: match admin {
            None => None,
            Some(admin) => Some(admin?),
        },
        gateway: gateway?,
        limits: limits?,
        sessions: sessions?,
        entra: entra?,
        servers,
        data: data?,
        shared_audience: shared_audience?,
        flow: flow?,
        advise: match advise {
            None => None,
            Some(advise) => Some(advise?),
        },
        policy: policy?,
        rules: rules?,
        audit: audit?,
        log: log?,
        guard: match guard {
            None => None,
            Some(guard) => Some(guard?),
        },
        lab: match lab {
            None => None,
            Some(lab) => Some(lab?),
        },
    })
}

fn gateway(section: &Section<'_>, problems: &mut Problems) -> Option<Gateway> {
    let listen = section.text("listen", problems, net::address);
    let public_url = section.text("public_url", problems, net::origin);
    let metrics = section.text("metrics", problems, net::address);
    let allowed_origins = section.list("allowed_origins", problems, net::origin);
    let trusted_proxies = section.list("trusted_proxies", problems, net::network);
    let tls = section
        .has("tls")
        .then(|| section.group("tls", problems).and_then(|section| tls(&section, problems)));
    let spotlight = section.map("spotlight", problems, |id, word| {
        let id = ClientId::parse(id).or_else(|_| ClientId::registered(id));
        let id = id.map_err(|error| Fault::new(error.to_string(), "name a client by its id"))?;
        let word = Spotlight::WORDS.iter().find(|known| **known == word).ok_or_else(|| {
            let what = format!("`{word}` is no way to spotlight");
            Fault::new(what, format!("write one of {}", listed(Spotlight::WORDS.iter().copied())))
        })?;
        Ok((id, Spotlight::of(word)))
    });
    checks::plain_origins(&allowed_origins, problems);
    Some(Gateway {
        listen: listen?.value,
        public_url: public_url?.value,
        metrics: metrics.map(|read| read.value),
        allowed_origins: values(allowed_origins),
        trusted_proxies: values(trusted_proxies),
        spotlight: spotlight.into_values().collect(),
        tls: match tls {
            None => None,
            Some(tls) => Some(tls?),
        },
    })
}

/// Reads `[rules]`.
pub(crate) fn rules(section: &Section<'_>, problems: &mut Problems) -> Option<Rules> {
    let dir = section.text("dir", problems, parse::path);
    let keys = section.list("keys", problems, parse::path);
    Some(Rules { dir: dir?.value, keys: keys.into_iter().map(|key| key.value).collect() })
}

/// Reads `[admin]`.
fn admin(section: &Section<'_>, problems: &mut Problems) -> Option<Admin> {
    let listen = section.text("listen", problems, net::address);
    let public_url = section.text("public_url", problems, net::origin);
    let tls = section
        .has("tls")
        .then(|| section.group("tls", problems).and_then(|section| tls(&section, problems)));
    let role = section.text("role", problems, parse::role);
    let scope = section.text("scope", problems, parse::scope);
    Some(Admin {
        listen: listen?.value,
        public_url: public_url?.value,
        tls: match tls {
            None => None,
            Some(tls) => Some(tls?),
        },
        role: role?.value,
        scope: scope?.value,
    })
}

fn tls(section: &Section<'_>, problems: &mut Problems) -> Option<Tls> {
    let certificate = section.text("certificate", problems, parse::path);
    let key = section.text("key", problems, parse::path);
    Some(Tls { certificate: certificate?.value, key: key?.value })
}

fn limits(section: &Section<'_>, problems: &mut Problems) -> Option<Limits> {
    let mut bytes = |key| section.size(key, problems).and_then(|bytes| usize::try_from(bytes).ok());
    let request_bytes = bytes("request_bytes");
    let response_bytes = bytes("response_bytes");
    let event_bytes = bytes("event_bytes");
    let header_bytes = bytes("header_bytes");
    let call_timeout = section.duration("call_timeout", problems);
    let call_timeout_max = section.duration("call_timeout_max", problems);
    let drain = section.duration("drain", problems);
    let concurrent_calls = section.count("concurrent_calls", problems);
    let sessions = section.count("sessions", problems);
    let sessions_per_person = section.count("sessions_per_person", problems);
    checks::at_most(("call_timeout", &call_timeout), ("call_timeout_max", &call_timeout_max), problems);
    Some(Limits {
        request_bytes: request_bytes?,
        response_bytes: response_bytes?,
        event_bytes: event_bytes?,
        header_bytes: header_bytes?,
        call_timeout: call_timeout?.value,
        call_timeout_max: call_timeout_max?.value,
        drain: drain?.value,
        concurrent_calls: concurrent_calls?,
        sessions: sessions?,
        sessions_per_person: sessions_per_person?,
    })
}

fn sessions(section: &Section<'_>, problems: &mut Problems) -> Option<Sessions> {
    let idle = section.duration("idle", problems);
    let absolute = section.duration("absolute", problems);
    checks::at_most(("idle", &idle), ("absolute", &absolute), problems);
    let resume = section.flag("resume", problems);
    Some(Sessions { idle: idle?.value, absolute: absolute?.value, resume: resume? })
}

fn entra(section: &Section<'_>, defaults: &Defaults, problems: &mut Problems) -> Option<Entra> {
    let cloud = section.choice("cloud", problems).map(Cloud::of);
    let tenants = tenants(section, problems);
    let accept_v1 = section.flag("accept_v1", problems);
    let allow_app_only = section.flag("allow_app_only", problems);
    let credential = section.has("credential").then(|| {
        section.group("credential", problems).and_then(|section| sign_in::credential(&section, problems))
    });
    let secretless = section.flag("require_secretless", problems);
    if section.has("credential") && !section.has("client_id") {
        problems.add(
            section.at("credential"),
            "`credential` is one of nobody: `[entra]` has no `client_id`",
            "add the `client_id` of the app registration that it belongs to, or take it out",
        );
    }
    if let (Some(true), Some(Some(EntraCredential::Secret { .. }))) = (secretless, &credential) {
        problems.add(
            section.at("credential"),
            "`require_secretless` refuses a secret: it can be copied, and it expires",
            "use the kind \"managed-identity\", \"workload-identity\" or \"certificate\"",
        );
    }
    Some(Entra {
        cloud: cloud?,
        tenants: tenants?,
        client_id: defaults.client_id.clone(),
        accept_v1: accept_v1?,
        allow_app_only: allow_app_only?,
        credential: match credential {
            None => None,
            Some(credential) => Some(credential?),
        },
    })
}

fn tenants(section: &Section<'_>, problems: &mut Problems) -> Option<Tenants> {
    let one = section.text("tenant", problems, parse::tenant);
    let many = section.list("tenants", problems, parse::tenant);
    match (section.has("tenant"), section.has("tenants")) {
        (true, true) => {
            problems.add(
                section.at("tenants"),
                "`tenant` and `tenants` are both written",
                "keep one of the two",
            );
            None
        }
        (true, false) => Some(Tenants::One(one?.value)),
        (false, true) => {
            checks::distinct("tenant", &many, problems);
            if many.is_empty() {
                problems.add(
                    section.at("tenants"),
                    "no tenant is listed, so nobody could come in",
                    "list at least one GUID",
                );
            }
            Some(Tenants::Many(values(many)))
        }
        (false, false) => {
            problems.add(
                section.span(),
                "[entra] needs `tenant`, or `tenants` for several",
                "add `tenant = \"<Tenant ID>\"`, copied from the overview page of the Entra admin center",
            );
            None
        }
    }
}

pub(crate) fn audit(section: &Section<'_>, problems: &mut Problems) -> Option<Audit> {
    let dir = section.text("dir", problems, parse::path);
    let key_file = section.text("key_file", problems, parse::path);
    let checkpoint_dir = section.text("checkpoint_dir", problems, parse::path);
    let durability = section.choice("durability", problems).map(|word| match word {
        "record" => Durability::Record,
        _ => Durability::Batched,
    });
    let segment_bytes = section.size("segment", problems);
    if let (Some(dir), Some(key_file), Some(checkpoint_dir)) = (&dir, &key_file, &checkpoint_dir) {
        checks::audit_paths(section, dir, key_file, checkpoint_dir, problems);
    }
    Some(Audit {
        dir: dir?.value,
        key_file: key_file?.value,
        checkpoint_dir: checkpoint_dir?.value,
        durability: durability?,
        segment_bytes: segment_bytes?,
    })
}

pub(crate) fn log(section: &Section<'_>, problems: &mut Problems) -> Option<Log> {
    let format = section.choice("format", problems).map(|word| match word {
        "json" => LogFormat::Json,
        _ => LogFormat::Human,
    });
    let level = section.choice("level", problems).map(|word| match word {
        "error" => LogLevel::Error,
        "warn" => LogLevel::Warn,
        "debug" => LogLevel::Debug,
        "trace" => LogLevel::Trace,
        _ => LogLevel::Info,
    });
    Some(Log { format: format?, level: level? })
}

/// Reads `[insecure_lab]` if it is there; `None` only where there is a problem.
pub(crate) fn optional_lab(root: &Section<'_>, build: Build, problems: &mut Problems) -> Option<Option<Lab>> {
    if !root.has("insecure_lab") {
        return Some(None);
    }
    let section = root.group("insecure_lab", problems)?;
    lab(&section, build, problems).map(Some)
}

fn lab(section: &Section<'_>, build: Build, problems: &mut Problems) -> Option<Lab> {
    if !build.lab {
        problems.add(
            section.span(),
            "this build has no lab: it accepts tokens of Microsoft Entra and of nobody else",
            "take `[insecure_lab]` out, or use a build with the feature `lab` on a machine for trials",
        );
        return None;
    }
    let authority = section.text("authority", problems, net::origin);
    let graph = section.text("graph", problems, net::url);
    let ca_file = section.text("ca_file", problems, parse::path);
    let origins = section.list("origins", problems, net::origin);
    let identity = section.text("identity", problems, net::origin);
    let key_vault = section.text("key_vault", problems, net::origin);
    for place in
        [&identity, &key_vault].into_iter().flatten().filter(|read| !read.value.is_loopback_address())
    {
        problems.add(
            place.span.clone(),
            format!("`{}` is not on a loopback address, and the emulator is nowhere else", place.value),
            "copy the address that `doorward lab` prints",
        );
    }
    checks::lab_origin(authority.as_ref().map(|read| &read.value), section.at("authority"), problems);
    checks::lab_origin(graph.as_ref().map(|read| read.value.origin()), section.at("graph"), problems);
    let authority = authority?.value;
    let graph = match graph {
        Some(graph) => graph.value,
        None => net::url(&format!("{authority}/graph")).ok()?,
    };
    Some(Lab {
        authority,
        graph,
        ca_file: ca_file?.value,
        origins: values(origins),
        identity: identity.map(|read| read.value),
        key_vault: key_vault.map(|read| read.value),
    })
}

/// The values without their places.
pub(crate) fn values<T>(list: Vec<Read<T>>) -> Vec<T> {
    list.into_iter().map(|read| read.value).collect()
}
