//! The part of `cargo xtask test` that is about app/: TypeScript packages with their lints, on the module that pages load.

use std::process::Command;

use crate::commands::wasm;
use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Progress, Report};
use crate::setup::debian;
use crate::workspace::Workspace;

/// The oldest Node that app/package.json asks for.
const OLDEST_NODE: (u32, u32) = (20, 18);

/// The Debian package and the command of the browser.
const CHROMIUM: &str = "chromium";

/// What of app/ can be tested on this machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Means {
    /// There is a Node of the right age.
    node: bool,
    /// There is a browser.
    browser: bool,
}

impl Means {
    /// Whether anything can be tested that needs the program and the `assay` command.
    pub(crate) fn needs_a_chain(self) -> bool {
        self.node
    }
}

/// Builds the module, installs the packages and runs `npm test`; returns what else can be tested. Where there is no Node nothing of this
/// is tested, and the report says so.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) -> Result<Means, Failure> {
    let mut present = false;
    report.step("Node", "", |_| match require_node() {
        Ok(version) => {
            present = true;
            Ok(Ending::Done(version))
        }
        Err(missing) => Ok(Ending::Skipped(format!("app/ is NOT tested: {}", missing.message))),
    })?;
    if !present {
        return Ok(Means { node: false, browser: false });
    }
    wasm::ensure(workspace, report)?;
    let browser = browser(report)?;
    report.step("packages of app/", "", |progress| install(workspace, progress))?;
    report.step("tests of app/", "", |_| {
        let mut test = npm(workspace);
        test.arg("test").env("ASSAY_REQUIRE_WASM", "1");
        if browser {
            test.env("ASSAY_REQUIRE_CHROMIUM", "1");
        }
        process::run(&mut test, Code::Tests, "see above what failed; again: npm test, in app/")?;
        Ok(Ending::done())
    })?;
    Ok(Means { node: true, browser })
}

/// Tests the clients and the web app on local chains with the compiled program and the `assay` command: the TypeScript client by itself,
/// the web app in the browser. What cannot be tested for want of Node or a browser, the report says.
pub(crate) fn on_local_chains(workspace: &Workspace, report: &mut Report, means: Means) -> Result<(), Failure> {
    if !means.needs_a_chain() {
        return Ok(());
    }
    let variables = [("ASSAY_BINARY", workspace.dev_binary("assay")), ("ASSAY_PROGRAM_SO", workspace.program())];
    let mut scripts = vec![("TypeScript client on a local chain", "@assay/client", "test:localnet")];
    if means.browser {
        scripts.push(("web app in Chromium", "@assay/web", "test:browser"));
    }
    let mut result = Ok(());
    for (name, package, script) in scripts {
        result = result.and(report.step(name, "a few minutes", |_| {
            let mut test = npm(workspace);
            test.args(["run", script, "--workspace", package]).envs(variables.clone());
            test.env("ASSAY_REQUIRE_LOCALNET", "1").env("ASSAY_REQUIRE_CHROMIUM", "1");
            let again = "see above what failed; again: cargo xtask test --only app";
            process::run(&mut test, Code::Tests, again)?;
            Ok(Ending::done())
        }));
    }
    if !means.browser {
        report.step("web app in Chromium", "", |_| Ok(Ending::Skipped("NOT tested: there is no browser".into())))?;
    }
    result
}

/// The version of the Node that is here, or why none of it will do.
pub(crate) fn require_node() -> Result<String, Failure> {
    let version = process::output_of(Command::new("node").arg("--version")).unwrap_or_default();
    usable(version.trim(), process::is_installed("npm"))
}

/// The version, if it is recent and npm is beside it.
fn usable(version: &str, has_npm: bool) -> Result<String, Failure> {
    if is_recent(version) && has_npm {
        return Ok(version.to_owned());
    }
    let (major, minor) = OLDEST_NODE;
    let found = match (version, has_npm) {
        ("", _) => "there is no Node".to_owned(),
        (found, true) => format!("Node {found} is too old"),
        (found, false) => format!("Node {found} is here without npm"),
    };
    let what = format!("{found}; app/ needs Node {major}.{minor} or later with npm");
    Err(Failure::new(
        Code::Missing,
        what,
        format!("install Node {major}.{minor} or later with npm, from nodejs.org or your distribution"),
    ))
}

/// Installs the browser where that is possible; whether there is one.
fn browser(report: &mut Report) -> Result<bool, Failure> {
    let mut present = process::is_installed(CHROMIUM);
    report.step("Chromium", "", |progress| {
        if !present && debian::is_debian() {
            if let Err(failure) = debian::install(progress, &[CHROMIUM]) {
                return Ok(Ending::Skipped(format!("nothing is tested in a browser: {failure}")));
            }
            present = process::is_installed(CHROMIUM);
        }
        match present {
            true => Ok(Ending::done()),
            false => Ok(Ending::Skipped("nothing is tested in a browser: it is not installed".into())),
        }
    })?;
    Ok(present)
}

/// Installs the packages that the lock file names.
pub(crate) fn install(workspace: &Workspace, progress: &Progress) -> Result<Ending, Failure> {
    let mut install = npm(workspace);
    install.args(["ci", "--no-progress"]);
    process::run_quietly(&mut install, progress, Code::Tests, "see what npm says above; then: npm ci, in app/")?;
    Ok(Ending::done())
}

pub(crate) fn npm(workspace: &Workspace) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(workspace.root.join("app"));
    npm
}

/// Whether this is what `node --version` prints of a Node that will do.
fn is_recent(version: &str) -> bool {
    let mut parts = version.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_NODE,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_nodes_and_none_will_not_do() {
        for (version, will_do) in [
            ("v20.18.0\n", true),
            ("v20.17.9", false),
            ("v18.20.4", false),
            ("v24.1.0", true),
            ("", false),
            ("node", false),
        ] {
            assert_eq!(is_recent(version), will_do, "{version}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(usable("v20.18.0", true).ok().as_deref(), Some("v20.18.0"));
        for (version, has_npm, words) in [
            ("", true, "there is no Node;"),
            ("v18.20.4", true, "Node v18.20.4 is too old;"),
            ("v20.18.0", false, "Node v20.18.0 is here without npm;"),
        ] {
            let failure = usable(version, has_npm).expect_err(version);
            assert_eq!(failure.code, Code::Missing);
            assert!(failure.message.starts_with(words), "{}", failure.message);
        }
    }
}
