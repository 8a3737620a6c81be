//! Running a built model by the scalar reference, and made-up values.

use assay_models::builder::Model;
use referee::graph::TensorKind;
use referee::semantics;

/// Values of the tensor `name` after a run with these inputs, given in slot order.
pub(crate) fn evaluate(model: &Model, symbols: &[u32], inputs: &[&[i64]], name: &str) -> Vec<i64> {
    let graph = model.resolve(symbols).unwrap();
    let encoded: Vec<Vec<u8>> = graph
        .slots_of(TensorKind::Input)
        .iter()
        .zip(inputs)
        .map(|(slot, values)| {
            let dtype = graph.tensors[usize::from(*slot)].dtype;
            let mut bytes = vec![0; values.len() * dtype.bytes() as usize];
            for (index, value) in values.iter().enumerate() {
                assert_eq!(dtype.saturate(*value), *value, "a test's input is out of range");
                assert!(dtype.write(&mut bytes, index, *value));
            }
            bytes
        })
        .collect();
    let mut given: Vec<&[u8]> = vec![&[]; graph.tensors.len()];
    for (slot, bytes) in graph.slots_of(TensorKind::Input).iter().zip(&encoded) {
        given[usize::from(*slot)] = bytes;
    }
    for (slot, bytes) in &model.params {
        given[usize::from(*slot)] = bytes;
    }
    let trace = semantics::run(&graph, &given).unwrap();
    let slot = usize::from(model.slot(name).unwrap());
    let tensor = &graph.tensors[slot];
    (0..tensor.elements() as usize).map(|index| tensor.dtype.read(&trace.tensors[slot], index).unwrap()).collect()
}

/// A fixed sequence of values within `low..=high`.
pub(crate) fn values(count: usize, low: i64, high: i64, seed: u64) -> Vec<i64> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let span = (high - low + 1) as u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + ((state >> 33) % span) as i64
    };
    (0..count).map(|_| next()).collect()
}

/// `values` for weights.
pub(crate) fn weights(count: usize, seed: u64) -> Vec<i8> {
    values(count, -128, 127, seed).into_iter().map(|value| value as i8).collect()
}

/// `floor(((sum + bias) * multiplier + 2^(shift-1)) / 2^shift)` in 128 bits.
pub(crate) fn requantized(sum: i64, bias: i32, multiplier: i32, shift: u8) -> i64 {
    let scaled = (i128::from(sum) + i128::from(bias)) * i128::from(multiplier);
    ((scaled + (1i128 << (shift - 1))) >> shift) as i64
}
