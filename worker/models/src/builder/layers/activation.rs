//! Activations by table.

use crate::builder::error::BuildError;
use crate::builder::fixed;
use crate::builder::graph_builder::GraphBuilder;
use crate::builder::operand::Operand;
use crate::builder::program::{ProgramBuilder, Value};
use crate::builder::tensor::TensorHandle;
use referee::graph::Dtype;

/// A function by its values: `table[i]` is that of `first + i`. What lies outside counts as the first or the last entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation<'a> {
    /// At most 65,536 entries of the output's type.
    pub table: &'a [i64],
    /// Argument of the first entry.
    pub first: i64,
}

/// Most entries of a table.
const MOST_ENTRIES: usize = 1 << 16;

impl GraphBuilder {
    /// Each value replaced by an activation's. Adds the param `{name}.table`.
    ///
    /// # Errors
    /// `M0104` for an entry that `dtype` does not hold, `M0109` for a table that is empty or too long; `M0101`, `M0102`,
    /// `M0108`.
    pub fn table(
        &mut self,
        name: &str,
        input: &TensorHandle,
        dtype: Dtype,
        activation: &Activation<'_>,
    ) -> Result<TensorHandle, BuildError> {
        let table = activation.operand(self, name, dtype)?;
        self.map(name, dtype, input.shape(), &[Operand::elementwise(input), table], |program| {
            let value = program.load(0);
            activation.look_up(program, value, 1)
        })
    }
}

impl Activation<'_> {
    /// Adds the param and gives it as an operand for [`look_up`](Self::look_up).
    pub(super) fn operand(&self, graph: &mut GraphBuilder, name: &str, dtype: Dtype) -> Result<Operand, BuildError> {
        if self.table.is_empty() || self.table.len() > MOST_ENTRIES {
            let reason = format!("a table of {} entries; give 1 to {MOST_ENTRIES}", self.table.len());
            return Err(BuildError::Quantisation { name: name.into(), reason });
        }
        let table = graph.param(&format!("{name}.table"), dtype, &[self.table.len() as u32], self.table)?;
        Ok(Operand::new(&table, [fixed(0)]).gathered(0))
    }

    /// The entry of a value.
    pub(super) fn look_up(&self, program: &mut ProgramBuilder, value: Value, operand: u8) -> Value {
        if self.first == 0 {
            return program.gather(operand, value);
        }
        let first = program.constant(self.first);
        let index = program.subtract(value, first);
        program.gather(operand, index)
    }
}
