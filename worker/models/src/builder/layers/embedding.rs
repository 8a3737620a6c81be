//! Sums of rows of tables.

use super::requantization::expect_shift;
use crate::builder::error::BuildError;
use crate::builder::graph_builder::GraphBuilder;
use crate::builder::operand::Operand;
use crate::builder::tensor::TensorHandle;
use crate::builder::{axis, fixed};
use referee::graph::{Dim, Dtype};

/// Which row of a table a place takes.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// The row of this number, clamped into the table: a tensor of the places' shape.
    Ids(&'a TensorHandle),
    /// The row of the place's coordinate on the innermost axis of places.
    Position,
    /// The same row everywhere.
    Fixed(u32),
}

/// One summand of an embedding.
#[derive(Clone, Copy, Debug)]
pub struct Embedding<'a> {
    /// `[rows, channels]`
    pub table: &'a TensorHandle,
    /// The row that is taken.
    pub rows: Rows<'a>,
    /// Factor of its elements.
    pub multiplier: i32,
}

impl GraphBuilder {
    /// `saturate(floor((sum of the rows times their multipliers + 2^(shift-1)) / 2^shift))` for each of `places` (batch and
    /// tokens, say): `[places.., channels]`. With `transposed` the channels stand before the innermost axis of places,
    /// so that a later op can reduce over that one.
    ///
    /// # Errors
    /// `M0105` for tables, numbers or places that do not go together or a table with fewer rows than there are positions,
    /// `M0109` for a shift out of range; `M0101`, `M0102`, `M0106` to `M0108`.
    pub fn embedding(
        &mut self,
        name: &str,
        places: &[Dim],
        terms: &[Embedding<'_>],
        shift: u8,
        transposed: bool,
        output: Dtype,
    ) -> Result<TensorHandle, BuildError> {
        expect_shift(name, shift)?;
        let refuse = |reason: String| BuildError::Shape { name: name.into(), reason };
        let Some((innermost, outer)) = places.split_last() else {
            return Err(refuse("there are no places; give the axes of the numbers".into()));
        };
        let channels = match terms.first().map(|term| term.table.shape()) {
            Some([_, Dim::Const(channels)]) => *channels,
            _ => return Err(refuse("the first table is not [rows, channels] of constant channels".into())),
        };
        let (place, channel) =
            if transposed { (places.len(), places.len() - 1) } else { (places.len() - 1, places.len()) };
        // iteration axis of each axis of places
        let place_axes: Vec<usize> = (0..outer.len()).chain([place]).collect();
        let mut operands = Vec::new();
        let mut loads = Vec::new();
        for term in terms {
            let rows = match term.table.shape() {
                [Dim::Const(rows), Dim::Const(width)] if *width == channels => *rows,
                shape => return Err(refuse(format!("a table is {shape:?}, not [rows, {channels}]"))),
            };
            let row = match term.rows {
                Rows::Ids(ids) if ids.shape() == places => {
                    loads.push((Some(operands.len() as u8), operands.len() as u8 + 1, term.multiplier));
                    operands.push(Operand::along(ids, &place_axes));
                    operands.push(Operand::new(term.table, [fixed(0), axis(channel)]).gathered(0));
                    continue;
                }
                Rows::Ids(ids) => return Err(refuse(format!("numbers of {:?} for places of {places:?}", ids.shape()))),
                Rows::Position if self.greatest(&[*innermost]) > u64::from(rows) => {
                    let most = self.greatest(&[*innermost]);
                    return Err(refuse(format!("{rows} rows for up to {most} positions; lower the symbol's maximum")));
                }
                Rows::Position => axis(place),
                Rows::Fixed(row) if row >= rows => {
                    return Err(refuse(format!("row {row} of a table of {rows}")));
                }
                Rows::Fixed(row) => fixed(row.into()),
            };
            loads.push((None, operands.len() as u8, term.multiplier));
            operands.push(Operand::new(term.table, [row, axis(channel)]));
        }
        let tail = if transposed { [Dim::Const(channels), *innermost] } else { [*innermost, Dim::Const(channels)] };
        self.map(name, output, &[outer, &tail].concat(), &operands, |program| {
            let mut total = None;
            for (ids, table, multiplier) in loads {
                let value = match ids {
                    Some(ids) => {
                        let id = program.load(ids);
                        program.gather(table, id)
                    }
                    None => program.load(table),
                };
                let multiplier = program.constant(multiplier.into());
                let scaled = program.multiply(value, multiplier);
                total = Some(total.map_or(scaled, |total| program.add(total, scaled)));
            }
            let total = total.unwrap_or_else(|| program.constant(0));
            program.round_shift(total, shift)
        })
    }
}
