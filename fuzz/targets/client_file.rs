//! Files of MCP clients (first byte: the format): never panics; what is refused has its place in the file; what is wrapped
//! starts behind the door, changes nothing else, is not wrapped twice, and comes back byte for byte.

use doorward_clients::{Document, EditError, Format, Starts, State, guard_name, masked, risks, unwrap, wrap};

const DOOR: &str = "/opt/\"the\" door/doorward";

pub(crate) fn run(data: &[u8]) {
    let Some((format, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let format = match format {
        b't' => Format::Toml,
        b'y' => Format::Yaml,
        _ => Format::Json,
    };
    let members = format.members();
    let document = match Document::read(text, format, &members) {
        Ok(document) => document,
        Err(error) => {
            assert!((1..=text.split('\n').count()).contains(&error.line), "{error}");
            assert!(!error.what.contains('\n') && error.column >= 1, "{error}");
            return;
        }
    };
    for (index, server) in document.servers().iter().enumerate() {
        if let Starts::Command { command, args } = &server.starts {
            assert_eq!(masked(args).len(), args.len());
            let _any = risks(server, command, args).iter().map(ToString::to_string).count();
        }
        if let Ok(plain) = unwrap(&document, index, DOOR) {
            let plain = Document::read(&plain, format, &members).expect("what was put back reads");
            assert_eq!(plain.servers().len(), document.servers().len());
        }
        let Ok(wrapped) = wrap(&document, index, DOOR, &[]) else { continue };
        let read = Document::read(&wrapped, format, &members).expect("what was wrapped reads");
        let Starts::Command { command, args } = &server.starts else {
            unreachable!("wrapped without a command")
        };
        let name = guard_name(&server.name).map(|name| format!("--name={name}"));
        let options: Vec<_> =
            name.into_iter().chain(server.env.iter().map(|name| format!("--env={name}"))).collect();
        let state = State::Wrapped { options: &options, command, args };
        assert!(read.servers()[index].state(DOOR) == state, "not behind the door");
        for (other, (before, after)) in document.servers().iter().zip(read.servers()).enumerate() {
            assert!(other == index || before.starts == after.starts, "another server changed");
        }
        assert_eq!(wrap(&read, index, DOOR, &[]), Err(EditError::Wrapped));
        assert_eq!(unwrap(&read, index, DOOR).as_deref(), Ok(text));
    }
}
