//! Choices between two values, and the conditions that they are made by.

use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::float::{Comparison, FloatNode, FloatOp, ValueId};
use crate::quantise::error::QuantiseError;
use crate::quantise::plan::natural;
use crate::quantise::scale::{Rescale, Scale, quantised};
use assay_models::builder::{Operand, ProgramBuilder, Value};
use referee::graph::Dtype;

/// One of two values of a choice or a comparison.
struct Side {
    operand: Operand,
    /// What its integers are multiplied with, to be in the common step; 1 for what is in it.
    factor: f64,
}

impl Lowering<'_> {
    /// `a` where the condition is not 0, else `b`; constants are written in the result's own step, so that an infinite one
    /// is the greatest or least that there is.
    pub(crate) fn choose(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let name = self.fresh(&self.graph.value(output).name.clone());
        let order = self.stored_order(output);
        let places = places(&order);
        let step = self.wide_step(output)?;
        let condition = self.condition(node, node.inputs[0], output, &places, &name)?;
        let a = self.side(node, 1, output, &places, step, &name)?;
        let b = self.side(node, 2, output, &places, step, &name)?;
        let rescale = Rescale::of(&[a.factor, b.factor]);
        let operands = [condition, a.operand, b.operand];
        let output_axes = permuted(&self.shape(output), &order);
        let tensor = self.builder.map(&name, Dtype::I16, &output_axes, &operands, |program| {
            let (condition, a, b) = (program.load(0), program.load(1), program.load(2));
            let scaled = [a, b].into_iter().zip(&rescale.multipliers).map(|(value, multiplier)| {
                let multiplier = program.constant((*multiplier).into());
                program.multiply(value, multiplier)
            });
            let scaled: Vec<Value> = scaled.collect();
            let chosen = program.select(condition, scaled[0], scaled[1]);
            program.round_shift(chosen, rescale.shift)
        });
        let tensor = self.built(tensor)?;
        self.wide.insert(output, Form { tensor, order, scale: Scale::Uniform(step) });
        Ok(())
    }

    /// 1 where the relation holds, else 0.
    pub(crate) fn compare(&mut self, node: &FloatNode, comparison: Comparison) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let name = self.fresh(&self.graph.value(output).name.clone());
        let places = places(&natural(self.graph, output));
        let whole = (0..2).all(|index| self.is_whole(node.inputs[index]));
        let (operands, rescale) = if whole {
            let a = self.condition(node, node.inputs[0], output, &places, &name)?;
            let b = self.condition(node, node.inputs[1], output, &places, &name)?;
            ([a, b], None)
        } else {
            let step = self.common_step(node)?;
            let a = self.side(node, 0, output, &places, step, &name)?;
            let b = self.side(node, 1, output, &places, step, &name)?;
            ([a.operand, b.operand], Some(Rescale::of(&[a.factor, b.factor])))
        };
        let tensor = self.builder.map(&name, Dtype::U8, &self.shape(output), &operands, |program| {
            let (mut a, mut b) = (program.load(0), program.load(1));
            if let Some(rescale) = &rescale {
                let multiplier = program.constant(rescale.multipliers[0].into());
                a = program.multiply(a, multiplier);
                let multiplier = program.constant(rescale.multipliers[1].into());
                b = program.multiply(b, multiplier);
            }
            related(program, comparison, a, b)
        });
        let tensor = self.built(tensor)?;
        self.integers.insert(output, tensor);
        Ok(())
    }

    /// `And` and `Or` of conditions: the lesser and the greater.
    pub(crate) fn combine(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let name = self.fresh(&self.graph.value(output).name.clone());
        let places = places(&natural(self.graph, output));
        let a = self.condition(node, node.inputs[0], output, &places, &name)?;
        let b = self.condition(node, node.inputs[1], output, &places, &name)?;
        let tensor = self.builder.map(&name, Dtype::U8, &self.shape(output), &[a, b], |program| {
            let (a, b) = (program.load(0), program.load(1));
            if node.op == FloatOp::Min { program.minimum(a, b) } else { program.maximum(a, b) }
        });
        let tensor = self.built(tensor)?;
        self.integers.insert(output, tensor);
        Ok(())
    }

    /// Whether a value is one of integers, given or constant.
    fn is_whole(&self, value: ValueId) -> bool {
        match self.graph.constant(value) {
            Some(tensor) => tensor.as_integers().is_some(),
            None => self.integers.contains_key(&self.plan.seen[value.index()].root),
        }
    }

    /// Integers as they are, read where the output's point is.
    fn condition(
        &mut self,
        node: &FloatNode,
        value: ValueId,
        output: ValueId,
        places: &[usize],
        name: &str,
    ) -> Result<Operand, QuantiseError> {
        let form = match self.graph.constant(value).and_then(|tensor| Some((tensor, tensor.as_integers()?))) {
            Some((tensor, integers)) => {
                let shape: Vec<u32> = tensor.shape.iter().map(|length| *length as u32).collect();
                let shape = if shape.is_empty() { vec![1] } else { shape };
                let (low, high) = Dtype::I32.range();
                if integers.iter().any(|value| !(low..=high).contains(value)) {
                    return self.unsupported(node, "a constant of it does not fit 32 bits", "compare lesser numbers");
                }
                let integers = integers.to_vec();
                let name = self.fresh(&format!("{name}.constant"));
                let param = self.builder.param(&name, Dtype::I32, &shape, &integers);
                Form::natural(self.built(param)?, Scale::Uniform(1.0))
            }
            None => self.whole(node, value)?,
        };
        Ok(self.broadcasting(&form, value, output, places))
    }

    /// A value of floats, with what brings its integers to `step`.
    fn side(
        &mut self,
        node: &FloatNode,
        input: usize,
        output: ValueId,
        places: &[usize],
        step: f64,
        name: &str,
    ) -> Result<Side, QuantiseError> {
        let value = node.inputs[input];
        if self.graph.constant(value).is_none() {
            let form = self.wide(value)?;
            let factor = form.scale.at(0) / step;
            return Ok(Side { operand: self.broadcasting(&form, value, output, places), factor });
        }
        let floats = self.floats(node, input)?;
        let values: Vec<i64> = floats.iter().map(|value| quantised(f64::from(*value), step, Dtype::I16)).collect();
        let shape: Vec<u32> =
            self.graph.value(value).shape.iter().map(|extent| extent.known().unwrap_or_default()).collect();
        let shape = if shape.is_empty() { vec![1] } else { shape };
        let name = self.fresh(&format!("{name}.constant"));
        let param = self.builder.param(&name, Dtype::I16, &shape, &values);
        let form = Form::natural(self.built(param)?, Scale::Uniform(step));
        Ok(Side { operand: self.broadcasting(&form, value, output, places), factor: 1.0 })
    }

    /// A step in which both sides of a comparison can be written: the finer one of those that are computed.
    fn common_step(&mut self, node: &FloatNode) -> Result<f64, QuantiseError> {
        let mut finest = f64::INFINITY;
        for value in node.inputs.clone() {
            if self.graph.constant(value).is_none() {
                finest = finest.min(self.wide(value)?.scale.at(0));
            }
        }
        Ok(if finest.is_finite() { finest } else { 1.0 })
    }
}

fn related(program: &mut ProgramBuilder, comparison: Comparison, a: Value, b: Value) -> Value {
    let not = |program: &mut ProgramBuilder, value: Value| {
        let zero = program.constant(0);
        program.equal(value, zero)
    };
    match comparison {
        Comparison::Equal => program.equal(a, b),
        Comparison::Less => program.less(a, b),
        Comparison::Greater => program.less(b, a),
        Comparison::LessOrEqual => {
            let above = program.less(b, a);
            not(program, above)
        }
        Comparison::GreaterOrEqual => {
            let below = program.less(a, b);
            not(program, below)
        }
    }
}
