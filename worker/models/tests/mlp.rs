//! The made-up perceptrons.

use assay_models::mlp::{self, Shape};
use referee::semantics;

fn run(shape: &Shape, seed: u64, batch: u32) -> Vec<u8> {
    let model = mlp::model(shape, seed).unwrap();
    let graph = model.resolve(&[batch]).unwrap();
    let inputs = mlp::inputs(shape, batch, 5);
    let mut given: Vec<&[u8]> = vec![&[]; graph.tensors.len()];
    for (slot, bytes) in model.params.iter().chain(&inputs) {
        given[usize::from(*slot)] = bytes;
    }
    semantics::run(&graph, &given).unwrap().tensors[usize::from(graph.outputs[0])].clone()
}

#[test]
fn a_seed_names_one_model_and_another_seed_another() {
    let shape = Shape::tiny();
    assert_eq!(mlp::model(&shape, 1).unwrap(), mlp::model(&shape, 1).unwrap());
    let (first, second) = (mlp::model(&shape, 1).unwrap(), mlp::model(&shape, 2).unwrap());
    assert_ne!(first.params, second.params);
    assert_ne!(run(&shape, 1, 3), run(&shape, 2, 3));
}

#[test]
fn outputs_vary_and_do_not_saturate_throughout() {
    let shape = Shape { inputs: 100, hidden: vec![64, 40], outputs: 12, max_batch: 64 };
    let output = run(&shape, 7, 64);
    assert_eq!(output.len(), 64 * 12);
    let extreme = output.iter().filter(|value| [0x80, 0x7f].contains(*value)).count();
    assert!(extreme * 2 < output.len(), "{extreme} of {}", output.len());
    let distinct: std::collections::BTreeSet<u8> = output.iter().copied().collect();
    assert!(distinct.len() > 32, "{distinct:?}");
}

#[test]
fn each_layer_is_a_segment() {
    let shape = Shape { inputs: 8, hidden: vec![8, 8, 8], outputs: 4, max_batch: 2 };
    assert_eq!(mlp::model(&shape, 1).unwrap().resolve(&[2]).unwrap().segments.len(), 4);
    assert_eq!(mlp::model(&Shape::tiny(), 1).unwrap().resolve(&[1]).unwrap().segments.len(), 2);
}
