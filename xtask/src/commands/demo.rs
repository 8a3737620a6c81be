//! `cargo xtask demo`: from an empty checkout to the running market.

use std::process::Command;

use crate::arguments::{Forwarded, ProgramCompiler};
use crate::commands::{build, setup};
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::workspace::Workspace;

/// Sets up, builds, and runs `assay demo` with the user's arguments.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &Forwarded) -> Result<(), Failure> {
    let toolchain = SbfToolchain::select(workspace, ProgramCompiler::Auto)?;
    setup::ensure(workspace, report, &toolchain, false)?;
    build::program(workspace, report, &toolchain)?;
    let binary = build::command(workspace, report, "dev")?;
    let mut demo = Command::new(binary);
    demo.arg("demo")
        .args(options.with_output(report.output()))
        .env("ASSAY_PROGRAM_SO", workspace.program())
        .current_dir(&workspace.root);
    report.step("demo", "a local chain, two nodes and a client", |_| {
        process::run(
            &mut demo,
            Code::Child,
            "see what the demo says above; the code it names is explained by `assay help`",
        )?;
        Ok(Ending::done())
    })?;
    report.leave_result_to_child();
    Ok(())
}
