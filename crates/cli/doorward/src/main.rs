//! The `doorward` command: reads what the person typed, runs one command, and says how it ended.
//!
//! Exit codes: 0 done, 1 a check failed or a door could not be opened, 2 the command line or a file is wrong.

mod commands;
mod descriptors;
mod failure;
mod out;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A message is some hundred small allocations on its way: the system's allocator took an eighth of the door's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use crate::failure::Failure;
use crate::out::Out;

/// The front door of MCP servers: signs people in with Entra ID, decides what each may do, records what happened.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Print no colours, whatever the terminal can do.
    #[arg(long, global = true, display_order = 900)]
    no_color: bool,
    /// Print JSON for machines instead of text for people.
    #[arg(long, global = true, display_order = 900)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "lab")]
    /// Start everything on loopback: an emulated Entra, a sample server and the door. No account is needed.
    Up(commands::up::Up),
    /// Open the door that a configuration describes.
    Serve(commands::serve::Serve),
    /// Stand around a local server, for the person who uses this account.
    Guard(Box<commands::guard::Guard>),
    #[cfg(feature = "lab")]
    /// Run the emulated Entra and Graph alone, or get a token from it.
    Lab(commands::lab::Lab),
    /// Check a configuration, or print its schema.
    #[command(subcommand)]
    Config(commands::config::Config),
    /// Check, explain and test policies.
    #[command(subcommand)]
    Policy(commands::policy::Policy),
    /// Read and verify the audit log.
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    /// Find out why something does not work.
    #[command(subcommand)]
    Doctor(commands::doctor::Doctor),
    /// Print what a configuration needs at Microsoft Entra.
    #[command(subcommand)]
    Entra(commands::entra::Entra),
    /// Print what to paste into a client; people then sign in through the door.
    ClientConfig(commands::client_config::ClientConfig),
    /// Let MCP clients start their servers behind the door; without a choice, list them.
    Wrap(commands::wrap::Wrap),
    /// Let MCP clients start their servers as they did before `doorward wrap`.
    Unwrap(commands::wrap::Unwrap),
    /// Read what servers say of their tools as a model would, and find what is planted there.
    Scan(commands::scan::Scan),
    /// Look at what servers say of their tools, and agree to it or not.
    #[command(subcommand)]
    Pin(commands::pin::Pin),
    /// Look after rules beside those that are built in.
    #[command(subcommand)]
    Rules(commands::rules::Rules),
    /// Decide at a gateway's console what others may use.
    #[command(subcommand)]
    Console(commands::console::Console),
    /// End sign-ins: of a person, of a client, one, or all.
    Revoke(commands::revoke::Revoke),
    /// Look at the questions about single calls, and answer them.
    #[command(subcommand)]
    Approvals(commands::approvals::Approvals),
    /// Look at what sign-ins have read, or give it up.
    #[command(subcommand)]
    Flow(commands::flow::Flow),
    /// Sign in on this machine, in a browser or on another device.
    Login(commands::login::Login),
    /// Sign out on this machine.
    Logout(commands::logout::Logout),
    /// List who is signed in on this machine.
    Accounts(commands::accounts::Accounts),
    /// Say who is signed in, and whether the sign-in still holds.
    Whoami(commands::whoami::Whoami),
    /// Look after the store of sign-ins.
    #[command(subcommand)]
    Vault(commands::vault::Vault),
    /// Print the version and what it was built with.
    Version,
    /// Print a completion script for a shell.
    Completions(commands::pages::Completions),
    /// Write the manual pages into a folder.
    Man(commands::pages::Man),
    /// Run the model of `[advise]` for the door that starts this, over standard input and output.
    #[command(hide = true, name = doorward_gateway::MODEL_WORKER)]
    ModelWorker,
}

fn main() -> ExitCode {
    // First of all, while there is one thread and nothing is open.
    if let Some(code) = doorward_sandbox::stage() {
        return code;
    }
    let cli = Cli::parse();
    let out = Out::new(cli.no_color, cli.json);
    match run(cli.command, &out) {
        Ok(code) => code,
        Err(failure) => {
            out.failure(&failure);
            failure.code()
        }
    }
}

fn run(command: Command, out: &Out) -> Result<ExitCode, Failure> {
    match command {
        #[cfg(feature = "lab")]
        Command::Up(up) => up.run(out),
        Command::Serve(serve) => serve.run(out),
        Command::Guard(guard) => guard.run(out),
        #[cfg(feature = "lab")]
        Command::Lab(lab) => lab.run(out),
        Command::Config(config) => config.run(out),
        Command::Policy(policy) => policy.run(out),
        Command::Audit(audit) => audit.run(out),
        Command::Doctor(doctor) => doctor.run(out),
        Command::Entra(entra) => entra.run(out),
        Command::ClientConfig(client) => client.run(out),
        Command::Wrap(wrap) => wrap.run(out),
        Command::Unwrap(unwrap) => unwrap.run(out),
        Command::Scan(scan) => scan.run(out),
        Command::Pin(pin) => pin.run(out),
        Command::Rules(rules) => rules.run(out),
        Command::Console(console) => console.run(out),
        Command::Revoke(revoke) => revoke.run(out),
        Command::Approvals(approvals) => approvals.run(out),
        Command::Flow(flow) => flow.run(out),
        Command::Login(login) => login.run(out),
        Command::Logout(logout) => logout.run(out),
        Command::Accounts(accounts) => accounts.run(out),
        Command::Whoami(whoami) => whoami.run(out),
        Command::Vault(vault) => vault.run(out),
        Command::Version => commands::pages::version(out),
        Command::Completions(completions) => completions.run(),
        Command::ModelWorker => commands::model_worker::run(),
        Command::Man(man) => man.run(out),
    }
}
