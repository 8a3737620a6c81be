//! Graphs of strangers on a backend: one that passes the checks is computed as the scalar reference computes it, tensor by tensor,
//! whole and segment by segment.
//!
//! The first byte chooses the values of the symbols, the second the kind of instructions, and what values inputs and params begin with.
#![no_main]

use assay_kernels::conformance::{Vector, verify};
use assay_kernels::{CpuBackend, CpuOptions, Isa, TensorSet};
use libfuzzer_sys::fuzz_target;
use referee::graph::{Graph, ResolvedGraph, Symbol, TensorKind};
use std::sync::OnceLock;

/// What takes more than this is left to the target that only decodes: each input should take no time.
const MOST_POINTS: u64 = 1 << 13;
const MOST_BYTES: usize = 1 << 16;

/// A backend of each kind of instructions that this machine has.
fn backends() -> &'static [CpuBackend] {
    static BACKENDS: OnceLock<Vec<CpuBackend>> = OnceLock::new();
    BACKENDS.get_or_init(|| {
        let open = |isa| CpuBackend::new(CpuOptions { threads: 1, isa: Some(isa) }).ok();
        let backends: Vec<CpuBackend> = Isa::ALL.into_iter().filter_map(open).collect();
        assert!(!backends.is_empty(), "every processor has one kind of instructions");
        backends
    })
}

fn values(graph: &ResolvedGraph, kind: TensorKind, seed: u8) -> TensorSet {
    let tensor = |slot: u16| {
        let bytes = graph.tensors.get(usize::from(slot)).map_or(0, |tensor| tensor.bytes());
        let mut state = u64::from(seed) << 16 | u64::from(slot) | 1 << 40;
        let values = (0..bytes).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Extreme values are frequent.
            match state >> 61 {
                0 => 0x80,
                1 => 0x7f,
                2 => 0,
                _ => (state >> 40) as u8,
            }
        });
        (slot, values.collect())
    };
    graph.slots_of(kind).into_iter().map(tensor).collect()
}

fuzz_target!(|input: &[u8]| {
    let Some((&[choice, seed], bytes)) = input.split_first_chunk::<2>() else { return };
    let Ok(graph) = Graph::decode(bytes) else { return };
    if graph.check().is_err() {
        return;
    }
    let value = |(index, symbol): (usize, &Symbol)| match choice >> (2 * index as u32) & 3 {
        0 => symbol.min,
        1 => symbol.max,
        step => symbol.min.saturating_add(u32::from(step)).min(symbol.max),
    };
    let symbols: Vec<u32> = graph.symbols.iter().enumerate().map(value).collect();
    let Ok(resolved) = graph.resolve(&symbols) else { return };
    let points = resolved.ops.iter().map(|op| op.points()).fold(0, u64::saturating_add);
    let size = resolved.tensors.iter().map(|tensor| tensor.bytes()).fold(0, usize::saturating_add);
    if points > MOST_POINTS || size > MOST_BYTES {
        return;
    }
    let vector = Vector {
        name: "graph".to_owned(),
        symbols,
        stretch: None,
        inputs: values(&resolved, TensorKind::Input, seed),
        params: values(&resolved, TensorKind::Param, seed),
        graph,
    };
    let backends = backends();
    if let Err(error) = verify(&backends[usize::from(seed) % backends.len()], [&vector]) {
        panic!("{error}");
    }
});
