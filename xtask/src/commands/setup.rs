//! `cargo xtask setup`: what building needs from the machine.

use crate::arguments::{ProgramCompiler, SetupOptions};
use crate::failure::Failure;
use crate::report::Report;
use crate::setup::sbf_toolchain::SbfToolchain;
use crate::setup::{debian, models};
use crate::workspace::Workspace;

/// The step that every command which compiles begins with.
pub(crate) const PACKAGES: &str = "Debian packages";

/// Installs what is missing, or with `--check` reports it.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &SetupOptions) -> Result<(), Failure> {
    let toolchain = SbfToolchain::select(workspace, ProgramCompiler::Auto)?;
    ensure(workspace, report, &toolchain, options.check)?;
    report.step("trained models", "", |progress| models::ensure(workspace, progress, options.check))
}

/// The same for other commands, which have chosen what compiles the program.
pub(crate) fn ensure(
    workspace: &Workspace,
    report: &mut Report,
    toolchain: &SbfToolchain,
    check: bool,
) -> Result<(), Failure> {
    report.step(PACKAGES, "", |progress| debian::ensure(progress, check))?;
    report.step("SBF toolchain", "", |progress| toolchain.ensure(workspace, progress, check))
}
