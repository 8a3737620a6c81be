//! Rows of tables.

use super::requantise::{permuted, places};
use super::{Form, Lowering};
use crate::float::FloatNode;
use crate::quantise::error::QuantiseError;
use crate::quantise::scale::{Rescale, Scale, quantised};
use assay_models::builder::{Operand, axis, fixed};
use referee::graph::{Dim, Dtype};

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

        let order = self.stored_order(output);
        let places = places(&order);
        let output_axes = permuted(&self.shape(output), &order);
        let channel = places[order.len() - 1];
        let mut operands = vec![
            ids.operand(|of_ids| axis(places[of_ids])),
            Operand::new(&param, [fixed(0), axis(channel)]).gathered(0),
        ];
        let rescale = Rescale::of(&row_steps.iter().map(|row| row / step).collect::<Vec<_>>());
        if narrow {
            self.decisions.push(format!("{name}: a table of {rows} rows in 8 bits, with a step for each row"));
            let factors = self.factors(&name, &rescale.multipliers)?;
            operands.push(Operand::new(&factors, [fixed(0)]).gathered(0));
        }
        let tensor = self.builder.map(&name, Dtype::I16, &output_axes, &operands, |program| {
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
        self.wide.insert(output, Form { tensor, order, scale: Scale::Uniform(step) });
        Ok(())
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
