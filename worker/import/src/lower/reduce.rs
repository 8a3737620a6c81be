//! Pools, reductions and the index of the greatest.

use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::float::{Extent, FloatNode, PoolKind, ReduceKind, Window};
use crate::quantise::error::QuantiseError;
use crate::quantise::product::window_places;
use crate::quantise::scale::{Rescale, Scale};
use assay_models::builder::{OpSpec, Operand, ProgramBuilder, axis};
use referee::graph::{Dim, Dtype, OpKind};

impl Lowering<'_> {
    pub(crate) fn reduce(
        &mut self,
        node: &FloatNode,
        kind: ReduceKind,
        axes: &[usize],
        mask_axes: Option<&[usize]>,
    ) -> Result<(), QuantiseError> {
        let (value, output) = (node.inputs[0], node.outputs[0]);
        let input = self.wide(value)?;
        let rank = self.graph.value(value).shape.len();
        let kept: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
        let innermost: Vec<usize> = kept.iter().chain(axes).copied().collect();
        let name = self.fresh(&self.graph.value(output).name.clone());
        let input = self.ordered(&input, &innermost, &name)?;
        let kept_dims: Vec<Dim> = input.tensor.shape()[..kept.len()].to_vec();
        let reduced_dims: Vec<Dim> = input.tensor.shape()[kept.len()..].to_vec();
        if reduced_dims.len() > 3 || kept_dims.len() > 4 {
            return self.unsupported(node, "it has more axes than an op", "reshape the model to fewer axes");
        }
        let output_axes = if kept_dims.is_empty() { vec![Dim::Const(1)] } else { kept_dims.clone() };
        let lead = usize::from(kept_dims.is_empty());
        let step_in = input.scale.at(0);
        let (form, step) = match (kind, mask_axes) {
            (ReduceKind::Mean, Some(mask)) if axes == [1] && rank == 3 && mask == [0, 1] => {
                let mask = self.whole(node, node.inputs[1])?;
                // a mean is no greater than what it is of; fraction bits keep it fine where it is known to be smaller
                let most = f64::from(self.statistics(output)?.magnitude()).max(step_in) * 2.0;
                let bits = (32_767.0 * step_in / most).log2().floor().clamp(0.0, 8.0);
                let tensor =
                    self.builder.mean_pool_masked(&name, &input.tensor, Some(&mask.tensor), bits as u8, Dtype::I16);
                (self.built(tensor)?, step_in / bits.exp2())
            }
            (_, Some(_)) => {
                return self.unsupported(
                    node,
                    "a mask over these axes",
                    "only the mean over the tokens of [batch, tokens, channels] takes a mask [batch, tokens]",
                );
            }
            (ReduceKind::Max | ReduceKind::Min, None) => {
                let (mut program, [_, found]) = ProgramBuilder::pair_epilogue();
                program.store(0, found);
                let op = if kind == ReduceKind::Max { OpKind::ArgMax } else { OpKind::ArgMin };
                (self.reduction(&name, op, &input, lead, &output_axes, &reduced_dims, program, Dtype::I16)?, step_in)
            }
            (ReduceKind::Mean | ReduceKind::Sum, None) => {
                let step = self.wide_step(output)?;
                let count = match (kind, elements(&reduced_dims)) {
                    (ReduceKind::Sum, _) => 1.0,
                    (_, Some(count)) => f64::from(count),
                    (_, None) => {
                        return self.unsupported(
                            node,
                            "the mean over an axis whose length is a symbol, without a mask",
                            "give a mask, or the symbol one value",
                        );
                    }
                };
                let rescale = Rescale::of(&[step_in / step / count]);
                let (mut program, sum) = ProgramBuilder::epilogue();
                let multiplier = program.constant(rescale.multipliers[0].into());
                let scaled = program.multiply(sum, multiplier);
                let rounded = program.round_shift(scaled, rescale.shift);
                program.store(0, rounded);
                (
                    self.reduction(&name, OpKind::Sum, &input, lead, &output_axes, &reduced_dims, program, Dtype::I16)?,
                    step,
                )
            }
        };
        let tensor = form.viewed(&self.shape(output));
        self.wide.insert(output, Form::natural(tensor, Scale::Uniform(step)));
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "one op with all of its parts")]
    fn reduction(
        &mut self,
        name: &str,
        kind: OpKind,
        input: &Form,
        lead: usize,
        output_axes: &[Dim],
        reduced: &[Dim],
        program: ProgramBuilder,
        dtype: Dtype,
    ) -> Result<assay_models::builder::TensorHandle, QuantiseError> {
        let mut prologue = ProgramBuilder::map();
        let value = prologue.load(0);
        let prologue = prologue.finish_lanes(name, &[value]);
        let prologue = Some(self.built(prologue)?);
        let program = program.finish(name);
        let program = self.built(program)?;
        // iteration axes are the kept axes and then the reduced ones; without kept ones an axis of length 1 leads
        let operand = Operand::new(&input.tensor, (0..input.order.len()).map(|at| axis(at + lead)));
        let outputs = self.builder.op(OpSpec {
            name,
            kind,
            outputs: &[(name, dtype)],
            output_axes,
            reduction_axes: reduced,
            operands: &[operand],
            prologue,
            program,
        });
        Ok(self.built(outputs)?[0].clone())
    }

    pub(crate) fn arg_max(&mut self, node: &FloatNode, along: usize) -> Result<(), QuantiseError> {
        let (value, output) = (node.inputs[0], node.outputs[0]);
        let input = self.wide(value)?;
        let rank = self.graph.value(value).shape.len();
        let innermost: Vec<usize> = (0..rank).filter(|axis| *axis != along).chain([along]).collect();
        let name = self.fresh(&self.graph.value(output).name.clone());
        let input = self.ordered(&input, &innermost, &name)?;
        let kept = input.tensor.shape()[..rank - 1].to_vec();
        let lead = usize::from(kept.is_empty());
        let output_axes = if kept.is_empty() { vec![Dim::Const(1)] } else { kept };
        let (mut program, [index, _]) = ProgramBuilder::pair_epilogue();
        program.store(0, index);
        let reduced = input.tensor.shape()[rank - 1..].to_vec();
        let tensor =
            self.reduction(&name, OpKind::ArgMax, &input, lead, &output_axes, &reduced, program, Dtype::I32)?;
        let shape = self.shape(output);
        let shape = if shape.is_empty() { vec![Dim::Const(1)] } else { shape };
        self.integers.insert(output, tensor.viewed(&shape));
        Ok(())
    }

    /// The shape of the positions of a mean pool, and how many elements count in the window of each; one number, where it is the same
    /// everywhere.
    fn counted(&self, node: &FloatNode, window: &Window) -> Result<(Vec<u32>, Vec<u32>), QuantiseError> {
        let sides = window.kernel.len();
        if window.padding_before.iter().chain(&window.padding_after).all(|padding| *padding == 0) {
            return Ok((vec![1], vec![window.kernel.iter().product()]));
        }
        let (before, after) = (&self.graph.value(node.inputs[0]).shape, &self.graph.value(node.outputs[0]).shape);
        let mut shape = Vec::new();
        let mut counts = vec![1u32];
        for side in 0..sides {
            let (Some(length), Some(windows)) = (before[2 + side].known(), after[2 + side].known()) else {
                return self.unsupported(
                    node,
                    "a mean over padded windows along a symbol's length",
                    "export with count_include_pad, or give the symbol one value",
                );
            };
            let of_window = |at: u32| {
                let taps = (0..window.kernel[side]).map(|tap| at * window.strides[side] + tap * window.dilations[side]);
                let inside = taps
                    .filter(|place| place.checked_sub(window.padding_before[side]).is_some_and(|place| place < length));
                // a window of padding alone has the mean 0
                (inside.count() as u32).max(1)
            };
            let along: Vec<u32> = (0..windows).map(of_window).collect();
            counts = counts.iter().flat_map(|count| along.iter().map(move |further| count * further)).collect();
            shape.push(windows);
        }
        Ok((shape, counts))
    }

    /// Windows over images or sequences; what is padded counts in none.
    pub(crate) fn pool(&mut self, node: &FloatNode, kind: PoolKind, window: &Window) -> Result<(), QuantiseError> {
        let (value, output) = (node.inputs[0], node.outputs[0]);
        let input = self.wide(value)?;
        let sides = window.kernel.len();
        for side in 0..sides {
            let fits = match self.graph.value(value).shape[2 + side] {
                Extent::Known(length) => window_places(window, side, length as usize) > 0,
                Extent::Symbol(_) => true,
            };
            if !fits {
                return self.unsupported(node, "its window is larger than what it slides over", "pad the input");
            }
        }
        let name = self.fresh(&self.graph.value(output).name.clone());
        let order = self.stored_order(output);
        let places = places(&order);
        let output_axes = permuted(&self.shape(output), &order);
        let first = output_axes.len();
        let read = input.operand(|of_value| match of_value {
            0 | 1 => axis(places[of_value]),
            position => {
                let side = position - 2;
                axis(places[position]) * i64::from(window.strides[side])
                    + axis(first + side) * i64::from(window.dilations[side])
                    - i64::from(window.padding_before[side])
            }
        });
        let reduced: Vec<Dim> = window.kernel.iter().copied().map(Dim::Const).collect();
        let mut prologue = ProgramBuilder::map();
        let loaded = prologue.load(0);
        let prologue = prologue.finish_lanes(&name, &[loaded]);
        let prologue = Some(self.built(prologue)?);
        let (kind, operands, program, step) = match kind {
            PoolKind::Max => {
                let (mut program, [_, found]) = ProgramBuilder::pair_epilogue();
                program.store(0, found);
                (OpKind::ArgMax, vec![read.padded(Dtype::I16.range().0 as i32)], program, input.scale.at(0))
            }
            PoolKind::Mean => {
                let step = self.wide_step(output)?;
                let counts = self.counted(node, window)?;
                let factors: Vec<f64> =
                    counts.1.iter().map(|count| input.scale.at(0) / step / f64::from(*count)).collect();
                let rescale = Rescale::of(&factors);
                let (mut program, sum) = ProgramBuilder::epilogue();
                let mut operands = vec![read.padded(0)];
                let multiplier = match factors[..] {
                    [_] => program.constant(rescale.multipliers[0].into()),
                    _ => {
                        let multipliers: Vec<i64> = rescale.multipliers.iter().copied().map(i64::from).collect();
                        let param_name = self.fresh(&format!("{name}.multipliers"));
                        let param = self.builder.param(&param_name, Dtype::I32, &counts.0, &multipliers);
                        let param = self.built(param)?;
                        operands.push(Operand::new(&param, (0..sides).map(|side| axis(places[2 + side]))));
                        program.load(1)
                    }
                };
                let scaled = program.multiply(sum, multiplier);
                let rounded = program.round_shift(scaled, rescale.shift);
                program.store(0, rounded);
                (OpKind::Sum, operands, program, step)
            }
        };
        let program = program.finish(&name);
        let program = self.built(program)?;
        let outputs = self.builder.op(OpSpec {
            name: &name,
            kind,
            outputs: &[(&name, Dtype::I16)],
            output_axes: &output_axes,
            reduction_axes: &reduced,
            operands: &operands,
            prologue,
            program,
        });
        let tensor = self.built(outputs)?[0].clone();
        self.wide.insert(output, Form { tensor, order, scale: Scale::Uniform(step) });
        Ok(())
    }
}

/// The product of constant lengths.
fn elements(dims: &[Dim]) -> Option<u32> {
    dims.iter().try_fold(1u32, |product, dim| match dim {
        Dim::Const(length) => product.checked_mul(*length),
        Dim::Symbol(_) => None,
    })
}
