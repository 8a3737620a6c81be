//! The digits network and its data set, embedded.
//!
//! The graph takes `u8 [batch, 8, 8, 1]` pixels of 0 to 16 and gives `i32 [batch, 11]`: the class, then ten scores in
//! units of 1/1024 of a logit. The folder `models/digits` of the project says where images and weights come from.
//!
//! ```
//! use assay_models::digits;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = digits::model()?;
//! let dataset = digits::Dataset::embedded();
//! let images = &dataset.held_out[..2];
//! let graph = model.resolve(&digits::symbols(images))?;
//! let inputs = digits::inputs(images);
//! assert_eq!(inputs[&digits::INPUT_SLOT].len(), graph.tensors[0].bytes());
//! # Ok(())
//! # }
//! ```

mod dataset;
mod network;

pub use dataset::{CLASSES, Dataset, Image, PIXELS, SIDE};
pub use network::{DigitsError, INPUT_SLOT, MAX_BATCH, Prediction, decode, inputs, model, symbols};
