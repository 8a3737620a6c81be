//! Debian packages: which are needed, which are missing, and installing those.

use std::process::Command;

use crate::failure::{Code, Failure};
use crate::process;
use crate::report::{Ending, Progress};

/// A package and what needs it.
struct Needed {
    package: &'static str,
    purpose: &'static str,
}

/// Everything that a fresh Debian 12 with Rust may lack.
const NEEDED: &[Needed] = &[
    Needed { package: "g++", purpose: "C and C++ in dependencies, the toolchain's plugin" },
    Needed { package: "make", purpose: "C in dependencies" },
    Needed { package: "pkg-config", purpose: "finds OpenSSL" },
    Needed { package: "libssl-dev", purpose: "OpenSSL, for the Solana client" },
    Needed { package: "libvulkan1", purpose: "loads GPU drivers" },
    Needed { package: "mesa-vulkan-drivers", purpose: "GPU drivers, among them one in software" },
    Needed { package: "libfaketime", purpose: "clocks that jump, in tests" },
    Needed { package: "binutils", purpose: "sets up the SBF toolchain" },
    Needed { package: "patch", purpose: "sets up the SBF toolchain" },
    Needed { package: "xz-utils", purpose: "sets up the SBF toolchain" },
    Needed { package: "ca-certificates", purpose: "downloads over TLS" },
];

/// How long installing takes, for the user's patience: measured on an idle and on a busy machine.
const ABOUT: &str = "1 to 3 minutes";

/// Whether this is a Debian, or something made from it, on which the packages are installed by the set-up.
pub(crate) fn is_debian() -> bool {
    process::is_installed("dpkg-query")
}

/// The needed packages that are not installed.
fn missing() -> Vec<&'static str> {
    let installed = process::output_of(
        Command::new("dpkg-query").args(["--show", "--showformat=${Package} ${db:Status-Status}\\n"]),
    )
    .unwrap_or_default();
    missing_from(&installed)
}

fn missing_from(installed: &str) -> Vec<&'static str> {
    let is_installed =
        |package: &str| installed.lines().any(|line| line.split_once(' ') == Some((package, "installed")));
    NEEDED.iter().map(|needed| needed.package).filter(|package| !is_installed(package)).collect()
}

/// Installs what is missing, as root or through sudo; with `check` only reports it.
pub(crate) fn ensure(progress: &Progress, check: bool) -> Result<Ending, Failure> {
    if !is_debian() {
        return Ok(Ending::Skipped(format!(
            "this is not Debian; the build needs what these packages hold: {}",
            NEEDED.iter().map(|needed| needed.package).collect::<Vec<_>>().join(" ")
        )));
    }
    let missing = missing();
    if missing.is_empty() {
        return Ok(Ending::Done("all installed".into()));
    }
    let list = missing.join(" ");
    if check {
        return Err(Failure::new(Code::Missing, format!("Debian packages are missing: {list}"), by_hand(&list)));
    }
    eprintln!("    installing ({ABOUT}):");
    for needed in NEEDED.iter().filter(|needed| missing.contains(&needed.package)) {
        eprintln!("      {:<20} {}", needed.package, needed.purpose);
    }
    install(progress, &missing)?;
    Ok(Ending::Done(format!("installed {list}")))
}

/// Installs packages, as root or through sudo.
pub(crate) fn install(progress: &Progress, packages: &[&str]) -> Result<(), Failure> {
    let list = packages.join(" ");
    let by_hand = by_hand(&list);
    let privilege = privilege().ok_or_else(|| {
        Failure::new(
            Code::PackageRights,
            format!("Debian packages are missing and this user may not install them: {list}"),
            by_hand.clone(),
        )
    })?;
    let apt_get = |arguments: &[&str]| {
        let mut command = match privilege {
            Privilege::Root => Command::new("apt-get"),
            Privilege::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.args(["--non-interactive", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
                sudo
            }
        };
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        command
    };
    // Third-party archives that do not answer must not matter: what counts is whether the packages can be installed.
    let update = process::run_quietly(&mut apt_get(&["update", "-q"]), progress, Code::Packages, "");
    if let Err(failure) = update {
        eprintln!("    apt-get update reported errors, going on with what it has: {}", failure.message);
    }
    let mut install = apt_get(&["install", "--yes", "--no-install-recommends", "-q"]);
    install.args(packages);
    process::run_quietly(
        &mut install,
        progress,
        Code::Packages,
        &format!("see what apt-get says above; then {by_hand}"),
    )?;
    Ok(())
}

fn by_hand(list: &str) -> String {
    format!("run: apt-get update && apt-get install --no-install-recommends -y {list}")
}

/// By which right packages can be installed.
#[derive(Clone, Copy)]
enum Privilege {
    Root,
    Sudo,
}

fn privilege() -> Option<Privilege> {
    if process::output_of(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0") {
        return Some(Privilege::Root);
    }
    // Only a sudo that asks no question: nobody may be there to answer.
    let sudo = process::output_of(Command::new("sudo").args(["--non-interactive", "true"]));
    sudo.map(|_| Privilege::Sudo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_as_installed_only_in_that_state() {
        let everything: String = NEEDED.iter().map(|needed| format!("{} installed\n", needed.package)).collect();
        assert!(missing_from(&everything).is_empty());
        let removed = everything.replace("patch installed", "patch config-files");
        assert_eq!(missing_from(&removed), ["patch"]);
        // A package whose name merely begins the same is another one.
        let other = everything.replace("libssl-dev installed", "libssl-dev-extra installed");
        assert_eq!(missing_from(&other), ["libssl-dev"]);
    }
}
