//! Failures: a stable code, what went wrong, what to do.

use std::fmt;

/// Stable codes; [`CODES`] says what each means. A code never changes its meaning; new ones are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Workspace,
    CannotRun,
    Files,
    Missing,
    Packages,
    PackageRights,
    SbfToolchain,
    Tool,
    Models,
    ProgramBuild,
    Build,
    WasmBuild,
    Format,
    Clippy,
    Documentation,
    Licences,
    DependencyRule,
    PrintingRule,
    IdlDrift,
    Idl,
    NotReproducible,
    Tests,
    Child,
    Fuzz,
}

/// Every code, as printed, with its meaning; README.md has the same table.
pub(crate) const CODES: &[(Code, &str, &str)] = &[
    (Code::Workspace, "X0001", "the workspace cannot be read: `cargo metadata` fails, or no cache folder is named"),
    (Code::CannotRun, "X0002", "a program cannot be started"),
    (Code::Files, "X0003", "a file or folder cannot be read or written"),
    (Code::Missing, "X0101", "something that building needs is missing, and may not be installed now"),
    (Code::Packages, "X0102", "Debian packages cannot be installed"),
    (Code::PackageRights, "X0103", "Debian packages are missing and this user may not install them"),
    (Code::SbfToolchain, "X0104", "the SBF toolchain cannot be set up"),
    (Code::Tool, "X0105", "a tool from crates.io cannot be installed"),
    (Code::Models, "X0106", "the packages that carry trained models cannot be fetched"),
    (Code::ProgramBuild, "X0201", "the on-chain program does not build"),
    (Code::Build, "X0202", "a crate of the workspace does not build"),
    (Code::WasmBuild, "X0203", "the verifier does not build for WebAssembly"),
    (Code::Format, "X0301", "the source is not formatted"),
    (Code::Clippy, "X0302", "clippy found something"),
    (Code::Documentation, "X0303", "the documentation has warnings"),
    (Code::Licences, "X0304", "a crate has a licence, a source or a name that deny.toml does not allow"),
    (Code::DependencyRule, "X0305", "a crate depends on what it must not"),
    (Code::PrintingRule, "X0306", "a crate prints that must not"),
    (Code::IdlDrift, "X0307", "the committed interface description is not the program's"),
    (Code::Idl, "X0308", "the interface description cannot be generated"),
    (Code::NotReproducible, "X0309", "two builds of the program differ"),
    (Code::Tests, "X0401", "a test failed"),
    (Code::Child, "X0501", "the demo, the app or the benchmarks failed"),
    (Code::Fuzz, "X0601", "fuzzing found an input that breaks what reads it, or cannot start"),
];

impl Code {
    /// The code as printed.
    pub(crate) fn as_str(self) -> &'static str {
        CODES.iter().find(|(code, _, _)| *code == self).map_or("X0000", |(_, text, _)| text)
    }
}

/// Why a command ended early.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Which kind of failure.
    pub(crate) code: Code,
    /// What went wrong, naming the thing.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) remedy: String,
}

impl Failure {
    /// A failure with what went wrong and what to do.
    pub(crate) fn new(code: Code, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into() }
    }

    /// A file or folder that cannot be read or written.
    pub(crate) fn file(verb: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(
            Code::Files,
            format!("cannot {verb} {}: {error}", path.display()),
            "check that the path exists, that its owner is you, and that the disk is not full",
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}\n  what to do: {}", self.code.as_str(), self.message, self.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_the_read_me_explains_each() {
        let read_me = include_str!("../README.md");
        for (index, (code, text, meaning)) in CODES.iter().enumerate() {
            assert_eq!(*code as usize, index, "{text} is out of order or missing: as_str would not find it");
            assert!(CODES.iter().filter(|(_, other, _)| other == text).count() == 1, "{text} is there twice");
            assert!(read_me.contains(&format!("| {text} | {meaning} |")), "README.md does not explain {text}");
        }
        assert_eq!(CODES.len(), Code::Fuzz as usize + 1, "a code is missing");
        assert_eq!(read_me.matches("| X0").count(), CODES.len(), "README.md explains a code that is no more");
    }
}
