//! A market of many nodes, over the functions that the program itself runs: who gets the jobs, how long they wait, and
//! whether any strategy pays. See README.md for what is made up.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a simulator prints its results")]

mod arguments;
mod figures;
mod market;
mod plots;
mod population;
mod random;

use arguments::Arguments;
use figures::Figures;
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
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("simulate: a strategy gains beyond noise");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("simulate: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether no strategy pays.
fn run(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let figures = Figures::new(market::run(arguments.nodes, arguments.jobs, arguments.seed)?);
    if let Some(folder) = &arguments.plots {
        let names = plots::write(&figures, folder)?;
        if !arguments.json {
            println!("{} in {}\n", names.join(", "), folder.display());
        }
    }
    match arguments.json {
        true => println!("{}", figures.json()),
        false => print!("{}", figures.text()),
    }
    Ok(figures.gains.iter().all(|gain| !gain.pays()))
}
