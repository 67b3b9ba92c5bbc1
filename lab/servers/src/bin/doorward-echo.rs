//! The echo server as a process of its own, for the bench and for tests of stdio children.
//!
//! `doorward-echo [--listen 127.0.0.1:0]` prints `{"url":"http://…/mcp"}` once it listens and serves until it is killed;
//! `doorward-echo --stdio` serves standard input and output.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;

use doorward_servers::echo;

fn main() -> Result<(), Box<dyn Error>> {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut stdio = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--stdio" => stdio = true,
            "--listen" => listen = arguments.next().ok_or("--listen needs an address")?.parse()?,
            other => return Err(format!("unknown argument {other}; known: --listen ADDRESS, --stdio").into()),
        }
    }
    // One thread: the bench gives it one core to share with the load.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if stdio {
        runtime.block_on(echo::serve_stdio())?
    } else {
        runtime.block_on(serve(listen))?
    }
    Ok(())
}

async fn serve(listen: SocketAddr) -> std::io::Result<()> {
    let server = echo::start(listen).await?;
    writeln!(std::io::stdout(), "{{\"url\":\"{}\"}}", server.url())?;
    std::future::pending().await
}
