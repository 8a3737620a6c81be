//! Layer norm, root mean square norm and unit length.

use super::requantise::permuted;
use super::{Form, Lowering};
use crate::float::FloatNode;
use crate::quantise::error::QuantiseError;
use crate::quantise::scale::Scale;
use assay_models::builder::Normalization;
use referee::graph::{Dim, Dtype};
use std::sync::Arc;

/// Significant bits of the greatest gain or offset.
const GAIN_BITS: f64 = 29.0;
/// Fraction bits of a row of unit length.
const UNIT_BITS: u8 = 14;

impl Lowering<'_> {
    pub(crate) fn norm(
        &mut self,
        node: &FloatNode,
        along: usize,
        epsilon: f32,
        centred: bool,
    ) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let rank = self.graph.value(output).shape.len();
        let input = self.wide(node.inputs[0])?;
        let innermost: Vec<usize> = (0..rank).filter(|axis| *axis != along).chain([along]).collect();
        let name = self.fresh(&self.graph.value(output).name.clone());
        let input = self.ordered(&input, &innermost, &name)?;
        let length = match input.tensor.shape().last() {
            Some(Dim::Const(length)) => *length as usize,
            _ => return self.unsupported(node, "its rows are of no constant length", "give the symbol one value"),
        };
        let gamma = self.floats(node, 1)?;
        let beta = if node.inputs.len() > 2 { self.floats(node, 2)? } else { vec![0.0; length] };

        let only_narrow = self.plan.needs.get(&output).is_some_and(|needs| needs.wide.is_none());
        let chosen = self.choices.narrow.get(&output).filter(|chosen| {
            only_narrow
                && match &chosen.scale {
                    Scale::Uniform(_) => true,
                    Scale::Channels { axis, .. } => *axis == along,
                }
        });
        let (dtype, scale) = match chosen {
            Some(chosen) => (chosen.dtype, chosen.scale.clone()),
            None => (Dtype::I16, Scale::Uniform(self.wide_step(output)?)),
        };
        let steps: Arc<[f64]> = (0..length).map(|index| scale.at(index)).collect();
        let in_steps = |values: &[f32]| -> Vec<f64> {
            values.iter().zip(steps.iter()).map(|(value, step)| f64::from(*value) / step).collect()
        };
        let (gains, offsets) = (in_steps(&gamma), in_steps(&beta));
        let most = gains.iter().chain(&offsets).fold(1e-30f64, |most, value| most.max(value.abs()));
        let precision = (GAIN_BITS - most.log2().floor() - 1.0).clamp(1.0, 40.0);
        let fixed = |values: &[f64]| -> Vec<i32> {
            let unit = precision.exp2();
            values.iter().map(|value| (value * unit).round().clamp(-2e9, 2e9) as i32).collect()
        };
        let (gains, offsets) = (fixed(&gains), fixed(&offsets));
        let n = length as f64;
        let epsilon = (f64::from(epsilon) / input.scale.at(0).powi(2) * n * n).round().clamp(0.0, 1e15) as u64;

        // the row may be written before the axis that precedes it, where that is the order that is wanted
        let stored = self.stored_order(output);
        let mut swapped = innermost.clone();
        swapped.swap(rank - 2, rank - 1);
        let transposed = rank > 2 && stored == swapped;
        let normalization = Normalization {
            gain: &gains,
            offset: &offsets,
            gain_axis: rank - 1,
            precision: precision as u8,
            epsilon,
            transposed,
            output: dtype,
        };
        let tensor = if centred {
            self.builder.layer_norm(&name, &input.tensor, &normalization)
        } else {
            self.builder.rms_norm(&name, &input.tensor, &normalization)
        };
        let tensor = self.built(tensor)?;
        let order = if transposed { swapped } else { innermost };
        self.keep(output, Form { tensor, order, scale });
        Ok(())
    }

    pub(crate) fn unit_length(&mut self, node: &FloatNode, along: usize) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let rank = self.graph.value(output).shape.len();
        let input = self.wide(node.inputs[0])?;
        let innermost: Vec<usize> = (0..rank).filter(|axis| *axis != along).chain([along]).collect();
        let name = self.fresh(&self.graph.value(output).name.clone());
        let input = self.ordered(&input, &innermost, &name)?;
        let tensor = self.builder.l2_normalize(&name, &input.tensor, UNIT_BITS, Dtype::I16);
        let tensor = self.built(tensor)?;
        debug_assert_eq!(tensor.shape(), permuted(&self.shape(output), &innermost));
        let scale = Scale::Uniform(f64::from(-i32::from(UNIT_BITS)).exp2());
        self.wide.insert(output, Form { tensor, order: innermost, scale });
        Ok(())
    }
}
