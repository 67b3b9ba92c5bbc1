//! The keys of second opinions: who is asked, with what, and what follows.

use super::table::{DAY, SECOND, key};
use super::{Group, Kind, Need};

pub(super) static ADVISE: Group = Group {
    path: "advise",
    about: "Second opinions on texts: Azure Prompt Shields and Content Safety, or a model on this machine ([advise.md](advise.md)). Nobody is asked about a server that does not say so with `advise`.",
    keys: &[
        key(
            "endpoint",
            Kind::Text("endpoint"),
            Need::Optional,
            "The endpoint of the Content Safety resource, `https://NAME.cognitiveservices.azure.com`. The texts go there.",
        ),
        key("credential", Kind::Group(&CREDENTIAL), Need::Optional, ""),
        key(
            "prompt_shields",
            Kind::Flag,
            Need::Default("true"),
            "Ask Prompt Shields whether a text is an attack on a model.",
        ),
        key("content_safety", Kind::Group(&CONTENT_SAFETY), Need::Optional, ""),
        key("model", Kind::Group(&MODEL), Need::Optional, ""),
        key(
            "deadline",
            Kind::Span(100, 30 * SECOND),
            Need::Default("2s"),
            "How long a call may wait for an opinion. What has not come by then is missing.",
        ),
        key(
            "pieces",
            Kind::Count(1, 100),
            Need::Default("8"),
            "The services take 10,000 characters at once. A longer text is cut into so many pieces at the most, which overlap; what is beyond counts as missing.",
        ),
        key(
            "keep",
            Kind::Span(SECOND, DAY),
            Need::Default("10m"),
            "How long an answer is kept for the same text of the same tenant. A blocklist that changes is heard of after this long.",
        ),
        key("on_finding", Kind::Group(&ON_FINDING), Need::Optional, ""),
        key("on_failure", Kind::Group(&ON_FAILURE), Need::Optional, ""),
    ],
};

static CREDENTIAL: Group = Group {
    path: "advise.credential",
    about: "With what the door asks. Written `credential = { … }` in `[advise]`.",
    keys: &[
        key(
            "kind",
            Kind::Choice(&["entra", "key-file"]),
            Need::Always,
            "`entra`: tokens of the door's own identity, `entra.credential`, which needs the role Cognitive Services User and an endpoint with the resource's own name. `key-file`: a key of the resource, which can be copied.",
        ),
        key("key_file", Kind::Text("path"), Need::Optional, "File with the key, mode 0600."),
    ],
};

static MODEL: Group = Group {
    path: "advise.model",
    about: "A model on this machine that classifies texts, run in a process of its own; nothing leaves the machine. Written `model = { … }` in `[advise]`.",
    keys: &[
        key(
            "file",
            Kind::Text("path"),
            Need::Always,
            "The model, in ONNX, in one file, with 32-bit or 8-bit weights.",
        ),
        key("tokenizer", Kind::Text("path"), Need::Always, "Its `tokenizer.json`."),
        key(
            "sha256",
            Kind::Text("SHA-256"),
            Need::Optional,
            "The SHA-256 of the model and its tokenizer, one after the other. With other files the door does not open.",
        ),
        key(
            "benign",
            Kind::Count(0, 63),
            Need::Default("0"),
            "The label which says that all is well, counted from 0; all others are an attack. Of no meaning where the model has one number, which is the attack's.",
        ),
        key(
            "window",
            Kind::Count(16, 8_192),
            Need::Default("512"),
            "Tokens that the model reads at once. Longer texts are read in windows that overlap by a quarter.",
        ),
        key(
            "sure",
            Kind::Count(1, 100),
            Need::Default("90"),
            "The percentage from which on a text counts as an attack.",
        ),
        key(
            "sandbox",
            Kind::Flag,
            Need::Default("true"),
            "Put walls around its process: no file, no network, bounded memory. `false` only where the kernel allows none.",
        ),
    ],
};

const SEVERITY: &str =
    "The severity from which on it counts: 2 is low, 4 medium, 6 high. Left out, nobody asks about it.";

static CONTENT_SAFETY: Group = Group {
    path: "advise.content_safety",
    about: "What Content Safety is asked. Written `content_safety = { … }` in `[advise]`; without it it is not asked.",
    keys: &[
        key("hate", Kind::Count(1, 7), Need::Optional, SEVERITY),
        key("self_harm", Kind::Count(1, 7), Need::Optional, SEVERITY),
        key("sexual", Kind::Count(1, 7), Need::Optional, SEVERITY),
        key("violence", Kind::Count(1, 7), Need::Optional, SEVERITY),
        key(
            "blocklists",
            Kind::List("blocklist"),
            Need::Default("[]"),
            "Blocklists of the resource by name. What stands on one is a finding; one that is not there is a failure.",
        ),
    ],
};

const FOUND: &str =
    "What is done about a text that was found to be bad. `flag` lets it go on and records it, for trials.";

static ON_FINDING: Group = Group {
    path: "advise.on_finding",
    about: "What follows where something was found, by the `risk` of the server. Written `on_finding = { … }` in `[advise]`.",
    keys: &[
        key("high", Kind::Choice(&["refuse", "flag"]), Need::Default("refuse"), FOUND),
        key("low", Kind::Choice(&["refuse", "flag"]), Need::Default("refuse"), FOUND),
    ],
};

const MISSING: &str = "What is done about a text that was not judged as a whole: a service is away, throttles, is too slow, or the text is too long. `flag` lets it go on and records it.";

static ON_FAILURE: Group = Group {
    path: "advise.on_failure",
    about: "What follows where an opinion is missing, by the `risk` of the server. Written `on_failure = { … }` in `[advise]`.",
    keys: &[
        key("high", Kind::Choice(&["refuse", "flag"]), Need::Default("refuse"), MISSING),
        key("low", Kind::Choice(&["refuse", "flag"]), Need::Default("flag"), MISSING),
    ],
};
