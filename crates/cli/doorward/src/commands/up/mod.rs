//! `doorward up`: everything on loopback, in one process, with no account and no configuration.

pub(crate) mod lab_client;

mod clients;
mod house;
mod tour;
mod visitor;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use doorward_config::{LogFormat, LogLevel};

use crate::commands::serve::{self, Told, runtime};
use crate::failure::Failure;
use crate::out::{BAD, DIM, GOOD, NAME, Out, STRONG, paint};

use house::House;

/// Start everything on loopback: an emulated Entra, a sample server and the door. No account is needed.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where the door listens; loopback only. Port 0 takes any free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Folder for keys, policies and the audit log.
    #[arg(long, value_name = "DIR", default_value = ".doorward")]
    data: PathBuf,
    /// Take a visit through the door, see what it refuses and why, and end.
    #[arg(long)]
    tour: bool,
}

impl Up {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        runtime(None)?.block_on(async {
            if self.tour {
                return tour::take(out).await;
            }
            if !self.listen.ip().is_loopback() {
                return Err(Failure::usage(format!("{} is not loopback", self.listen))
                    .help("`up` runs an emulator that anybody could get a token from; to serve others use `doorward serve`"));
            }
            serve::log_to_stderr(LogFormat::Human, LogLevel::Warn);
            let mut told = Told::listen()?;
            let house = House::build(&self.data, self.listen).await?;
            welcome(out, &house)?;
            told.wait().await;
            out.note("closing the door");
            house.stop().await;
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// Says where everything is and what to do next.
fn welcome(out: &Out, house: &House) -> Result<(), Failure> {
    let token = house.token("alice")?;
    if out.json {
        out.line(serde_json::json!({
            "url": house.url(),
            "authority": house.emulator.authority,
            "data": house.data,
            "token": token,
        }));
        return Ok(());
    }
    out.line(paint(STRONG, "Doorward is up."));
    out.line("");
    out.line(format_args!("  {}   {}", paint(NAME, "the door "), paint(GOOD, house.url())));
    out.line(format_args!(
        "  {}   {} (Entra and Graph, emulated)",
        paint(NAME, "sign-in  "),
        house.emulator.authority
    ));
    out.line(format_args!(
        "  {}   {} (not to be called directly)",
        paint(NAME, "server   "),
        house.server.url()
    ));
    out.line(format_args!(
        "  {}   {}/policies/*.cedar (edit them: the door follows)",
        paint(NAME, "policies "),
        house.data.display()
    ));
    out.line(format_args!(
        "  {}   doorward audit tail --dir {}/audit",
        paint(NAME, "record   "),
        house.data.display()
    ));
    out.line("");
    out.line(format_args!("  {}   {}/account", paint(NAME, "account  "), house.origin()));
    out.line("");
    out.line(format_args!(
        "  {}  alice (Reader), bob (Reader, Writer), carol (Admin), dave (nobody)",
        paint(NAME, "people    ")
    ));
    out.line(paint(DIM, "              alice@contoso.onmicrosoft.com and so on, password correct-horse"));
    out.line("");
    out.line(paint(
        DIM,
        "Paste one of these. The client opens your browser: the door asks whether it may act for you, then the",
    ));
    out.line(paint(
        DIM,
        "emulated Entra who you are. Its certificate is the lab's own, so the browser warns once: let it pass.",
    ));
    out.line("");
    for client in clients::all(&house.url(), &format!("{}/lab", house.data.display())) {
        out.line(format_args!("{} {}", paint(STRONG, client.name), paint(DIM, client.place)));
        client.text.lines().for_each(|line| out.line(format_args!("    {line}")));
        out.line("");
    }
    out.line(paint(
        BAD,
        "This is a lab: its tokens come from an emulator, and it listens on this machine alone.",
    ));
    out.line(paint(DIM, "Ctrl-C closes the door."));
    Ok(())
}
