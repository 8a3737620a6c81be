//! Starting other programs.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::failure::{Code, Failure};
use crate::report::Progress;

/// How many lines of a failed program's output are repeated in the failure.
const REPEATED_LINES: usize = 30;

/// Runs a program that shows its own progress; its output is the user's.
pub(crate) fn run(command: &mut Command, code: Code, remedy: &str) -> Result<(), Failure> {
    let status = command.stdin(Stdio::null()).status().map_err(|e| cannot_run(command, &e))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(code, format!("`{}` ended with {}", shown(command), ending(status)), remedy))
    }
}

/// Runs a program quietly, with a spinner on a terminal, and returns what it wrote (both streams, as lines). Failing is a failure that
/// repeats the last lines.
pub(crate) fn run_quietly(
    command: &mut Command,
    progress: &Progress,
    code: Code,
    remedy: &str,
) -> Result<Vec<String>, Failure> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| cannot_run(command, &e))?;
    let (sender, lines) = channel();
    forward_lines(child.stdout.take(), sender.clone());
    forward_lines(child.stderr.take(), sender);
    let spinner = progress.spinner();
    let mut seen = Vec::new();
    for line in lines {
        spinner.set_message(line.clone());
        seen.push(line);
    }
    let status = child.wait();
    spinner.finish_and_clear();
    let status = status.map_err(|e| cannot_run(command, &e))?;
    if status.success() {
        return Ok(seen);
    }
    let tail = seen[seen.len().saturating_sub(REPEATED_LINES)..].join("\n    ");
    Err(Failure::new(code, format!("`{}` ended with {}:\n    {tail}", shown(command), ending(status)), remedy))
}

/// Runs a program that shows its progress on the standard error, and returns what it wrote to its standard output.
pub(crate) fn run_for_output(command: &mut Command, code: Code, remedy: &str) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(|e| cannot_run(command, &e))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Failure::new(code, format!("`{}` ended with {}", shown(command), ending(output.status)), remedy))
    }
}

/// What a program wrote to its standard output, or nothing if it cannot be run or fails.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a command of this name is on the PATH.
pub(crate) fn is_installed(name: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

fn forward_lines(stream: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if !text.is_empty() && lines.send(text).is_err() {
                return;
            }
        }
    });
}

/// The failure of a program that could not be started or waited for.
pub(crate) fn cannot_run(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(
        Code::CannotRun,
        format!("cannot run {}: {error}", command.get_program().to_string_lossy()),
        "install it, or put the folder it is in on the PATH",
    )
}

fn ending(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"))
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program).chain(command.get_args()).map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Output;
    use crate::report::{Ending, Report};

    fn quietly(script: &str) -> Result<Vec<String>, Failure> {
        let mut report = Report::new("test", Output::Text);
        let mut lines = Ok(Vec::new());
        let step = report.step("a script", "", |progress| {
            lines = run_quietly(Command::new("sh").args(["-c", script]), progress, Code::Child, "nothing");
            lines.clone().map(|_| Ending::done())
        });
        step.and(lines)
    }

    #[test]
    fn both_streams_are_returned() {
        let mut lines = quietly("echo out; echo err >&2").expect("the script succeeds");
        lines.sort();
        assert_eq!(lines, ["err", "out"]);
    }

    #[test]
    fn a_failure_has_the_code_the_status_and_the_last_lines() {
        let failure = quietly("seq 1 100; exit 3").expect_err("the script fails");
        assert_eq!(failure.code, Code::Child);
        assert!(failure.message.contains("exit status 3"), "{}", failure.message);
        assert!(failure.message.ends_with("99\n    100"), "{}", failure.message);
        assert!(!failure.message.contains("\n    70\n"), "{}", failure.message);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let failure = run(&mut Command::new("no-such-program-anywhere"), Code::Child, "").expect_err("it is not there");
        assert_eq!(failure.code, Code::CannotRun);
        assert!(failure.message.contains("no-such-program-anywhere"));
        assert!(!is_installed("no-such-program-anywhere"));
        assert!(is_installed("sh"));
    }
}
