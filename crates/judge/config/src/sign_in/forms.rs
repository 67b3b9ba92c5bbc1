//! The forms of single texts in the tables of signing in.

use doorward_types::ClientId;

use crate::net::{self, HttpUrl};
use crate::units::Fault;

pub(super) fn client_name(text: &str) -> Result<ClientId, Fault> {
    let help = "write a short name of your own, for example \"inspector\"";
    if text.contains("://") {
        return Err(Fault::new(
            format!("`{text}` is a URL, and such clients describe themselves by a document"),
            help,
        ));
    }
    ClientId::registered(text).map_err(|why| Fault::new(format!("`{text}` is {why}"), help))
}

pub(super) fn words_of(text: &str) -> Result<String, Fault> {
    let fit = !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if fit {
        Ok(text.to_owned())
    } else {
        Err(Fault::new("1 to 200 characters are wanted, on one line", "write a short sentence"))
    }
}

pub(super) fn words_or_nothing(text: &str) -> Result<String, Fault> {
    if text.len() <= 64 && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        // What is longer may be the secret itself.
        let what = "a prefix has at most 64 printable ASCII characters";
        Err(Fault { secret: true, ..Fault::new(what, "write \"Bearer \", for example") })
    }
}

pub(super) fn host(text: &str) -> Result<String, Fault> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte));
    if plain && !text.is_empty() && text.len() <= 253 {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Fault::new(
            format!("`{text}` is no host"),
            "write a host such as \"vscode.dev\", without `https://` and path",
        ))
    }
}

pub(super) fn scheme(text: &str) -> Result<String, Fault> {
    let plain =
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
    let taken =
        matches!(text, "http" | "https" | "javascript" | "data" | "file" | "vbscript" | "about" | "blob");
    if plain && !taken && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.len() <= 64 {
        Ok(text.to_owned())
    } else {
        Err(Fault::new(
            format!("`{text}` is no scheme of an application's own"),
            "write a scheme such as \"cursor\", without `://`",
        ))
    }
}

pub(super) fn header_name(text: &str) -> Result<String, Fault> {
    let name = text.to_ascii_lowercase();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let taken = name.starts_with("mcp-")
        || matches!(
            name.as_str(),
            "host"
                | "content-type"
                | "content-length"
                | "accept"
                | "connection"
                | "transfer-encoding"
                | "cookie"
                | "traceparent"
        );
    if plain && !taken && !name.is_empty() && name.len() <= 64 {
        Ok(name)
    } else {
        Err(Fault::new(
            format!("`{text}` cannot carry the credential"),
            "write \"authorization\" or a header of the server's own, \"x-api-key\" for example",
        ))
    }
}

/// A scope must name its resource: bare, Entra takes it for one of Microsoft Graph's (AADSTS650053).
pub(crate) fn resource_scope(text: &str) -> Result<String, Fault> {
    let qualified =
        text.rsplit_once('/').is_some_and(|(resource, name)| !resource.is_empty() && !name.is_empty());
    if qualified && !text.contains(' ') {
        Ok(text.to_owned())
    } else {
        Err(Fault::new(
            format!("`{text}` names no resource, and Entra would look for it in Microsoft Graph"),
            "write \"api://<app id>/.default\", or one scope with its App ID URI in front",
        ))
    }
}

pub(super) fn default_scope(text: &str) -> Result<String, Fault> {
    if text.ends_with("/.default") {
        resource_scope(text)
    } else {
        Err(Fault::new(
            format!(
                "`{text}` cannot be asked for by an application: it has app roles, and asks for all at once"
            ),
            "write \"api://<app id>/.default\"",
        ))
    }
}

/// Takes the identifier of a key or a secret in a Key Vault. What is not one may be the secret itself, pasted into the
/// wrong place, so it is not repeated.
pub(super) fn vault_url(text: &str, kind: &str) -> Result<HttpUrl, Fault> {
    let url = net::url(text).ok().filter(|url| {
        let mut parts = url.path_and_query().split('/');
        let (root, first, name) = (parts.next(), parts.next(), parts.next());
        let version = parts.next();
        root == Some("")
            && first == Some(kind)
            && name.is_some_and(|name| !name.is_empty() && !name.contains('?'))
            && version.is_none_or(|version| !version.is_empty())
            && parts.next().is_none()
    });
    url.ok_or_else(|| Fault {
        secret: true,
        ..Fault::new(
            format!("this is no identifier of one of the {kind} of a Key Vault"),
            format!("write \"https://<vault>.vault.azure.net/{kind}/<name>\", as the Azure portal shows it"),
        )
    })
}

/// Reads a day as seconds since the epoch (Gregorian, UTC).
pub(super) fn date(text: &str) -> Result<i64, Fault> {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |at: usize, width: usize| -> Option<i64> {
        let part = parts
            .get(at)
            .filter(|part| part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit()))?;
        part.parse().ok()
    };
    match (number(0, 4), number(1, 2), number(2, 2), parts.len()) {
        (Some(year), Some(month @ 1..=12), Some(day), 3) if (1..=length(year, month)).contains(&day) => {
            let (shifted, era_year) = ((month + 9) % 12, if month <= 2 { year - 1 } else { year });
            let era = era_year.div_euclid(400);
            let year_of_era = era_year.rem_euclid(400);
            let day_of_year = (153 * shifted + 2) / 5 + day - 1;
            let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
                - 719_468;
            Ok(days * 86_400)
        }
        _ => Err(Fault::new(format!("`{text}` is no day"), "write it as \"2027-01-31\"")),
    }
}

/// How many days a month has.
fn length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads the address of a client metadata document: authorization servers take no other form for a client id.
pub(crate) fn client_document(text: &str) -> Result<HttpUrl, Fault> {
    let url = net::url(text)?;
    if url.origin().is_https() && url.path_and_query() != "/" && !text.contains(['?', '#']) {
        return Ok(url);
    }
    Err(Fault::new(
        format!("`{text}` cannot be the address of a client metadata document"),
        "write an https address with a path and no query, \"https://www.example.com/doorward-client.json\"",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        assert_eq!(date("1970-01-01").ok(), Some(0));
        assert_eq!(date("2000-02-29").ok(), Some(951_782_400));
        assert_eq!(date("2026-11-20").ok(), Some(1_795_132_800));
        assert!(date("2026-13-01").is_err() && date("26-1-1").is_err() && date("tomorrow").is_err());
        assert!(date("2027-02-29").is_err() && date("2100-02-29").is_err() && date("2026-04-31").is_err());
        assert!(date("2028-02-29").is_ok() && date("2026-01-00").is_err());
    }
}
