//! `cargo xtask simulate`: a market of many nodes over the functions that the program runs.

use std::process::Command;

use crate::arguments::Forwarded;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::workspace::Workspace;

/// The profile that operators and benchmarks run too.
const PROFILE: &str = "fast";

/// Builds and runs `assay-simulator` with the user's arguments. It needs neither the program's bytes nor any other set-up.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &Forwarded) -> Result<(), Failure> {
    report.step("simulator", "optimised; the first time several minutes", |_| {
        let mut build = workspace.compiling_cargo("build");
        build.args(["--profile", PROFILE, "--package", "assay-simulator"]);
        process::run(&mut build, Code::Build, "mend what the compiler reports above")?;
        Ok(Ending::done())
    })?;
    let mut simulate = Command::new(workspace.target.join(PROFILE).join("assay-simulator"));
    simulate.current_dir(&workspace.root).args(options.with_output(report.output()));
    report.step("simulation", "10,000 nodes and 100,000 jobs, unless said otherwise: a minute or two", |_| {
        process::run(&mut simulate, Code::Child, "see what the simulator says above")?;
        Ok(Ending::done())
    })?;
    report.leave_result_to_child();
    Ok(())
}
