//! A small model whose params, inputs and results are known.

use assay_models::TensorSet;
use assay_models::builder::Model;
use assay_models::mlp::{Shape, inputs, model};
use referee::graph::{ResolvedGraph, Slot};
use std::sync::OnceLock;

/// Rows of the inputs at which the model is resolved.
pub const ROWS: [u32; 3] = [1, 2, 5];

/// From which weights and inputs are drawn.
const SEED: u64 = 7;

fn shape() -> Shape {
    Shape { inputs: 3, hidden: vec![4], outputs: 2, max_batch: 8 }
}

/// Two linear layers in two segments.
pub fn layers() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| model(&shape(), SEED).expect("a model of two layers"))
}

/// The model at each of [`ROWS`], with inputs.
pub fn resolved() -> &'static [(ResolvedGraph, TensorSet)] {
    static RESOLVED: OnceLock<Vec<(ResolvedGraph, TensorSet)>> = OnceLock::new();
    RESOLVED.get_or_init(|| {
        let at = |rows: &u32| (layers().resolve(&[*rows]).expect("within its bounds"), inputs(&shape(), *rows, SEED));
        ROWS.iter().map(at).collect()
    })
}

/// All tensors of a run by the scalar reference, by slot.
pub fn trace(graph: &ResolvedGraph, inputs: &TensorSet) -> Vec<Vec<u8>> {
    let given: Vec<&[u8]> = (0..graph.tensors.len() as Slot)
        .map(|slot| inputs.get(&slot).or_else(|| layers().params.get(&slot)).map_or(&[][..], |bytes| bytes))
        .collect();
    referee::semantics::run(graph, &given).expect("everything is given").tensors
}
