//! What the user sees: steps with their duration, progress on a terminal, and the last line of JSON.
//!
//! Everything here goes to the standard error, except the JSON line: the standard output belongs to results and test lines.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use console::style;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use crate::arguments::Output;
use crate::failure::Failure;

/// How a step that did not fail ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Done, with a note (may be empty).
    Done(String),
    /// Nothing was done, because of this.
    Skipped(String),
}

impl Ending {
    /// Done, and nothing to say about it.
    pub(crate) fn done() -> Self {
        Self::Done(String::new())
    }
}

/// The running account of one command.
#[derive(Debug)]
pub(crate) struct Report {
    command: &'static str,
    output: Output,
    started: Instant,
    steps: Vec<Value>,
    facts: Map<String, Value>,
    /// The steps that failed; each has said why.
    failed: Vec<String>,
    silent: bool,
}

impl Report {
    /// A report of a command, from now on.
    pub(crate) fn new(command: &'static str, output: Output) -> Self {
        Self {
            command,
            output,
            started: Instant::now(),
            steps: Vec::new(),
            facts: Map::new(),
            failed: Vec::new(),
            silent: false,
        }
    }

    /// How the user wants results.
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// A field for the JSON line.
    pub(crate) fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    /// From here on another program prints the result, so a success adds no JSON line after it.
    pub(crate) fn leave_result_to_child(&mut self) {
        self.silent = true;
    }

    /// Runs one step: says what it is, then how it ended and how long it took.
    pub(crate) fn step(
        &mut self,
        name: &str,
        about: &str,
        work: impl FnOnce(&Progress) -> Result<Ending, Failure>,
    ) -> Result<(), Failure> {
        let colon = if about.is_empty() { "" } else { ": " };
        eprintln!("{} {}{colon}{about}", style("==>").cyan().bold(), style(name).bold());
        let started = Instant::now();
        let result = work(&Progress { name: name.to_owned() });
        let took = started.elapsed();
        let (state, note, outcome) = match result {
            Ok(Ending::Done(note)) => ("done", note, Ok(())),
            Ok(Ending::Skipped(reason)) => ("skipped", reason, Ok(())),
            Err(failure) => ("failed", failure.to_string(), Err(failure)),
        };
        let shown = match state {
            "done" => style(state).green(),
            "skipped" => style(state).yellow(),
            _ => style(state).red(),
        };
        let colon = if note.is_empty() { "" } else { ": " };
        eprintln!("    {shown} in {}{colon}{note}", seconds(took));
        if outcome.is_err() {
            self.failed.push(name.to_owned());
        }
        self.steps.push(json!({ "name": name, "state": state, "seconds": rounded(took), "note": note }));
        outcome
    }

    /// Prints the end of the report and turns the result into the exit status.
    pub(crate) fn finish(self, result: Result<(), Failure>) -> ExitCode {
        let took = self.started.elapsed();
        match &result {
            Ok(()) => eprintln!("{} {} in {}", style("ok").green().bold(), self.command, seconds(took)),
            Err(failure) if self.failed.is_empty() => eprintln!("{} {failure}", style("error").red().bold()),
            Err(_) => eprintln!("{} see above: {}", style("failed").red().bold(), self.failed.join(", ")),
        }
        if self.output == Output::Json && !(self.silent && result.is_ok()) {
            println!("{}", self.summary(&result, took));
        }
        if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn summary(&self, result: &Result<(), Failure>, took: Duration) -> Value {
        let mut summary = json!({
            "command": self.command,
            "ok": result.is_ok(),
            "seconds": rounded(took),
            "steps": self.steps,
        });
        if let Err(failure) = result {
            summary["error"] =
                json!({ "code": failure.code.as_str(), "message": failure.message, "remedy": failure.remedy });
        }
        for (name, value) in &self.facts {
            summary[name] = value.clone();
        }
        summary
    }
}

/// One running step: lets the programs it starts show that they are alive.
#[derive(Debug)]
pub(crate) struct Progress {
    name: String,
}

impl Progress {
    /// A spinner on a terminal (nothing elsewhere) for a program that shows no progress of its own; its message is the latest line.
    pub(crate) fn spinner(&self) -> ProgressBar {
        let bar = ProgressBar::new_spinner();
        if let Ok(shape) = ProgressStyle::with_template("    {spinner} {elapsed} {prefix} {wide_msg:.dim}") {
            bar.set_style(shape);
        }
        bar.set_prefix(self.name.clone());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }
}

fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

fn seconds(duration: Duration) -> String {
    let total = duration.as_secs();
    if total >= 60 {
        format!("{} min {} s", total / 60, total % 60)
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Code;

    #[test]
    fn the_summary_names_each_step_and_the_error() {
        let mut report = Report::new("test", Output::Json);
        report.step("one", "", |_| Ok(Ending::done())).expect("a step that cannot fail");
        report.step("two", "", |_| Ok(Ending::Skipped("not here".into()))).expect("a step that cannot fail");
        let failure = Failure::new(Code::Clippy, "it warned", "mend it");
        let result = report.step("three", "", |_| Err(failure));
        report.fact("program", "assay.so");
        let summary = report.summary(&result, Duration::from_millis(1_250));
        assert_eq!(summary["ok"], false);
        assert_eq!(summary["seconds"], 1.3);
        assert_eq!(summary["error"]["code"], "X0302");
        assert_eq!(summary["error"]["remedy"], "mend it");
        assert_eq!(summary["program"], "assay.so");
        let states: Vec<_> =
            summary["steps"].as_array().expect("an array").iter().map(|s| s["state"].clone()).collect();
        assert_eq!(states, ["done", "skipped", "failed"]);
    }

    #[test]
    fn durations_read_as_people_say_them() {
        assert_eq!(seconds(Duration::from_millis(1_540)), "1.5 s");
        assert_eq!(seconds(Duration::from_secs(61)), "1 min 1 s");
    }
}
