//! Sums of products in general.

use crate::builder::error::BuildError;
use crate::builder::graph_builder::{GraphBuilder, OpSpec};
use crate::builder::operand::Operand;
use crate::builder::program::{ProgramBuilder, Value};
use crate::builder::tensor::TensorHandle;
use referee::graph::{Dim, Dtype, OpKind};

impl GraphBuilder {
    /// The sum over the reduction axes of operand 0 times operand 1, which `epilogue` turns into the value stored.
    ///
    /// Both factors may be computed: scores and values of attention are such contractions. Further operands are
    /// loaded by the epilogue and do not move along reduction axes. Put a reduction axis on the innermost axis of
    /// both factors: an element must be provable from few leaves.
    ///
    /// ```
    /// use assay_models::builder::{GraphBuilder, Operand};
    /// use referee::graph::{Dim, Dtype};
    ///
    /// # fn main() -> Result<(), assay_models::builder::BuildError> {
    /// let mut graph = GraphBuilder::new();
    /// let [rows, heads, width] = [8, 4, 32].map(Dim::Const);
    /// let query = graph.input("query", Dtype::I8, &[rows, Dim::Const(128)])?;
    /// let key = graph.input("key", Dtype::I8, &[rows, Dim::Const(128)])?;
    /// // Iteration axes: head 0, query row 1, key row 2; reduction: width 3.
    /// let factors = [Operand::heads(&query, 4, &[1, 0, 3])?, Operand::heads(&key, 4, &[2, 0, 3])?];
    /// let scores = graph.contract("scores", Dtype::I16, &[heads, rows, rows], &[width], &factors, |program, sum| {
    ///     program.round_shift(sum, 6)
    /// })?;
    /// graph.output(&scores);
    /// graph.build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `M0101`, `M0102`, `M0106` to `M0108`.
    pub fn contract(
        &mut self,
        name: &str,
        dtype: Dtype,
        output_axes: &[Dim],
        reduction_axes: &[Dim],
        operands: &[Operand],
        epilogue: impl FnOnce(&mut ProgramBuilder, Value) -> Value,
    ) -> Result<TensorHandle, BuildError> {
        let (mut program, sum) = ProgramBuilder::epilogue();
        let value = epilogue(&mut program, sum);
        program.store(0, value);
        let spec = OpSpec {
            name,
            kind: OpKind::Contract,
            outputs: &[],
            output_axes,
            reduction_axes,
            operands,
            prologue: None,
            program: program.finish(name)?,
        };
        self.op_with_output(spec, dtype)
    }
}
