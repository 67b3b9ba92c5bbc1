//! Printing for people, in colour where the terminal has it, and for machines.

use std::fmt::Display;
use std::io::Write;

use anstyle::{AnsiColor, Style};

use crate::failure::Failure;

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
pub(crate) const DIM: Style = Style::new().dimmed();

/// Where a command prints.
pub(crate) struct Out {
    /// JSON instead of text.
    pub(crate) json: bool,
}

impl Out {
    pub(crate) fn new(no_color: bool, json: bool) -> Self {
        if no_color {
            anstream::ColorChoice::Never.write_global();
        }
        Self { json }
    }

    /// Prints one line. A reader that went away (`| head`) is no reason to fail.
    pub(crate) fn line(&self, text: impl Display) {
        let _gone = self.is_read(text);
    }

    /// Prints one line; false if the reader went away, for what would otherwise go on for ever.
    pub(crate) fn is_read(&self, text: impl Display) -> bool {
        writeln!(anstream::stdout(), "{text}").is_ok()
    }

    /// Prints one line for a person watching; to standard error, so that what is piped stays clean.
    pub(crate) fn note(&self, text: impl Display) {
        let _gone = writeln!(anstream::stderr(), "{text}");
    }

    /// Prints how a command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.json {
            let json = serde_json::json!({ "error": failure.what, "help": failure.help });
            self.note(json);
            return;
        }
        self.note(format_args!("{BAD}error:{BAD:#} {failure}"));
        if let Some(help) = &failure.help {
            self.note(format_args!(" {NAME}help:{NAME:#} {help}"));
        }
    }
}

/// Paints a text.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
