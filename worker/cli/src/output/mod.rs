//! The one door through which this program speaks: text or JSON on stdout, progress and errors on stderr.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this module is the only one that prints")]

mod fields;
mod picture;
mod progress;
mod table;

pub(crate) use fields::{fields, fields_of};
pub(crate) use picture::draw_digits;
pub(crate) use progress::Progress;
pub(crate) use table::Table;

use crate::error::{CliError, ExitStatus};
use assay_chain::ChainError;
use clap::ValueEnum;
use console::style;
use serde::Serialize;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

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
            print_line(text.as_ref());
        }
    }

    /// A heading for people; silent when the format is JSON.
    pub(crate) fn heading(&self, text: &str) {
        if self.format == Format::Text {
            print_line(&format!("\n{}", style(text).bold().cyan()));
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
            Format::Text => print_line(&text()),
            Format::Json => print_line(&serde_json::to_string(value)?),
        }
        Ok(())
    }

    /// A failure, on stderr: a sentence, or one line of JSON.
    pub(crate) fn error(&self, error: &CliError) {
        match self.format {
            Format::Text => eprintln!("{} {}", style("error:").for_stderr().bold().red(), error.text()),
            Format::Json => {
                let mut value = serde_json::json!({ "code": error.code(), "error": error.to_string() });
                if let Some(place) = error.place() {
                    value["place"] = place.clone();
                }
                eprintln!("{value}");
            }
        }
    }

    /// A bar on stderr if that is a terminal.
    pub(crate) fn progress(&self, label: &str, total: u64) -> Progress {
        Progress::new(label, total)
    }
}

/// A reader that has gone away (`assay job list | head -1`) is no failure of the command.
fn print_line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

/// Says what clap has to say: help on stdout, wrong arguments on stderr, as JSON if the arguments ask for it.
pub(crate) fn usage(error: &clap::Error, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if asks_for_json(arguments) {
        let text = error.to_string();
        let sentence = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
        Output::new(Format::Json).error(&CliError::new("A0002", sentence));
    } else {
        let _ = error.print();
    }
    ExitCode::from(ExitStatus::Usage as u8)
}

/// Says that a secret key was given where everybody can read it, and where; the key is not repeated.
pub(crate) fn key_given_openly(place: &str, arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let format = if asks_for_json(arguments) { Format::Json } else { Format::Text };
    let error = ChainError::KeyGivenOpenly { given_as: place.to_owned() };
    Output::new(format).error(&CliError::from(error));
    ExitCode::from(ExitStatus::Usage as u8)
}

fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<String> = arguments.map(|word| word.to_string_lossy().into_owned()).collect();
    words.iter().any(|word| word == "--output=json") || words.windows(2).any(|pair| pair == ["--output", "json"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_in_either_spelling() {
        let asks = |words: &[&str]| asks_for_json(words.iter().map(OsString::from));
        assert!(asks(&["assay", "--output", "json", "job"]));
        assert!(asks(&["assay", "job", "--output=json"]));
        assert!(!asks(&["assay", "--output", "text", "json"]));
    }
}
