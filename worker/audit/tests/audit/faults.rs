//! Every kind of fault is located where it was made.

use crate::bench::Bench;
use assay_audit::depth::{output, segment};
use assay_audit::fault::{Fault, FaultError, FaultKind, Faulty};
use assay_audit::guard::{GuardError, check_before_signing};
use assay_audit::locate::first_difference;
use assay_audit::{Evidence, Finding, Outcome, Own, Prover, Source, Target, locate, segment_trace};
use assay_kernels::conformance::{Level, random_vector, vectors};
use referee::proof::MAX_PROOF_BYTES;
use std::collections::BTreeMap;

/// Locates a fault as a validator does that replays the whole job: by the boundary, then by the segment's trace.
fn locate_by_output(bench: &Bench, faulty: &Faulty) -> Outcome {
    let Bench { subject, hasher, model, honest, .. } = bench;
    let graph = &subject.resolved;
    let claimed = bench.claim(&faulty.committed);
    let own = output(graph, hasher, &**model, &subject.inputs).unwrap();
    let mut asked = Own { boundary: &own.boundary.hashes, segment: None, tensors: &own.tensors };
    let outcome = locate(graph, hasher, asked, &claimed, None);
    let Outcome::NeedsSegment(difference) = outcome else { return outcome };
    let trace = segment_trace(graph, difference.segment, honest, hasher).unwrap();
    asked.segment = Some(&trace);
    asked.tensors = honest;
    locate(graph, hasher, asked, &claimed, Some(&bench.claim_segment(difference.segment, &faulty.inside)))
}

/// Locates a fault as an auditor does that replays the wrong op's segment alone, from what was committed to.
fn locate_by_segment(bench: &Bench, faulty: &Faulty) -> Outcome {
    let Bench { subject, hasher, model, .. } = bench;
    let graph = &subject.resolved;
    let claimed = bench.claim(&faulty.committed);
    let index = graph.segment_of(faulty.op);
    let audit = segment(graph, hasher, &**model, &subject.inputs, &claimed, index).unwrap();
    audit.judge(graph, hasher, &claimed, Some(&bench.claim_segment(index, &faulty.inside)))
}

/// The finding is that of the fault, and the referee convicts on it. Whether it holds for a committed result that a job's
/// own replay disputes, or for one segment replayed from what was committed to, the operands agree.
fn assert_is(bench: &Bench, faulty: &Faulty, finding: &Finding, name: &str) {
    let graph = &bench.subject.resolved;
    let prover = Prover::new(&bench.subject, &bench.hasher).unwrap();
    let claimed = bench.claim(&faulty.committed);
    let trace = bench.claim_segment(finding.segment, &faulty.inside);
    // Everything before the wrong op is honest.
    let proof = prover.prove(finding, &claimed, Some(&trace), &bench.honest);
    let proof = proof.unwrap_or_else(|error| panic!("{name}: {finding}: {error}"));
    assert!(finding.needs_segment_root || !proof.finding.uses_segment, "{name}");
    if !finding.needs_segment_root {
        let alone = prover.prove(finding, &claimed, None, &bench.honest).unwrap();
        assert_eq!(alone.bytes, proof.bytes, "{name}");
    }
    assert!(proof.bytes.len() <= MAX_PROOF_BYTES && proof.transactions() >= 3, "{name}");
    assert_eq!((finding.op, finding.segment), (faulty.op, graph.segment_of(faulty.op)), "{name}");
    // An op may have several wrong outputs, and the boundary may show a later one first.
    assert!(graph.ops[usize::from(faulty.op)].outputs.contains(&finding.slot), "{name}");
    let tensor = &graph.tensors[usize::from(finding.slot)];
    match &finding.evidence {
        Evidence::Element { element, coordinates, claimed, computed, differing, source } => {
            let lie = if *source == Source::Boundary { &faulty.committed } else { &faulty.inside };
            let (honest, lie) = (&bench.honest[&finding.slot], &lie[&finding.slot]);
            assert_eq!(first_difference(tensor.dtype, honest, lie), Some((*element, *differing)), "{name}");
            assert!(finding.slot != faulty.slot || *element == faulty.element, "{name}");
            let flat = coordinates.iter().zip(&tensor.dims).fold(0, |flat, (at, dim)| flat * dim + at);
            assert_eq!(flat, *element, "{name}");
            assert_eq!(tensor.dtype.read(honest, *element as usize), Some(*computed), "{name}");
            assert_eq!(tensor.dtype.read(lie, *element as usize), Some(*claimed), "{name}");
        }
        Evidence::Mismatch { boundary, segment } => assert_ne!(boundary, segment, "{name}"),
    }
    match finding.target {
        Target::Boundary { position, .. } => assert!(usize::from(position) < graph.boundary.len()),
        Target::Segment { segment, .. } => assert_eq!(segment, finding.segment),
    }
}

/// Whether the fault can be seen in the boundary: else it ended where nothing read it.
fn reaches_the_boundary(bench: &Bench, faulty: &Faulty) -> bool {
    bench.boundary(&faulty.committed).root != bench.boundary(&bench.honest).root
}

#[test]
fn every_kind_of_fault_is_located_on_random_graphs() {
    let backend = Bench::backend();
    let mut located: BTreeMap<&str, u32> = BTreeMap::new();
    for vector in vectors(Level::Full).into_iter().chain((0..900).map(random_vector)) {
        let Some(bench) = Bench::new(&vector, &backend) else { continue };
        for kind in FaultKind::ALL {
            let Ok(faulty) = bench.fault(&Fault::new(kind)) else { continue };
            let name = format!("{}: {}", vector.name, kind.name());
            let by_segment = locate_by_segment(&bench, &faulty);
            let finding = by_segment.finding().unwrap_or_else(|| panic!("{name}: {by_segment:?}"));
            assert_is(&bench, &faulty, finding, &name);
            let by_output = locate_by_output(&bench, &faulty);
            if reaches_the_boundary(&bench, &faulty) {
                let finding = by_output.finding().unwrap_or_else(|| panic!("{name}: {by_output:?}"));
                assert_is(&bench, &faulty, finding, &name);
                *located.entry(kind.name()).or_default() += 1;
            } else {
                assert_eq!(by_output, Outcome::Agrees, "{name}");
                *located.entry(if kind == FaultKind::Interior { "interior" } else { "unread" }).or_default() += 1;
            }
        }
    }
    for kind in FaultKind::ALL {
        assert!(located.get(kind.name()).is_some_and(|count| *count >= 10), "{}: {located:?}", kind.name());
    }
}

#[test]
fn any_element_of_any_tensor_is_located_to_the_element() {
    let backend = Bench::backend();
    let mut flips = 0;
    for seed in 30_000..30_150 {
        let bench = Bench::new(&random_vector(seed), &backend).unwrap();
        let graph = &bench.subject.resolved;
        for slot in bench.honest.keys().copied() {
            let tensor = &graph.tensors[usize::from(slot)];
            let last = tensor.elements() - 1;
            for (element, bit) in [(0, 0), (last / 2, 7), (last, 8 * tensor.dtype.bytes() as u8 - 1)] {
                let at = Fault {
                    tensor: Some(slot),
                    element: Some(element),
                    bit: Some(bit),
                    ..Fault::new(FaultKind::Element)
                };
                let faulty = bench.fault(&at).unwrap();
                assert_eq!((faulty.slot, faulty.element), (slot, element));
                let outcome = locate_by_segment(&bench, &faulty);
                assert_is(&bench, &faulty, outcome.finding().unwrap(), &format!("seed {seed}: {at}"));
                flips += 1;
            }
        }
    }
    assert!(flips > 1500, "{flips} flips");
}

#[test]
fn a_place_that_the_graph_does_not_have_is_refused_before_anything_runs() {
    let backend = Bench::backend();
    // A graph with a param, an inside and a boundary.
    let bench = (0..).find_map(|seed| {
        let bench = Bench::new(&random_vector(seed), &backend)?;
        let graph = &bench.subject.resolved;
        let inside = bench.honest.keys().any(|slot| graph.boundary_position(*slot).is_none());
        (inside && !bench.subject.params.is_empty()).then_some(bench)
    });
    let bench = bench.unwrap();
    let graph = &bench.subject.resolved;
    let inside = *bench.honest.keys().find(|slot| graph.boundary_position(**slot).is_none()).unwrap();
    let param = *bench.subject.params.keys().next().unwrap();
    let (ops, tensors, elements) =
        (graph.ops.len(), graph.tensors.len(), graph.tensors[usize::from(inside)].elements());
    let bits = 8 * graph.tensors[usize::from(inside)].dtype.bytes();
    let mut cases = vec![
        (format!("element:op={ops}"), "of a graph of"),
        (format!("element:tensor={tensors}"), "of a graph of"),
        (format!("element:tensor={param}"), "given, not computed"),
        (format!("element:tensor={inside},element={elements}"), "of tensor"),
        (format!("weight:tensor={inside}"), "no param"),
        (format!("table:tensor={inside}"), "no param"),
        (format!("boundary:tensor={inside}"), "not in the boundary"),
        (format!("interior:tensor={param}"), "given, not computed"),
    ];
    if bits < 32 {
        cases.push((format!("element:tensor={inside},bit={bits}"), "bit"));
    }
    let (producer, _) = graph.tensors[usize::from(inside)].producer.unwrap();
    if ops > 1 {
        let other = if producer == 0 { 1 } else { 0 };
        cases.push((format!("element:tensor={inside},op={other}"), "is made by op"));
    }
    for (text, says) in cases {
        let error = bench.fault(&text.parse().unwrap()).unwrap_err();
        assert!(matches!(&error, FaultError::Nowhere { reason, .. } if reason.contains(says)), "{text}: {error}");
        assert!(error.to_string().starts_with("F0906"), "{error}");
    }
}

#[test]
fn a_wrong_input_of_a_segment_leads_to_the_earlier_segment() {
    let backend = Bench::backend();
    let mut led = 0;
    for seed in 0..400 {
        let bench = Bench::new(&random_vector(seed), &backend).unwrap();
        let graph = &bench.subject.resolved;
        let Ok(faulty) = bench.fault(&Fault::new(FaultKind::Element)) else { continue };
        let (first, last) = (graph.segment_of(faulty.op), graph.segments.len() as u16 - 1);
        if first == last || !reaches_the_boundary(&bench, &faulty) {
            continue;
        }
        // The whole job replayed, but the trace of the last segment in hand: it merely computed on.
        let claimed = bench.claim(&faulty.committed);
        let boundary = bench.boundary(&bench.honest);
        let trace = segment_trace(graph, last, &bench.honest, &bench.hasher).unwrap();
        let own = Own { boundary: &boundary.hashes, segment: Some(&trace), tensors: &bench.honest };
        let outcome = locate(graph, &bench.hasher, own, &claimed, Some(&bench.claim_segment(last, &faulty.inside)));
        match &outcome {
            Outcome::NeedsSegment(difference) => assert!(difference.segment < last, "seed {seed}"),
            Outcome::Found(finding) if finding.segment < last => assert!(!finding.needs_segment_root, "seed {seed}"),
            // Nothing of the earlier segments differs in the boundary but what this segment made of it.
            Outcome::Found(finding) => assert_eq!(finding.segment, last),
            other => panic!("seed {seed}: {other:?}"),
        }
        led += 1;
    }
    assert!(led > 50, "{led} graphs");
}

#[test]
fn a_trace_with_a_wrong_hash_and_no_bytes_asks_for_the_tensor() {
    let bench = (0..).find_map(|seed| {
        let bench = Bench::new(&random_vector(seed), &Bench::backend())?;
        let graph = &bench.subject.resolved;
        graph.segment_slots(0).iter().any(|slot| graph.boundary_position(*slot).is_none()).then_some(bench)
    });
    let bench = bench.unwrap();
    let graph = &bench.subject.resolved;
    let trace = segment_trace(graph, 0, &bench.honest, &bench.hasher).unwrap();
    let inner = trace.slots.iter().position(|slot| graph.boundary_position(*slot).is_none()).unwrap();
    let mut hashes = trace.hashes.clone();
    hashes[inner] = [9; 32];
    let root = referee::graph::ResolvedGraph::segment_root(0, &hashes);
    let signed = assay_audit::ClaimedSegment::new(graph, 0, hashes, bench.honest.clone(), &root).unwrap();
    let claimed = bench.claim(&bench.honest);
    let own = Own { boundary: claimed.hashes(), segment: Some(&trace), tensors: &bench.honest };
    let outcome = locate(graph, &bench.hasher, own, &claimed, Some(&signed));
    let target = Target::Segment { segment: 0, own: trace.root };
    let slot = trace.slots[inner];
    let source = assay_audit::Source::Segment;
    assert_eq!(outcome, Outcome::NeedsTensor { source, slot, claimed: [9; 32], target });
}

#[test]
fn the_guard_refuses_to_sign_what_is_wrong() {
    let backend = Bench::backend();
    let (mut boundary, mut sampled) = (0, 0);
    for seed in 0..200 {
        let bench = Bench::new(&random_vector(seed), &backend).unwrap();
        let graph = &bench.subject.resolved;
        for slot in bench.honest.keys().copied() {
            // The last element is always among the samples.
            let element = graph.tensors[usize::from(slot)].elements() - 1;
            let at = Fault { tensor: Some(slot), element: Some(element), ..Fault::new(FaultKind::Interior) };
            let faulty = bench.fault(&at).unwrap();
            let committed = bench.boundary(&bench.honest).hashes;
            let index = graph.segment_of(faulty.op);
            let error = check_before_signing(
                &bench.subject,
                &bench.hasher,
                index,
                &faulty.inside,
                &committed,
                &[seed as u8; 32],
            )
            .unwrap_err();
            match error {
                GuardError::Boundary { slot: named } => {
                    assert_eq!(named, slot);
                    boundary += 1;
                }
                GuardError::Differs { slot: named, element: at, .. } => {
                    // What reads the wrong element may be compared before it, and differs from it as well.
                    assert!(named != slot || at <= element);
                    sampled += 1;
                }
                other => panic!("{other}"),
            }
        }
    }
    assert!(boundary > 100 && sampled > 100, "{boundary} by the boundary, {sampled} by samples");
}
