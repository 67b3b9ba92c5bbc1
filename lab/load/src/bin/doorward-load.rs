//! The load generator as a process; its arguments are in `options.rs`. Prints one line of JSON: the result, or for
//! `streams` that they are open, whereupon it holds them until standard input ends.

use std::error::Error;
use std::io::{Read as _, Write as _};

use doorward_load::options::{Mode, Options};
use doorward_load::{calls, idle, pin};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    if let Some(core) = options.core {
        pin::to_core(core)?;
    }
    pin::raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(options))
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    match options.mode {
        Mode::Call | Mode::Sse => {
            let measured = options.measure;
            say(&calls::run(options).await?.json(measured))
        }
        Mode::Sessions => say(&json!({"sessions": idle::sessions(options).await?})),
        Mode::Streams => {
            let open = idle::streams(options).await?;
            say(&json!({"streams": open.len()}))?;
            // Held while whoever started this process measures; nothing else is to be done meanwhile.
            std::io::stdin().read_to_end(&mut Vec::new())?;
            drop(open);
            Ok(())
        }
    }
}

fn say(line: &Value) -> Result<(), Box<dyn Error>> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
