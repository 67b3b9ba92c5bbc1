//! Secrets in what clients' files say, found by their names and by how they begin, so that none is shown.

/// Returns the arguments with secrets replaced by `***`: a list of servers ends up in tickets and on screens.
pub fn masked(args: &[String]) -> Vec<String> {
    let mut after_flag = false;
    let mut shown = Vec::with_capacity(args.len());
    for arg in args {
        let is_value = after_flag && !arg.starts_with('-') && !is_reference(arg);
        shown.push(if is_value {
            "***".to_owned()
        } else {
            without_named(arg).unwrap_or_else(|| without_secret(arg))
        });
        after_flag = arg.starts_with('-') && !arg.contains('=') && names_secret(arg);
    }
    shown
}

/// `--token=x`, `-e TOKEN=x`, `X-Api-Key: x`, `?key=x`: the argument without what stands behind a secret's name.
fn without_named(arg: &str) -> Option<String> {
    arg.match_indices(['=', ':']).find_map(|(at, sign)| {
        let before = arg.get(..at)?;
        let from = before.rfind(['?', '&', '/', ' ', ',', ';', '=', '"', '\'']).map_or(0, |from| from + 1);
        let name = before.get(from..)?;
        let in_query = before.get(..from)?.ends_with(['?', '&']);
        let value = arg.get(at + sign.len()..)?;
        let bare = value.trim_start();
        // `bearer x` is looked for word by word, so that the scheme stays.
        let scheme = bare.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        let secret = names_secret(name) || in_query && name == "key";
        (secret && !bare.is_empty() && !is_reference(bare) && !scheme).then(|| {
            format!("{before}{sign}{}***", value.get(..value.len() - bare.len()).unwrap_or_default())
        })
    })
}

/// Whether a value is not written out, but says where the client finds it.
pub(crate) fn is_reference(value: &str) -> bool {
    value.contains("${") || value.starts_with('$')
}

/// Whether a variable, header or flag of this name holds a secret.
pub(crate) fn names_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_ascii_lowercase().replace('-', "_");
    let parts: Vec<_> = name.split('_').collect();
    let words = [
        "token",
        "secret",
        "password",
        "passwd",
        "pwd",
        "apikey",
        "credential",
        "credentials",
        "pat",
        "authorization",
        "bearer",
        "cookie",
    ];
    let keys =
        ["api", "access", "private", "secret", "account", "service", "signing", "encryption", "auth", "x"];
    parts.iter().any(|part| words.contains(part) || part.ends_with("token") || part.ends_with("apikey"))
        || parts.windows(2).any(|pair| matches!(pair, [kind, "key"] if keys.contains(kind)))
        || name.ends_with("_key")
}

/// How the secrets of well-known makers begin.
const PREFIXES: [&str; 16] = [
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "sk-",
    "sk_live_",
    "rk_live_",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "eyJ",
    "npm_",
    "AIza",
];

/// The argument with what looks like a secret in it replaced: known beginnings, bearer tokens, passwords in addresses.
fn without_secret(arg: &str) -> String {
    let is_secret = |word: &str| word.len() >= 16 && PREFIXES.iter().any(|prefix| word.starts_with(prefix));
    let mut shown = String::with_capacity(arg.len());
    let mut after_bearer = false;
    for piece in arg.split_inclusive([' ', '=', ':', ',', '&', '?']) {
        let word = piece.trim_end_matches([' ', '=', ':', ',', '&', '?']);
        if !word.is_empty() && (is_secret(word) || after_bearer && !word.starts_with('$')) {
            shown.push_str("***");
            shown.push_str(piece.get(word.len()..).unwrap_or_default());
        } else {
            shown.push_str(piece);
        }
        after_bearer = word.eq_ignore_ascii_case("bearer") || word.is_empty() && after_bearer;
    }
    if let Some((scheme, rest)) = shown.split_once("://")
        && let Some((user, host)) = rest.split('/').next().unwrap_or_default().split_once('@')
        && user.contains(':')
    {
        let tail = rest.get(user.len() + 1 + host.len()..).unwrap_or_default();
        return format!("{scheme}://***@{host}{tail}");
    }
    shown
}
