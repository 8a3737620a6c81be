//! `cargo xtask bench`: the benchmarks, optimised.

use std::process::Command;

use crate::arguments::{Forwarded, ProgramCompiler};
use crate::commands::{build, setup};
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::workspace::Workspace;

/// The profile that operators run too.
const PROFILE: &str = "fast";

/// Sets up, builds the program and the benchmarks, and runs them with the user's arguments.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &Forwarded) -> Result<(), Failure> {
    let toolchain = SbfToolchain::select(workspace, ProgramCompiler::Auto)?;
    setup::ensure(workspace, report, &toolchain, false)?;
    build::program(workspace, report, &toolchain)?;
    report.step("benchmark program", "optimised; the first time several minutes", |_| {
        let mut build = workspace.compiling_cargo("build");
        build.args(["--workspace", "--bin", "assay-bench", "--profile", PROFILE]);
        process::run(&mut build, Code::Build, "mend what the compiler reports above")?;
        Ok(Ending::done())
    })?;
    let mut bench = Command::new(workspace.target.join(PROFILE).join("assay-bench"));
    bench
        .args(options.with_output(report.output()))
        .env("ASSAY_PROGRAM_SO", workspace.program())
        .current_dir(&workspace.root);
    report.step("benchmarks", "keep the machine otherwise idle", |_| {
        process::run(&mut bench, Code::Child, "see what the benchmark says above")?;
        Ok(Ending::done())
    })?;
    report.leave_result_to_child();
    Ok(())
}
