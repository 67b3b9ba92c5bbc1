//! The sample server as a process of its own, on standard input and output, as a client or the guard starts it.
//!
//! `doorward-sample [--graph https://graph.microsoft.com] [--ca FILE]`. Where its environment names an identity endpoint, as
//! the guard's `--token` does, it has the tool `GetUserDetailsFromGraph` as well.

use std::error::Error;
use std::sync::Arc;

use doorward_servers::sample;
use doorward_servers::sample::graph::{Identity, Limits, Options, SystemTime};

/// Where Graph is (Microsoft Graph, national cloud deployments). A token goes nowhere else.
const GRAPHS: [&str; 3] =
    ["https://graph.microsoft.com", "https://graph.microsoft.us", "https://microsoftgraph.chinacloudapi.cn"];
/// Whom Debian's kind of system trusts.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

fn main() -> Result<(), Box<dyn Error>> {
    let (mut base, mut ca) = (GRAPHS[0].to_owned(), AUTHORITIES.to_owned());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--graph" => base = arguments.next().ok_or("--graph needs an address")?,
            "--ca" => ca = arguments.next().ok_or("--ca needs a file")?,
            other => {
                return Err(format!("unknown argument {other}; known: --graph ADDRESS, --ca FILE").into());
            }
        }
    }
    // An emulator of Graph is on this machine, or it is none.
    let lab = ["https://localhost:", "https://127.0.0.1:"].iter().any(|lab| base.starts_with(lab));
    if !lab && !GRAPHS.contains(&base.as_str()) {
        return Err(format!("{base} is no Microsoft Graph; known: {}", GRAPHS.join(", ")).into());
    }
    let graph = match Identity::from_environment(|name| std::env::var(name).ok())? {
        None => None,
        Some(identity) => Some(Options {
            base,
            ca_pem: std::fs::read_to_string(&ca).map_err(|why| format!("cannot read {ca}: {why}"))?,
            time: Arc::new(SystemTime),
            limits: Limits::default(),
            identity: Some(identity),
        }),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(sample::serve_stdio(graph))?)
}
