//! Sums, differences, products, quotients and bounds of two values.

use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::float::{Extent, FloatNode, FloatOp, ValueId};
use crate::quantise::error::QuantiseError;
use crate::quantise::scale::{Rescale, Scale, quantised};
use assay_models::builder::{Operand, ProgramBuilder, Value, axis, fixed};
use referee::graph::Dtype;

impl Lowering<'_> {
    pub(crate) fn binary(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let name = self.fresh(&self.graph.value(output).name.clone());
        let order = self.stored_order(output);
        let places = places(&order);
        let mut operands = Vec::with_capacity(2);
        let mut steps = Vec::with_capacity(2);
        for (index, input) in node.inputs.iter().enumerate() {
            let form = self.operand_form(node, *input, &format!("{name}.constant{index}"))?;
            operands.push(self.broadcasting(&form, *input, output, &places));
            steps.push(form.scale.at(0));
        }
        let step = self.wide_step(output)?;
        let output_axes = permuted(&self.shape(output), &order);
        let factors = match node.op {
            FloatOp::Mul => vec![steps[0] * steps[1] / step],
            FloatOp::Div => vec![steps[0] / steps[1] / step],
            FloatOp::Sub => vec![steps[0] / step, -steps[1] / step],
            _ => vec![steps[0] / step, steps[1] / step],
        };
        let rescale = Rescale::of(&factors);
        let multipliers = &rescale.multipliers;
        let tensor = self.builder.map(&name, Dtype::I16, &output_axes, &operands, |program| {
            let (a, b) = (program.load(0), program.load(1));
            if node.op == FloatOp::Div {
                return divided(program, a, b, &rescale);
            }
            let combined: Value = if node.op == FloatOp::Mul {
                let product = program.multiply(a, b);
                let multiplier = program.constant(multipliers[0].into());
                program.multiply(product, multiplier)
            } else {
                let multiplier = program.constant(multipliers[0].into());
                let a = program.multiply(a, multiplier);
                let multiplier = program.constant(multipliers[1].into());
                let b = program.multiply(b, multiplier);
                match node.op {
                    FloatOp::Min => program.minimum(a, b),
                    FloatOp::Max => program.maximum(a, b),
                    _ => program.add(a, b),
                }
            };
            program.round_shift(combined, rescale.shift)
        });
        let tensor = self.built(tensor)?;
        self.wide.insert(output, Form { tensor, order, scale: Scale::Uniform(step) });
        Ok(())
    }

    /// A computed value's 16-bit form, or a constant's.
    pub(crate) fn operand_form(&mut self, node: &FloatNode, value: ValueId, name: &str) -> Result<Form, QuantiseError> {
        let Some(tensor) = self.graph.constant(value) else { return self.wide(value) };
        let Some(floats) = tensor.as_floats() else {
            return self.unsupported(node, "its constant is not of floats", "export the model again");
        };
        let most = floats.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        let step = if most > 0.0 { f64::from(most) / 32_767.0 } else { 1.0 };
        let values: Vec<i64> = floats.iter().map(|value| quantised(f64::from(*value), step, Dtype::I16)).collect();
        let shape: Vec<u32> = tensor.shape.iter().map(|length| *length as u32).collect();
        let shape = if shape.is_empty() { vec![1] } else { shape };
        let name = self.fresh(name);
        let param = self.builder.param(&name, Dtype::I16, &shape, &values);
        let param = self.built(param)?;
        Ok(Form::natural(param, Scale::Uniform(step)))
    }

    /// Shapes broadcast from the right: axes that are missing or of length 1 are read at 0.
    pub(crate) fn broadcasting(&self, form: &Form, value: ValueId, output: ValueId, places: &[usize]) -> Operand {
        let from = &self.graph.value(value).shape;
        let missing = self.graph.value(output).shape.len() - from.len();
        form.operand(|of_value| match from.get(of_value) {
            None | Some(Extent::Known(1)) => fixed(0),
            Some(_) => axis(places[of_value + missing]),
        })
    }
}

/// `a / b` by magnitudes, the only division that there is; by 0 it is as great as the type allows.
fn divided(program: &mut ProgramBuilder, a: Value, b: Value, rescale: &Rescale) -> Value {
    let zero = program.constant(0);
    let mut magnitude = |value: Value| {
        let opposite = program.subtract(zero, value);
        program.maximum(value, opposite)
    };
    let (dividend, divisor) = (magnitude(a), magnitude(b));
    let multiplier = program.constant(rescale.multipliers[0].into());
    let dividend = program.multiply(dividend, multiplier);
    let quotient = program.divide_unsigned(dividend, divisor);
    let quotient = program.round_shift(quotient, rescale.shift);
    let opposite = program.subtract(zero, quotient);
    let (a_below, b_below) = (program.less(a, zero), program.less(b, zero));
    let below = program.xor(a_below, b_below);
    program.select(below, opposite, quotient)
}
