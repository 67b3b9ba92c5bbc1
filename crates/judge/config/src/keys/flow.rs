//! The keys of labels: what comes from where, and what may leave.

use super::table::{DAY, MINUTE, key};
use super::{Group, Key, Kind, Need};

const TOOL: Key = key(
    "tool",
    Kind::Text("name"),
    Need::Optional,
    "The tool that the label is about. A row with neither `tool`, `resource` nor `prompt` is about everything of the server that has no row of its own.",
);

const RESOURCE: Key = key(
    "resource",
    Kind::Text("URI"),
    Need::Optional,
    "The resource that the label is about; one that ends in `*` is every URI that begins so, the longest beginning counts.",
);

const PROMPT: Key = key("prompt", Kind::Text("name"), Need::Optional, "The prompt that the label is about.");

const INTEGRITY: Key = key(
    "integrity",
    Kind::Choice(&["trusted", "user", "untrusted"]),
    Need::Optional,
    "How far what it answers may be believed. `untrusted` is what anybody may have written: pages, mails, tickets. Left out, the server's own row says it, and else it is `untrusted`.",
);

const CONFIDENTIALITY: Key = key(
    "confidentiality",
    Kind::Choice(&["public", "internal", "confidential", "restricted"]),
    Need::Optional,
    "Who may know what it answers. Left out, the server's own row says it, and else it is `confidential`.",
);

const SINK: Key = key(
    "sink",
    Kind::Text("place"),
    Need::Optional,
    "Where its arguments go: `none`, `internal for self`, `internal for team`, `internal for company` or `outward`; and, as [flow.md](flow.md) says, with `unless` for arguments that make it narrower. Left out, the server's own row says it, and else it is `outward`.",
);

const DEFINITIONS: Key = key(
    "definitions",
    Kind::Choice(&["trusted", "untrusted"]),
    Need::Optional,
    "Whether the server's own description of its tools may be believed; in the row of the whole server only. `untrusted`, and so without it: whoever was shown the list has read untrusted text.",
);

pub(super) static SERVER_FLOW: Group = Group {
    path: "server.flow",
    about: "What the server's tools, resources and prompts are: where their text comes from, who may know it, and where their arguments go ([flow.md](flow.md)). What has no label is untrusted, confidential and outward. Nothing that the server says of itself is asked.",
    keys: &[TOOL, RESOURCE, PROMPT, INTEGRITY, CONFIDENTIALITY, SINK, DEFINITIONS],
};

pub(super) static LABEL: Group = Group {
    path: "label",
    about: "A row of a guard's labels: as `[[server.flow]]` of a gateway, with the server's name.",
    keys: &[
        key("server", Kind::Text("server name"), Need::Always, "What the guard calls the server (`--name`)."),
        TOOL,
        RESOURCE,
        PROMPT,
        INTEGRITY,
        CONFIDENTIALITY,
        SINK,
        DEFINITIONS,
    ],
};

pub(super) static FLOW: Group = Group {
    path: "flow",
    about: "What is read and what may leave, folded over each person's sign-in ([flow.md](flow.md)): private data, untrusted text and a way out together need a person, or are refused.",
    keys: &[
        key(
            "mode",
            Kind::Choice(&["enforce", "record", "off"]),
            Need::Optional,
            "`enforce`; or `record`: everything passes, and records say what would have been asked about or refused; or `off`. Without it `enforce` as soon as one `[[server.flow]]` is written, and else `off`.",
        ),
        key(
            "private",
            Kind::Choice(&["public", "internal", "confidential", "restricted"]),
            Need::Default("confidential"),
            "The least confidentiality that does not go outward together with untrusted text without a question.",
        ),
        key(
            "idle",
            Kind::Span(MINUTE, 7 * DAY),
            Need::Default("8h"),
            "How long nothing may happen before what a sign-in has read is forgotten.",
        ),
        key(
            "calls",
            Kind::Count(1, 1_000_000),
            Need::Default("3000"),
            "Calls of one sign-in within an hour.",
        ),
        key(
            "outward",
            Kind::Size(1, 1 << 30),
            Need::Default("4MiB"),
            "Bytes of arguments that one sign-in sends outward within an hour without a question.",
        ),
        key(
            "believed_clients",
            Kind::List("client id"),
            Need::Default("[]"),
            "Clients whose conversations are told apart: what was read in one is not held against another, unless it is restricted. By their sessions of 2025-11-25, or by `conversation`.",
        ),
        key(
            "conversation",
            Kind::Text("name"),
            Need::Optional,
            "The member of `_meta` in which such a client names its conversation.",
        ),
        key(
            "approval_time",
            Kind::Span(MINUTE, DAY),
            Need::Default("1h"),
            "How long a question waits for its answer, and the call for being made once more.",
        ),
        key(
            "approver_role",
            Kind::Text("role"),
            Need::Optional,
            "The app role of those who may answer for others: restricted data needs a second person. Without it no such call is approved.",
        ),
    ],
};

/// A guard's labels, in a file of their own.
pub(crate) static LABELS: Group = Group {
    path: "",
    about: "",
    keys: &[
        key("flow", Kind::Group(&FLOW), Need::Optional, ""),
        key("label", Kind::Groups(&LABEL), Need::Optional, ""),
    ],
};
