//! Benchmarks of the worker: prints tables, then one line of JSON with the same numbers.
//!
//! Every figure is the best of several rounds, and whatever is compared is measured by turns in the same rounds, so
//! that a busy machine disturbs both sides alike.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its results")]

mod arguments;
mod audit;
mod commitment;
mod encoder;
mod gemm;
mod gemm_graph;
mod journal;
mod peer;
mod report;
mod timing;
mod transformer;
mod tree;

use arguments::Arguments;
use report::Report;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprintln!("{message}\n\n{}", arguments::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut report = Report::new(!arguments.json_only);
    report.machine();
    if arguments.runs("gemm") {
        gemm::run(&mut report)?;
    }
    if arguments.runs("tree") {
        tree::run(&mut report)?;
    }
    if arguments.runs("commitment") {
        commitment::run(&mut report)?;
    }
    if arguments.runs("audit") {
        audit::run(&mut report)?;
    }
    if arguments.runs("encoder") {
        encoder::run(&mut report)?;
    }
    if arguments.runs("journal") {
        journal::run(&mut report)?;
    }
    for file in &arguments.merge {
        report.merge(file)?;
    }
    println!("{}", report.into_json());
    Ok(())
}
