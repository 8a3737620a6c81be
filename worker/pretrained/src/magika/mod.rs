//! Magika: what type of content a file holds, from its first and its last bytes.
//!
//! Features, rules and thresholds are those of the official Python package, so that whatever differs comes from the network alone.

mod answer;
mod config;
mod features;
mod integer;
mod official;

pub use answer::{Answer, Overwrite};
pub use features::Reading;
pub use official::{OfficialAnswer, official_answers};

use crate::cache::Cache;
use crate::error::PretrainedError;
use crate::packages::Package;
use crate::samples;
use config::Config;
use std::collections::HashMap;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

/// Name of the package.
pub const PACKAGE: &str = "magika";
/// The model inside of it.
const MODEL: &str = "magika/models/standard_v3_3";
/// What is known of types of content.
const TYPES: &str = "magika/config/content_types_kb.min.json";

/// Everything about Magika but the network's arithmetic.
#[derive(Clone, Debug)]
pub struct Magika {
    config: Config,
    /// Whether a type of content is text.
    is_text: HashMap<String, bool>,
    onnx: PathBuf,
}

impl Magika {
    /// Fetches the package if need be, and reads the model's settings.
    ///
    /// # Errors
    /// The package cannot be had, or holds other settings than this code knows.
    pub fn fetch(cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Self, PretrainedError> {
        Self::open(&Package::named(PACKAGE)?.unpacked(cache, say)?)
    }

    /// The model of an unpacked package.
    ///
    /// # Errors
    /// `W0102`, `W0108`: files that are missing or not understood.
    pub fn open(package: &Path) -> Result<Self, PretrainedError> {
        let config = Config::read(&package.join(MODEL).join("config.min.json"))?;
        let is_text = config::types(&package.join(TYPES))?;
        Ok(Self { config, is_text, onnx: package.join(MODEL).join("model.onnx") })
    }

    /// The network.
    pub fn onnx(&self) -> &Path {
        &self.onnx
    }

    /// Tokens that the network reads of a file: byte values, and one more for where there is no byte.
    pub fn tokens(&self) -> usize {
        self.config.tokens()
    }

    /// The network's classes, in the order of its outputs.
    pub fn labels(&self) -> &[String] {
        &self.config.target_labels_space
    }

    /// What the network is to be asked about a file; or its type where the rules know it without asking.
    ///
    /// # Errors
    /// Whatever reading gives.
    pub fn read(&self, content: &mut (impl Read + Seek)) -> std::io::Result<Reading> {
        features::read(&self.config, content)
    }

    /// The same for bytes at hand.
    pub fn read_bytes(&self, content: &[u8]) -> Reading {
        features::read_bytes(&self.config, content)
    }

    /// The answer to the network's scores, one a class.
    ///
    /// # Errors
    /// `W0110` for another number of scores than there are classes.
    pub fn answer(&self, scores: &[f32]) -> Result<Answer, PretrainedError> {
        answer::from_scores(&self.config, &self.is_text, scores)
    }

    /// The answer to the network's scores before its softmax.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn answer_logits(&self, logits: &[f32]) -> Result<Answer, PretrainedError> {
        self.answer(&answer::softmax(logits))
    }

    /// What the network is calibrated with: files of many types that are made here, and those of the package itself.
    ///
    /// # Errors
    /// Files of the package that cannot be read.
    pub fn calibration(&self) -> Result<Vec<Vec<i32>>, PretrainedError> {
        let made = samples::all(samples::CALIBRATION_SEED, samples::CALIBRATION_VARIANTS);
        let mut files: Vec<Vec<u8>> = made.into_iter().map(|sample| sample.content).collect();
        let package = self.onnx.ancestors().nth(4).unwrap_or(&self.onnx);
        for path in samples::files_below(package)? {
            files.push(std::fs::read(&path).map_err(|error| PretrainedError::file("read", &path, error))?);
        }
        let asked = files.iter().filter_map(|content| match self.read_bytes(content) {
            Reading::Ask(tokens) => Some(tokens),
            Reading::Known(_) => None,
        });
        Ok(asked.collect())
    }
}
