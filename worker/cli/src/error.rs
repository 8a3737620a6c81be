//! One error for all commands: a sentence with a stable code, and an exit status.

use assay_chain::ChainError;
use assay_client::ClientError;
use assay_index::IndexError;
use assay_localnet::LocalnetError;
use assay_node::start::StartError;
use assay_validator::start::StartError as ValidatorError;
use std::any::Any;
use std::fmt;

/// How the process ends; `assay --help` documents the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// It is done.
    Done = 0,
    /// The command could not do what it was asked.
    Failed = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// The job that was waited for ended without a result.
    NoResult = 3,
    /// The result that was checked is wrong.
    WrongResult = 4,
    /// The node was convicted: starting it again is of no use.
    Convicted = 5,
    /// The node has left: nothing that it promised is open.
    Left = 6,
    /// Another process works on the data folder.
    InUse = 7,
    /// The settings or the registration do not fit: somebody has to change them first.
    Unfit = 8,
    /// `assay node doctor` found warnings and no errors.
    Warnings = 10,
    /// Ctrl-C or SIGTERM came before the work was done.
    Interrupted = 130,
}

/// Why a command failed. The text starts with a stable code.
#[derive(Debug)]
pub(crate) struct CliError {
    code: String,
    sentence: String,
    status: ExitStatus,
    /// What people are shown instead of the sentence: it has more lines.
    shown: Option<String>,
    /// What programs are told besides: where in a file, say.
    place: Option<serde_json::Value>,
}

/// The code of what the libraries report without one: the operating system, a task that broke off.
const NO_CODE_OF_ITS_OWN: &str = "A0001";

impl CliError {
    /// An error of the command line itself, `A0xxx`.
    pub(crate) fn new(code: &str, sentence: impl fmt::Display) -> Self {
        Self {
            code: code.to_owned(),
            sentence: sentence.to_string(),
            status: ExitStatus::Failed,
            shown: None,
            place: None,
        }
    }

    /// A file that cannot be read or written, by name.
    pub(crate) fn file(action: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let advice = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::PermissionDenied => "check its permissions",
            _ => "check the path and the disk",
        };
        Self::new("A0101", format!("cannot {action} {}: {error}; {advice}", path.display()))
    }

    /// Adds a place in a file: as text of several lines for people, as an object for programs.
    pub(crate) fn with_place(self, shown: String, place: serde_json::Value) -> Self {
        Self { shown: Some(shown), place: Some(place), ..self }
    }

    /// What people are shown.
    pub(crate) fn text(&self) -> String {
        self.shown.as_ref().map_or_else(|| self.to_string(), |shown| format!("{} {shown}", self.code))
    }

    pub(crate) fn place(&self) -> Option<&serde_json::Value> {
        self.place.as_ref()
    }

    pub(crate) fn with_status(self, status: ExitStatus) -> Self {
        Self { status, ..self }
    }

    /// Adds what to do in terms of this command line.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.sentence.push_str("; ");
        self.sentence.push_str(hint);
        self
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The text without its code.
    pub(crate) fn sentence(&self) -> &str {
        &self.sentence
    }

    pub(crate) fn status(&self) -> ExitStatus {
        self.status
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.sentence)
    }
}

/// Every error of the libraries explains itself: in its text, or in its text and a code beside it.
impl<E: std::error::Error + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        let text = error.to_string();
        let (code, sentence) = match split_code(&text) {
            Some((code, sentence)) => (code.to_owned(), sentence.to_owned()),
            None => (code_beside(&error).unwrap_or(NO_CODE_OF_ITS_OWN).to_owned(), text),
        };
        Self { code, sentence, status: ExitStatus::Failed, shown: None, place: None }
    }
}

/// The code that a text starts with, and the rest: a capital letter and one to five digits, perhaps a colon.
fn split_code(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.split_once(' ')?;
    let code = word.strip_suffix(':').unwrap_or(word);
    let digits = code.strip_prefix(|c: char| c.is_ascii_uppercase())?;
    let is_code = (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some((code, rest))
}

/// The code of an error whose text does not carry it.
fn code_beside(error: &dyn Any) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<LocalnetError>() {
        return Some(error.code());
    }
    if let Some(IndexError::Chain(chain)) = error.downcast_ref::<IndexError>() {
        return Some(chain.code());
    }
    if let Some(ValidatorError::Chain(chain)) = error.downcast_ref::<ValidatorError>() {
        return Some(chain.code());
    }
    let chain = match (error.downcast_ref::<ClientError>(), error.downcast_ref::<StartError>()) {
        (Some(ClientError::Chain(chain)), _) | (_, Some(StartError::Chain(chain))) => Some(chain),
        _ => error.downcast_ref::<ChainError>(),
    };
    chain.map(ChainError::code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_wherever_a_library_puts_it() {
        let chain = || ChainError::SigningFailed { reason: "no key".into() };
        assert_eq!(CliError::from(chain()).code(), "C0123");
        assert_eq!(CliError::from(ClientError::Chain(chain())).code(), "C0123");
        assert_eq!(CliError::from(StartError::Chain(chain())).code(), "C0123");
        assert_eq!(CliError::from(IndexError::Chain(chain())).code(), "C0123");
        assert_eq!(CliError::from(ValidatorError::Chain(chain())).code(), "C0123");
        assert_eq!(CliError::from(LocalnetError::SlotTimeInvalid { given: 1 }).code(), "C0203");
        let job = solana_sdk::pubkey::Pubkey::default();
        assert_eq!(CliError::from(ClientError::NoJob { job }).code(), "J0103");
        assert_eq!(CliError::from(std::io::Error::other("plain words")).code(), NO_CODE_OF_ITS_OWN);
    }

    #[test]
    fn a_code_is_never_printed_twice() {
        let store = CliError::from(std::io::Error::other("S0101: artifact is not in this store"));
        assert_eq!(store.to_string(), "S0101 artifact is not in this store");
        assert_eq!(CliError::new("A0101", "no such file").to_string(), "A0101 no such file");
    }

    #[test]
    fn words_that_only_look_like_codes_are_left_alone() {
        for text in ["SHA256 differs", "A is wrong", "C123456 too long", "C12x4 letter", "P6022"] {
            assert_eq!(split_code(text), None, "{text}");
        }
        assert_eq!(split_code("P6022 x"), Some(("P6022", "x")));
        assert_eq!(split_code("X1 unknown"), Some(("X1", "unknown")));
    }
}
