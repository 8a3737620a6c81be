//! Functions of one element, by tables.

use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::calibrate::Statistics;
use crate::float::{Activation, FloatNode};
use crate::quantise::error::QuantiseError;
use crate::quantise::scale::{Rescale, Scale, quantised};
use assay_models::builder::{Operand, TensorHandle, axis, fixed};
use referee::graph::Dtype;

/// A function by its values at equally spaced arguments; beyond them it counts as at the nearest.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Distance of the arguments.
    pub argument_step: f64,
    /// The first argument, in steps.
    pub first: i64,
    /// What an entry stands for.
    pub step: f64,
    /// The type of the entries.
    pub dtype: Dtype,
    /// The values.
    pub entries: Vec<i64>,
}

/// How far a table reaches beyond the arguments that were seen, as a part of their span.
const MARGIN: f64 = 0.25;

impl Table {
    /// A function over the arguments that were seen and a margin, its values in steps of `step`.
    pub(crate) fn of(
        function: impl Fn(f32) -> f32,
        arguments: &Statistics,
        entries: usize,
        step: f64,
        dtype: Dtype,
    ) -> Self {
        let (first, argument_step) = Self::arguments(arguments, entries);
        let entries = (0..entries as i64)
            .map(|index| {
                let value = f64::from(function(((first + index) as f64 * argument_step) as f32));
                if value.is_finite() {
                    quantised(value, step, dtype)
                } else {
                    dtype.saturate(if value > 0.0 { i64::MAX } else { i64::MIN })
                }
            })
            .collect();
        Self { argument_step, first, step, dtype, entries }
    }

    /// A function in as fine 16-bit steps as its values within the arguments allow.
    pub(crate) fn finest(function: impl Fn(f32) -> f32, arguments: &Statistics, entries: usize) -> Self {
        let (first, argument_step) = Self::arguments(arguments, entries);
        let most = (0..entries as i64)
            .map(|index| f64::from(function(((first + index) as f64 * argument_step) as f32)).abs())
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max);
        let step = if most > 0.0 { most / Dtype::I16.range().1 as f64 } else { 1.0 };
        Self::of(function, arguments, entries, step, Dtype::I16)
    }

    /// First argument in steps, and the step.
    fn arguments(arguments: &Statistics, entries: usize) -> (i64, f64) {
        let (low, high) = (f64::from(arguments.min), f64::from(arguments.max));
        let margin = ((high - low) * MARGIN).max(1e-6);
        let step = (high - low + 2.0 * margin) / (entries as f64 - 2.0);
        (((low - margin) / step).floor() as i64, step)
    }
}

impl Lowering<'_> {
    /// Adds a table's param, `{name}.table`.
    pub(crate) fn table(&mut self, name: &str, table: &Table) -> Result<TensorHandle, QuantiseError> {
        let name = self.fresh(&format!("{name}.table"));
        let param = self.builder.param(&name, table.dtype, &[table.entries.len() as u32], &table.entries);
        self.built(param)
    }

    /// An activation that no product computes in its epilogue.
    pub(crate) fn activation(&mut self, node: &FloatNode, activation: Activation) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let input = self.wide(node.inputs[0])?;
        let step = self.wide_step(output)?;
        let name = self.fresh(&self.graph.value(output).name.clone());
        let order = self.stored_order(output);
        let places = places(&order);
        let output_axes = permuted(&input.lengths(), &order);
        let read = input.operand(|of_value| axis(places[of_value]));
        let tensor = if activation == Activation::Relu {
            let rescale = Rescale::of(&[input.scale.at(0) / step]);
            self.builder.map(&name, Dtype::I16, &output_axes, &[read], |program| {
                let value = program.load(0);
                let zero = program.constant(0);
                let positive = program.maximum(value, zero);
                let multiplier = program.constant(rescale.multipliers[0].into());
                let scaled = program.multiply(positive, multiplier);
                program.round_shift(scaled, rescale.shift)
            })
        } else {
            let statistics = self.statistics(node.inputs[0])?;
            let table = Table::of(|x| activation.apply(x), statistics, 16_384, step, Dtype::I16);
            let rescale = Rescale::of(&[input.scale.at(0) / table.argument_step]);
            let param = self.table(&name, &table)?;
            let operands = [read, Operand::new(&param, [fixed(0)]).gathered(0)];
            self.builder.map(&name, Dtype::I16, &output_axes, &operands, |program| {
                let value = program.load(0);
                let multiplier = program.constant(rescale.multipliers[0].into());
                let scaled = program.multiply(value, multiplier);
                let argument = program.round_shift(scaled, rescale.shift);
                let first = program.constant(table.first);
                let index = program.subtract(argument, first);
                program.gather(1, index)
            })
        };
        let tensor = self.built(tensor)?;
        self.wide.insert(output, Form { tensor, order, scale: Scale::Uniform(step) });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(low: f32, high: f32) -> Statistics {
        let mut statistics = Statistics::new(None);
        statistics.add(&[2], &[low, high]);
        statistics
    }

    #[test]
    fn a_table_covers_what_was_seen_and_a_margin() {
        let statistics = seen(-4.0, 8.0);
        let table = Table::of(|x| x, &statistics, 4_096, 0.001, Dtype::I16);
        let argument = |index: usize| (table.first + index as i64) as f64 * table.argument_step;
        assert!(argument(0) <= -7.0 && argument(4_095) >= 11.0, "{} {}", argument(0), argument(4_095));
        for index in [0, 1000, 4095] {
            assert!((table.entries[index] as f64 * 0.001 - argument(index)).abs() <= 0.0005 + 1e-6);
        }
    }

    #[test]
    fn values_that_are_no_numbers_become_the_nearest_bound() {
        let table = Table::of(|x| 1.0 / x.max(0.0), &seen(-1.0, 1.0), 64, 0.01, Dtype::I16);
        assert_eq!(table.entries[0], 32_767);
    }
}
