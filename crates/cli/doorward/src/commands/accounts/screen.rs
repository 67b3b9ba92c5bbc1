//! The person's side of a sign-in: their browser, and the terminal.

use std::process::{Command, Stdio};

use doorward_accounts::{Screen, Shown};

use crate::out::{Out, STRONG, paint};
use crate::table::clean;

/// What opens an address in the browser that the person has chosen.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// The desktop and the terminal of this process. It writes to standard error: standard output may be a protocol.
pub(crate) struct Terminal;

impl Screen for Terminal {
    fn open(&self, url: &str) -> Result<(), String> {
        // Without a desktop xdg-open starts a browser for terminals, which fights with ours for the keyboard.
        let desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|v| !v.is_empty()));
        if !cfg!(target_os = "macos") && !desktop {
            return Err("there is no desktop".into());
        }
        // The address is good once and leads to Entra: nothing secret stands among the arguments.
        let mut opener = Command::new(OPENER);
        let opener = opener.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = opener.spawn().map_err(|error| format!("{OPENER}: {error}"))?;
        // Waited for by a thread, so that no zombie stays; how it ends is the browser's affair.
        std::thread::spawn(move || child.wait());
        say("A browser opens for you to sign in. If none does, open this address on this machine, once:");
        say(&format!("  {}", paint(STRONG, url)));
        Ok(())
    }

    fn show(&self, code: &Shown) {
        say(&format!(
            "On any device, open {} and enter the code {}",
            paint(STRONG, clean(&code.page)),
            paint(STRONG, clean(&code.code))
        ));
        say(&format!(
            "It is good for {} minutes. Enter it only if you have just asked for it here.",
            code.good_for.as_secs() / 60
        ));
    }
}

fn say(text: &str) {
    Out { json: false }.note(text);
}
