//! One error for all commands: a sentence with a stable code, and an exit status.

use std::fmt;

/// Why a command failed. The text starts with a stable code.
#[derive(Debug)]
pub(crate) struct CliError {
    text: String,
}

impl CliError {
    /// An error of the command line itself, `A0xxx`.
    pub(crate) fn new(code: &str, text: impl fmt::Display) -> Self {
        Self { text: format!("{code} {text}") }
    }

    /// The code that the text starts with; empty if the text came from elsewhere without one.
    pub(crate) fn code(&self) -> &str {
        let word = self.text.split_whitespace().next().unwrap_or_default();
        let is_code = word.len() == 5 && word.starts_with(|c: char| c.is_ascii_uppercase());
        if is_code && word.chars().skip(1).all(|c| c.is_ascii_digit()) { word } else { "" }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Every error of the libraries explains itself; what counts here is its text.
impl<E: std::error::Error> From<E> for CliError {
    fn from(error: E) -> Self {
        Self { text: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_first_word_if_it_looks_like_one() {
        assert_eq!(CliError::new("A0101", "no such file").code(), "A0101");
        assert_eq!(CliError::from(std::io::Error::other("plain words")).code(), "");
    }
}
