//! Architecture descriptions: weights as safetensors and a few numbers that say how they belong together become an ONNX
//! model in memory, so that there is one way into a float graph.
//!
//! ```toml
//! kind = "bert"
//! layers = 6
//! heads = 12
//! hidden = 384
//! intermediate = 1536
//! activation = "gelu"
//! pooling = "mean"
//! normalise = true
//! weights = "model.safetensors"
//! ```

mod bert;
mod weights;

pub use bert::{Bert, BertTensors, HiddenActivation, Pooling};
pub use weights::Weights;

use crate::error::ImportError;
use crate::onnx::ModelProto;
use serde::Deserialize;
use std::path::Path;

/// What a description's file holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Architecture {
    /// An encoder of the BERT family.
    Bert(Bert),
}

impl Architecture {
    /// Reads a description.
    ///
    /// # Errors
    /// [`ImportError::Architecture`]: what is not understood.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        toml::from_str(text).map_err(|error| ImportError::Architecture { reason: error.to_string() })
    }

    /// The model, with weights from the bytes of a safetensors file. Its symbols are called `batch` and `tokens`.
    ///
    /// # Errors
    /// [`ImportError::Architecture`], [`ImportError::Safetensors`], [`ImportError::MissingTensor`].
    pub fn model(&self, safetensors: &[u8]) -> Result<ModelProto, ImportError> {
        let weights = Weights::parse(safetensors)?;
        match self {
            Self::Bert(bert) => bert.model(&weights),
        }
    }

    /// The path of the weights as the description gives it, relative to itself.
    pub fn weights(&self) -> &Path {
        match self {
            Self::Bert(bert) => &bert.weights,
        }
    }
}

/// Reads a description's file and the weights that it names, which lie beside it unless `weights` says where.
///
/// # Errors
/// As [`Architecture::parse`] and [`Architecture::model`], and [`ImportError::Read`].
pub fn load(description: &Path, weights: Option<&Path>) -> Result<ModelProto, ImportError> {
    let read = |path: &Path| std::fs::read(path).map_err(|source| ImportError::Read { path: path.to_owned(), source });
    let text = String::from_utf8(read(description)?)
        .map_err(|_| ImportError::Architecture { reason: String::from("the file is not text") })?;
    let architecture = Architecture::parse(&text)?;
    let beside = description.parent().unwrap_or(Path::new(".")).join(architecture.weights());
    architecture.model(&read(weights.unwrap_or(&beside))?)
}
