use super::*;

fn of(command: &str) -> Result<(Package, Vec<String>), String> {
    Package::of(&command.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>())
}

#[test]
fn what_stands_behind_uvx_is_taken_apart() {
    for (command, spec, script, args) in [
        ("mcp-server-git", "mcp-server-git", "mcp-server-git", ""),
        ("Notes_Server@1.2.3 --root /srv", "notes-server==1.2.3", "notes-server", "--root /srv"),
        ("server@latest", "server", "server", ""),
        ("server[cli,x]>=1.2,<2", "server[cli,x]>=1.2,<2", "server", ""),
        ("--from server==1.0 other --from x", "server==1.0", "other", "--from x"),
        ("-q --from=mcp[cli]@1.0 mcp run", "mcp[cli]==1.0", "mcp", "run"),
        ("--python 3.12 --isolated server -p 8000", "server", "server", "-p 8000"),
    ] {
        let (package, rest) = of(command).unwrap();
        let parts = (package.spec.as_str(), package.script.as_str(), rest.join(" "));
        assert_eq!(parts, (spec, script, args.to_owned()), "{command}");
    }
    for (command, what) in [
        ("", "is given no package"),
        ("--from", "needs a value"),
        ("--from server", "is given no package"),
        ("--with other server", "`uvx --with` is not known here; write"),
        ("--index-url https://evil.example/ server", "`uvx --index-url` is not known here"),
        ("--default-index=https://evil.example/ server", "`uvx --default-index` is not known here"),
        ("git+https://evil.example/x", "no package of an index"),
        ("--from git+https://evil.example/x server", "no package of an index"),
        ("--from server@https://evil.example/x.whl server", "no package of an index"),
        ("./server", "no package of an index"),
        ("/srv/server.whl", "no package of an index"),
        ("-r", "is not known here"),
        ("server[", "no package of an index"),
        ("server[a;b]", "no package of an index"),
        ("server=1", "no package of an index"),
        ("server@", "no package of an index"),
        ("server==1;evil", "no package of an index"),
        (".server", "no package of an index"),
        ("--from server ../x", "no name of a program"),
        ("--python /srv/evil server", "takes a version"),
    ] {
        let error = of(command).unwrap_err();
        assert!(error.contains(what), "{command}: {error}");
    }
}

#[test]
fn folders_of_packages_are_apart() {
    let name = |command| of(command).unwrap().0.folder_name();
    assert_eq!(name("server@1.0"), "python%server==1.0");
    assert_eq!(name("--python 3.12 server"), "python3.12%server");
    assert_eq!(name("--from server one"), name("--from server two"), "one package, two of its programs");
}

const INDEXES: &str =
    "--index-url https://index.example/simple\n--extra-index-url https://house.example/simple/\n\n";

fn step(said: &[&str], indexes: &str) -> Result<Option<(Wanted, Profile)>, String> {
    let asked = words(&[indexes, "/usr/bin/python3\n"]);
    of("server@1.0").unwrap().0.step(&asked, &words(said), Path::new("/srv/cache"))
}

fn hosts(profile: &Profile) -> Vec<String> {
    profile.net.iter().map(ToString::to_string).collect()
}

// control: D-24: A Python package is fetched from the configured indexes and where they keep their files, and from nowhere else; wheels only, since anything else would be built by the package's own script.
#[test]
fn a_fetch_reaches_the_index_and_its_files_and_runs_nothing() {
    let (asks, profile) = step(&[], INDEXES).unwrap().unwrap();
    assert_eq!(hosts(&profile), ["house.example:443", "index.example:443"]);
    let pages = ["https://house.example/simple/server/", "https://index.example/simple/server/"];
    assert!(asks.command.ends_with(&words(&pages)), "{:?}", asks.command);
    let (environment, profile) = step(&["files.example:443"], INDEXES).unwrap().unwrap();
    assert!(environment.command.contains(&"--without-pip".to_owned()) && profile.net.is_empty());
    let (fetch, profile) = step(&["files.example:443\n", ""], INDEXES).unwrap().unwrap();
    assert_eq!(hosts(&profile), ["house.example:443", "index.example:443", "files.example:443"]);
    assert_eq!(profile.files_write, [PathBuf::from("/srv/cache")]);
    let line = fetch.command.join(" ");
    assert!(line.contains("--only-binary :all:") && line.contains("--no-config"), "{line}");
    assert!(line.contains("--cache-dir /srv/cache/cache") && line.ends_with("-- server==1.0"), "{line}");
    let (_, profile) = step(&["files.example:443", "", ""], INDEXES).unwrap().unwrap();
    assert!(profile.net.is_empty());
    assert!(step(&["files.example:443", "", "", ""], INDEXES).unwrap().is_none());
}

#[test]
fn an_index_that_cannot_be_trusted_is_not_asked() {
    for (indexes, what) in [
        ("", "uv names no index"),
        ("--index-url http://index.example/simple", "no https address"),
        ("--index-url https://index.example/\n--extra-index-url http://house.example/", "no https address"),
        ("--index-url https://me:secret@index.example/", "holds a password"),
        ("--index-url https://127.0.0.1/", "is an address"),
    ] {
        let error = step(&[], indexes).unwrap_err();
        assert!(error.contains(what) && !error.contains("secret"), "{indexes}: {error}");
    }
    // What the index says of its files is a stranger's word too.
    for files in ["localhost:443", "10.0.0.1:443", "files.example:443 *.example"] {
        assert!(step(&[files, ""], INDEXES).is_err(), "{files}");
    }
    let none = of("server").unwrap().0.step(&words(&[INDEXES, "none\n"]), &[], Path::new("/srv/cache"));
    assert!(none.unwrap_err().contains("uv knows no Python"));
}

#[test]
fn the_program_is_the_one_that_uvx_would_run() {
    let folder = tempfile::tempdir().unwrap();
    let about = folder.path().join("venv/lib/python3.12/site-packages");
    let list = |package: &str, text: &str| {
        std::fs::create_dir_all(about.join(package)).unwrap();
        std::fs::write(about.join(package).join("entry_points.txt"), text).unwrap();
    };
    let package = of("--from Notes.Server notes --root").unwrap().0;
    assert!(package.program(folder.path()).unwrap_err().contains("No such file"));
    list("other-1.0.dist-info", "[console_scripts]\nnotes = evil:main");
    assert!(package.program(folder.path()).unwrap_err().contains("`notes-server` is not there"));
    std::fs::create_dir_all(about.join("notes_server-1.0.dist-info")).unwrap();
    assert!(package.program(folder.path()).unwrap_err().contains("has no program; write `uvx"));
    list("notes_server-1.0.dist-info", "[console_scripts]\nnotes = notes.server:main");
    let python = folder.path().join("venv/bin/python").to_str().unwrap().to_owned();
    let expected = words(&[&python, "-c", RUN, "notes", "notes.server", "main"]);
    assert_eq!(package.program(folder.path()), Ok(expected));
    list("notes_server-1.0.dist-info", "[console_scripts]\nserve = notes.server:main");
    assert!(package.program(folder.path()).unwrap_err().contains("it has `serve`"));
    list("notes_server-1.0.dist-info", &"#".repeat(1 << 20));
    assert!(package.program(folder.path()).unwrap_err().contains("too large"));
    let path = about.join("notes_server-1.0.dist-info/entry_points.txt");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
    assert!(package.program(folder.path()).unwrap_err().contains("it is no file"));
}
