//! The keys of a server: where it is, how it is spoken to, what becomes of what it says.

use super::flow::SERVER_FLOW;
use super::sign_in::SERVER_CREDENTIAL;
use super::table::{DAY, SECOND, key};
use super::{Group, Kind, Need};
use crate::model::Spotlight;

pub(super) static SERVER: Group = Group {
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
