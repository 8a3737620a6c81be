//! What Magika's own Python package answers: the yardstick.

use crate::error::PretrainedError;
use crate::python::Peers;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Reads paths, one a line, and prints one JSON list.
const SCRIPT: &str = include_str!("official.py");

/// An answer of the official package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfficialAnswer {
    /// The type.
    pub label: String,
    /// The class with the highest score; `undefined` where the network was not asked.
    pub class: String,
    /// Its score.
    pub score: f32,
}

/// What the official package says of each file.
///
/// # Errors
/// `W0109` where the script fails, `W0108` where its answers are not understood.
pub fn official_answers(peers: &Peers, paths: &[PathBuf]) -> Result<Vec<OfficialAnswer>, PretrainedError> {
    let lines: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let said = peers.ask("Magika's official package", SCRIPT, &serde_json::json!(lines).to_string())?;
    let unclear = |reason: String| PretrainedError::content("what the official package says", reason);
    let answers: Vec<OfficialAnswer> = serde_json::from_slice(&said).map_err(|error| unclear(error.to_string()))?;
    if answers.len() == paths.len() {
        return Ok(answers);
    }
    Err(unclear(format!("{} answers for {} files", answers.len(), paths.len())))
}
