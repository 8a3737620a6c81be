//! The digits graph on real images: what the project claims of it.

use assay_models::digits::{self, Dataset, DigitsError, INPUT_SLOT, Image};
use referee::graph::ResolvedGraph;
use referee::semantics;

/// Class and ten scores of each held-out image by the training script's own integer inference.
static EXPECTED: &[u8] = include_bytes!("../../../models/digits/expected.bin");

fn run(images: &[Image]) -> (ResolvedGraph, Vec<Vec<u8>>) {
    let model = digits::model().unwrap();
    let graph = model.resolve(&digits::symbols(images)).unwrap();
    let inputs = digits::inputs(images);
    let mut given: Vec<&[u8]> = vec![&[]; graph.tensors.len()];
    for (slot, bytes) in model.params.iter().chain(&inputs) {
        given[usize::from(*slot)] = bytes;
    }
    let trace = semantics::run(&graph, &given).unwrap();
    (graph, trace.tensors)
}

fn output(images: &[Image]) -> Vec<u8> {
    let (graph, tensors) = run(images);
    tensors[usize::from(graph.outputs[0])].clone()
}

#[test]
fn the_reference_equals_the_training_script_bit_for_bit_and_classifies_held_out_images() {
    let held_out = Dataset::embedded().held_out;
    let output = output(&held_out);
    assert_eq!(output.len(), EXPECTED.len());
    let first_difference = output.iter().zip(EXPECTED).position(|(given, expected)| given != expected);
    assert_eq!(first_difference, None);

    let predictions = digits::decode(&output).unwrap();
    let right = predictions.iter().zip(&held_out).filter(|(prediction, image)| prediction.class == image.label).count();
    assert!(right * 100 >= held_out.len() * 95, "{right} of {} held-out images", held_out.len());
    assert_eq!(right, 496, "models/digits/README.md states this number");
}

#[test]
fn an_image_is_judged_alone_whatever_the_batch() {
    let held_out = Dataset::embedded().held_out;
    let batch = output(&held_out[..5]);
    for (index, image) in held_out[..5].iter().enumerate() {
        assert_eq!(output(std::slice::from_ref(image)), batch[44 * index..44 * (index + 1)]);
    }
}

#[test]
fn the_graph_has_what_a_job_and_its_disputes_need() {
    let model = digits::model().unwrap();
    assert_eq!(model.slot("pixels"), Some(INPUT_SLOT));
    assert_eq!(model.graph.outputs, [model.slot("result").unwrap()]);
    let graph = model.resolve(&[digits::MAX_BATCH]).unwrap();
    let starts: Vec<&str> =
        graph.segments.iter().map(|segment| model.op_names[usize::from(segment.first)].as_str()).collect();
    assert_eq!(starts, ["conv1", "linear1", "linear2"]);
    let boundary: Vec<&str> =
        graph.boundary.iter().map(|entry| model.tensor_names[usize::from(entry.slot)].as_str()).collect();
    assert_eq!(boundary, ["pool", "linear1", "result"]);
    assert!(model.report.costs.iter().all(|cost| cost.upload_bytes < 4096), "{:?}", model.report.costs);
    let encoded = model.graph.encode();
    assert_eq!(referee::graph::Graph::decode(&encoded).unwrap(), model.graph);
}

#[test]
fn a_batch_beyond_the_bound_is_refused() {
    let model = digits::model().unwrap();
    assert!(model.resolve(&[digits::MAX_BATCH + 1]).is_err());
    assert!(model.resolve(&[0]).is_err());
}

#[test]
fn results_of_other_graphs_are_refused() {
    assert!(matches!(digits::decode(&[0; 45]), Err(DigitsError::ResultLength { expected: 44, given: 45 })));
    assert!(matches!(digits::decode(&[0; 48]), Err(DigitsError::ResultLength { given: 48, .. })));
    for class in [10i32, -1, 256 + 3] {
        let mut result = vec![0; 88];
        result[44..48].copy_from_slice(&class.to_le_bytes());
        assert!(
            matches!(digits::decode(&result), Err(DigitsError::Class { image: 1, class: given }) if given == class)
        );
    }
    assert_eq!(digits::decode(&[]).unwrap(), []);
}
