//! Tensor bundles: one encoding for a set, and nothing else is accepted.

use assay_models::TensorSet;
use assay_models::artifact::{BundleError, bundle_bytes, decode_bundle, decode_slots, encode_bundle, slots_bytes};
use assay_models::mlp::{self, Shape};
use referee::graph::{ResolvedGraph, TensorKind};

fn graph_and_params() -> (ResolvedGraph, TensorSet) {
    let shape = Shape { inputs: 4, hidden: vec![3], outputs: 2, max_batch: 8 };
    let model = mlp::model(&shape, 3).unwrap();
    (model.resolve(&[2]).unwrap(), model.params)
}

/// Where the first entry begins.
const ENTRY: usize = 12;

#[test]
fn params_and_inputs_round_trip_at_their_announced_size() {
    let (graph, params) = graph_and_params();
    let bundle = encode_bundle(&params);
    assert_eq!(bundle.len() as u64, bundle_bytes(&graph, TensorKind::Param));
    assert_eq!(decode_bundle(&bundle, &graph, TensorKind::Param).unwrap(), params);

    let inputs = mlp::inputs(&Shape { inputs: 4, hidden: vec![3], outputs: 2, max_batch: 8 }, 2, 1);
    let bundle = encode_bundle(&inputs);
    assert_eq!(bundle.len() as u64, bundle_bytes(&graph, TensorKind::Input));
    assert_eq!(decode_bundle(&bundle, &graph, TensorKind::Input).unwrap(), inputs);
}

#[test]
fn a_result_travels_in_a_bundle_of_its_slots() {
    let (graph, _) = graph_and_params();
    let result = TensorSet::from([(graph.outputs[0], vec![1u8, 2, 3, 4].into())]);
    let bundle = encode_bundle(&result);
    assert_eq!(bundle.len() as u64, slots_bytes(&graph, &graph.outputs));
    assert_eq!(decode_slots(&bundle, &graph, &graph.outputs).unwrap(), result);
}

#[test]
fn a_set_of_no_tensors_is_a_bare_header() {
    let (graph, _) = graph_and_params();
    let bundle = encode_bundle(&TensorSet::new());
    assert_eq!(bundle, *b"ASTB\x01\0\0\0\0\0\0\0");
    assert_eq!(decode_slots(&bundle, &graph, &[]).unwrap(), TensorSet::new());
}

#[test]
fn every_truncation_is_refused() {
    let (graph, params) = graph_and_params();
    let bundle = encode_bundle(&params);
    for length in 0..bundle.len() {
        let error = decode_bundle(&bundle[..length], &graph, TensorKind::Param).unwrap_err();
        match error {
            BundleError::Magic => assert!(length < 4),
            BundleError::Truncated { length: given, needed } => assert!(given == length && needed > length),
            other => panic!("{length}: {other}"),
        }
    }
}

#[test]
fn every_flipped_bit_is_refused_or_changes_a_value() {
    let (graph, params) = graph_and_params();
    let bundle = encode_bundle(&params);
    for bit in 0..bundle.len() * 8 {
        let mut flipped = bundle.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(decoded) = decode_bundle(&flipped, &graph, TensorKind::Param) {
            assert_ne!(decoded, params, "bit {bit}");
            assert_eq!(encode_bundle(&decoded), flipped, "bit {bit}");
        }
    }
}

fn refused(change: impl FnOnce(&mut Vec<u8>)) -> BundleError {
    let (graph, params) = graph_and_params();
    let mut bundle = encode_bundle(&params);
    change(&mut bundle);
    decode_bundle(&bundle, &graph, TensorKind::Param).unwrap_err()
}

#[test]
fn each_fault_has_its_own_error() {
    assert_eq!(refused(|bundle| bundle[0] = b'X'), BundleError::Magic);
    assert_eq!(refused(|bundle| bundle[4] = 2), BundleError::Version { version: 2 });
    assert_eq!(refused(|bundle| bundle[6] = 1), BundleError::Reserved);
    assert_eq!(refused(|bundle| bundle.push(0)), BundleError::Excess { excess: 1 });
    let (graph, params) = graph_and_params();
    let slots = graph.slots_of(TensorKind::Param);
    assert_eq!(params.keys().copied().collect::<Vec<_>>(), slots);
    assert_eq!(refused(|bundle| bundle[8] = 5), BundleError::Count { expected: slots.len(), given: 5 });
    let wrong_slot = refused(|bundle| bundle[ENTRY] = slots[1] as u8);
    assert_eq!(wrong_slot, BundleError::Slot { expected: slots[0], given: slots[1] });
}

#[test]
fn a_declared_length_is_compared_before_anything_is_read() {
    let error = refused(|bundle| bundle[ENTRY + 2..ENTRY + 10].copy_from_slice(&u64::MAX.to_le_bytes()));
    assert_eq!(error, BundleError::Length { slot: 1, expected: 12, given: u64::MAX });
    let error = refused(|bundle| bundle[8..12].copy_from_slice(&u32::MAX.to_le_bytes()));
    assert_eq!(error, BundleError::Count { expected: 4, given: u32::MAX });
}

#[test]
fn a_bundle_of_other_symbol_values_is_refused() {
    let shape = Shape { inputs: 4, hidden: vec![3], outputs: 2, max_batch: 8 };
    let (graph, _) = graph_and_params();
    let larger = encode_bundle(&mlp::inputs(&shape, 3, 1));
    let error = decode_bundle(&larger, &graph, TensorKind::Input).unwrap_err();
    assert_eq!(error, BundleError::Length { slot: 0, expected: 8, given: 12 });
}
