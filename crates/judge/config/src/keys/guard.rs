//! The keys of the guard: who signs in on this machine, and where their tokens lie.

use super::table::key;
use super::{Group, Kind, Need};

pub(super) static GUARD: Group = Group {
    path: "guard",
    about: "Signing in on one person's machine, for `doorward login` and `doorward guard`; a public client of Entra's, which has no secret. A file with this table needs no `[gateway]`: it may then have `[policy]`, `[audit]`, `[log]` and `[insecure_lab]` besides, and nothing else.",
    keys: &[
        key(
            "tenant",
            Kind::Text("GUID"),
            Need::Always,
            "The Tenant ID. Nobody else's people can sign in, guests of the tenant can.",
        ),
        key(
            "client_id",
            Kind::Text("GUID"),
            Need::Always,
            "The Application (client) ID of a registration of your own, with the platform \"Mobile and desktop applications\", the redirect URI `http://localhost`, and public client flows allowed.",
        ),
        key(
            "cloud",
            Kind::Choice(&["public", "usgov", "china"]),
            Need::Default("public"),
            "The national cloud.",
        ),
        key(
            "allowed_people",
            Kind::List("GUID"),
            Need::Default("[]"),
            "Object ids of the people who may use this machine's servers. If this and `allowed_groups` are empty, everybody of the tenant may.",
        ),
        key(
            "allowed_groups",
            Kind::List("GUID"),
            Need::Default("[]"),
            "Object ids of groups whose people may. The registration must put `groups` into ID tokens; a person with more groups than a token lists is refused.",
        ),
        key(
            "cache",
            Kind::Choice(&["keychain", "passphrase-file", "insecure-file"]),
            Need::Default("keychain"),
            "What seals the file in which tokens lie. `keychain`: a key in the keychain of the session. `passphrase-file`: a key from a passphrase, for machines without a keychain. `insecure-file`: the key lies in the file itself, and whoever reads the file has the tokens.",
        ),
        key(
            "cache_dir",
            Kind::Text("path"),
            Need::Optional,
            "The folder of that file, mode 0700. Without it `doorward/accounts` in the person's state folder.",
        ),
        key(
            "passphrase_file",
            Kind::Text("path"),
            Need::Optional,
            "File with the passphrase, mode 0600, for machines where nobody can type it; only with `cache = \"passphrase-file\"`. Without it the terminal asks.",
        ),
        key(
            "broker",
            Kind::Flag,
            Need::Default("true"),
            "Asks the identity broker of the operating system, if there is one, before a person is asked.",
        ),
        key("console", Kind::Group(&CONSOLE), Need::Optional, ""),
    ],
};

static CONSOLE: Group = Group {
    path: "guard.console",
    about: "A gateway's console, for those who decide there from this machine with `doorward console`.",
    keys: &[
        key("url", Kind::Text("origin"), Need::Always, "Its address: `admin.public_url` of the gateway."),
        key(
            "scope",
            Kind::Text("scope"),
            Need::Always,
            "What its tokens are asked for with, `api://<app id of the gateway>/.default`. It stands here because a console that could name it itself could have tokens for other applications sent to it.",
        ),
    ],
};
