//! Where a path leads: out of its folder, or to what belongs to the machine.

use super::plain::Plain;
use super::signs::{Low, of};

/// How sure it is that a path climbs. `slashed` has no backslashes.
pub(super) fn climbs(slashed: &Low<'_>, plain: &Plain<'_>) -> f32 {
    // Without a slash it has no parts, and two dots end a sentence.
    if !slashed.has(of(b"/")) && !plain.is_odd && !slashed.contains("..") {
        return 0.0;
    }
    let (mut ups, mut dots, mut still) = (0, 0, 0);
    let mut rest = slashed.text();
    loop {
        let (part, tail) = match rest.split_once('/') {
            Some((part, tail)) => (part, Some(tail)),
            None => (rest, None),
        };
        let bare = part.trim_matches(|c: char| matches!(c, '\'' | '"' | ' ' | '\0' | ':') || c.is_control());
        let bare = bare.split([';', '?', '#', '%', '\0']).next().unwrap_or_default();
        let is_dots = !bare.is_empty() && bare.bytes().all(|b| b == b'.');
        let bordered = tail.is_some() || ups + dots > 0;
        match bare.len() {
            2 if is_dots && bordered => ups += 1,
            3.. if is_dots && tail.is_some() => dots += 1,
            1 if is_dots => still += 1,
            _ => {}
        }
        match tail {
            Some(tail) => rest = tail,
            None => break,
        }
    }
    if slashed.contains("..2f..2f") || slashed.contains("..5c..5c") {
        return 1.0;
    }
    let fused = slashed.contains("../") || slashed.contains("/..");
    if plain.is_odd && ups + dots > 0 || ups + dots > 1 || still > 4 {
        1.0
    } else if ups > 0 {
        if plain.passes > 0 { 1.0 } else { 0.75 }
    } else if dots > 0 {
        0.7
    } else if fused && slashed.contains("../..") {
        0.8
    } else if plain.is_odd && (slashed.contains("..") || slashed.matches('%').count() > 3) {
        0.7
    } else {
        0.0
    }
}

/// Files in which secrets lie, or that attackers look for first. Searched for wherever they stand.
const SOUGHT: &[(&str, f32)] = &[
    ("etc/passwd", 1.0),
    ("etc/shadow", 1.0),
    ("etc/master.passwd", 1.0),
    ("etc/sudoers", 1.0),
    ("etc/hosts", 0.8),
    ("etc/issue", 0.8),
    ("etc/group", 0.8),
    ("proc/self", 1.0),
    ("proc/version", 1.0),
    ("proc/cmdline", 1.0),
    ("proc/environ", 1.0),
    ("proc/net", 0.9),
    (".ssh/", 1.0),
    ("id_rsa", 0.9),
    ("id_ed25519", 0.9),
    (".aws/credentials", 1.0),
    (".aws/config", 0.8),
    (".git/config", 0.7),
    (".git-credentials", 1.0),
    (".netrc", 0.9),
    (".npmrc", 0.6),
    (".pypirc", 0.9),
    (".kube/config", 0.9),
    (".docker/config.json", 0.9),
    (".bash_history", 0.9),
    (".zsh_history", 0.9),
    (".mysql_history", 0.9),
    (".pgpass", 1.0),
    (".gnupg/", 0.9),
    (".htpasswd", 0.9),
    ("wp-config.php", 0.7),
    ("web.config", 0.6),
    ("boot.ini", 0.95),
    ("win.ini", 0.95),
    ("system.ini", 0.8),
    ("system32/", 0.9),
    ("repair/sam", 1.0),
    ("config/sam", 1.0),
    ("ntds.dit", 1.0),
    ("unattend", 0.8),
    ("sysprep.inf", 0.9),
    ("pagefile.sys", 0.9),
    ("php://", 1.0),
    ("expect://", 1.0),
    ("phar://", 1.0),
    ("zip://", 0.8),
    ("glob://", 0.9),
    ("data://text", 1.0),
    ("file:///", 0.6),
    ("file://localhost", 0.9),
    ("convert.iconv", 1.0),
    ("convert.base64", 1.0),
    ("/c$/", 0.9),
    ("/admin$/", 0.9),
    ("li4vli4v", 0.9),
    ("l2v0yy9", 0.9),
    ("zxrjl3", 0.9),
    ("_history", 0.6),
    ("master.passwd", 0.9),
    (".bash_profile", 0.6),
    (".htaccess", 0.65),
    (".rhosts", 0.9),
    ("ci4vli4v", 0.9),
    ("/docker.sock", 0.95),
    ("/var/run/secrets", 1.0),
    ("serviceaccount/token", 1.0),
    ("/bin/cat", 0.9),
    ("wallet.dat", 0.9),
    ("login data", 0.8),
    ("cookies.sqlite", 0.9),
    ("claude_desktop_config", 0.9),
];

/// Where the machine keeps its own, from the root on.
const OWN: &[&str] = &[
    "/etc/",
    "/proc/",
    "/sys/",
    "/dev/",
    "/boot/",
    "/root/",
    "/var/log/",
    "/var/lib/",
    "/var/run/",
    "/var/spool/",
    "/var/mail/",
    "/var/cron/",
    "/var/adm/",
    "/var/apache",
    "/var/local/",
    "/var/mysql",
    "/var/cpanel",
    "/var/webmin",
    "/run/",
    "/bin/",
    "/sbin/",
    "/lib/",
    "/lib64/",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/etc/",
    "/usr/lib/",
    "/usr/pkg/",
    "/usr/home/",
    "/usr/ports/",
    "/usr/spool/",
    "/usr/apache",
    "/usr/local/apache",
    "/usr/local/etc",
    "/usr/local/php",
    "/usr/local/cpanel",
    "/usr/local/nginx",
    "/usr/local/www/",
    "/usr/local/mysql",
    "/usr/local/zeus",
    "/usr/local/pureftpd",
    "/usr/local/samba",
    "/usr/local/lib/",
    "/usr/local/httpd",
    "/usr/local/zend",
    "/usr/local/psa",
    "/usr/local/bin",
    "/opt/lamp",
    "/var/www/logs",
    "/opt/xampp",
    "/opt/apache",
    "/opt/httpd",
    "/opt/nginx",
    "/opt/tomcat",
    "/private/etc",
    "/private/var",
    "/private/tmp/..",
    "/www/logs",
    "/www/conf",
    "/www/apache",
    "/apache",
    "/logs/",
    "/conf/httpd",
    "/home2/",
    "/home/bin/",
    "/web/conf",
    "/netserver",
    "/php/",
    "/php4/",
    "/php5/",
    "/php7/",
    "/xampp/",
    "/mysql/",
    "/program files/apache",
    "/program files/xampp",
    "/program files (x86)/apache",
    "/program files/mysql",
    "/program files/vidalia",
    "/program files/filezilla",
    "/programfiles/",
    "/program files",
    "/windows",
    "/winnt",
    "/winnt/",
    "/windows/",
    "/inetpub",
    "/autoexec.bat",
    "/config.sys",
    "/system volume",
    "/mnt/etc",
    "/library/webserver",
    "/system/library",
    "/etc",
    "/proc",
    "/log/",
    "/recycler",
    "/documents and settings/all users",
    "/documents and settings/administrator",
    "/users/administrator/",
    "/minint",
    "/sysprep",
    "/wamp",
    "/usr/share/",
    "/srv/www/logs",
];

/// How sure it is that a path names something of the machine itself. `looks_after` says that the tool is about such things.
pub(super) fn systems(slashed: &Low<'_>, looks_after: bool) -> f32 {
    let mut sure = match any_of!(slashed, SOUGHT, |(name, _)| *name) {
        true => {
            SOUGHT.iter().filter(|(name, _)| slashed.contains(name)).map(|(_, how)| *how).fold(0.0, f32::max)
        }
        false => 0.0,
    };
    let weighed = |sure: f32| if looks_after && sure < 0.9 { sure * 0.6 } else { sure };
    if !slashed.has(of(b"/")) {
        return weighed(sure);
    }
    let path = slashed.trim_start_matches(|c: char| matches!(c, '\'' | '"' | ' ') || c.is_control());
    let path = path.strip_prefix("file:").unwrap_or(path);
    let path = if path.get(2..4) == Some(":/") { path.strip_prefix('/').unwrap_or(path) } else { path };
    let path = match path.as_bytes() {
        [letter, b':', b'/', ..] if letter.is_ascii_alphabetic() => path.get(2..).unwrap_or_default(),
        _ => path,
    };
    let path = match path.find(|c: char| c != '/') {
        Some(start) if start > 0 => path.get(start - 1..).unwrap_or_default(),
        _ => path,
    };
    // The longest path that still counts by its beginning: what goes on is no path.
    if path.len() < 400 && OWN.iter().any(|own| path.starts_with(own)) {
        sure = sure.max(0.65);
    }
    if path.starts_with("/home/$")
        || slashed.contains("/.ssh")
        || slashed.ends_with("/.env") && path.starts_with('/')
    {
        sure = sure.max(0.7);
    }
    if slashed.starts_with("//") && slashed.get(2..).is_some_and(|rest| rest.contains("$/"))
        || slashed.starts_with("//./")
        || slashed.starts_with("//?/")
    {
        sure = sure.max(0.8);
    }
    let is_config = [
        ".conf",
        ".cnf",
        ".ini",
        "access_log",
        "error_log",
        "access.log",
        "error.log",
        "httpd.conf",
        "php.ini",
        "my.cnf",
    ]
    .iter()
    .any(|end| slashed.trim_end_matches('\0').ends_with(end));
    if is_config
        && path.starts_with('/')
        && ["apache", "nginx", "httpd", "mysql", "php", "ftpd", "xampp", "lighttpd", "tomcat"]
            .iter()
            .any(|part| path.contains(part))
    {
        sure = sure.max(0.65);
    }
    weighed(sure)
}
