//! Running a kernel by the scalar reference.

use assay_compiler::{Kernel, compile};
use referee::semantics::run;
use std::collections::BTreeMap;

/// Compiles, or shows the error as the command line does.
pub(crate) fn kernel(source: &str) -> Kernel {
    compile(source).unwrap_or_else(|error| panic!("{}\n{source}", error.render("kernel.wgsl", source)))
}

/// The first output of a kernel at these symbol values on the bytes of its inputs, in their order.
pub(crate) fn evaluate(kernel: &Kernel, symbols: &[u32], inputs: &[Vec<u8>]) -> Vec<i64> {
    let model = kernel.model(&BTreeMap::new()).unwrap();
    let graph = model.resolve(symbols).unwrap();
    let given: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let trace = run(&graph, &given).unwrap();
    let slot = usize::from(graph.outputs[0]);
    let tensor = &graph.tensors[slot];
    (0..tensor.layout.elements() as usize).map(|at| tensor.dtype.read(&trace.tensors[slot], at).unwrap()).collect()
}

/// 32-bit values as a tensor.
pub(crate) fn bytes(values: impl IntoIterator<Item = i32>) -> Vec<u8> {
    values.into_iter().flat_map(i32::to_le_bytes).collect()
}

/// Values at which 32-bit arithmetic goes wrong first.
pub(crate) const EXTREMES: [i32; 16] =
    [0, 1, -1, 2, -2, 3, 7, 31, 32, 33, -32, 65_535, 65_536, i32::MAX - 1, i32::MAX, i32::MIN];

/// Two operands and the result.
pub(crate) type Case = ((i32, i32), i32);

/// `element(a, b)` for all pairs of extremes, with the pairs.
pub(crate) fn on_pairs(body: &str) -> (Kernel, Vec<Case>) {
    let source =
        format!("//! axis x: 256\n//! input a: i32 [x] at [x]\n//! input b: i32 [x] at [x]\n//! output r: i32\n{body}");
    let kernel = kernel(&source);
    let pairs: Vec<(i32, i32)> = EXTREMES.iter().flat_map(|a| EXTREMES.iter().map(|b| (*a, *b))).collect();
    let inputs = [bytes(pairs.iter().map(|pair| pair.0)), bytes(pairs.iter().map(|pair| pair.1))];
    let values = evaluate(&kernel, &[], &inputs);
    (kernel, pairs.into_iter().zip(values.into_iter().map(|value| value as i32)).collect())
}
