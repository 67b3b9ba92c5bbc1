use std::net::Ipv4Addr;

use super::*;

/// The machine of a test: folders, files and sockets, which end in `/`, nothing and `=`; `!` before them is read-only.
const MACHINE: [&str; 28] = [
    "/home/",
    "/home/ada/",
    "/home/ada/.ssh/",
    "/home/ada/.ssh/id",
    "/home/ada/.bashrc",
    "/home/ada/todo",
    "/home/ada/list",
    "/home/ada/.config/",
    "/home/ada/.config/notes/",
    "/home/ada/.config/notes/config.json",
    "/home/ada/.local/bin/",
    "/home/ada/papers/",
    "/home/ada/papers/a",
    "/home/ada/papers/b",
    "/home/ada/#x/",
    "/srv/",
    "/srv/notes/",
    "/srv/notes/a",
    "/srv/node_modules/",
    "/srv/node_modules/zod/",
    "/srv/notes/deep/",
    "/srv/server/",
    "/srv/server/main.js",
    "!/srv/sealed/",
    "!/srv/sealed/a",
    "/var/run/docker.sock=",
    "/tmp/",
    "/etc/gai.conf",
];

fn fact(path: &Path) -> Option<Fact> {
    // A link of the person's, into their keys.
    let real = if path == Path::new("/srv/link") { Path::new("/home/ada/.ssh") } else { path };
    MACHINE.iter().find_map(|entry| {
        let (writable, entry) = entry.strip_prefix('!').map_or((true, *entry), |entry| (false, entry));
        let (kind, name) = match (entry.strip_suffix('/'), entry.strip_suffix('=')) {
            (Some(name), _) => (Kind::Folder, name),
            (_, Some(name)) => (Kind::Other, name),
            _ => (Kind::File, entry),
        };
        (Path::new(name) == real).then(|| Fact { kind, readable: true, writable, real: real.to_owned() })
    })
}

fn seen(tried: &[(&str, How)]) -> Seen {
    let mut seen = Seen { own: ["/srv/server".into()].into(), ..Seen::default() };
    for (path, how) in tried {
        let times =
            seen.paths.entry((path.into(), *how)).or_insert(Times { count: 0, by: "node".to_owned() });
        times.count += 1;
    }
    seen
}

fn proposed(seen: &Seen) -> (Vec<String>, String) {
    let proposal = propose(seen, Path::new("/home/ada"), &["/srv/state".into()], &fact);
    (proposal.lines.into_iter().map(|line| line.text).collect(), proposal.notes.join("\n"))
}

// control: D-28: What is learned is proposed as few lines, and neither a home, nor secrets, nor a system's folder is.
#[test]
fn what_was_tried_becomes_lines_or_is_explained() {
    use How::{Create, Look, Place, Read, Remove, Write};
    for (tried, lines, note) in [
        (&[("/srv/notes/a", Read)][..], &["files-read /srv/notes/a"][..], ""),
        (&[("/home/ada/papers/a", Read), ("/home/ada/papers/b", Look)], &["files-read /home/ada/papers"], ""),
        (&[("/srv/notes/a", Read), ("/srv/notes/a", Write)], &["files-write /srv/notes/a"], ""),
        (&[("/srv/notes/a", Create)], &["files-write /srv/notes/a"], ""),
        (&[("/srv/notes/new", Create)], &["files-write /srv/notes"], ""),
        (&[("/srv/notes/a", Place)], &["files-write /srv/notes"], ""),
        (&[("/srv/notes/a", Remove)], &["files-write /srv/notes"], ""),
        (&[("/srv/notes/deep", Create)], &["files-write /srv/notes/deep"], ""),
        (
            &[("/home/ada/todo", Read), ("/home/ada/list", Read)],
            &["files-read /home/ada/list", "files-read /home/ada/todo"],
            "",
        ),
        (&[("/srv/node_modules/zod", Look)], &["files-read /srv/node_modules"], ""),
        // What is not there outside either, or may not be written to there, is no wish.
        (&[("/srv/notes/gone", Read), ("/srv/notes/gone", Remove), ("/srv/gone/x", Write)], &[], ""),
        (&[("/srv/sealed/a", Write), ("/srv/sealed/new", Create), ("/srv/sealed/a", Remove)], &[], ""),
        (&[("/etc/gai.conf", Read), ("/home", Look), ("/srv", Look), ("/", Read)], &[], ""),
        (&[("/srv/server/__pycache__/x.pyc", Place), ("/tmp/new", Create)], &[], ""),
        (&[("/srv/notes/far/off/x", Create)], &[], "it would make /srv/notes/far/off/x (once,"),
        (&[("/home/ada/new", Create)], &[], "it would make /home/ada/new"),
        (&[("/home/ada", Look)], &[], "it asked for /home/ada as a whole"),
        (&[("/srv", Read)], &[], "it asked for /srv as a whole"),
        (&[("/home/ada/.config", Read)], &[], "it asked for /home/ada/.config as a whole"),
        (&[("/home/ada/.ssh/id", Read)], &[], "WARNING: it asked for /home/ada/.ssh, where secrets"),
        (&[("/root/.aws/credentials", Look)], &[], "WARNING: it asked for /root/.aws, where"),
        (&[("/srv/link", Read)], &[], "WARNING: it asked for /home/ada/.ssh, where"),
        (&[("/srv/state/keys", Read)], &[], "WARNING: it asked for /srv/state, where"),
        (&[("/home/ada/.bashrc", Write)], &[], "WARNING: it asked for /home/ada/.bashrc"),
        (&[("/home/ada/.local/bin/ls", Create)], &[], "WARNING: it tried to write to /home/ada/.local/bin"),
        (&[("/srv/server/main.js", Write)], &[], "WARNING: it tried to write to /srv/server"),
        (&[("/var/run/docker.sock", Look)], &[], "it asked for /var/run/docker.sock (once, for example"),
        // A remark begins there: the line would share the whole home.
        (&[("/home/ada/#x", Read)], &[], "a name that no line can say"),
        (
            &[("/home/doorward/.config/notes/config.json", Read)],
            &[],
            "it looked in its own home, which is empty, for what yours has: /home/ada/.config/notes/config.json",
        ),
        (&[("/home/doorward/.ssh/id", Read)], &[], "WARNING: it asked for /home/ada/.ssh, where"),
        (&[("/home/doorward/.local/bin", Look), ("/home/doorward", Read)], &[], ""),
    ] {
        let (found, notes) = proposed(&seen(tried));
        assert_eq!(found, lines, "{tried:?} {notes}");
        assert!(notes.contains(note) && notes.is_empty() == note.is_empty(), "{tried:?} {notes}");
    }
}

#[test]
fn a_folder_on_the_way_leads_to_what_the_command_was_told_of() {
    let told = |told: &str| {
        let mut seen = seen(&[("/srv/notes", How::Look), ("/home/ada", How::Look)]);
        seen.told.insert(told.into());
        proposed(&seen)
    };
    assert_eq!(told("/srv/notes/deep").0, ["files-read /srv/notes/deep"]);
    let (lines, notes) = told("/home/ada/papers");
    assert_eq!(
        (lines, notes.as_str()),
        (vec!["files-read /home/ada/papers".into(), "files-read /srv/notes".into()], "")
    );
    let (lines, notes) = told("/home/ada/.ssh/id");
    assert_eq!(lines, ["files-read /srv/notes"]);
    assert!(notes.contains("where secrets are kept"), "{notes}");
}

#[test]
fn what_the_profile_has_is_not_proposed_again() {
    let mut seen =
        seen(&[("/srv/notes/a", How::Read), ("/srv/notes/a", How::Write), ("/home/ada/papers/a", How::Read)]);
    seen.profile = Profile::parse("files-read /srv/notes\nfiles-write /home/ada/papers").unwrap();
    assert_eq!(proposed(&seen).0, ["files-write /srv/notes/a"]);
}

#[test]
fn hosts_are_proposed_with_the_ports_that_were_called() {
    let mut seen = Seen { profile: Profile::parse("net had.example").unwrap(), ..Seen::default() };
    for (name, fourth) in [("a.example", 2), ("b.example", 3), ("c.example", 4)] {
        seen.names.insert(name.to_owned(), (Ipv4Addr::new(127, 78, 0, fourth), 2));
    }
    for (address, port) in [
        ([127, 78, 0, 2], 443),
        ([127, 78, 0, 3], 80),
        ([127, 78, 0, 3], 443),
        ([127, 77, 0, 2], 443),
        ([127, 77, 0, 2], 8443),
        ([169, 254, 169, 254], 80),
    ] {
        let times = Times { count: 1, by: "node".to_owned() };
        seen.dialled.insert(std::net::SocketAddrV4::new(address.into(), port), times);
    }
    let (lines, notes) = proposed(&seen);
    assert_eq!(
        lines,
        ["net a.example", "net b.example:80 b.example", "net c.example", "net had.example:8443"]
    );
    assert!(notes.contains("it called 169.254.169.254:80 (once, for example by node)"), "{notes}");
}

#[test]
fn what_was_not_seen_is_said() {
    let seen = Seen { signals: [34].into(), unwritten: 7, ..Seen::default() };
    let (_, notes) = proposed(&seen);
    assert!(notes.contains("if it hung, that is why") && notes.contains("7 attempts more"), "{notes}");
}
