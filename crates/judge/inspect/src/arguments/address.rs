//! Where an address leads, however it is spelled.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::plain::Plain;

/// How sure it is that whoever fetches `value` is sent somewhere it does not expect. `at_home` says that the tool works with
/// the machine it runs on; `is_host` that the value is a host and nothing else.
pub(super) fn misleads(value: &str, plain: &Plain<'_>, at_home: bool, is_host: bool) -> f32 {
    let low = plain.low.trim();
    if low.is_empty() || low.len() > 4096 {
        return 0.0;
    }
    let home: f32 = if at_home { 0.45 } else { 0.95 };
    if is_host {
        let host = low.split(['/', '?', '#']).next().unwrap_or_default();
        if !low.contains("://") && !low.starts_with('/') {
            let (host, _) = port(host);
            // Databases and brokers are set up with such hosts all day long.
            return match of_host(host) {
                Host::Own | Host::Near => home.min(0.45),
                other => other.weight(home),
            };
        }
    }
    let squeezed: String =
        low.chars().filter(|c| !matches!(c, '\\' | '\t' | '\n' | '\r' | '\0')).take(200).collect();
    let start = squeezed.trim_start_matches(['/', ' ']);
    if ["javascript:", "vbscript:", "livescript:"].iter().any(|scheme| start.starts_with(scheme)) {
        return 1.0;
    }
    let mut sure = 0.0_f32;
    let spelled = value.trim_start();
    let opaque = spelled.starts_with('%') || spelled.to_ascii_lowercase().starts_with("http%");
    if opaque && (start.starts_with("http") || start.starts_with("//")) {
        sure = 0.9;
    }
    if let Some(at) = low.find("://").filter(|at| *at < 30 && !low.starts_with('/')) {
        let scheme = low.get(..at).unwrap_or_default();
        // `jar:http://`: the outer one decides who reads it.
        let outer = scheme.split_once(':').map_or(scheme, |(outer, _)| outer);
        sure = sure.max(of_scheme(outer, low.get(at + 3..).unwrap_or_default()));
        if is_web(scheme) {
            let spelled = value
                .split("://")
                .nth(1)
                .and_then(|rest| rest.split(['/', '?', '#']).next())
                .unwrap_or_default();
            if spelled.contains('%') && !spelled.contains('@') {
                sure = sure.max(0.8);
            }
            sure = sure.max(of_authority(low.get(at + 3..).unwrap_or_default(), plain, home));
        }
        return sure;
    }
    for scheme in ["http:", "https:", "ftp:"] {
        if let Some(rest) = low.strip_prefix(scheme) {
            // A browser takes it for an address, a filter does not.
            return sure.max(0.9).max(of_authority(rest.trim_start_matches(['/', '\\']), plain, home));
        }
    }
    if low.starts_with("data:") {
        return sure.max(if low.starts_with("data:text/html") || low.contains("script") { 1.0 } else { 0.2 });
    }
    sure.max(relative(low, plain))
}

/// A path where an address is expected, which a browser takes for the address of another host.
fn relative(low: &str, plain: &Plain<'_>) -> f32 {
    let Some(first) = low.chars().next() else { return 0.0 };
    if matches!(first, '〵' | '〱' | 'ゝ' | '。') || low.contains("=/\\/") {
        return 0.9;
    }
    if first != '/' && first != '\\' && !first.is_whitespace() {
        let (host, _) = port(low.split(['/', '?', '#', '\\']).next().unwrap_or_default());
        return match of_host(host) {
            Host::Odd | Host::Metadata | Host::Rebinding => 0.9,
            _ => 0.0,
        };
    }
    let second = low.chars().nth(1).unwrap_or(' ');
    let rest =
        low.trim_start_matches(['/', '\\', ' ', '\t', '<', '>', '.', ';', '@', '〵', '〱', 'ゝ', 'ー']);
    let names_host = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default().contains('.');
    if matches!(second, '/' | '\\') {
        return if names_host || rest.starts_with("http") { 0.95 } else { 0.6 };
    }
    if rest.starts_with("http:")
        || rest.starts_with("https:")
        || low.contains("=http://") && low.matches("=http").count() > 1
    {
        return 0.9;
    }
    let strange = second.is_whitespace() || matches!(second, '<' | ';' | '@' | '〵' | '〱' | 'ゝ' | '.');
    if strange && names_host && !low.starts_with("/.well-known")
        || plain.passes > 0 && names_host && second != '/' && plain.is_odd
    {
        return 0.8;
    }
    0.0
}

fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp" | "ftps" | "feed")
}

fn of_scheme(scheme: &str, rest: &str) -> f32 {
    match scheme {
        "http" | "https" | "ws" | "wss" | "s3" | "gs" | "git" | "ssh" | "git+ssh" | "git+https" | "az"
        | "abfs" | "abfss" | "hdfs" => 0.0,
        "gopher" | "dict" | "jar" | "netdoc" | "php" | "phar" | "expect" | "zip" | "glob" | "ogg" | "rar"
        | "data" | "view-source" | "local_file" | "ldap" | "ldaps" | "ldapi" | "tftp" | "rmi" | "jndi"
        | "javascript" | "vbscript" | "unix" | "smb" | "\\\\" | "compress.zlib" | "url:file" => 1.0,
        "file" => {
            let path = rest.trim_start_matches("localhost");
            let home = [
                "/home/",
                "/users/",
                "/workspace",
                "/tmp/",
                "/repo",
                "/project",
                "/app/",
                "/data/",
                "/mnt/",
                "/c:/users",
                "/d:/",
                "/c:/dev",
                "/c:/projects",
                "/srv/",
            ];
            if home.iter().any(|start| path.starts_with(start)) && !path.contains("/.") { 0.3 } else { 0.9 }
        }
        "ftp" | "sftp" | "telnet" | "imap" | "mailto" => 0.35,
        _ => 0.05,
    }
}

/// Who is asked, by what stands between `://` and the path.
fn of_authority(rest: &str, plain: &Plain<'_>, home: f32) -> f32 {
    let mut sure = 0.0_f32;
    if rest.starts_with('/') || rest.starts_with('\\') {
        sure = 0.9;
    }
    let rest = rest.trim_start_matches(['/', '\\']);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    let tail = rest.get(end..).unwrap_or_default();
    if authority.contains(['\\', ' ', '\t', '\n', '\r', '<', '>', '\0', '{', '|', ',', ';']) {
        sure = sure.max(0.9);
    }
    // `https://a.example#@b.example/`: readers differ about who that is.
    if tail.starts_with(['#', '?']) && tail.get(1..).is_some_and(|tail| tail.starts_with('@'))
        || authority.matches('@').count() > 1
    {
        sure = sure.max(0.95);
    }
    let authority = authority.split(['\\', ' ', '\t']).next().unwrap_or_default();
    let host = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let named = user.contains('.')
                || user.contains(':') && user.contains("http")
                || user.len() > 40
                || user.contains(['>', '<', '\\', '%']);
            sure = sure.max(if named {
                0.95
            } else if user == "git" {
                0.0
            } else {
                0.35
            });
            host
        }
        None => authority,
    };
    let (host, port) = port(host);
    sure = sure.max(of_host(host).weight(home));
    if matches!(
        port,
        "22" | "25" | "6379" | "11211" | "2375" | "2379" | "10250" | "9200" | "3306" | "5432" | "27017"
    ) {
        sure = sure.max(if sure > 0.4 { 0.7 } else { 0.35 });
    }
    let path_is_odd =
        (tail.contains("/../") || tail.ends_with("/..") || tail.contains("/%2e")) && plain.passes > 0;
    if path_is_odd || tail.matches("/..").count() > 1 {
        sure = sure.max(0.85);
    }
    if plain.is_odd && host.contains('.') && sure < 0.5 && !host.is_ascii() {
        sure = sure.max(0.6);
    }
    sure
}

fn port(host: &str) -> (&str, &str) {
    if let Some(inner) = host.strip_prefix('[') {
        let (inner, rest) = inner.split_once(']').unwrap_or((inner, ""));
        return (inner, rest.trim_start_matches(':'));
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => {
            (name, port.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default())
        }
        _ => (host, ""),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    Public,
    /// The machine itself.
    Own,
    /// Its network.
    Near,
    /// A name that only a network inside knows.
    Inside,
    /// What tells a cloud machine its secrets.
    Metadata,
    /// A name that anybody can point inside.
    Rebinding,
    /// A name that tells somebody that it was asked for.
    Canary,
    /// An address in numbers that are written otherwise than people write them.
    Odd,
}

impl Host {
    fn weight(self, home: f32) -> f32 {
        match self {
            Self::Public => 0.0,
            Self::Own | Self::Near => home,
            Self::Inside => 0.45,
            Self::Metadata | Self::Odd => 1.0,
            Self::Rebinding => 0.9,
            Self::Canary => 0.7,
        }
    }
}

fn of_host(host: &str) -> Host {
    let host = host.trim_matches(|c: char| c.is_whitespace()).trim_end_matches('.');
    if host.matches(':').count() >= 2 {
        let read = host.split('%').next().and_then(|host| host.parse().ok());
        // Times, names of classes and of packages hold colons as well.
        let is_like =
            host.contains("::") && host.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
        return read.map_or(if is_like { Host::Odd } else { Host::Public }, of_v6);
    }
    if let Some(address) = in_numbers(host) {
        return address.map_or(Host::Odd, of_v4);
    }
    let ends = |list: &[&str]| {
        list.iter().any(|end| host == *end || host.strip_suffix(end).is_some_and(|rest| rest.ends_with('.')))
    };
    if ends(&[
        "metadata.google.internal",
        "instance-data",
        "metadata.azure.internal",
        "kubernetes.default.svc",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
    ]) || host == "metadata"
    {
        Host::Metadata
    } else if ends(&[
        "localhost",
        "localdomain",
        "ip6-localhost",
        "ip6-loopback",
        "broadcasthost",
        "loopback",
    ]) {
        Host::Own
    } else if ends(&[
        "nip.io",
        "sslip.io",
        "xip.io",
        "localtest.me",
        "lvh.me",
        "vcap.me",
        "lacolhost.com",
        "yoogle.com",
        "rbndr.us",
        "1u.ms",
        "localh.st",
        "readme.localtest.me",
        "fbi.com",
        "fuf.me",
        "spoofed.burpcollaborator.net",
        "rebind.network",
        "ip.addr.tools",
        "bogus.jp",
        "traefik.me",
        "company.127.0.0.1.nip.io",
        "domaincontrol.com",
        "42foo.com",
        "localdomain.pw",
    ]) {
        Host::Rebinding
    } else if ends(&[
        "burpcollaborator.net",
        "oastify.com",
        "interact.sh",
        "oast.fun",
        "oast.pro",
        "oast.live",
        "oast.site",
        "oast.online",
        "oast.me",
        "webhook.site",
        "requestbin.com",
        "requestbin.net",
        "pipedream.net",
        "ngrok.io",
        "ngrok-free.app",
        "ngrok.app",
        "dnslog.cn",
        "ceye.io",
        "canarytokens.com",
        "requestrepo.com",
        "beeceptor.com",
        "requestcatcher.com",
        "hookb.in",
        "dnsbin.zhack.ca",
        "trycloudflare.com",
    ]) {
        Host::Canary
    } else if ends(&[
        "internal",
        "local",
        "corp",
        "lan",
        "intranet",
        "cluster.local",
        "svc",
        "home.arpa",
        "localdomain",
    ]) {
        Host::Inside
    } else if host
        .chars()
        .any(|c| ('\u{2460}'..='\u{24FF}').contains(&c) || ('\u{FF10}'..='\u{FF19}').contains(&c))
    {
        Host::Odd
    } else {
        Host::Public
    }
}

/// An address of one to four numbers, as old readers take it; `Some(None)` where people do not write it so.
fn in_numbers(host: &str) -> Option<Option<Ipv4Addr>> {
    let parts: Vec<&str> = host.split('.').collect();
    let is_number = |part: &&str| {
        let digits = part.strip_prefix("0x");
        digits.map_or_else(
            || !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()),
            |digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()),
        )
    };
    if parts.len() > 4 || !parts.iter().all(is_number) {
        return None;
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(Some(address));
    }
    // A small number alone is a port or a count.
    if let [only] = parts.as_slice()
        && only.len() < 7
        && !only.starts_with('0')
    {
        return None;
    }
    // Three numbers in a row are a version.
    if parts.len() == 3 && parts.iter().all(|part| part.len() < 4 && !part.starts_with("0x"))
        || parts.len() == 2 && host.len() < 7 && !host.contains('x')
    {
        let own = parts.first() == Some(&"127") || parts.first() == Some(&"10");
        return own.then_some(None);
    }
    Some(None)
}

fn of_v4(address: Ipv4Addr) -> Host {
    let [a, b, ..] = address.octets();
    if (a, b) == (169, 254)
        || address.octets() == [100, 100, 100, 200]
        || address.octets() == [192, 0, 0, 192]
        || address.octets() == [168, 63, 129, 16]
    {
        Host::Metadata
    } else if a == 127 || a == 0 {
        Host::Own
    } else if address.is_private()
        || (a == 100 && (64..128).contains(&b))
        || address.is_broadcast()
        || a >= 224
    {
        Host::Near
    } else {
        Host::Public
    }
}

fn of_v6(address: Ipv6Addr) -> Host {
    let segments = address.segments();
    let high = segments.first().copied().unwrap_or_default();
    if address.is_loopback() || address.is_unspecified() {
        Host::Own
    } else if address.to_ipv4().is_some() || (high == 0x64 && segments.get(1) == Some(&0xFF9B)) {
        Host::Odd
    } else if segments.starts_with(&[0xFD00, 0x0EC2]) {
        Host::Metadata
    } else if high & 0xFFC0 == 0xFE80 || high & 0xFE00 == 0xFC00 {
        Host::Near
    } else {
        Host::Public
    }
}
