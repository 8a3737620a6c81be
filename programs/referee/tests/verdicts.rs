//! The verdict is the truth: no element of an honest result is convicted, every changed one is.

mod common;

use common::{Court, Draw, random_graph, random_values, run_graph};
use referee::graph::{ResolvedGraph, Slot};
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
