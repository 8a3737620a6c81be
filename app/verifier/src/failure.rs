//! Errors: a stable code, what is wrong, what to do.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident $code:literal $meaning:literal)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $code;)*

        /// Every code of this crate with its meaning, in order. Errors of the referee and of bundles keep their own codes (G, R, M).
        pub const CODES: &[(&str, &str)] = &[$(($code, $meaning)),*];
    };
}

codes! {
    REQUEST "B0001" "the bytes of a request are not those of its operation"
    OPERATION "B0002" "there is no operation of this number"
    NO_WORK "B0003" "no work of this number is open"
    TOO_MANY "B0004" "too many works are open"
    TOO_LARGE "B0101" "the tensors of the graph take more memory than a page should"
    OUTPUTS "B0102" "the graph has not exactly one output, which every job has"
    OTHER_WORK "B0103" "what was given is not what the job pins"
    NOT_GIVEN "B0104" "params or inputs are not given yet"
    STARTED "B0105" "the run has begun: params and inputs stay as they are"
    NOT_COMPUTED "B0106" "the run is not finished"
    NO_TENSOR "B0107" "the graph has no such tensor, or its values are not known"
    NO_ELEMENT "B0108" "the tensor has no such element"
    NO_PRODUCER "B0109" "no op computes this tensor"
    NOT_BOUNDARY "B0110" "the tensor is not one that a result commits to"
    LENGTH "B0201" "the bytes are not as many as the tensor has"
    OUTPUT_ROOT "B0202" "the bytes of the output do not lead to the committed root"
    LEAF_PATH "B0203" "a leaf and its path do not lead to the root"
    OUTPUT_PATH "B0204" "the output and its path do not lead to the boundary root"
    BOUNDARY_ROOT "B0205" "the tensors that were served do not lead to the committed boundary root"
}

/// Why a request got no result: a text that begins with its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    text: String,
}

impl Failure {
    pub(crate) fn new(code: &'static str, text: impl fmt::Display) -> Self {
        Self { text: format!("{code} {text}") }
    }

    /// An error whose text begins with a code of its own.
    pub(crate) fn of(error: impl fmt::Display) -> Self {
        Self { text: error.to_string() }
    }

    /// The text, code first.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

/// A hash as people read it.
pub(crate) fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_the_read_me_explains_each() {
        let read_me = include_str!("../../packages/verifier/README.md");
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let row = |line: &str| -> Vec<String> { line.split('|').map(|cell| cell.trim().to_owned()).collect() };
        let rows: Vec<Vec<String>> = read_me.lines().map(row).collect();
        for (code, meaning) in CODES {
            assert!(rows.iter().any(|row| row[..] == ["", code, meaning, ""]), "the README does not explain {code}");
        }
    }
}
