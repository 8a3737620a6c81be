//! Softmax and products of two computed matrices, where they are not part of an attention.

use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::float::{Extent, FloatNode, ValueId};
use crate::quantise::error::QuantiseError;
use crate::quantise::scale::{Rescale, Scale};
use assay_models::builder::{OpSpec, Operand, ProgramBuilder, axis, fixed};
use referee::graph::{Dim, Dtype, OpKind};

/// Steps of an argument in a natural unit.
const STEPS_PER_UNIT: f64 = 128.0;
/// The exponential of the greatest argument.
const GREATEST: f64 = 32_767.0;
/// Fraction bits of what a row's sum is divided into.
const RECIPROCAL_BITS: i64 = 45;

impl Lowering<'_> {
    /// `exp(x - greatest) / sum`: 16-bit exponentials from a table, one division a row.
    pub(crate) fn softmax(&mut self, node: &FloatNode, along: usize, masked: bool) -> Result<(), QuantiseError> {
        if masked {
            return self.unsupported(
                node,
                "a mask outside of an attention of [batch, heads, tokens, keys] that is split and joined by reshapes",
                "export the attention as MatMul, Softmax, MatMul over heads, with a mask [batch, keys]",
            );
        }
        let (value, output) = (node.inputs[0], node.outputs[0]);
        let rank = self.graph.value(value).shape.len();
        let input = self.wide(value)?;
        let innermost: Vec<usize> = (0..rank).filter(|axis| *axis != along).chain([along]).collect();
        let name = self.fresh(&self.graph.value(output).name.clone());
        let input = self.ordered(&input, &innermost, &name)?;
        if rank < 2 {
            return self.unsupported(node, "a single row", "give the model a batch axis");
        }
        let shape = input.tensor.shape().to_vec();
        let (rows, row) = (&shape[..rank - 1], &shape[rank - 1..]);
        let whole: Vec<usize> = (0..rank).collect();
        let leading = &whole[..rank - 1];

        let lane = |name: &str| {
            let mut prologue = ProgramBuilder::map();
            let value = prologue.load(0);
            prologue.finish_lanes(name, &[value])
        };
        let (mut program, [_, found]) = ProgramBuilder::pair_epilogue();
        program.store(0, found);
        let greatest_name = format!("{name}.greatest");
        let (prologue, program) = (lane(&name), program.finish(&name));
        let (prologue, program) = (self.built(prologue)?, self.built(program)?);
        let outputs = self.builder.op(OpSpec {
            name: &greatest_name,
            kind: OpKind::ArgMax,
            outputs: &[(&greatest_name, Dtype::I16)],
            output_axes: rows,
            reduction_axes: row,
            operands: &[Operand::along(&input.tensor, &whole)],
            prologue: Some(prologue),
            program,
        });
        let greatest = self.built(outputs)?[0].clone();

        let rescale = Rescale::of(&[input.scale.at(0) * STEPS_PER_UNIT]);
        let entries: Vec<i64> = (0..)
            .map(|below| (GREATEST * (-f64::from(below) / STEPS_PER_UNIT).exp()).round() as i64)
            .take_while(|entry| *entry > 0)
            .chain([0])
            .collect();
        let table_name = format!("{name}.exponents");
        let table = self.builder.param(&table_name, Dtype::I16, &[entries.len() as u32], &entries);
        let table = self.built(table)?;
        let operands = [
            Operand::along(&input.tensor, &whole),
            Operand::along(&greatest, leading),
            Operand::new(&table, [fixed(0)]).gathered(0),
        ];
        let exponents = self.builder.map(&format!("{name}.exponentials"), Dtype::I16, &shape, &operands, |program| {
            let (value, greatest) = (program.load(0), program.load(1));
            let below = program.subtract(greatest, value);
            let multiplier = program.constant(rescale.multipliers[0].into());
            let scaled = program.multiply(below, multiplier);
            let index = program.round_shift(scaled, rescale.shift);
            program.gather(2, index)
        });
        let exponents = self.built(exponents)?;

        let (mut program, sum) = ProgramBuilder::epilogue();
        let dividend = program.constant(1 << RECIPROCAL_BITS);
        let reciprocal = program.divide_unsigned(dividend, sum);
        program.store(0, reciprocal);
        let reciprocal_name = format!("{name}.reciprocal");
        let (prologue, program) = (lane(&name), program.finish(&name));
        let (prologue, program) = (self.built(prologue)?, self.built(program)?);
        let outputs = self.builder.op(OpSpec {
            name: &reciprocal_name,
            kind: OpKind::Sum,
            outputs: &[(&reciprocal_name, Dtype::I32)],
            output_axes: rows,
            reduction_axes: row,
            operands: &[Operand::along(&exponents, &whole)],
            prologue: Some(prologue),
            program,
        });
        let reciprocal = self.built(outputs)?[0].clone();
        let operands = [Operand::along(&exponents, &whole), Operand::along(&reciprocal, leading)];
        let tensor = self.builder.map(&name, Dtype::I16, &shape, &operands, |program| {
            let (exponent, reciprocal) = (program.load(0), program.load(1));
            let scaled = program.multiply(exponent, reciprocal);
            program.round_shift(scaled, (RECIPROCAL_BITS - 15) as u8)
        });
        let tensor = self.built(tensor)?;
        self.wide.insert(output, Form { tensor, order: innermost, scale: Scale::Uniform((-15f64).exp2()) });
        Ok(())
    }

    /// `scale * a * b`, both computed.
    pub(crate) fn matrix_product(
        &mut self,
        node: &FloatNode,
        transpose_a: bool,
        transpose_b: bool,
        scale: f32,
    ) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let rank = self.graph.value(output).shape.len();
        let name = self.fresh(&self.graph.value(output).name.clone());
        let order = self.stored_order(output);
        let places = places(&order);
        let output_axes = permuted(&self.shape(output), &order);
        let reduction = output_axes.len();
        let mut operands = Vec::new();
        let mut steps = Vec::new();
        let mut summed = Dim::Const(1);
        let sides = [(transpose_a, rank - 2, true), (transpose_b, rank - 1, false)];
        for (input, (transposed, place, first)) in node.inputs.iter().zip(sides) {
            let (factor, own_axis, summed_axis) = self.matrix_factor(*input, transposed, first, &name)?;
            summed = factor.lengths()[summed_axis];
            let own = self.graph.value(*input).shape.clone();
            let missing = rank - own.len();
            operands.push(factor.operand(|of_value| {
                if of_value == own_axis {
                    axis(places[place])
                } else if of_value == summed_axis {
                    axis(reduction)
                } else if own[of_value] == Extent::Known(1) {
                    fixed(0)
                } else {
                    axis(places[of_value + missing])
                }
            }));
            steps.push(factor.scale.at(0));
        }
        let step = self.wide_step(output)?;
        let rescale = Rescale::of(&[steps[0] * steps[1] * f64::from(scale) / step]);
        let tensor = self.builder.contract(&name, Dtype::I16, &output_axes, &[summed], &operands, |program, sum| {
            let multiplier = program.constant(rescale.multipliers[0].into());
            let scaled = program.multiply(sum, multiplier);
            program.round_shift(scaled, rescale.shift)
        });
        let tensor = self.built(tensor)?;
        self.wide.insert(output, Form { tensor, order, scale: Scale::Uniform(step) });
        Ok(())
    }

    /// A factor in 8 bits with the axis that is summed over innermost; its other matrix axis, and that one.
    fn matrix_factor(
        &mut self,
        value: ValueId,
        transposed: bool,
        first: bool,
        name: &str,
    ) -> Result<(Form, usize, usize), QuantiseError> {
        let rank = self.graph.value(value).shape.len();
        // [.., own, summed] for a first factor as it is, [.., summed, own] for a second one
        let (own, summed) = if first != transposed { (rank - 2, rank - 1) } else { (rank - 1, rank - 2) };
        let order: Vec<usize> = (0..rank - 2).chain([own, summed]).collect();
        let wide = self.wide(value)?;
        let statistics = self.statistics(self.plan.seen[value.index()].root)?;
        let most = f64::from(statistics.magnitude()).max(f64::MIN_POSITIVE);
        let name = self.fresh(&format!("{name}.factor"));
        let form = self.requantised(&name, &wide, &order, &Scale::Uniform(most / 127.0), Dtype::I8)?;
        Ok((form, own, summed))
    }
}
