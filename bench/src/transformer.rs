//! An encoder of MiniLM's size in integers: `assay_models::encoder` with its inputs.

use assay_kernels::TensorSet;
use assay_models::encoder;
use referee::graph::{Graph, OpKind, ResolvedGraph};

/// Words of each text.
pub(crate) const TOKENS: u32 = 128;

/// The graph with its values.
pub(crate) struct Transformer {
    /// As it is encoded.
    pub(crate) source: Graph,
    pub(crate) graph: ResolvedGraph,
    pub(crate) inputs: TensorSet,
    pub(crate) params: TensorSet,
    /// Multiplications and additions of all contractions.
    pub(crate) operations: u64,
}

impl Transformer {
    /// all-MiniLM-L6-v2 for a batch of texts of [`TOKENS`] words.
    pub(crate) fn mini_lm(batch: u32) -> Result<Self, Box<dyn std::error::Error>> {
        let shape = encoder::Shape::mini_lm();
        let model = encoder::model(&shape, 1)?;
        let graph = model.resolve(&[batch, TOKENS])?;
        let contractions = graph.ops.iter().filter(|op| op.kind == OpKind::Contract);
        let operations =
            contractions.map(|op| 2 * u64::from(op.output_elements()) * u64::from(op.reduction_points())).sum();
        let inputs = encoder::inputs(&shape, batch, TOKENS, 2);
        Ok(Self { source: model.graph, graph, inputs, params: model.params, operations })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_is_that_of_mini_lm() {
        let Transformer { graph, operations, .. } = Transformer::mini_lm(1).unwrap();
        assert!(graph.segments.len() >= 6);
        // 2 * 128 * (4 * 384 * 384 + 2 * 384 * 1536 + 2 * 384 * 128) a layer
        assert_eq!(operations, 6 * 2 * 128 * (4 * 384 * 384 + 2 * 384 * 1536 + 2 * 384 * 128));
    }
}
