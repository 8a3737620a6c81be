//! `cargo xtask`: the one front door for every chore of this workspace.
//!
//! Every command does the set-up it needs, says what it does and how long it took, can be run again, and ends with one JSON line when
//! asked for `--output json`. Failures carry a stable code (`X0102`) and say what to do; [`failure::Code`] lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program: its output is its purpose")]

mod arguments;
mod commands;
mod failure;
mod process;
mod report;
mod rules;
mod setup;
mod test_programs;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use report::Report;
use workspace::Workspace;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut report = Report::new(arguments.command.name(), arguments.output);
    let result = Workspace::find().and_then(|workspace| match arguments.command {
        Command::Setup(options) => commands::setup::run(&workspace, &mut report, &options),
        Command::Build(options) => commands::build::run(&workspace, &mut report, &options),
        Command::Demo(options) => commands::demo::run(&workspace, &mut report, &options),
        Command::App => commands::app::run(&workspace, &mut report),
        Command::Test(options) => commands::test::run(&workspace, &mut report, &options),
        Command::Lint => commands::lint::run(&workspace, &mut report),
        Command::Idl(options) => commands::idl::run(&workspace, &mut report, &options),
        Command::Bench(options) => commands::bench::run(&workspace, &mut report, &options),
        Command::Simulate(options) => commands::simulate::run(&workspace, &mut report, &options),
        Command::Fuzz(options) => commands::fuzz::run(&workspace, &mut report, &options),
        Command::Wasm(options) => commands::wasm::run(&workspace, &mut report, &options),
    });
    report.finish(result)
}
