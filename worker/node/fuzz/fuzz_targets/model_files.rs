//! What comes beside a model: weights in safetensors, the description of an architecture, examples for calibration.
//!
//! The first line, up to a line break, is a description; the rest is the file.
#![no_main]

use assay_import::architecture::{Architecture, Weights};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Weights::parse(bytes);
    let at = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
    let (text, file) = bytes.split_at(at);
    let file = file.get(2..).unwrap_or_default();
    if let Ok(weights) = Weights::parse(file) {
        for name in ["", "a", "embeddings.word_embeddings.weight"] {
            let _ = weights.rows(name);
            for shape in [&[][..], &[1], &[2, 3]] {
                let _ = weights.tensor(name, shape);
            }
        }
    }
    if let Some(Ok(architecture)) = std::str::from_utf8(text).ok().map(Architecture::parse) {
        let _ = architecture.weights();
        if let Err(error) = architecture.model(file) {
            assert!(error.to_string().starts_with(error.code()), "{error}");
        }
    }
});
