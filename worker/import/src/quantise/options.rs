//! Settings of quantisation.

use super::error::QuantiseError;
use super::range::RangeMethod;
use serde::{Deserialize, Serialize};

/// Settings of quantisation. The default suits most models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How ranges of 8-bit activations are chosen.
    pub range: RangeMethod,
    /// How much of the difference between channels moves from activations into weights, 0 to 1; by default whichever
    /// loses least, for each product.
    pub smoothing: Option<f32>,
    /// How many of the products that lose most read 16 bits.
    pub keep: usize,
    /// Takes the mean error that quantisation brings to each output of a product out of its bias.
    pub bias_correction: bool,
    /// Leaves out a softmax that is a result: its argument has the same order, and does not tie.
    pub logits: bool,
    /// Work that a segment does for each byte that crosses its end; see the builder's `cut_by_cost`.
    pub work_per_boundary_byte: u64,
    /// How many of the calibration's examples the integer graph is compared on.
    pub compared_examples: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            range: RangeMethod::Best,
            smoothing: None,
            keep: 0,
            bias_correction: true,
            logits: true,
            work_per_boundary_byte: 5_000,
            compared_examples: 8,
        }
    }
}

impl Options {
    /// Checks the settings.
    ///
    /// # Errors
    /// `I0308`.
    pub fn check(&self) -> Result<(), QuantiseError> {
        let refuse = |option: &'static str, reason: &str| Err(QuantiseError::Option { option, reason: reason.into() });
        if self.smoothing.is_some_and(|smoothing| !(0.0..=1.0).contains(&smoothing)) {
            return refuse("smoothing", "outside 0 to 1");
        }
        if matches!(self.range, RangeMethod::Percentile(millionths) if millionths >= 1_000_000) {
            return refuse("range", "a percentile leaves out fewer than 1,000,000 millionths");
        }
        if self.compared_examples == 0 {
            return refuse("compared_examples", "at least one example is needed to see what was lost");
        }
        Ok(())
    }
}
