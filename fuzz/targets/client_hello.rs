//! The first bytes of a connection out of a sandbox: a name is heard once and for good, and a server that takes the hello
//! hears the same one.

use doorward_sandbox::{Heard, hello::server_name};

pub(crate) fn run(data: &[u8]) {
    let Ok(Heard::Name(name)) = server_name(data) else { return };
    assert!(!name.is_empty() && name.len() <= 253);
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    assert!(name.bytes().all(letters), "{name}");
    // However much of it had come: never another name, and no refusal of what is taken later.
    for length in 0..data.len() {
        let part = server_name(&data[..length]).expect("the beginning of what is taken");
        assert!(part == Heard::More || part == Heard::Name(name.clone()));
    }
    if let Some(other) = heard_by_a_server(data) {
        assert_eq!(other.to_ascii_lowercase(), name, "a server hears another name");
    }
}

/// What rustls hears; none if it refuses the hello, or takes none of the names in it.
fn heard_by_a_server(mut data: &[u8]) -> Option<String> {
    let mut server = rustls::server::Acceptor::default();
    while server.read_tls(&mut data).ok()? > 0 {
        if let Some(accepted) = server.accept().ok()? {
            return accepted.client_hello().server_name().map(str::to_owned);
        }
    }
    None
}
