//! Params and inputs of a small model as nodes, validators and clients read them: what is read is written as the very same bytes.
//!
//! The first byte says which tensors are expected and how many rows the inputs have.
#![no_main]

use assay_fuzz::work;
use assay_models::artifact::{bundle_bytes, decode_bundle, encode_bundle};
use libfuzzer_sys::fuzz_target;
use referee::graph::TensorKind;

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let (graph, _) = &work::resolved()[usize::from(choice >> 1) % work::ROWS.len()];
    let kind = if choice & 1 == 0 { TensorKind::Input } else { TensorKind::Param };
    let Ok(tensors) = decode_bundle(bytes, graph, kind) else { return };
    assert_eq!(bytes.len() as u64, bundle_bytes(graph, kind));
    assert_eq!(encode_bundle(&tensors), bytes, "a second encoding of one bundle");
    assert!(tensors.keys().copied().eq(graph.slots_of(kind)));
});
