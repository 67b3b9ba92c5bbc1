//! The keys about secrets and personal data.

use super::table::{KIB, key};
use super::{Group, Kind, Need};

pub(super) static DATA: Group = Group {
    path: "data",
    about: "Secrets and personal data in what callers send and in what servers answer ([data.md](data.md)). Without this table secrets are taken out of answers and refused in arguments, and personal data is recorded.",
    keys: &[
        key(
            "read",
            Kind::Size(KIB, KIB << 20),
            Need::Default("4MiB"),
            "How much text of one message is looked at; a text that would go beyond it is not.",
        ),
        key(
            "unread",
            Kind::Choice(&["record", "refuse"]),
            Need::Default("record"),
            "What becomes of a message that has more text than that: it is recorded and goes on, or it does not.",
        ),
        key("rule", Kind::Groups(&RULE), Need::Optional, ""),
    ],
};

static RULE: Group = Group {
    path: "data.rule",
    about: "What is done about what is found. The first rule that fits a finding decides; what a rule does not name it does not ask about. Where none fits, what is said of `[data]` holds.",
    keys: &[
        key(
            "find",
            Kind::OneOrMore("kind of data"),
            Need::Always,
            "What it is about: `secrets`, `personal`, `everything`, or kinds by name; [data.md](data.md) lists them.",
        ),
        key(
            "do",
            Kind::Choice(&["allow", "mask", "redact", "tokenise", "block"]),
            Need::Always,
            "`allow`: it stays, and is recorded. `mask`: its end stays, `****1111`. `redact`: what it was stays, `[secret:github-token]`. `tokenise`: a placeholder stays that becomes the text again where the model hands it back to the same server, for the same person and client; of answers alone. `block`: the message does not go on.",
        ),
        key(
            "direction",
            Kind::Choice(&["arguments", "answers"]),
            Need::Optional,
            "Only in what is sent to a server, or only in what comes back. Without it both.",
        ),
        key(
            "servers",
            Kind::OneOrMore("server name"),
            Need::Default("[]"),
            "Only at these servers; at all if empty.",
        ),
        key(
            "tools",
            Kind::OneOrMore("tool"),
            Need::Default("[]"),
            "Only with these tools or prompts, by name; with any if empty.",
        ),
        key(
            "fields",
            Kind::OneOrMore("field"),
            Need::Default("[]"),
            "Only as the value of a member of one of these names, in letters of any size; of any if empty.",
        ),
        key(
            "labels",
            Kind::OneOrMore("label"),
            Need::Default("[]"),
            "Only at servers with one of these `data_label`s; at any if empty.",
        ),
        key(
            "roles",
            Kind::OneOrMore("role"),
            Need::Default("[]"),
            "Only for people with one of these app roles; for all if empty.",
        ),
        key(
            "place",
            Kind::Choice(&["content", "contact", "credential"]),
            Need::Optional,
            "Only in places of this kind: `contact` is where a tool asks whom to reach, `credential` where its schema says that a password belongs, `content` everywhere else.",
        ),
        key(
            "sure",
            Kind::Choice(&["possible", "likely", "certain"]),
            Need::Default("likely"),
            "Only findings that are at least this sure. Names and postal addresses are never more than `possible`.",
        ),
    ],
};
