//! The keys themselves.

use super::advise::ADVISE;
use super::data::DATA;
use super::flow::{FLOW, SERVER_FLOW};
use super::guard::GUARD;
use super::sign_in::{CLIENT, CREDENTIAL, SERVER_CREDENTIAL, SIGN_IN, VAULT};
use super::{Group, Key, Kind, Need};
use crate::model::Spotlight;

pub(super) const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
pub(super) const SECOND: u64 = 1_000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

pub(super) const fn key(name: &'static str, kind: Kind, need: Need, about: &'static str) -> Key {
    Key { name, kind, need, about }
}

/// The file.
pub(crate) static ROOT: Group = Group {
    path: "",
    about: "Keys outside every table stand before the first `[table]` line.",
    keys: &[
        key(
            "shared_audience",
            Kind::Flag,
            Need::Default("false"),
            "Says that servers may accept one another's tokens. In Entra every path behind one app registration has the same audience, so two servers that share `client_id` and are not told apart by `required_scope` or `required_role` are refused unless this is `true`.",
        ),
        key("gateway", Kind::Group(&GATEWAY), Need::Always, ""),
        key("limits", Kind::Group(&LIMITS), Need::Optional, ""),
        key("sessions", Kind::Group(&SESSIONS), Need::Optional, ""),
        key("entra", Kind::Group(&ENTRA), Need::Always, ""),
        key("sign_in", Kind::Group(&SIGN_IN), Need::Optional, ""),
        key("vault", Kind::Group(&VAULT), Need::Optional, ""),
        key("client", Kind::Groups(&CLIENT), Need::Optional, ""),
        key("server", Kind::Groups(&SERVER), Need::Always, ""),
        key("flow", Kind::Group(&FLOW), Need::Optional, ""),
        key("data", Kind::Group(&DATA), Need::Optional, ""),
        key("advise", Kind::Group(&ADVISE), Need::Optional, ""),
        key("policy", Kind::Group(&POLICY), Need::Optional, ""),
        key("rules", Kind::Group(&RULES), Need::Optional, ""),
        key("audit", Kind::Group(&AUDIT), Need::Optional, ""),
        key("log", Kind::Group(&LOG), Need::Optional, ""),
        key("admin", Kind::Group(&ADMIN), Need::Optional, ""),
        key("guard", Kind::Group(&GUARD), Need::Optional, ""),
        key("insecure_lab", Kind::Group(&LAB), Need::Optional, ""),
    ],
};

static GATEWAY: Group = Group {
    path: "gateway",
    about: "Where the door stands and what it is called from outside.",
    keys: &[
        key(
            "listen",
            Kind::Text("address"),
            Need::Always,
            "Address and port to listen on, `127.0.0.1:8443` or `[::]:8443`. Off loopback it needs `gateway.tls` or `trusted_proxies`. Port 0 takes a free one.",
        ),
        key(
            "public_url",
            Kind::Text("origin"),
            Need::Always,
            "The origin under which clients reach the door. Resource identifiers, metadata and the check of `Host` are derived from it. `https`, except on loopback; no path, query or fragment.",
        ),
        key(
            "metrics",
            Kind::Text("address"),
            Need::Optional,
            "A separate address for Prometheus metrics. Without it no metrics are served. It asks for no token: keep it off public networks.",
        ),
        key(
            "allowed_origins",
            Kind::List("origin"),
            Need::Default("[]"),
            "Browser origins that may call the door besides its own. Requests with any other `Origin` are refused.",
        ),
        key(
            "trusted_proxies",
            Kind::List("network"),
            Need::Default("[]"),
            "Networks (CIDR) whose `X-Forwarded-For` header is believed. They allow plain HTTP off loopback, because the proxy there ends TLS.",
        ),
        key(
            "spotlight",
            Kind::Map("way to spotlight"),
            Need::Default("{}"),
            "`spotlight` of single clients, by client id: of applications of Entra's, and of clients that name themselves by a URL. It stands before the server's own, unless that is `off`.",
        ),
        key("tls", Kind::Group(&TLS), Need::Optional, ""),
    ],
};

static ADMIN: Group = Group {
    path: "admin",
    about: "The console: an address of its own, where people with the app role `role` decide what others may use: definitions of tools that changed, calls that wait for somebody else. Needs `[vault]`. Its pages need `[sign_in]`; its API takes Entra's tokens for `entra.client_id`, as `doorward login` gets them.",
    keys: &[
        key(
            "listen",
            Kind::Text("address"),
            Need::Always,
            "Address and port of the console. Off loopback it needs `admin.tls`.",
        ),
        key(
            "public_url",
            Kind::Text("origin"),
            Need::Always,
            "The origin under which browsers and commands reach it; another than the door's own.",
        ),
        key(
            "role",
            Kind::Text("app role"),
            Need::Default("Doorward.Approver"),
            "The app role, of the app registration `entra.client_id`, of those who decide.",
        ),
        key(
            "scope",
            Kind::Text("scope"),
            Need::Default("Doorward.Approve"),
            "The delegated scope, of the same registration, that tokens for the API need besides the role. Without one of its own the token that a person gives to any MCP client could decide in their name: consent it to the application of `doorward login` alone.",
        ),
        key("tls", Kind::Group(&ADMIN_TLS), Need::Optional, ""),
    ],
};

static ADMIN_TLS: Group = Group {
    path: "admin.tls",
    about: "The certificate of the console. TLS 1.2 is the least.",
    keys: &[
        key(
            "certificate",
            Kind::Text("path"),
            Need::Always,
            "PEM file with the certificate and its chain, leaf first.",
        ),
        key("key", Kind::Text("path"), Need::Always, "PEM file with the private key."),
    ],
};

static TLS: Group = Group {
    path: "gateway.tls",
    about: "The certificate of the door. Both files are read again when they change; TLS 1.2 is the least.",
    keys: &[
        key(
            "certificate",
            Kind::Text("path"),
            Need::Always,
            "PEM file with the certificate and its chain, leaf first.",
        ),
        key("key", Kind::Text("path"), Need::Always, "PEM file with the private key."),
    ],
};

static LIMITS: Group = Group {
    path: "limits",
    about: "Bounds that keep one caller from using up what all need.",
    keys: &[
        key("request_bytes", Kind::Size(KIB, 256 * MIB), Need::Default("4MiB"), "The largest request body."),
        key(
            "response_bytes",
            Kind::Size(KIB, GIB),
            Need::Default("16MiB"),
            "The largest answer of an upstream that is not a stream.",
        ),
        key(
            "event_bytes",
            Kind::Size(KIB, 256 * MIB),
            Need::Default("4MiB"),
            "The largest single event of a stream.",
        ),
        key(
            "header_bytes",
            Kind::Size(KIB, MIB),
            Need::Default("32KiB"),
            "The largest set of request headers; more is answered 431.",
        ),
        key(
            "call_timeout",
            Kind::Span(100, DAY),
            Need::Default("60s"),
            "How long an upstream may stay silent on a call.",
        ),
        key(
            "call_timeout_max",
            Kind::Span(100, 7 * DAY),
            Need::Default("10m"),
            "How long a call may take in all, progress or not.",
        ),
        key(
            "drain",
            Kind::Span(0, HOUR),
            Need::Default("30s"),
            "How long running calls may take to end after SIGTERM.",
        ),
        key(
            "concurrent_calls",
            Kind::Count(1, 1_000_000),
            Need::Default("1024"),
            "Calls in flight at once, over all servers.",
        ),
        key(
            "sessions",
            Kind::Count(1, 10_000_000),
            Need::Default("20000"),
            "Open sessions, over all servers.",
        ),
        key(
            "sessions_per_person",
            Kind::Count(1, 1_000_000),
            Need::Default("100"),
            "Open sessions of one person, with one client, at one server.",
        ),
    ],
};

static SESSIONS: Group = Group {
    path: "sessions",
    about: "The life of a session of revision 2025-11-25. Revision 2026-07-28 has none.",
    keys: &[
        key(
            "idle",
            Kind::Span(SECOND, 7 * DAY),
            Need::Default("30m"),
            "A session unused for this long ends.",
        ),
        key(
            "absolute",
            Kind::Span(SECOND, 30 * DAY),
            Need::Default("12h"),
            "A session this old ends, used or not.",
        ),
        key(
            "resume",
            Kind::Flag,
            Need::Default("true"),
            "A client that loses the stream of a call has not cancelled it: the call goes on, and the client may come back for what it missed (`Last-Event-ID`).",
        ),
    ],
};

static ENTRA: Group = Group {
    path: "entra",
    about: "Who vouches for people: the Microsoft Entra tenants whose tokens are accepted, and the app registration that they must be meant for.",
    keys: &[
        key(
            "cloud",
            Kind::Choice(&["public", "usgov", "china"]),
            Need::Default("public"),
            "The national cloud of the tenants.",
        ),
        key(
            "tenant",
            Kind::Text("GUID"),
            Need::Optional,
            "The one tenant whose people may come in. Either this or `tenants`.",
        ),
        key(
            "tenants",
            Kind::List("GUID"),
            Need::Optional,
            "The tenants whose people may come in, for a multi-tenant app registration.",
        ),
        key(
            "client_id",
            Kind::Text("GUID"),
            Need::Optional,
            "The app registration (application id) that tokens must be issued for. A server may name its own.",
        ),
        key(
            "app_id_uris",
            Kind::List("App ID URI"),
            Need::Default("[]"),
            "Further App ID URIs of that app registration. `api://<client_id>` is always known. They are the audience of v1 tokens, and the first of them is the prefix of the scopes told to clients.",
        ),
        key(
            "accept_v1",
            Kind::Flag,
            Need::Default("true"),
            "Accept v1 tokens too: an app registration yields them unless its manifest sets `requestedAccessTokenVersion` to 2.",
        ),
        key(
            "required_scope",
            Kind::OneOrMore("scope"),
            Need::Default("[]"),
            "The scope, as it stands in `scp`, that a person's token needs, or a list of which it needs one. A server may name its own.",
        ),
        key(
            "required_role",
            Kind::OneOrMore("role"),
            Need::Default("[]"),
            "The app role, as it stands in `roles`, that a token needs, or a list of which it needs one. A server may name its own.",
        ),
        key(
            "allow_app_only",
            Kind::Flag,
            Need::Default("false"),
            "Accept tokens of services that act for themselves. They need an app role; policy still decides.",
        ),
        key("credential", Kind::Group(&CREDENTIAL), Need::Optional, ""),
        key(
            "require_secretless",
            Kind::Flag,
            Need::Default("false"),
            "Refuse a credential of the kind `secret`.",
        ),
    ],
};

static SERVER: Group = Group {
    path: "server",
    about: "One upstream MCP server, served at `<public_url>/<name>/mcp`. It is reached by `url` or started by `command`.",
    keys: &[
        key(
            "name",
            Kind::Text("server name"),
            Need::Always,
            "Its name in paths, policies and metrics: 1 to 64 of `a-z`, `0-9` and `-`.",
        ),
        key(
            "url",
            Kind::Text("URL"),
            Need::Optional,
            "Where a remote server answers Streamable HTTP. `http` only to a loopback address.",
        ),
        key(
            "command",
            Kind::List("argument"),
            Need::Optional,
            "Program and arguments of a stdio server; no shell is involved. One child runs per person.",
        ),
        key(
            "client_id",
            Kind::Text("GUID"),
            Need::Optional,
            "The server's own app registration. Without it that of `[entra]`.",
        ),
        key(
            "app_id_uris",
            Kind::List("App ID URI"),
            Need::Default("[]"),
            "Further App ID URIs of the server's own app registration; only with `client_id`.",
        ),
        key(
            "required_scope",
            Kind::OneOrMore("scope"),
            Need::Default("[]"),
            "As in `[entra]`, for this server; replaces it.",
        ),
        key(
            "required_role",
            Kind::OneOrMore("role"),
            Need::Default("[]"),
            "As in `[entra]`, for this server; replaces it.",
        ),
        key("timeout", Kind::Span(100, DAY), Need::Optional, "`limits.call_timeout` for this server."),
        key("credential", Kind::Group(&SERVER_CREDENTIAL), Need::Optional, ""),
        key("elicitation", Kind::Group(&ELICITATION), Need::Optional, ""),
        key("flow", Kind::Groups(&SERVER_FLOW), Need::Optional, ""),
        key(
            "headers",
            Kind::Map("header value"),
            Need::Default("{}"),
            "Fixed headers for a remote server. Nothing secret, and none that carries a credential or belongs to HTTP or MCP.",
        ),
        key(
            "era",
            Kind::Choice(&["auto", "legacy", "modern", "both"]),
            Need::Default("auto"),
            "The revisions the server speaks: `legacy` is 2025-11-25 and older, `modern` is 2026-07-28. `auto` asks it. Clients may speak either: the door bridges.",
        ),
        key(
            "flagged_definitions",
            Kind::Choice(&["withhold", "record", "pass"]),
            Need::Default("withhold"),
            "What becomes of a tool, prompt or resource whose definition gives orders to the model ([scan.md](scan.md)): it is recorded, and left out where there is no doubt; or only recorded; or definitions are not read at all.",
        ),
        key(
            "data",
            Kind::Choice(&["rules", "record", "off"]),
            Need::Default("rules"),
            "What is done about secrets and personal data at this server: what `[data]` says; or it is recorded and goes on; or nothing is looked for.",
        ),
        key(
            "data_label",
            Kind::Text("label"),
            Need::Optional,
            "A word for how delicate the server's data is, for the `labels` of `[[data.rule]]`.",
        ),
        key(
            "flagged_arguments",
            Kind::Choice(&["record", "block", "pass"]),
            Need::Default("record"),
            "What becomes of a call in whose arguments something reaches beyond what its parameter is for: a command, a path, a statement, an address, a template ([results.md](results.md)). It is recorded; or refused where a rule of high severity fits; or arguments are not read.",
        ),
        key(
            "flagged_results",
            Kind::Choice(&["mark", "block", "record", "pass"]),
            Need::Default("mark"),
            "What becomes of a result, an error, a question or a message of the server that gives orders to the model ([results.md](results.md)): it is recorded, and goes on with a note of what was found in it; or it is kept from the client where there is no doubt; or it is only recorded; or what comes back is not read at all.",
        ),
        key(
            "spotlight",
            Kind::Choice(Spotlight::WORDS),
            Need::Default("annotate"),
            "How clients are told that what the server returns is a stranger's text ([results.md](results.md)): by a note in `_meta`, which no model reads; or in the text itself, between lines that nobody can forge (`transform`), with a sign for each blank besides (`datamark`), or in base64 (`encode`). `off` says that the server is trusted.",
        ),
        key(
            "max_result_bytes",
            Kind::Size(1 << 10, 1 << 30),
            Need::Optional,
            "How large one answer may be, its messages on the way together, too ([results.md](results.md)). What is larger does not go on: the caller is told its size, and to ask for less. None: what `limits.response_bytes` lets the door carry.",
        ),
        key(
            "max_result_tokens",
            Kind::Count(100, 100_000_000),
            Need::Optional,
            "How many tokens one answer may be for a model. The door guesses them from the text, rather too high than too low. None: as many as there are.",
        ),
        key(
            "pins",
            Kind::Choice(&["first-use", "approval", "off"]),
            Need::Optional,
            "What the server says of its tools, prompts, resources and of itself is held against what was agreed to ([pins.md](pins.md)): what is seen first (`first-use`), or what a person approved (`approval`). What means something else later waits for a person. `first-use` where there is a `[vault]` to keep it in, else `off`.",
        ),
        key(
            "look_alikes",
            Kind::Choice(&["record", "block"]),
            Need::Default("record"),
            "What becomes of a pinned server's tool whose name passes for a tool of another server: it is recorded, or waits for a person's approval too.",
        ),
        key(
            "advise",
            Kind::Choice(&["off", "results", "both"]),
            Need::Default("off"),
            "What second opinions are asked for: nothing, what the server answers, or also what it is sent. The texts go to the services of `[advise]`.",
        ),
        key(
            "risk",
            Kind::Choice(&["high", "low"]),
            Need::Default("high"),
            "What the server can do at the worst: it decides what follows where an opinion is missing.",
        ),
        key(
            "transport",
            Kind::Choice(&["streamable-http", "http+sse"]),
            Need::Default("streamable-http"),
            "How a remote server is spoken to. `http+sse` is the transport of 2024-11-05, with one stream for all answers: for servers that have nothing else. What it says is judged like everything.",
        ),
        key(
            "sse_clients",
            Kind::Flag,
            Need::Default("false"),
            "Clients of the HTTP+SSE transport of 2024-11-05 may call at the server's path too. With the same token, for each message, as all others.",
        ),
        key(
            "shared",
            Kind::Flag,
            Need::Default("false"),
            "One child for all people. It then may neither ask its client anything nor have subscriptions, for nobody could say whose they are.",
        ),
        key(
            "max_children",
            Kind::Count(1, 10_000),
            Need::Default("32"),
            "Children at once; one more person is told to come back (503). One person has four at the most: with clients of 2025-11-25 one for each set of capabilities that these declare.",
        ),
        key(
            "idle",
            Kind::Span(SECOND, 7 * DAY),
            Need::Default("10m"),
            "A child unused for this long is stopped.",
        ),
        key("cwd", Kind::Text("path"), Need::Optional, "The child's working directory."),
        key(
            "sandbox",
            Kind::OneOrMore("profile line"),
            Need::Optional,
            "Walls around the child: `strict`, or the lines of a profile, `files-read DIR`, `files-write DIR`, `net HOST…` and others ([guard.md](guard.md)). Without it the child may do what the door's own account may.",
        ),
        key(
            "env",
            Kind::Map("text"),
            Need::Default("{}"),
            "Variables for the child, nothing secret. Of the door's own it inherits `PATH`, `HOME`, `LANG`, `LC_ALL`, `TZ` and `TMPDIR`.",
        ),
        key(
            "env_files",
            Kind::Map("path"),
            Need::Default("{}"),
            "Variables for the child whose values are secret: each names a file of mode 0600 that holds the value.",
        ),
    ],
};

static ELICITATION: Group = Group {
    path: "server.elicitation",
    about: "What the server may ask people for, where a policy lets it ask at all. Written `elicitation = { … }` in its `[[server]]`.",
    keys: &[
        key(
            "forms",
            Kind::Choice(&["guarded", "any"]),
            Need::Default("guarded"),
            "Forms that ask for a secret (passwords, keys, one-time codes, card numbers) are refused, and so are those that the protocol does not have: the client and the server read what is written into a form. `any` passes every form on.",
        ),
        key(
            "url_hosts",
            Kind::List("host"),
            Need::Optional,
            "Hosts that the server may ask people to open, with their port unless it is 443. Without it the server's own host; for a server that is started here, none.",
        ),
        key(
            "urls",
            Kind::Choice(&["proven", "unproven"]),
            Need::Default("proven"),
            "`proven` leads people to a page of the door's own first, which shows the address to the one who was asked and to nobody else; without `[sign_in]` there is no such page, and addresses are refused. `unproven` passes the address on as it is, whoever opens it.",
        ),
    ],
};

static POLICY: Group = Group {
    path: "policy",
    about: "What people may do. Without a policy nobody may do anything.",
    keys: &[key(
        "dir",
        Kind::Text("path"),
        Need::Default("policies"),
        "Folder of `*.cedar` files. A change is checked as a whole and then takes effect; a bad one leaves the old in force.",
    )],
};

static RULES: Group = Group {
    path: "rules",
    about: "Rules beside those that are built in, in signed bundles. `doorward rules` installs them, has them count and takes them back; a change takes effect at once, or not at all.",
    keys: &[
        key(
            "dir",
            Kind::Text("path"),
            Need::Default("rules"),
            "Folder of the bundles, and of the file that says which of them count.",
        ),
        key(
            "keys",
            Kind::List("path"),
            Need::Default("[]"),
            "PEM files with the public keys (Ed25519) of those whose bundles are taken. Without one none is.",
        ),
    ],
};

static AUDIT: Group = Group {
    path: "audit",
    about: "The record of what happened. The door refuses calls that it cannot record.",
    keys: &[
        key("dir", Kind::Text("path"), Need::Default("audit"), "Folder of the log."),
        key(
            "key_file",
            Kind::Text("path"),
            Need::Default("keys/audit.key"),
            "The key that signs checkpoints; made at first start, mode 0600. It may not be in the log's folder: who can rewrite the log must not be able to sign it.",
        ),
        key(
            "checkpoint_dir",
            Kind::Text("path"),
            Need::Default("checkpoints"),
            "Second place for signed checkpoints, best on another disk. Not in the log's folder.",
        ),
        key(
            "durability",
            Kind::Choice(&["batched", "record"]),
            Need::Default("batched"),
            "`batched`: a record survives a kill of the process at once and a power cut within 10 ms. `record`: it is on the disk before the upstream is called.",
        ),
        key(
            "segment",
            Kind::Size(MIB, 64 * GIB),
            Need::Default("256MiB"),
            "A log file is closed and a new one begun at this size.",
        ),
    ],
};

static LOG: Group = Group {
    path: "log",
    about: "Messages for the operator, on standard error. They hold neither content nor secrets.",
    keys: &[
        key(
            "format",
            Kind::Choice(&["human", "json"]),
            Need::Default("human"),
            "Lines for people, or one JSON object a line.",
        ),
        key(
            "level",
            Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
            Need::Default("info"),
            "The least important messages that are written.",
        ),
    ],
};

static LAB: Group = Group {
    path: "insecure_lab",
    about: "An emulator in Entra's place. Only in builds with the `lab` feature, only while every listener is on loopback; said aloud at start and in every audit record.",
    keys: &[
        key("authority", Kind::Text("origin"), Need::Always, "Origin of the emulator, `https` on loopback."),
        key(
            "graph",
            Kind::Text("URL"),
            Need::Optional,
            "Base of its Microsoft Graph. Without it `<authority>/graph`.",
        ),
        key("ca_file", Kind::Text("path"), Need::Always, "PEM file of the certificate authority it made."),
        key(
            "origins",
            Kind::List("origin"),
            Need::Default("[]"),
            "Upstream origins that may be plain `http` or private: exact ones, nothing is widened by pattern.",
        ),
        key(
            "identity",
            Kind::Text("origin"),
            Need::Optional,
            "Origin of an emulated metadata service, for managed identities.",
        ),
        key("key_vault", Kind::Text("origin"), Need::Optional, "Origin of an emulated Key Vault."),
    ],
};
