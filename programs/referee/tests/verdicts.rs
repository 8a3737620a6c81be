//! The verdict is the truth: no element of an honest result is convicted, every changed one is.

mod common;

use common::{Court, Draw, along, bytes_of, linear, random_graph, random_values, run_graph, single, tensor};
use referee::graph::{Dtype, Graph, Instruction, OpKind, ResolvedGraph, Slot, TensorKind};
use referee::proof::build::{Evidence, element_proof};
use referee::proof::{Fault, MAX_PROOF_BYTES, Rejection, Source};

/// A few elements of a tensor: its ends and some between.
fn elements(draw: &mut Draw, count: u32) -> Vec<u32> {
    let mut elements = vec![0, count - 1];
    elements.extend((0..3).map(|_| draw.below(count.into()) as u32));
    elements.sort_unstable();
    elements.dedup();
    elements
}

fn temps(resolved: &ResolvedGraph) -> Vec<(Slot, u16)> {
    let temps = resolved.ops.iter().enumerate().flat_map(|(op, body)| body.outputs.iter().map(move |slot| (*slot, op)));
    temps.map(|(slot, op)| (slot, resolved.segment_of(op as u16))).collect()
}

#[test]
fn random_elements_of_random_graphs() {
    let (mut honest, mut convicted, mut without_segment) = (0, 0, 0);
    for seed in 0..250 {
        let mut draw = Draw::new(9_000_000 + seed);
        let (graph, symbols) = random_graph(&mut draw);
        let resolved = graph.resolve(&symbols).unwrap();
        let values = random_values(&mut draw, &resolved);
        let trace = run_graph(&resolved, &values).tensors;
        for (slot, segment) in temps(&resolved) {
            let tensor = &resolved.tensors[usize::from(slot)];
            let elements = elements(&mut draw, tensor.elements());
            let court = Court::new(&graph, &resolved, &trace, segment);
            let sources = [Source::Boundary, Source::Segment];
            for source in sources.into_iter().filter(|s| *s == Source::Segment || court.source(slot) == *s) {
                for element in &elements {
                    let proof = court.proof(slot, *element, source).unwrap();
                    assert!(proof.len() <= MAX_PROOF_BYTES);
                    assert_eq!(court.judge(&proof), Err(Rejection::NoFault), "seed {seed}: {slot} at {element}");
                    honest += 1;
                }
            }
            // One changed element, with everything after it computed from the change or not.
            let element = *draw.pick(&elements);
            let size = tensor.dtype.bytes() as usize;
            let mut changed = trace.clone();
            let byte = element as usize * size + draw.below(size as u64) as usize;
            changed[usize::from(slot)][byte] ^= 1 << draw.below(8);
            let court = Court::new(&graph, &resolved, &changed, segment);
            let source = court.source(slot);
            let proof = court.proof(slot, element, source).unwrap();
            let finding = court.judge(&proof).unwrap();
            let value = |tensors: &[Vec<u8>]| tensor.dtype.read(&tensors[usize::from(slot)], element as usize).unwrap();
            let (op, _) = tensor.producer.unwrap();
            let (claimed, computed) = (value(&changed), value(&trace));
            assert_eq!(finding.fault, Fault::Element { op, slot, element, claimed, computed }, "seed {seed}");
            let uses_segment = reads_segment(&court, slot, element, source);
            assert_eq!(finding.uses_segment, uses_segment, "seed {seed}");
            convicted += 1;
            without_segment += u32::from(!uses_segment);
        }
    }
    assert!(honest > 2_000 && convicted > 600 && without_segment > 100, "{honest} {convicted} {without_segment}");
}

/// Whether the element cannot be shown without the segment's root.
fn reads_segment(court: &Court, slot: Slot, element: u32, source: Source) -> bool {
    source == Source::Segment
        || court.with(|evidence| {
            let lists = [evidence.lists[0], evidence.lists[1], evidence.lists[2], None];
            let evidence = Evidence { lists, segment: None, ..*evidence };
            element_proof(&evidence, slot, element, source).is_err()
        })
}

/// Every element of every output: none of an honest result is convicted, each is when it is changed.
fn every_element(graph: &Graph, values: &[Vec<u8>], what: &str) {
    let resolved = graph.resolve(&[]).unwrap_or_else(|error| panic!("{what}: {error}"));
    let trace = run_graph(&resolved, values).tensors;
    for (slot, segment) in temps(&resolved) {
        let tensor = &resolved.tensors[usize::from(slot)];
        let court = Court::new(graph, &resolved, &trace, segment);
        let step = (tensor.elements() / 40).max(1);
        for element in (0..tensor.elements()).step_by(step as usize) {
            let proof = court.proof(slot, element, court.source(slot)).unwrap();
            assert_eq!(court.judge(&proof), Err(Rejection::NoFault), "{what}: element {element}");
        }
        let element = tensor.elements() - 1;
        let mut changed = trace.clone();
        *changed[usize::from(slot)].last_mut().unwrap() ^= 0x80;
        let court = Court::new(graph, &resolved, &changed, segment);
        let proof = court.proof(slot, element, court.source(slot)).unwrap();
        assert!(court.judge(&proof).is_ok(), "{what}: the last element is changed");
    }
}

/// Tensors full of the least, of the greatest, and of mixed values.
fn extremes(resolved: &ResolvedGraph) -> Vec<Vec<Vec<u8>>> {
    let filled = |case: usize| {
        let value = |tensor: &referee::graph::ResolvedTensor| {
            let (low, high) = tensor.dtype.range();
            let values = (0..tensor.elements()).map(|at| match case {
                0 => low,
                1 => high,
                _ => [low, high, 0, 1][at as usize % 4],
            });
            bytes_of(tensor.dtype, &values.collect::<Vec<_>>())
        };
        resolved.tensors.iter().map(value).collect()
    };
    (0..3).map(filled).collect()
}

#[test]
fn extreme_values_and_shapes_of_every_kind_of_op() {
    for dtype in Dtype::ALL {
        // Size 1; less than a leaf; a whole leaf and a byte; rows of two leaves of which the last is nearly empty.
        for shape in [[1, 1], [3, 7], [2, 512], [3, 513], [700, 3]] {
            for kind in OpKind::ALL {
                let contracts = kind == OpKind::Contract;
                if contracts && !matches!(dtype, Dtype::I8 | Dtype::U8) {
                    continue;
                }
                let tensors = vec![
                    tensor(dtype, TensorKind::Input, &shape),
                    tensor(Dtype::I8, TensorKind::Param, &shape),
                    tensor(dtype, TensorKind::Param, &[1]),
                ];
                let [rows, length] = shape;
                let reduce = if kind == OpKind::Map { vec![] } else { vec![length] };
                let axes = if kind == OpKind::Map { vec![rows, length] } else { vec![rows] };
                let mut graph = single(kind, tensors, &[Dtype::I32, Dtype::I8], &axes, &reduce);
                let last = graph.programs.len() - 1;
                graph.ops[0].operands = vec![
                    along(0, &shape, &[Some(0), Some(1)]),
                    along(if contracts { 1 } else { 0 }, &shape, &[Some(0), Some(1)]),
                    along(2, &[1], &[None]),
                ];
                let read = vec![
                    Instruction::Load { d: 0, operand: 0 },
                    Instruction::Load { d: 1, operand: 1 },
                    Instruction::Mul { d: 0, a: 0, b: 1 },
                ];
                if !contracts {
                    let stores = std::mem::take(&mut graph.programs[last].code);
                    let stores = stores.into_iter().filter(|word| matches!(word, Instruction::Store { .. }));
                    graph.programs[last].code = read.into_iter().chain(stores).collect();
                }
                graph.programs[0].code.insert(0, Instruction::Load { d: 2, operand: 2 });
                let resolved = graph.resolve(&[]);
                let resolved = resolved.unwrap_or_else(|error| panic!("{kind:?} {dtype:?} {shape:?}: {error}"));
                for (case, values) in extremes(&resolved).iter().enumerate() {
                    every_element(&graph, values, &format!("{kind:?} {dtype:?} {shape:?} {case}"));
                }
            }
        }
    }
}

#[test]
fn one_tensor_on_both_sides_and_the_longest_rows() {
    // A Gram matrix: both operands of the Contract are one tensor, often one row of it.
    let tensors = vec![tensor(Dtype::I8, TensorKind::Input, &[5, 600])];
    let mut graph = single(OpKind::Contract, tensors, &[Dtype::I32], &[5, 5], &[600]);
    graph.ops[0].operands = vec![along(0, &[5, 600], &[Some(0), Some(2)]), along(0, &[5, 600], &[Some(1), Some(2)])];
    for values in extremes(&graph.resolve(&[]).unwrap()) {
        every_element(&graph, &values, "Gram");
    }
    // The longest row that the checks accept, at the ends of its sums.
    let graph = linear(1, 2, 7024);
    for values in extremes(&graph.resolve(&[]).unwrap()) {
        every_element(&graph, &values, "the longest row");
    }
    // Both views stand still: each product is the same.
    let tensors = vec![tensor(Dtype::U8, TensorKind::Input, &[1]), tensor(Dtype::I8, TensorKind::Input, &[1])];
    let mut graph = single(OpKind::Contract, tensors, &[Dtype::I32], &[1], &[5000]);
    graph.ops[0].operands = vec![along(0, &[1], &[None]), along(1, &[1], &[None])];
    for values in extremes(&graph.resolve(&[]).unwrap()) {
        every_element(&graph, &values, "views that stand still");
    }
}
