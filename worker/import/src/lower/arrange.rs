//! Moving values: reshapes, slices, padding, concatenation.

use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::float::FloatNode;
use crate::quantise::error::QuantiseError;
use crate::quantise::plan::natural;
use crate::quantise::scale::{Rescale, Scale, quantised};
use assay_models::builder::{Operand, axis};
use referee::graph::{Dim, Dtype, MAX_OPERANDS};

impl Lowering<'_> {
    /// The same integers in another shape; no op, unless the axes have to be brought into their order first.
    pub(crate) fn reshape(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        let (value, output) = (node.inputs[0], node.outputs[0]);
        if self.wide.contains_key(&output) {
            // an embedding was written in this shape
            return Ok(());
        }
        if let Some(tensor) = self.integers.get(&self.plan.seen[value.index()].root) {
            let tensor = tensor.viewed(&self.shape(output));
            self.integers.insert(output, tensor);
            return Ok(());
        }
        let form = self.wide(value)?;
        let name = self.graph.value(output).name.clone();
        let form = self.ordered(&form, &natural(self.graph, value), &name)?;
        let tensor = form.tensor.viewed(&self.shape(output));
        let form = Form::natural(tensor, form.scale);
        let wanted = self.stored_order(output);
        let form = self.ordered(&form, &wanted, &name)?;
        self.wide.insert(output, form);
        Ok(())
    }

    /// The same numbers.
    pub(crate) fn pass_on(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        if self.narrow.contains_key(&node.outputs[0]) {
            // an input that is given so
            return Ok(());
        }
        let form = self.wide(node.inputs[0])?;
        self.wide.insert(node.outputs[0], form);
        Ok(())
    }

    /// A copy of what `coordinate` reads of the form, with the form's steps.
    fn moved(
        &mut self,
        node: &FloatNode,
        form: &Form,
        operand: impl FnOnce(&Form, &[usize]) -> Operand,
    ) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let name = self.fresh(&self.graph.value(output).name.clone());
        let order = self.stored_order(output);
        let operand = operand(form, &places(&order));
        let tensor = self.builder.copy(&name, &permuted(&self.shape(output), &order), &operand);
        let tensor = self.built(tensor)?;
        self.wide.insert(output, Form { tensor, order, scale: form.scale.clone() });
        Ok(())
    }

    pub(crate) fn slice(&mut self, node: &FloatNode, starts: &[u32], steps: &[i32]) -> Result<(), QuantiseError> {
        let form = self.wide(node.inputs[0])?;
        self.moved(node, &form, |form, places| {
            form.operand(|of_value| axis(places[of_value]) * i64::from(steps[of_value]) + i64::from(starts[of_value]))
        })
    }

    pub(crate) fn pad(&mut self, node: &FloatNode, before: &[u32], value: f32) -> Result<(), QuantiseError> {
        let form = self.wide(node.inputs[0])?;
        let padding = quantised(f64::from(value), form.scale.at(0), Dtype::I16) as i32;
        self.moved(node, &form, |form, places| {
            form.operand(|of_value| axis(places[of_value]) - i64::from(before[of_value])).padded(padding)
        })
    }

    pub(crate) fn broadcast(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        let (value, output) = (node.inputs[0], node.outputs[0]);
        let form = self.wide(value)?;
        let order = self.stored_order(output);
        let operand = self.broadcasting(&form, value, output, &places(&order));
        self.moved(node, &form, |_, _| operand)
    }

    /// Parts one after another; all but one are padding at any point.
    pub(crate) fn concat(&mut self, node: &FloatNode, along: usize) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        if node.inputs.len() > MAX_OPERANDS {
            return self.unsupported(node, "it has more than six parts", "concatenate in steps");
        }
        let name = self.fresh(&self.graph.value(output).name.clone());
        let order = self.stored_order(output);
        let places = places(&order);
        let step = self.wide_step(output)?;
        let mut start = 0i64;
        let mut operands = Vec::new();
        let mut factors = Vec::new();
        for input in &node.inputs {
            let form = self.operand_form(node, *input, &format!("{name}.constant"))?;
            let Some(Dim::Const(length)) = form.lengths().get(along).copied() else {
                return self.unsupported(node, "a part of it is of no constant length", "give the symbol one value");
            };
            let operand =
                form.operand(
                    |of_value| {
                        if of_value == along { axis(places[of_value]) - start } else { axis(places[of_value]) }
                    },
                );
            operands.push(operand.padded(0));
            factors.push(form.scale.at(0) / step);
            start += i64::from(length);
        }
        let rescale = Rescale::of(&factors);
        let output_axes = permuted(&self.shape(output), &order);
        let tensor = self.builder.map(&name, Dtype::I16, &output_axes, &operands, |program| {
            let mut total = None;
            for (operand, multiplier) in rescale.multipliers.iter().enumerate() {
                let value = program.load(operand as u8);
                let multiplier = program.constant((*multiplier).into());
                let scaled = program.multiply(value, multiplier);
                total = Some(total.map_or(scaled, |total| program.add(total, scaled)));
            }
            let total = total.unwrap_or_else(|| program.constant(0));
            program.round_shift(total, rescale.shift)
        });
        let tensor = self.built(tensor)?;
        self.wide.insert(output, Form { tensor, order, scale: Scale::Uniform(step) });
        Ok(())
    }
}
