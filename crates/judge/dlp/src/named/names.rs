//! Which names promise a secret.

/// What a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noun {
    /// Chosen by a person: short, of any characters.
    Password,
    /// Drawn by a machine: long, of letters and digits.
    Token,
    /// The same, for programs that sign in: some of these are UUIDs.
    Key,
    /// A header: a scheme, and what belongs to it.
    Login,
}

/// Words at the end of a name that say nothing of what it names.
const NEUTRAL: [&str; 23] = [
    "value",
    "string",
    "val",
    "prod",
    "production",
    "dev",
    "development",
    "test",
    "staging",
    "live",
    "old",
    "new",
    "current",
    "b64",
    "base",
    "text",
    "plain",
    "plaintext",
    "raw",
    "env",
    "v",
    "primary",
    "secondary",
];

const PASSWORDS: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "pwd",
    "pass",
    "passcode",
    "pw",
    "kennwort",
    "wachtwoord",
    "adgangskode",
    "contrasena",
    "senha",
    "userpass",
    "dbpass",
    "sshpass",
];

const TOKENS: [&str; 22] = [
    "secret",
    "secrets",
    "token",
    "apikey",
    "apitoken",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "bearertoken",
    "clientsecret",
    "credential",
    "credentials",
    "creds",
    "pat",
    "bearer",
    "jwt",
    "accountkey",
    "sharedaccesskey",
];

/// What a key must be of to be a secret: most keys are names of things.
const KEYS_OF: [&str; 43] = [
    "api",
    "access",
    "secret",
    "private",
    "client",
    "encryption",
    "encrypt",
    "signing",
    "sign",
    "signature",
    "auth",
    "account",
    "master",
    "service",
    "subscription",
    "storage",
    "shared",
    "license",
    "admin",
    "deploy",
    "webhook",
    "integration",
    "jwt",
    "hmac",
    "aes",
    "session",
    "consumer",
    "developer",
    "application",
    "app",
    "write",
    "ingest",
    "read",
    "rest",
    "server",
    "bot",
    "functions",
    "function",
    "cosmos",
    "search",
    "tls",
    "ssl",
    "sas",
];

/// Whose keys are secrets, if nothing else is said of them.
const KEYS_FROM: [&str; 42] = [
    "airtable",
    "algolia",
    "anthropic",
    "asana",
    "atlassian",
    "auth0",
    "aws",
    "azure",
    "bitbucket",
    "cloudflare",
    "cohere",
    "confluence",
    "datadog",
    "deepgram",
    "discord",
    "elevenlabs",
    "figma",
    "gemini",
    "github",
    "gitlab",
    "grafana",
    "groq",
    "heroku",
    "huggingface",
    "jira",
    "mailchimp",
    "mailgun",
    "mistral",
    "newrelic",
    "notion",
    "okta",
    "openai",
    "openrouter",
    "pagerduty",
    "pinecone",
    "postman",
    "sendgrid",
    "sentry",
    "slack",
    "stripe",
    "supabase",
    "twilio",
];

/// What a token is of that is no secret: places in a list, words of a language, what a model counts.
const TOKENS_OF: [&str; 46] = [
    "page",
    "next",
    "prev",
    "previous",
    "continuation",
    "pagination",
    "cursor",
    "sync",
    "progress",
    "cancel",
    "cancellation",
    "csrf",
    "xsrf",
    "eos",
    "bos",
    "pad",
    "unk",
    "mask",
    "stop",
    "start",
    "end",
    "special",
    "max",
    "min",
    "num",
    "total",
    "count",
    "input",
    "output",
    "prompt",
    "completion",
    "first",
    "last",
    "lexer",
    "syntax",
    "design",
    "resume",
    "skip",
    "change",
    "delta",
    "idempotency",
    "checkpoint",
    "request",
    "starting",
    "forward",
    "backward",
];

/// Reads a name: `DB_PASSWORD`, `clientSecret`, `x-api-key`.
pub(crate) fn noun(name: &str) -> Option<Noun> {
    if name.len() > 80 {
        return None;
    }
    let is_one_of = |words: &[&str], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    let mut words = words(name).rev().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    let mut last = words.next()?;
    let mut before = words.next();
    while let Some(next) = before
        && (last.is_empty() || is_one_of(&NEUTRAL, last))
    {
        last = next;
        before = words.next();
    }
    let before = before.unwrap_or_default();
    let is_key = last.eq_ignore_ascii_case("key") && before.eq_ignore_ascii_case("api")
        || last.eq_ignore_ascii_case("secret") && before.eq_ignore_ascii_case("client");
    if is_key || is_one_of(&["apikey", "clientsecret"], last) {
        Some(Noun::Key)
    } else if is_one_of(&["authorization", "auth"], last) {
        Some(Noun::Login)
    } else if last.eq_ignore_ascii_case("key") {
        (is_one_of(&KEYS_OF, before) || is_one_of(&KEYS_FROM, before)).then_some(Noun::Token)
    } else if is_one_of(&PASSWORDS, last) || ends_with(last, "password") {
        Some(Noun::Password)
    } else if is_one_of(&TOKENS, last) || ends_with(last, "token") || ends_with(last, "secret") {
        // `skiptoken` is a place in a list as `skip_token` is.
        let joined = last.get(..last.len().saturating_sub("token".len())).unwrap_or_default();
        let place = is_one_of(&TOKENS_OF, before) || TOKENS_OF.iter().any(|of| ends_with(joined, of));
        (!place).then_some(Noun::Token)
    } else {
        None
    }
}

/// `PGPASSWORD`, `authtoken`: words that somebody wrote together.
fn ends_with(word: &str, end: &str) -> bool {
    let from = word.len().saturating_sub(end.len());
    word.get(from..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// The words of a name: what stands between signs, and between a small and a capital letter.
pub(crate) fn words(name: &str) -> impl DoubleEndedIterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).flat_map(humps)
}

/// `clientSecret` in two.
fn humps(part: &str) -> impl DoubleEndedIterator<Item = &str> {
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let begins = move |at: &usize| {
        let here = bytes.get(*at).copied().unwrap_or(0);
        *at == 0 || here.is_ascii_uppercase() && bytes.get(at - 1).copied().is_some_and(small)
    };
    let end = move |from: usize| (from + 1..part.len()).find(|at| begins(at)).unwrap_or(part.len());
    (0..part.len()).filter(begins).map(move |from| part.get(from..end(from)).unwrap_or_default())
}

/// Providers whose secrets have no shape of their own, by what their names are written with.
const PROVIDERS: [(&str, &str); 31] = [
    ("aws", "aws-secret-key"),
    ("secretaccesskey", "aws-secret-key"),
    ("secret_access_key", "aws-secret-key"),
    ("heroku", "heroku-key"),
    ("snyk", "snyk-token"),
    ("postmark", "postmark-token"),
    ("sendbird", "sendbird-key"),
    ("_authtoken", "npm-token"),
    ("codecov", "codecov-token"),
    ("pinecone", "pinecone-key"),
    ("hubspot", "hubspot-key"),
    ("azure", "azure-key"),
    ("accountkey", "azure-key"),
    ("sharedaccesskey", "azure-key"),
    ("datadog", "datadog-key"),
    ("dd_api", "datadog-key"),
    ("dd_app", "datadog-key"),
    ("dd-api", "datadog-key"),
    ("twilio", "twilio-token"),
    ("cloudflare", "cloudflare-token"),
    ("cf_api", "cloudflare-token"),
    ("discord", "discord-token"),
    ("mailgun", "mailgun-key"),
    ("pagerduty", "pagerduty-key"),
    ("okta", "okta-token"),
    ("algolia", "algolia-key"),
    ("twitter", "twitter-token"),
    ("vercel", "vercel-token"),
    ("bitbucket", "bitbucket-token"),
    ("jira", "atlassian-token"),
    ("asana", "asana-token"),
];

/// The kind of a provider's secret, if the text, which is in small letters, names one.
pub(crate) fn provider(text: &str) -> Option<&'static str> {
    PROVIDERS.iter().find(|(word, _)| text.contains(word)).map(|(_, kind)| *kind)
}

/// The kinds of all providers' secrets.
pub(crate) fn kinds() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_of_other_things() {
        let expected = [
            (
                Noun::Password,
                vec!["password", "DB_PASSWORD", "dbPassword", "user.pass", "PGPASSWORD_PROD", "admin_pwd1"],
            ),
            (Noun::Token, vec!["token", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "authToken_value"]),
            (Noun::Key, vec!["clientSecret", "x-api-key", "apiKey2", "APIKEY", "client_secret_prod"]),
            (Noun::Login, vec!["Authorization", "_auth", "proxy-authorization"]),
        ];
        for (noun_expected, names) in expected {
            for name in names {
                assert_eq!(noun(name), Some(noun_expected), "{name}");
            }
        }
        for name in [
            "max_tokens",
            "next_page_token",
            "nextToken",
            "$skiptoken",
            "deltatoken",
            "nextpagetoken",
            "token_type",
            "secret_name",
            "password_hash",
            "public_key",
            "primary_key",
            "key",
            "author",
            "keyboard",
            "tokens",
            "passing",
            "progressToken",
            "secretRef",
            "tokenEndpoint",
        ] {
            assert_eq!(noun(name), None, "{name}");
        }
    }
}
