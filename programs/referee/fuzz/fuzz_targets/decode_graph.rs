//! Any bytes: decoding never panics, what decodes encodes to the same bytes, and every step that trusts the checks holds
//! on a graph that passed them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use referee::graph::{Graph, MAX_COMPUTE_UNITS, MAX_STEPS, MAX_UPLOAD_BYTES, ResolvedGraph, Slot};
use referee::semantics::{EvaluateError, Fetch, evaluate_output};

/// Elements that follow from slot and index alone, with one in `missing` not at hand.
struct Values<'a> {
    graph: &'a ResolvedGraph,
    missing: u32,
}

impl Fetch for Values<'_> {
    fn fetch(&mut self, slot: Slot, element: u32) -> Option<i64> {
        let tensor = self.graph.tensors.get(usize::from(slot))?;
        // Every index that a checked graph asks for exists.
        assert!(element < tensor.elements(), "element {element} of tensor {slot}");
        let mixed = (u64::from(slot) << 32 | u64::from(element)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17;
        (self.missing == 0 || element % self.missing != 1).then(|| tensor.dtype.saturate(mixed as i32 as i64))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(graph) = Graph::decode(bytes) else { return };
    assert_eq!(graph.encode(), bytes, "a second encoding of one graph");
    let checked = graph.check();
    let least: Vec<u32> = graph.symbols.iter().map(|symbol| symbol.min).collect();
    let resolved = graph.resolve(&least);
    // The least values are one of the corners that are checked.
    assert!(checked.is_err() || resolved.is_ok());
    let Ok(resolved) = resolved else { return };
    for (op, cost) in resolved.ops.iter().zip(resolved.costs()) {
        assert!(cost.upload_bytes <= MAX_UPLOAD_BYTES && cost.compute_units <= MAX_COMPUTE_UNITS);
        assert!(resolved.steps(op) <= u64::from(MAX_STEPS));
        let intervals = resolved.intervals(op);
        assert!(intervals.prologue.iter().chain(&intervals.epilogue).all(|interval| interval.low <= interval.high));
    }
    for entry in &resolved.boundary {
        assert_eq!(
            resolved.tensors[usize::from(entry.slot)].producer.map(|(op, _)| resolved.segment_of(op)),
            Some(entry.segment)
        );
    }
    for slot in resolved.ops.iter().take(8).filter_map(|op| op.outputs.last().copied()) {
        let tensor = &resolved.tensors[usize::from(slot)];
        let last = tensor.elements() - 1;
        for element in [0, last / 2, last] {
            let address = tensor.layout.address(element);
            assert!(tensor.layout.leaf_range(address.position).is_some());
            let value = evaluate_output(&resolved, slot, element, &mut Values { graph: &resolved, missing: 0 });
            let value = value.expect("a checked graph is computed when all elements are at hand");
            assert_eq!(value, tensor.dtype.saturate(value));
            match evaluate_output(&resolved, slot, element, &mut Values { graph: &resolved, missing: 3 }) {
                Ok(same) => assert_eq!(same, value),
                Err(error) => assert!(matches!(error, EvaluateError::Missing { .. }), "{error}"),
            }
        }
    }
});
