//! The one door through which this program speaks: text or JSON on stdout, progress and errors on stderr.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this module is the only one that prints")]

mod picture;
mod progress;
mod table;

pub(crate) use picture::draw_digits;
pub(crate) use progress::Progress;
pub(crate) use table::Table;

use crate::error::CliError;
use clap::ValueEnum;
use serde::Serialize;
use std::io::IsTerminal;

/// What stdout carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON value, on the last line.
    Json,
}

/// Where all output goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format }
    }

    /// Text for people; silent when the format is JSON.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if self.format == Format::Text {
            println!("{}", text.as_ref());
        }
    }

    /// What goes on at the moment: on stderr, for people; silent when the format is JSON and stderr is no terminal.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if self.format == Format::Text || std::io::stderr().is_terminal() {
            eprintln!("{}", text.as_ref());
        }
    }

    /// The result of a command: `text` for people, `value` as one line of JSON for programs.
    pub(crate) fn result<T: Serialize>(&self, value: &T, text: impl FnOnce() -> String) -> Result<(), CliError> {
        match self.format {
            Format::Text => println!("{}", text()),
            Format::Json => println!("{}", serde_json::to_string(value)?),
        }
        Ok(())
    }

    /// A failure, on stderr: a sentence, or one line of JSON.
    pub(crate) fn error(&self, error: &CliError) {
        match self.format {
            Format::Text => eprintln!("error: {error}"),
            Format::Json => eprintln!("{}", serde_json::json!({ "error": error.to_string(), "code": error.code() })),
        }
    }

    /// A bar on stderr if that is a terminal.
    pub(crate) fn progress(&self, label: &str, total: u64) -> Progress {
        Progress::new(label, total)
    }
}
