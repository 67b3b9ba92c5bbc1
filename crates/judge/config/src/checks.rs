//! What no single key can tell: the rules between them.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::model::{Access, Admin, Gateway, Server};
use crate::net::Origin;
use crate::problem::Problems;
use crate::read::{Read, Section};
use crate::servers::Placed;

/// No bearer token travels in the clear (REM-11, IDC-03).
pub(crate) fn gateway(section: &Section<'_>, gateway: &Gateway, problems: &mut Problems) {
    let url = &gateway.public_url;
    if !gateway.listen.ip().is_loopback() && gateway.tls.is_none() && gateway.trusted_proxies.is_empty() {
        problems.add(
            section.at("listen"),
            format!("{} is not loopback, and without TLS tokens would cross the network in the clear", gateway.listen),
            "add `tls = { certificate = \"…\", key = \"…\" }`, or list in `trusted_proxies` the proxy that ends TLS, or listen on 127.0.0.1",
        );
    }
    if !url.is_https() && !url.is_loopback() {
        problems.add(
            section.at("public_url"),
            format!("`{url}` would have clients send their tokens in the clear"),
            format!("write \"https://{}\"", url.authority()),
        );
    }
    if !url.is_https() && gateway.tls.is_some() {
        problems.add(
            section.at("public_url"),
            format!("`{url}` says http, and `tls` makes the door speak https"),
            format!("write \"https://{}\"", url.authority()),
        );
    }
    // Nothing stands between a client on this machine and the listener, so another port can only be a slip; clients
    // would be refused for their `Host`.
    let direct = url.is_loopback() && gateway.trusted_proxies.is_empty() && gateway.listen.ip().is_loopback();
    if direct && gateway.listen.port() != 0 && gateway.listen.port() != url.port() {
        problems.add(
            section.at("public_url"),
            format!(
                "clients would go to port {}, and the door listens on {}",
                url.port(),
                gateway.listen.port()
            ),
            "write the same port in `listen` and `public_url`",
        );
    }
    if let Some(metrics) = gateway.metrics
        && metrics.port() != 0
        && metrics.port() == gateway.listen.port()
        && overlap(metrics, gateway.listen)
    {
        problems.add(
            section.at("metrics"),
            "`metrics` is the address of the door itself",
            "choose another port, for example 9464",
        );
    }
}

/// The console decides for everybody: nobody reads along, and nothing else listens there.
pub(crate) fn admin(
    section: &Section<'_>,
    admin: &Admin,
    gateway: &Gateway,
    vault: bool,
    problems: &mut Problems,
) {
    if !admin.listen.ip().is_loopback() && admin.tls.is_none() {
        problems.add(
            section.at("listen"),
            format!("{} is not loopback, and without TLS whoever listens on the way could decide with somebody else's session", admin.listen),
            "add `tls = { certificate = \"…\", key = \"…\" }`, or listen on 127.0.0.1",
        );
    }
    let url = &admin.public_url;
    if (!url.is_https() && !url.is_loopback()) || (!url.is_https() && admin.tls.is_some()) {
        problems.add(
            section.at("public_url"),
            format!("browsers would go to `{url}` in the clear"),
            format!("write \"https://{}\"", url.authority()),
        );
    }
    // Cookies know no ports: on one host both would be told to set and to read the same ones.
    if *url == gateway.public_url {
        problems.add(
            section.at("public_url"),
            "the console has the door's own origin",
            "give it another host or another port",
        );
    }
    if admin.listen.port() != 0
        && admin.listen.port() == gateway.listen.port()
        && overlap(admin.listen, gateway.listen)
    {
        problems.add(
            section.at("listen"),
            "the console would listen where the door does",
            "choose another port, for example 8444",
        );
    }
    if !vault {
        problems.add(
            section.span(),
            "`[admin]` without `[vault]`: there is nowhere to keep what is decided",
            "add `[vault]` with `path` and a key",
        );
    }
}

/// `[insecure_lab]` counts only where nobody from outside can come in (D-19).
pub(crate) fn lab(
    section: &Section<'_>,
    gateway: &Gateway,
    console: Option<SocketAddr>,
    problems: &mut Problems,
) {
    for listener in [Some(gateway.listen), gateway.metrics, console].into_iter().flatten() {
        if !listener.ip().is_loopback() {
            problems.add(
                section.span(),
                format!("`[insecure_lab]` while {listener} can be reached from other machines"),
                "take `[insecure_lab]` out, or let every listener be on 127.0.0.1 or [::1]",
            );
        }
    }
}

/// The emulator's own addresses.
pub(crate) fn lab_origin(origin: Option<&Origin>, place: Option<Range<usize>>, problems: &mut Problems) {
    let Some(origin) = origin else { return };
    if !origin.is_https() || !origin.is_loopback_address() {
        problems.add(
            place,
            format!("`{origin}` is not `https` on a loopback address, and the emulator is nowhere else"),
            "copy the address that `doorward lab` prints",
        );
    }
}

/// A page fetched in the clear can be anybody's.
pub(crate) fn plain_origins(origins: &[Read<Origin>], problems: &mut Problems) {
    for origin in origins.iter().filter(|read| !read.value.is_https() && !read.value.is_loopback()) {
        let what = format!(
            "pages of `{}` arrive in the clear, so anybody on the way could put a script in",
            origin.value
        );
        problems.add(origin.span.clone(), what, format!("write \"https://{}\"", origin.value.authority()));
    }
}

/// Refuses a duration that is longer than the one that bounds it.
pub(crate) fn at_most(
    (name, shorter): (&str, &Option<Read<Duration>>),
    (bound, longer): (&str, &Option<Read<Duration>>),
    problems: &mut Problems,
) {
    if let (Some(shorter), Some(longer)) = (shorter, longer)
        && shorter.value > longer.value
    {
        let place = shorter.span.clone().or_else(|| longer.span.clone());
        problems.add(
            place,
            format!("`{name}` is longer than `{bound}`, so it would never be reached"),
            format!("lower `{name}` or raise `{bound}`"),
        );
    }
}

/// Refuses a value that is listed twice.
pub(crate) fn distinct<T: PartialEq + std::fmt::Display>(
    what: &str,
    list: &[Read<T>],
    problems: &mut Problems,
) {
    for (at, read) in list.iter().enumerate() {
        if list.iter().take(at).any(|earlier| earlier.value == read.value) {
            problems.add(read.span.clone(), format!("the {what} {} is listed twice", read.value), "keep one");
        }
    }
}

/// Who can write the log must not be able to sign it, nor to rewrite its second copy (D-10).
pub(crate) fn audit_paths(
    section: &Section<'_>,
    dir: &Read<PathBuf>,
    key_file: &Read<PathBuf>,
    checkpoint_dir: &Read<PathBuf>,
    problems: &mut Problems,
) {
    let (log, key, checkpoints) = (plain(&dir.value), plain(&key_file.value), plain(&checkpoint_dir.value));
    if key.starts_with(&log) {
        problems.add(
            section.at("key_file"),
            "the signing key is in the log's folder: who can rewrite the log there could sign it anew",
            "put `key_file` in a folder of its own, for example \"keys/audit.key\"",
        );
    }
    if checkpoints.starts_with(&log) || log.starts_with(&checkpoints) {
        problems.add(
            section.at("checkpoint_dir"),
            "the second copy of the checkpoints is in one folder with the log, and falls with it",
            "put `checkpoint_dir` elsewhere, best on another disk",
        );
    } else if key.starts_with(&checkpoints) {
        problems.add(
            section.at("key_file"),
            "the signing key is in the folder of the checkpoints it signs",
            "put `key_file` in a folder of its own, for example \"keys/audit.key\"",
        );
    }
}

/// Compares a server with those above it: names, and whose tokens open which (D-12).
pub(crate) fn sibling(
    server: &Server,
    above: &[Placed],
    place: Option<Range<usize>>,
    (shared_audience, app_only): (bool, bool),
    problems: &mut Problems,
) {
    if above.iter().any(|(other, _)| other.name == server.name) {
        let what = format!("a server named `{}` is above already", server.name);
        return problems.add(place, what, "give each server its own name: it is its path");
    }
    if shared_audience {
        return;
    }
    let twin = above.iter().find(|(other, _)| same_audience(&other.access, &server.access, app_only));
    if let Some((other, _)) = twin {
        problems.add(
            place,
            format!("a token for `{}` would open `{}` too: both have the same `client_id` and nothing tells their tokens apart", other.name, server.name),
            "give each its own `client_id`, `required_scope` or `required_role`, or write `shared_audience = true` at the top of the file to accept this",
        );
    }
}

/// In Entra the audience is the app registration, whatever the path: only a scope or a role that the other does not
/// take tells two servers behind one registration apart. Tokens of services have no scope.
fn same_audience(a: &Access, b: &Access, app_only: bool) -> bool {
    let apart =
        |a: &[String], b: &[String]| !a.is_empty() && !b.is_empty() && a.iter().all(|word| !b.contains(word));
    let roles = apart(&a.required_role, &b.required_role);
    let scopes = apart(&a.required_scope, &b.required_scope);
    let one_app = a.client_id == b.client_id || a.app_id_uris.iter().any(|uri| b.app_id_uris.contains(uri));
    one_app && !roles && (app_only || !scopes)
}

/// Whether binding one address stands in the way of the other.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified()
}

/// The path without `.` and with `..` taken back, by text alone: links are the I/O floor's to follow.
pub(crate) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
