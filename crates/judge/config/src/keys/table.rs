//! The keys themselves.

use super::advise::ADVISE;
use super::data::DATA;
use super::flow::FLOW;
use super::guard::GUARD;
use super::server::SERVER;
use super::sign_in::{CLIENT, CREDENTIAL, SIGN_IN, VAULT};
use super::{Group, Key, Kind, Need};

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
