//! What a guard with `--learn` says in the end: which lines would have given the server what it asked for.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use doorward_clients::masked;
use doorward_sandbox::{Learned, Learning, Proposal};
use doorward_types::ServerName;

use super::quoted;
use crate::failure::Failure;
use crate::out::{DIM, Out, STRONG, WARN, paint};
use crate::table::acts;

/// What is on its way when the server has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says it, and writes the lines into the state folder.
pub(super) async fn tell(
    learning: &Learning,
    state: &Path,
    name: &ServerName,
    out: &Out,
) -> Result<(), Failure> {
    if tokio::time::timeout(PATIENCE, learning.settled()).await.is_err() {
        tracing::warn!("a server has not ended yet; what it still asks for is not learned");
    }
    let home = std::env::home_dir().unwrap_or_else(|| "/root".into());
    let proposal = learning.propose(&home, &[state.to_owned()]);
    let args: Vec<_> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    out.note(said(&proposal, &args).trim_end());
    if !proposal.lines.is_empty() {
        let path = state.join("learned").join(format!("{name}.profile"));
        written(&path, &profile(&proposal, name)).map_err(|error| {
            Failure::new(format!("cannot write {}: {error}", path.display()))
                .help("the lines are above; name a folder that can be written with --state DIR")
        })?;
        out.note(format_args!("  written   {}", path.display()));
    }
    Ok(())
}

fn said(proposal: &Proposal, args: &[String]) -> String {
    let mut lines = vec![];
    for line in &proposal.lines {
        lines.push(paint(STRONG, &line.text));
        lines.push(format!("  {}", paint(DIM, why(line))));
    }
    if lines.is_empty() {
        lines.push("no line: the server got all that it asked for and that a line could give".to_owned());
    }
    lines.extend(proposal.notes.iter().map(|note| paint(WARN, shown(note))));
    let mut said = format!("  learned   {}\n", lines.join("\n            "));
    if !proposal.lines.is_empty() {
        said.push_str(&format!("  again     {}\n", paint(STRONG, again(args, &proposal.lines))));
        said.push_str("            read each line before you give it; with --learn once more you see what it asks for then\n");
    }
    said
}

fn why(line: &Learned) -> String {
    let times = if line.count == 1 { "once".to_owned() } else { format!("{} times", line.count) };
    format!("asked for {times}, for example {}", shown(&line.example))
}

/// What a server called its files and itself, without what would act on a terminal.
fn shown(text: &str) -> String {
    text.chars().flat_map(|c| if acts(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// This command line with the lines added and without `--learn`. Clients keep it: no secret stands in it.
fn again(args: &[String], lines: &[Learned]) -> String {
    let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
    let (before, command) = args.split_at_checked(end).unwrap_or((args, &[]));
    let mut words: Vec<_> =
        masked(before).iter().filter(|word| *word != "--learn").map(|word| quoted(word)).collect();
    words.extend(lines.iter().map(|line| format!("--sandbox {}", quoted(&line.text))));
    words.extend(masked(command).iter().map(|word| quoted(word)));
    words.join(" ")
}

/// The lines as a file: a profile that can be read, each line below its reason.
fn profile(proposal: &Proposal, name: &ServerName) -> String {
    let mut text = format!(
        "# What the server `{name}` asked for and was not given. Each line is yours to give: doorward guard --sandbox LINE\n"
    );
    for line in &proposal.lines {
        text.push_str(&format!("\n# {}\n{}\n", why(line), line.text));
    }
    for note in &proposal.notes {
        text.push_str(&format!("\n# {}\n", shown(note)));
    }
    text
}

/// Written aside and put in place: whoever reads has the whole of one run's.
fn written(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let aside = path.with_extension(format!("{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    let put = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    let put = put.and_then(|()| fs::rename(&aside, path));
    if put.is_err() {
        let _ours = fs::remove_file(&aside);
    }
    put
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn line(text: &str, count: u64, example: &str) -> Learned {
        Learned { text: text.to_owned(), count, example: example.to_owned() }
    }

    fn proposal() -> Proposal {
        Proposal {
            lines: vec![
                line("files-read /srv/my notes", 3, "/srv/my notes/a by \u{1b}[2Jcat\n"),
                line("net api.example.com", 1, "api.example.com:443 called by node"),
            ],
            notes: vec!["it asked for /x\u{202e}y".to_owned()],
        }
    }

    // control: D-28: The command to paste holds the lines as they are, and no secret of the command line.
    #[test]
    fn the_command_to_paste_is_this_one_with_the_lines() {
        let words = "doorward guard --learn --env API_TOKEN=s3cr3t --sandbox net\u{20}a.example -- node";
        let mut args: Vec<_> = words.split(' ').map(str::to_owned).collect();
        args.extend(["server.js", "--token", "s3cr3t", "--learn"].map(str::to_owned));
        assert_eq!(
            again(&args, &proposal().lines),
            "doorward guard --env API_TOKEN=*** --sandbox net a.example --sandbox 'files-read /srv/my notes' \
             --sandbox 'net api.example.com' -- node server.js --token *** --learn"
                .replace("API_TOKEN=***", "'API_TOKEN=***'")
                .replace("--token ***", "--token '***'")
        );
    }

    #[test]
    fn what_a_server_calls_itself_does_nothing_on_a_terminal() {
        let said = anstream::adapter::strip_str(&said(&proposal(), &[])).to_string();
        assert!(said.contains(r"for example /srv/my notes/a by \u{1b}[2Jcat\n"), "{said}");
        assert!(said.contains(r"it asked for /x\u{202e}y"), "{said}");
        let nothing = anstream::adapter::strip_str(&super::said(&Proposal::default(), &[])).to_string();
        assert_eq!(
            nothing,
            "  learned   no line: the server got all that it asked for and that a line could give\n"
        );
    }

    #[test]
    fn the_file_is_a_profile_of_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("learned/notes.profile");
        let name = ServerName::parse("notes").unwrap();
        for _ in 0..2 {
            written(&path, &profile(&proposal(), &name)).unwrap();
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let read = doorward_sandbox::Profile::parse(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read.files_read, [PathBuf::from("/srv/my notes")]);
        assert_eq!((read.files_write.len(), read.net.len()), (0, 1));
    }
}
