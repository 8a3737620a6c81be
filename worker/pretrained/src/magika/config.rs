//! The model's settings as its package writes them.

use crate::error::PretrainedError;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// Tokens are bytes and padding, positions a small power of two: what is beyond that is not this model.
const MAX_BLOCK_BYTES: usize = 1 << 20;

/// `config.min.json`. What is left out there has no meaning for features and answers.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Config {
    pub(super) beg_size: usize,
    mid_size: usize,
    pub(super) end_size: usize,
    use_inputs_at_offsets: bool,
    pub(super) medium_confidence_threshold: f64,
    pub(super) min_file_size_for_dl: usize,
    pub(super) padding_token: i32,
    pub(super) block_size: usize,
    pub(super) target_labels_space: Vec<String>,
    pub(super) thresholds: HashMap<String, f64>,
    pub(super) overwrite_map: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Type {
    is_text: bool,
}

impl Config {
    pub(super) fn read(path: &Path) -> Result<Self, PretrainedError> {
        let text = std::fs::read_to_string(path).map_err(|error| PretrainedError::file("read", path, error))?;
        let config: Self =
            serde_json::from_str(&text).map_err(|error| PretrainedError::content("config.min.json", error))?;
        let wrong = |reason| Err(PretrainedError::content("config.min.json", reason));
        if config.mid_size != 0 || config.use_inputs_at_offsets {
            return wrong("features from the middle of files are not known here");
        }
        if config.block_size > MAX_BLOCK_BYTES
            || config.beg_size >= config.block_size
            || config.end_size >= config.block_size
        {
            return wrong("a block must be longer than what is taken of it, and no longer than 1 MiB");
        }
        if config.min_file_size_for_dl == 0 || config.min_file_size_for_dl > config.beg_size {
            return wrong("the least size of a file must lie within its beginning");
        }
        if config.target_labels_space.is_empty() {
            return wrong("there is no class");
        }
        Ok(config)
    }

    pub(super) fn tokens(&self) -> usize {
        self.beg_size + self.end_size
    }
}

/// Whether each type of content is text.
pub(super) fn types(path: &Path) -> Result<HashMap<String, bool>, PretrainedError> {
    let text = std::fs::read_to_string(path).map_err(|error| PretrainedError::file("read", path, error))?;
    let types: HashMap<String, Type> =
        serde_json::from_str(&text).map_err(|error| PretrainedError::content("content_types_kb.min.json", error))?;
    Ok(types.into_iter().map(|(label, known)| (label, known.is_text)).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Settings of the same form as the package's, with few classes.
    pub(in crate::magika) fn small() -> Config {
        serde_json::from_str(SMALL).unwrap()
    }

    const SMALL: &str = r#"{ "beg_size": 16, "mid_size": 0, "end_size": 16, "use_inputs_at_offsets": false,
        "medium_confidence_threshold": 0.5, "min_file_size_for_dl": 8, "padding_token": 256, "block_size": 64,
        "target_labels_space": ["elf", "markdown", "randombytes", "randomtxt", "rust"], "thresholds": { "markdown": 0.75 },
        "overwrite_map": { "randombytes": "unknown", "randomtxt": "txt" } }"#;

    #[test]
    fn settings_that_this_code_does_not_follow_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.min.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Config::read(&path)
        };
        assert_eq!(read(SMALL).unwrap().tokens(), 32);
        for (from, to) in [
            ("\"mid_size\": 0", "\"mid_size\": 8"),
            ("\"use_inputs_at_offsets\": false", "\"use_inputs_at_offsets\": true"),
            ("\"block_size\": 64", "\"block_size\": 16"),
            ("\"block_size\": 64", "\"block_size\": 99999999999"),
            ("\"min_file_size_for_dl\": 8", "\"min_file_size_for_dl\": 17"),
            ("\"min_file_size_for_dl\": 8", "\"min_file_size_for_dl\": 0"),
            ("\"elf\", \"markdown\", \"randombytes\", \"randomtxt\", \"rust\"", ""),
            ("{ \"beg_size\"", "[ \"beg_size\""),
        ] {
            let error = read(&SMALL.replace(from, to)).unwrap_err();
            assert!(error.to_string().starts_with("W0108"), "{to}: {error}");
        }
    }
}
