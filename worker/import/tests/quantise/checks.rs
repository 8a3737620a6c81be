//! What holds for every built graph.

use assay_import::float::{Tensor, execute};
use assay_import::quantise::{Built, Options, build};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep};
use referee::semantics;

use super::proofs::prove_elements;
use super::sketch::Sketch;

/// Builds the sketch with examples at the greatest and the least symbol values, and checks that the scalar
/// reference and the CPU backend agree on every tensor, and that falsified elements of every tensor convict.
pub(crate) fn built(sketch: &mut Sketch, below: i64, options: &Options) -> Built {
    let greatest: Vec<u32> = sketch.graph.symbols.iter().map(|symbol| symbol.max).collect();
    let least: Vec<u32> = sketch.graph.symbols.iter().map(|symbol| symbol.min).collect();
    let mut examples = vec![sketch.example(&least, below)];
    examples.extend((0..30).map(|_| sketch.example(&greatest, below)));
    let calibration = sketch.calibrate(examples);
    let built = build(&sketch.graph, &calibration, options).unwrap_or_else(|error| panic!("{error}"));
    for symbols in [&greatest, &least] {
        let example = sketch.example(symbols, below);
        let (found, inputs) = built.io.encode(&example).unwrap();
        assert_eq!(&found, symbols);
        let graph = built.model.resolve(&found).unwrap();
        let mut given: Vec<&[u8]> = vec![&[]; graph.tensors.len()];
        for (slot, bytes) in inputs.iter().chain(&built.model.params) {
            given[usize::from(*slot)] = bytes;
        }
        let trace = semantics::run(&graph, &given).unwrap();
        let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
        let loaded = backend.load(std::sync::Arc::new(graph), &built.model.params).unwrap();
        for (slot, bytes) in loaded.run(&inputs, Keep::Everything).unwrap().tensors {
            assert_eq!(
                trace.tensors[usize::from(slot)][..],
                bytes[..],
                "{}",
                built.model.tensor_names[usize::from(slot)]
            );
        }
        let temps = trace.tensors.len() - inputs.len() - built.model.params.len();
        assert_eq!(prove_elements(&built, &found, &inputs), 2 * temps);
    }
    built
}

/// The results of the integer graph on an example, and the float graph's.
pub(crate) fn results(sketch: &Sketch, built: &Built, example: &[Tensor]) -> (Vec<Tensor>, Vec<Tensor>) {
    let float = execute(&sketch.graph, example, &mut |_, _| {}).unwrap();
    let (symbols, inputs) = built.io.encode(example).unwrap();
    let backend = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    let graph = built.model.resolve(&symbols).unwrap();
    let loaded = backend.load(std::sync::Arc::new(graph), &built.model.params).unwrap();
    let tensors = loaded.run(&inputs, Keep::Everything).unwrap().tensors;
    (built.io.decode(&symbols, &tensors).unwrap(), float)
}
