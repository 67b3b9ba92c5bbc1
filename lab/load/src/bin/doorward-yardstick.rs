//! The yardstick as a process: `doorward-yardstick --upstream http://HOST:PORT [--listen 127.0.0.1:0] [--cpu N]`.
//!
//! Prints `{"addr":"…"}` once it listens, and forwards until it is killed. One worker thread.

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;

use doorward_load::pin;
use doorward_load::target::Target;
use doorward_load::yardstick::Yardstick;

fn main() -> Result<(), Box<dyn Error>> {
    let mut listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut upstream = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--listen" => listen = value.parse()?,
            "--upstream" => upstream = Some(Target::parse(&value)?.authority.parse()?),
            "--cpu" => pin::to_core(value.parse()?)?,
            _ => return Err(format!("unknown argument {name}; known: --upstream, --listen, --cpu").into()),
        }
    }
    let upstream = upstream.ok_or("--upstream is missing")?;
    pin::raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let yardstick = Yardstick::bind(listen, upstream).await?;
        writeln!(std::io::stdout(), "{{\"addr\":\"{}\"}}", yardstick.addr)?;
        Ok(yardstick.run().await?)
    })
}
