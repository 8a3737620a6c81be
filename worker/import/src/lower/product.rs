//! Linear layers and convolutions with what follows them, in one contraction.

use super::activation::Table;
use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::float::{Activation, FloatOp};
use crate::quantise::error::QuantiseError;
use crate::quantise::plan::ProductGroup;
use crate::quantise::product::Product;
use crate::quantise::scale::{Rescale, Scale};
use crate::quantise::weights::Weights;
use assay_models::builder::{Coordinate, OpSpec, Operand, ProgramBuilder, TensorHandle, Value, axis, fixed};
use referee::graph::{Dim, Dtype, OpKind};

/// Entries of an activation's table whose results are stored in 8 bits.
const NARROW_ENTRIES: usize = 4_096;
/// Entries of an activation's table whose results are stored in 16 bits.
const WIDE_ENTRIES: usize = 16_384;

/// How a product's sums become what is stored.
struct Tail {
    /// `[outputs, columns]`: bias, multiplier, and for a table with steps of their own a second multiplier.
    columns: TensorHandle,
    shift: u8,
    /// The least stored value, for an activation that cuts at 0.
    floor: Option<i64>,
    table: Option<TableTail>,
    residual: Option<(Operand, i32)>,
}

struct TableTail {
    operand: Operand,
    first: i64,
    /// The shift behind the second multiplier.
    scaled: Option<u8>,
}

/// The iteration space of a product.
struct Space {
    output_axes: Vec<Dim>,
    reduction_axes: Vec<Dim>,
    /// The iteration axis of each axis of the output.
    places: Vec<usize>,
    /// The iteration axes of the output's channels.
    channel: Coordinate,
    /// The view of the weights.
    weight_shape: Vec<Dim>,
    weight_coordinates: Vec<Coordinate>,
    /// Axes are `[.., groups, outputs of a group]` where a convolution has groups.
    grouped: bool,
}

impl Lowering<'_> {
    /// Lowers a product with its activation and residual.
    pub(crate) fn product(&mut self, group: &ProductGroup) -> Result<(), QuantiseError> {
        let product = &group.product;
        let root = self.plan.seen[product.input.index()].root;
        let input = self.narrow(product.input)?;
        let (dtype, scale, order) = self.product_target(group)?;
        let weights = Weights::of(product, &input.scale);
        let mut bias = product.bias.clone();
        if self.options.bias_correction
            && let Some(loss) = self.choices.losses.get(&product.node)
        {
            for (bias, mean) in bias.iter_mut().zip(&loss.mean) {
                *bias -= mean;
            }
        }
        let name = self.fresh(&self.graph.value(group.output).name.clone());
        let space = self.space(group, &order)?;
        let tail = self.tail(&name, group, &weights, &bias, &scale, dtype, &space)?;
        let matrix: Vec<i64> = weights.values.iter().copied().map(i64::from).collect();
        let shape = [product.outputs as u32, product.taps as u32];
        let matrix = self.builder.param(&format!("{name}.weights"), Dtype::I8, &shape, &matrix);
        let matrix = self.built(matrix)?;

        let partial = match input.tensor.dtype() {
            Dtype::I16 => {
                let [high, low] = self.split(root, &input)?;
                let low = Form { tensor: low.viewed(input.tensor.shape()), ..input.clone() };
                let (program, sum) = ProgramBuilder::epilogue();
                let partial =
                    self.contract(&format!("{name}.low"), group, &space, &low, &matrix, &[], Dtype::I32, program, sum)?;
                Some((partial, Form { tensor: high.viewed(input.tensor.shape()), ..input.clone() }))
            }
            _ => None,
        };
        let (mut program, mut sum) = ProgramBuilder::epilogue();
        let mut operands = tail.operands(&space);
        let read = match &partial {
            Some((partial, high)) => {
                let eight = program.constant(8);
                let shifted = program.shift_left(sum, eight);
                let low = program.load(2 + operands.len() as u8);
                sum = program.add(shifted, low);
                operands.push(Operand::elementwise(partial));
                high
            }
            None => &input,
        };
        let value = tail.value(&mut program, sum);
        let tensor = self.contract(&name, group, &space, read, &matrix, &operands, dtype, program, value)?;
        let tensor = if space.grouped { tensor.viewed(&permuted(&self.shape(group.output), &order)) } else { tensor };
        self.keep(group.output, Form { tensor, order, scale });
        Ok(())
    }

    /// Type, steps and order of axes of what a product stores.
    fn product_target(&self, group: &ProductGroup) -> Result<(Dtype, Scale, Vec<usize>), QuantiseError> {
        let output = group.output;
        let order = self.stored_order(output);
        let channel_axis = output_channel(&group.product, order.len());
        let only_narrow = self.plan.needs.get(&output).is_some_and(|needs| needs.wide.is_none());
        let fits = |scale: &Scale| match scale {
            Scale::Uniform(_) => true,
            Scale::Channels { axis, .. } => *axis == channel_axis,
        };
        match self.choices.narrow.get(&output).filter(|chosen| only_narrow && fits(&chosen.scale)) {
            Some(chosen) if group.residual.is_none() => Ok((chosen.dtype, chosen.scale.clone(), order)),
            _ => Ok((Dtype::I16, Scale::Uniform(self.wide_step(output)?), order)),
        }
    }

    fn space(&self, group: &ProductGroup, order: &[usize]) -> Result<Space, QuantiseError> {
        let product = &group.product;
        let rank = order.len();
        let channel_axis = output_channel(product, rank);
        let lengths = self.shape(group.output);
        let mut output_axes = permuted(&lengths, order);
        let mut places = places(order);
        let taps = |window: &[u32]| window.iter().copied().chain([product.channels as u32]).map(Dim::Const).collect();
        let reduction_axes: Vec<Dim> = match &product.window {
            None => vec![Dim::Const(product.taps as u32)],
            Some((window, _)) => taps(&window.kernel),
        };
        let groups = product.window.as_ref().map_or(1, |(_, groups)| *groups);
        let channel_place = places[channel_axis];
        let grouped = groups > 1;
        let channel = if grouped {
            let each = product.outputs as u32 / groups;
            output_axes.splice(channel_place..=channel_place, [Dim::Const(groups), Dim::Const(each)]);
            for place in places.iter_mut().filter(|place| **place > channel_place) {
                *place += 1;
            }
            axis(channel_place) * i64::from(each) + axis(channel_place + 1)
        } else {
            axis(channel_place)
        };
        let first = output_axes.len();
        let weight_shape = std::iter::once(Dim::Const(product.outputs as u32)).chain(reduction_axes.iter().copied());
        let weight_coordinates =
            std::iter::once(channel.clone()).chain((0..reduction_axes.len()).map(|at| axis(first + at)));
        Ok(Space {
            weight_shape: weight_shape.collect(),
            weight_coordinates: weight_coordinates.collect(),
            output_axes,
            places,
            channel,
            grouped,
            reduction_axes,
        })
    }

    #[allow(clippy::too_many_arguments, reason = "one op with all of its parts")]
    fn contract(
        &mut self,
        name: &str,
        group: &ProductGroup,
        space: &Space,
        input: &Form,
        matrix: &TensorHandle,
        further: &[Operand],
        dtype: Dtype,
        mut program: ProgramBuilder,
        value: Value,
    ) -> Result<TensorHandle, QuantiseError> {
        let product = &group.product;
        let first = space.output_axes.len();
        let read =
            match &product.window {
                None => input.operand(|of_input| {
                    if of_input == product.channel_axis { axis(first) } else { axis(space.places[of_input]) }
                }),
                Some((window, groups)) => {
                    let channels = first + window.kernel.len();
                    input
                        .operand(|of_input| match of_input {
                            0 => axis(space.places[0]),
                            1 if *groups > 1 => axis(space.places[1]) * product.channels as i64 + axis(channels),
                            1 => axis(channels),
                            position => {
                                let side = position - 2;
                                axis(space.places[position]) * i64::from(window.strides[side])
                                    + axis(first + side) * i64::from(window.dilations[side])
                                    - i64::from(window.padding_before[side])
                            }
                        })
                        .padded(0)
                }
            };
        let weights = Operand::shaped(matrix, &space.weight_shape, space.weight_coordinates.iter().cloned());
        let channels_innermost = output_channel(product, space.places.len());
        let swapped = space.places[channels_innermost] + 1 + usize::from(space.grouped) < space.output_axes.len();
        let mut operands = if swapped { vec![weights, read] } else { vec![read, weights] };
        operands.extend_from_slice(further);
        program.store(0, value);
        let program = program.finish(name);
        let program = self.built(program)?;
        let outputs = self.builder.op(OpSpec {
            name,
            kind: OpKind::Contract,
            outputs: &[(name, dtype)],
            output_axes: &space.output_axes,
            reduction_axes: &space.reduction_axes,
            operands: &operands,
            prologue: None,
            program,
        });
        let outputs = self.built(outputs)?;
        Ok(outputs[0].clone())
    }

    #[allow(clippy::too_many_arguments, reason = "all of these decide")]
    fn tail(
        &mut self,
        name: &str,
        group: &ProductGroup,
        weights: &Weights,
        bias: &[f32],
        scale: &Scale,
        dtype: Dtype,
        space: &Space,
    ) -> Result<Tail, QuantiseError> {
        let biases = weights.biases(bias);
        let activation = group.activation.map(|node| &self.graph.nodes[node].op);
        let activation = match activation {
            Some(FloatOp::Activation(activation)) => Some(*activation),
            _ => None,
        };
        if let Some(activation) = activation.filter(|activation| *activation != Activation::Relu) {
            return self.table_tail(name, group, activation, weights, &biases, scale, dtype);
        }
        let mut factors: Vec<f64> =
            weights.steps.iter().enumerate().map(|(output, step)| step / scale.at(output)).collect();
        let mut residual = None;
        if let Some(value) = group.residual {
            let form = self.wide(value)?;
            factors.push(form.scale.at(0) / scale.at(0));
            residual = Some(form.operand(|of_value| axis(space.places[of_value])));
        }
        let rescale = Rescale::of(&factors);
        let columns = self.columns(name, &[&biases, &rescale.multipliers[..biases.len()]])?;
        let residual = residual.zip(rescale.multipliers.get(biases.len()).copied());
        let floor = activation.map(|_| 0);
        Ok(Tail { columns, shift: rescale.shift, floor, table: None, residual })
    }

    #[allow(clippy::too_many_arguments, reason = "all of these decide")]
    fn table_tail(
        &mut self,
        name: &str,
        group: &ProductGroup,
        activation: Activation,
        weights: &Weights,
        biases: &[i32],
        scale: &Scale,
        dtype: Dtype,
    ) -> Result<Tail, QuantiseError> {
        let before = self.graph.nodes[group.product.node].outputs[0];
        let statistics = self.statistics(before)?;
        let entries = if dtype == Dtype::I16 { WIDE_ENTRIES } else { NARROW_ENTRIES };
        let table = match scale {
            Scale::Uniform(step) => Table::of(|x| activation.apply(x), statistics, entries, *step, dtype),
            Scale::Channels { .. } => Table::finest(|x| activation.apply(x), statistics, entries),
        };
        let factors: Vec<f64> = weights.steps.iter().map(|step| step / table.argument_step).collect();
        let rescale = Rescale::of(&factors);
        let (columns, scaled) = match scale {
            Scale::Uniform(_) => (self.columns(name, &[biases, &rescale.multipliers])?, None),
            Scale::Channels { steps, .. } => {
                let second = Rescale::of(&steps.iter().map(|step| table.step / step).collect::<Vec<_>>());
                let columns = self.columns(name, &[biases, &rescale.multipliers, &second.multipliers])?;
                (columns, Some(second.shift))
            }
        };
        let param = self.table(name, &table)?;
        let operand = Operand::new(&param, [fixed(0)]).gathered(0);
        let table = Some(TableTail { operand, first: table.first, scaled });
        Ok(Tail { columns, shift: rescale.shift, floor: None, table, residual: None })
    }

    /// A param `[outputs, columns]`.
    fn columns(&mut self, name: &str, columns: &[&[i32]]) -> Result<TensorHandle, QuantiseError> {
        let outputs = columns[0].len();
        let values: Vec<i64> =
            (0..outputs).flat_map(|output| columns.iter().map(move |column| i64::from(column[output]))).collect();
        let name = format!("{name}.requantization");
        let param = self.builder.param(&name, Dtype::I32, &[outputs as u32, columns.len() as u32], &values);
        self.built(param)
    }
}

/// The axis of the output that the weights' outputs are on.
fn output_channel(product: &Product, rank: usize) -> usize {
    if product.window.is_some() { 1 } else { rank - 1 }
}

impl Tail {
    /// Operands from number 2 on.
    fn operands(&self, space: &Space) -> Vec<Operand> {
        let column = |column: i64| Operand::new(&self.columns, [space.channel.clone(), fixed(column)]);
        let mut operands = vec![column(0), column(1)];
        if let Some(table) = &self.table {
            operands.push(table.operand.clone());
            operands.extend(table.scaled.map(|_| column(2)));
        }
        operands.extend(self.residual.as_ref().map(|(operand, _)| operand.clone()));
        operands
    }

    /// What is stored for a sum.
    fn value(&self, program: &mut ProgramBuilder, sum: Value) -> Value {
        let bias = program.load(2);
        let biased = program.add(sum, bias);
        let multiplier = program.load(3);
        let mut scaled = program.multiply(biased, multiplier);
        if let Some((_, factor)) = &self.residual {
            let residual = program.load(4);
            let factor = program.constant((*factor).into());
            let residual = program.multiply(residual, factor);
            scaled = program.add(scaled, residual);
        }
        let mut value = program.round_shift(scaled, self.shift);
        if let Some(table) = &self.table {
            let first = program.constant(table.first);
            let index = program.subtract(value, first);
            value = program.gather(4, index);
            if let Some(shift) = table.scaled {
                let multiplier = program.load(5);
                let scaled = program.multiply(value, multiplier);
                value = program.round_shift(scaled, shift);
            }
        }
        if let Some(floor) = self.floor {
            let floor = program.constant(floor);
            value = program.maximum(value, floor);
        }
        value
    }
}
