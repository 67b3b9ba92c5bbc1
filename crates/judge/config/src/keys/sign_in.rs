//! The keys of signing in: credential, façade, clients, vault, and what servers are called with.

use super::table::{DAY, HOUR, MINUTE, SECOND, key};
use super::{Group, Kind, Need};
use crate::model::Spotlight;

pub(super) static CREDENTIAL: Group = Group {
    path: "entra.credential",
    about: "How the door proves to Entra that it is the application `client_id`. Best are the kinds without a secret.",
    keys: &[
        key(
            "kind",
            Kind::Choice(&["managed-identity", "workload-identity", "certificate", "secret"]),
            Need::Always,
            "`managed-identity`: the identity of the Azure machine, trusted by a federated credential. `workload-identity`: a token file that the platform keeps fresh, trusted the same way. `certificate`: PS256 assertions, good for minutes. `secret`: last choice; it can be copied and it expires.",
        ),
        key(
            "managed_identity",
            Kind::Text("GUID"),
            Need::Optional,
            "Client id of a user-assigned managed identity; needed where the machine has more than one. Entra takes user-assigned ones alone as the proof of an app registration.",
        ),
        key(
            "source",
            Kind::Choice(&["auto", "imds", "app-service", "arc"]),
            Need::Default("auto"),
            "Who gives the managed identity's tokens. `auto` looks at what the platform has set for the process: App Service and Container Apps, Azure Arc, else the virtual machine's metadata service.",
        ),
        key(
            "token_file",
            Kind::Text("path"),
            Need::Optional,
            "The workload identity's token file; read again for each use.",
        ),
        key("certificate", Kind::Text("path"), Need::Optional, "PEM file of the certificate."),
        key(
            "key",
            Kind::Text("path"),
            Need::Optional,
            "PEM file of the certificate's private key (RSA, PKCS#8), mode 0600.",
        ),
        key("secret_file", Kind::Text("path"), Need::Optional, "File with the client secret, mode 0600."),
        key(
            "secret_expires",
            Kind::Text("date"),
            Need::Optional,
            "The day the secret expires, `2027-01-31`. From 30 days before it the door reminds of it at every start.",
        ),
    ],
};

pub(super) static SIGN_IN: Group = Group {
    path: "sign_in",
    about: "With this table the door is the authorization server of its clients, and signs people in with Entra behind it. It needs `entra.client_id`, `entra.credential` and `[vault]`. The `required_scope` of servers are then the door's own scopes; a server without one has the scope `mcp`.",
    keys: &[
        key(
            "access_token",
            Kind::Span(2 * SECOND, 10 * MINUTE),
            Need::Default("5m"),
            "How long an access token lives. It opens one server, and nothing once it is revoked.",
        ),
        key(
            "refresh_idle",
            Kind::Span(MINUTE, 90 * DAY),
            Need::Default("14d"),
            "A sign-in that nobody has used for this long ends.",
        ),
        key(
            "refresh_absolute",
            Kind::Span(MINUTE, 365 * DAY),
            Need::Default("90d"),
            "A sign-in ends at this age in any case.",
        ),
        key(
            "recheck",
            Kind::Span(SECOND, HOUR),
            Need::Default("30m"),
            "After this long Entra is asked again whether a person may still come in, and their roles and groups are read again. While Entra is away, refreshes go on for 15 minutes more.",
        ),
        key(
            "session",
            Kind::Span(MINUTE, DAY),
            Need::Default("8h"),
            "How long a browser stays signed in to the door's own pages.",
        ),
        key(
            "registration",
            Kind::Choice(&["off", "on"]),
            Need::Default("off"),
            "Dynamic client registration (RFC 7591), for clients that can neither be configured nor name a document.",
        ),
        key(
            "registration_limit",
            Kind::Count(1, 100_000),
            Need::Default("1000"),
            "Registered clients at once.",
        ),
        key(
            "registration_expires",
            Kind::Span(HOUR, 365 * DAY),
            Need::Default("30d"),
            "A registration that nobody has used for this long ends.",
        ),
        key(
            "client_documents",
            Kind::Flag,
            Need::Default("true"),
            "Clients whose id is the address of a document that describes them (client-id metadata documents).",
        ),
        key(
            "client_document_hosts",
            Kind::List("host"),
            Need::Default("[]"),
            "Hosts whose documents are taken, `vscode.dev` for one. Empty takes those of every public host.",
        ),
        key(
            "redirect_schemes",
            Kind::List("scheme"),
            Need::Default("[]"),
            "Schemes of native applications that may be redirected to besides `https` and loopback, `cursor` for one. Any program on a person's machine can claim a scheme.",
        ),
        key(
            "entra_tokens",
            Kind::Choice(&["none", "apps", "all"]),
            Need::Default("none"),
            "Whose tokens of Entra's own open servers beside the door's: nobody's, those of applications (managed and agent identities), or everybody's.",
        ),
        key(
            "scopes",
            Kind::Map("text"),
            Need::Default("{}"),
            "What each scope lets an application do, in the words that a person reads when they are asked.",
        ),
        key(
            "signing_key_days",
            Kind::Count(1, 365),
            Need::Default("30"),
            "A new signing key follows after so many days.",
        ),
    ],
};

pub(super) static CLIENT: Group = Group {
    path: "client",
    about: "A client that the operator vouches for. With `roles` it is a machine: it gets tokens for itself by client credentials, and is never taken for a person.",
    keys: &[
        key("id", Kind::Text("client id"), Need::Always, "Its client id: a name, no GUID and no URL."),
        key("name", Kind::Text("text"), Need::Always, "What people are told it is called."),
        key(
            "redirect_uris",
            Kind::List("URI"),
            Need::Default("[]"),
            "Where it may be answered, compared byte for byte; of loopback addresses the port may differ.",
        ),
        key(
            "secret_file",
            Kind::Text("path"),
            Need::Optional,
            "File with its secret, mode 0600. A client without secret and keys is a public one.",
        ),
        key(
            "jwks_file",
            Kind::Text("path"),
            Need::Optional,
            "File with its public keys (JWKS), for assertions by `private_key_jwt`.",
        ),
        key(
            "roles",
            Kind::List("role"),
            Need::Default("[]"),
            "Roles of the machine. They need `secret_file` or `jwks_file`.",
        ),
        key(
            "servers",
            Kind::List("server name"),
            Need::Default("[]"),
            "The servers it is for. Empty means all.",
        ),
        key(
            "require_dpop",
            Kind::Flag,
            Need::Default("false"),
            "Gives it tokens only with a proof of possession (DPoP): bound to a key that it holds, and worth nothing to whoever steals them. Any client may bring such proofs; this one must.",
        ),
        key(
            "spotlight",
            Kind::Choice(Spotlight::WORDS),
            Need::Optional,
            "How it is told that a text is a stranger's. It stands before the server's own, unless that is `off`.",
        ),
    ],
};

pub(super) static VAULT: Group = Group {
    path: "vault",
    about: "Where sign-ins, consents and Entra's tokens are kept, each row sealed. The key that opens them comes from one of `key_file` and `key_vault_key`.",
    keys: &[
        key(
            "path",
            Kind::Text("path"),
            Need::Default("vault/doorward.db"),
            "The database, made at first start.",
        ),
        key(
            "key_file",
            Kind::Text("path"),
            Need::Optional,
            "File with the key, made at first start, mode 0600. Not in the database's folder: whoever copies the one must not have the other.",
        ),
        key(
            "key_vault_key",
            Kind::Text("URL"),
            Need::Optional,
            "A key in Azure Key Vault, `https://NAME.vault.azure.net/keys/KEY`. It never leaves the vault; the door's identity needs wrapKey, unwrapKey, sign and verify.",
        ),
    ],
};

pub(super) static SERVER_CREDENTIAL: Group = Group {
    path: "server.credential",
    about: "With what the door calls the server. Exactly one of `on_behalf_of`, `workload`, `secret_file`, `key_vault_secret` and `user_grant`; only for servers with `url`. What a caller brought is never sent on.",
    keys: &[
        key(
            "on_behalf_of",
            Kind::Text("scope"),
            Need::Optional,
            "A token of Entra's for this scope and the calling person, `api://crm/.default`. Applications are refused.",
        ),
        key(
            "workload",
            Kind::Text("scope"),
            Need::Optional,
            "An application token of the door's own, for this scope.",
        ),
        key(
            "secret_file",
            Kind::Text("path"),
            Need::Optional,
            "File with a secret that the server knows, mode 0600.",
        ),
        key(
            "key_vault_secret",
            Kind::Text("URL"),
            Need::Optional,
            "The same from Azure Key Vault, `https://NAME.vault.azure.net/secrets/SECRET`.",
        ),
        key(
            "header",
            Kind::Text("header name"),
            Need::Default("authorization"),
            "The header that carries the secret.",
        ),
        key("prefix", Kind::Text("text"), Need::Default("Bearer "), "What stands before the secret."),
        key(
            "user_grant",
            Kind::Flag,
            Need::Default("false"),
            "The person's own account at the server's authorization server, connected once on the account page.",
        ),
        key(
            "issuer",
            Kind::Text("URL"),
            Need::Optional,
            "That authorization server. Without it the one that the server names.",
        ),
        key(
            "client_id",
            Kind::Text("text"),
            Need::Optional,
            "The door's client id there. Without it the door registers itself.",
        ),
        key(
            "client_secret_file",
            Kind::Text("path"),
            Need::Optional,
            "File with the door's secret there, mode 0600.",
        ),
        key(
            "client_document",
            Kind::Text("URL"),
            Need::Optional,
            "Where the door's client metadata document stands, for authorization servers that know clients by one. Its `redirect_uris` hold `PUBLIC_URL/oauth/upstream/callback`.",
        ),
        key(
            "scopes",
            Kind::List("scope"),
            Need::Default("[]"),
            "What to ask for there. Empty asks for what the server names.",
        ),
    ],
};
