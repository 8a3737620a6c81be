//! Failures: a stable code, what went wrong, what to do.

use std::fmt;

/// Stable codes. A code never changes its meaning; new ones are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The workspace cannot be read (`cargo metadata`, a file of ours).
    Workspace,
    /// A program could not be started.
    CannotRun,
    /// A file or folder could not be read or written.
    Files,
    /// Something that building needs is missing and may not be installed now.
    Missing,
    /// Packages could not be installed.
    Packages,
    /// Installing packages needs a right that this user lacks.
    PackageRights,
    /// The SBF toolchain could not be set up.
    SbfToolchain,
    /// The on-chain program does not build.
    ProgramBuild,
    /// A crate of the workspace does not build.
    Build,
    /// The source is not formatted.
    Format,
    /// Clippy found something.
    Clippy,
    /// The documentation has warnings.
    Documentation,
    /// A licence, a source or a banned crate.
    Licences,
    /// A tool from crates.io could not be installed.
    Tool,
    /// A crate depends on what it must not.
    DependencyRule,
    /// A crate prints that must not.
    PrintingRule,
    /// The committed interface description is not the program's.
    IdlDrift,
    /// The interface description could not be generated.
    Idl,
    /// Two builds of the program differ.
    NotReproducible,
    /// A test failed.
    Tests,
    /// The program that was started for the user failed.
    Child,
    /// Fuzzing found an input that breaks the decoder.
    Fuzz,
}

impl Code {
    /// The code as printed.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "X0001",
            Self::CannotRun => "X0002",
            Self::Files => "X0003",
            Self::Missing => "X0101",
            Self::Packages => "X0102",
            Self::PackageRights => "X0103",
            Self::SbfToolchain => "X0104",
            Self::ProgramBuild => "X0201",
            Self::Build => "X0202",
            Self::Format => "X0301",
            Self::Clippy => "X0302",
            Self::Documentation => "X0303",
            Self::Licences => "X0304",
            Self::Tool => "X0305",
            Self::DependencyRule => "X0306",
            Self::PrintingRule => "X0307",
            Self::IdlDrift => "X0308",
            Self::Idl => "X0309",
            Self::NotReproducible => "X0310",
            Self::Tests => "X0401",
            Self::Child => "X0501",
            Self::Fuzz => "X0601",
        }
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
