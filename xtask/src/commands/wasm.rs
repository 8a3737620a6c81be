//! `cargo xtask wasm`: the verifier for WebAssembly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::arguments::WasmOptions;
use crate::commands::build;
use crate::commands::program_toolchain::{Copy, compare};
use crate::commands::setup::PACKAGES;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Report};
use crate::setup::debian;
use crate::setup::wasm_toolchain::{TARGET, WasmToolchain};
use crate::workspace::Workspace;

/// The crate and the profile that it is built with.
const PACKAGE: &str = "assay-verifier";
const PROFILE: &str = "wasm";

/// Where pages, tests and bundlers look for the module.
const DESTINATION: &str = "app/packages/verifier/wasm/assay_verifier.wasm";

/// Sets up, builds, and does what else is wanted.
pub(crate) fn run(workspace: &Workspace, report: &mut Report, options: &WasmOptions) -> Result<(), Failure> {
    let module = ensure(workspace, report)?;
    if options.twice {
        reproducibility(workspace, report, &module)?;
    }
    if options.measure {
        measure(workspace, report)?;
    }
    Ok(())
}

/// Sets up and builds; returns where the module is.
pub(crate) fn ensure(workspace: &Workspace, report: &mut Report) -> Result<PathBuf, Failure> {
    let toolchain = WasmToolchain::select(workspace);
    if let WasmToolchain::Workspace(_) = toolchain {
        report.step(PACKAGES, "", |progress| debian::ensure(progress, false))?;
    }
    report.step("toolchain for WebAssembly", "", |progress| toolchain.ensure(workspace, progress))?;
    let module = workspace.root.join(DESTINATION);
    report.step("verifier for WebAssembly", "the first time, with std: about 2 minutes", |_| {
        let built = compile(&toolchain, &workspace.root, &workspace.target.join("wasm"))?;
        build::install(&built, &module)?;
        let bytes = fs::metadata(&module).map_err(|e| Failure::file("read", &module, &e))?.len();
        Ok(Ending::Done(format!("{DESTINATION} ({bytes} bytes)")))
    })?;
    report.fact("module", module.display().to_string());
    Ok(module)
}

/// Compiles the verifier of the workspace in `root`; returns the module in `target`.
fn compile(toolchain: &WasmToolchain, root: &Path, target: &Path) -> Result<PathBuf, Failure> {
    // A target folder of its own: two compilers in one would invalidate each other.
    let mut cargo = toolchain.cargo(root, "rustc")?;
    cargo.env("CARGO_TARGET_DIR", target);
    cargo.args(["--package", PACKAGE, "--lib", "--crate-type", "cdylib", "--profile", PROFILE]);
    if std::env::var_os("CI").is_some() {
        cargo.arg("--locked");
    }
    process::run(&mut cargo, Code::WasmBuild, "mend what the compiler reports above")?;
    Ok(target.join(TARGET).join(PROFILE).join("assay_verifier.wasm"))
}

/// Builds a second time, from a copy of the source in another folder and into another target folder, and compares the bytes.
pub(crate) fn reproducibility(workspace: &Workspace, report: &mut Report, module: &Path) -> Result<(), Failure> {
    report.step("two builds of the verifier are identical", "a copy of the source, another target folder", |_| {
        let toolchain = WasmToolchain::select(workspace);
        if toolchain == WasmToolchain::Installed {
            return Ok(Ending::Skipped(
                "only the workspace's own toolchain keeps paths out of what it compiles".into(),
            ));
        }
        let copy = Copy::of(&workspace.root)?;
        let second = compile(&toolchain, &copy.root, &workspace.target.join("wasm-second"))?;
        compare(module, &second)
    })
}

/// The digits job of 16 images, natively and in Node.
fn measure(workspace: &Workspace, report: &mut Report) -> Result<(), Failure> {
    let folder = workspace.target.join("wasm/measure");
    let (mut native, mut figures) = (Value::Null, Value::Null);
    report.step("the same job natively", "optimised; the first time a minute", |_| {
        let mut run = workspace.compiling_cargo("run");
        run.args(["--profile", "fast", "--package", PACKAGE, "--example", "digits", "--"]).arg(&folder);
        let printed = process::run_for_output(&mut run, Code::Child, "see what the example says above")?;
        native = serde_json::from_str(printed.trim()).map_err(|_| {
            Failure::new(Code::Child, format!("not JSON: {printed}"), "see what the example says above")
        })?;
        Ok(Ending::Done(format!("{} ms", native["milliseconds"])))
    })?;
    report.step("the job in Node", "", |_| {
        let mut measure = Command::new("npm");
        measure.current_dir(workspace.root.join("app"));
        measure.args(["run", "--silent", "measure", "--workspace", "@assay/verifier", "--"]).arg(&folder);
        let printed = process::run_for_output(&mut measure, Code::Child, "run `npm ci` in app/, then this again")?;
        let last = printed.lines().last().unwrap_or_default();
        let measured: Value = serde_json::from_str(last)
            .map_err(|_| Failure::new(Code::Child, format!("not JSON: {printed}"), "see what the script says above"))?;
        let times = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        let slower = times(&measured["milliseconds"]) / times(&native["milliseconds"]);
        let note = format!("{measured}; {slower:.2} times as long as natively");
        figures = measured;
        Ok(Ending::Done(note))
    })?;
    report.fact("native", native);
    report.fact("node", figures);
    Ok(())
}
