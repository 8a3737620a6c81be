//! Rows of tables.

use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::float::{Extent, FloatNode, FloatOp, ValueId};
use crate::quantise::error::QuantiseError;
use crate::quantise::scale::{Rescale, Scale, quantised};
use assay_models::builder::{Coordinate, Operand, axis, fixed};
use referee::graph::{Dim, Dtype};

/// How an embedding is written.
struct Layout {
    /// The value that it is written as.
    value: ValueId,
    output_axes: Vec<Dim>,
    /// What is read of the row numbers, on each of their axes.
    ids: Vec<Coordinate>,
    /// The iteration axis of the channels.
    channel: usize,
    /// The order of the value's axes.
    order: Vec<usize>,
}

/// A table of more elements than this is stored in 8 bits, with a step for each row.
const MOST_WIDE_ELEMENTS: usize = 1 << 19;

impl Lowering<'_> {
    /// Rows by number.
    pub(crate) fn embedding(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let ids = self.whole(node, node.inputs[0])?;
        let table = self.floats(node, 1)?;
        let shape = self.graph.shape_at(node.inputs[1], &[]);
        let (rows, columns) = (shape[0], shape[1]);
        let step = self.wide_step(output)?;
        let name = self.fresh(&self.graph.value(output).name.clone());
        let narrow = rows * columns > MOST_WIDE_ELEMENTS;
        let (dtype, row_steps) = if narrow {
            let of_row = |row: &[f32]| f64::from(row.iter().fold(0.0f32, |most, value| most.max(value.abs()))) / 127.0;
            let steps = table.chunks_exact(columns).map(|row| of_row(row).max(1e-12)).collect::<Vec<_>>();
            (Dtype::I8, steps)
        } else {
            (Dtype::I16, vec![step; rows])
        };
        let values: Vec<i64> = table
            .iter()
            .enumerate()
            .map(|(at, value)| quantised(f64::from(*value), row_steps[at / columns], dtype))
            .collect();
        let param = self.builder.param(&format!("{name}.table"), dtype, &[rows as u32, columns as u32], &values);
        let param = self.built(param)?;

        let layout = self.layout(node);
        let mut operands = vec![
            ids.operand(|of_ids| layout.ids[of_ids].clone()),
            Operand::new(&param, [fixed(0), axis(layout.channel)]).gathered(0),
        ];
        let rescale = Rescale::of(&row_steps.iter().map(|row| row / step).collect::<Vec<_>>());
        if narrow {
            self.decisions.push(format!("{name}: a table of {rows} rows in 8 bits, with a step for each row"));
            let factors = self.factors(&name, &rescale.multipliers)?;
            operands.push(Operand::new(&factors, [fixed(0)]).gathered(0));
        }
        let tensor = self.builder.map(&name, Dtype::I16, &layout.output_axes, &operands, |program| {
            let row = program.load(0);
            let value = program.gather(1, row);
            if narrow {
                let factor = program.gather(2, row);
                let scaled = program.multiply(value, factor);
                program.round_shift(scaled, rescale.shift)
            } else {
                value
            }
        });
        let tensor = self.built(tensor)?;
        let Layout { value, order, .. } = layout;
        if value != output {
            self.decisions
                .push(format!("{name}: written with its places innermost, as what reads it reduces over them"));
        }
        let tensor = tensor.viewed(&permuted(&self.shape(value), &order));
        self.wide.insert(value, Form { tensor, order, scale: Scale::Uniform(step) });
        Ok(())
    }

    /// Where the elements of an embedding go.
    fn layout(&self, node: &FloatNode) -> Layout {
        let output = node.outputs[0];
        if let Some(layout) = self.joined_layout(output) {
            return layout;
        }
        let order = self.stored_order(output);
        let places = places(&order);
        Layout {
            value: output,
            output_axes: permuted(&self.shape(output), &order),
            ids: (0..order.len() - 1).map(|of_ids| axis(places[of_ids])).collect(),
            channel: places[order.len() - 1],
            order,
        }
    }

    /// If all that reads the embedding `[.., n * k, c]` is a reshape to `[.., n, k * c]`, which is needed as `[.., k * c, n]`:
    /// that, written at once.
    fn joined_layout(&self, embedded: ValueId) -> Option<Layout> {
        let mut readers = self.graph.nodes.iter().filter(|node| node.inputs.contains(&embedded));
        let reader = readers.next().filter(|reader| reader.op == FloatOp::Reshape)?;
        if readers.next().is_some() || self.plan.outputs.contains(&embedded) {
            return None;
        }
        let value = reader.outputs[0];
        let (from, to) = (&self.graph.value(embedded).shape, &self.graph.value(value).shape);
        let rank = from.len();
        let (leading, [Extent::Known(places), Extent::Known(channels)]) = (&from[..rank - 2], &from[rank - 2..]) else {
            return None;
        };
        let [Extent::Known(groups), Extent::Known(_)] = to.get(rank - 2..)? else { return None };
        let mut swapped: Vec<usize> = (0..rank).collect();
        swapped.swap(rank - 2, rank - 1);
        let fits = to.len() == rank && leading == &to[..rank - 2] && places.is_multiple_of(*groups);
        if !fits || self.plan.seen[value.index()].root != value || self.stored_order(value) != swapped {
            return None;
        }
        // iteration axes: the leading ones, the place in its group, the channel, the group
        let lead = rank - 2;
        let each = places / groups;
        let mut output_axes = self.dims(leading);
        output_axes.extend([each, *channels, *groups].map(Dim::Const));
        let place = axis(lead + 2) * i64::from(each) + axis(lead);
        let ids = (0..lead).map(axis).chain([place]).collect();
        Some(Layout { value, output_axes, ids, channel: lead + 1, order: swapped })
    }

    /// The first rows of a table.
    pub(crate) fn position(&mut self, node: &FloatNode) -> Result<(), QuantiseError> {
        let output = node.outputs[0];
        let table = self.floats(node, 0)?;
        let shape = self.graph.shape_at(node.inputs[0], &[]);
        let step = self.wide_step(output)?;
        let name = self.fresh(&self.graph.value(output).name.clone());
        let values: Vec<i64> = table.iter().map(|value| quantised(f64::from(*value), step, Dtype::I16)).collect();
        let shape = [shape[0] as u32, shape[1] as u32];
        let param = self.builder.param(&format!("{name}.table"), Dtype::I16, &shape, &values);
        let param = self.built(param)?;
        let output_axes: Vec<Dim> = self.shape(output);
        let tensor = self.builder.copy(&name, &output_axes, &Operand::along(&param, &[0, 1]));
        let tensor = self.built(tensor)?;
        self.wide.insert(output, Form::natural(tensor, Scale::Uniform(step)));
        Ok(())
    }
}
