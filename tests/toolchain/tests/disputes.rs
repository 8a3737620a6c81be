//! Whoever replays a job, on whatever it computes, finds the same lie, and the referee on-chain says what the scalar reference says.

use assay_audit::fault::{Fault, FaultKind, apply};
use assay_audit::{ClaimedBoundary, ClaimedSegment, Evidence, Finding, Own, Prover, Subject, locate, segment_trace};
use assay_kernels::commit::Hasher;
use assay_kernels::conformance::{Vector, random_vector};
use assay_kernels::{Backend, CpuBackend, CpuOptions, Keep, KernelError, TensorSet, WgpuBackend, WgpuOptions};
use referee::graph::TensorKind;
use referee::semantics;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use toolchain_program::verdicts::{answer, question_of_proof};
use toolchain_tests::Machine;

/// Graphs of which every kind of fault is tried.
const GRAPHS: u64 = 60;
/// Of these, how many are replayed on the adapter as well: it compiles shaders for each.
const GRAPHS_ON_THE_ADAPTER: u64 = 12;

/// A challenger: a way to compute every tensor of a job.
struct Challenger {
    name: &'static str,
    tensors: TensorSet,
}

fn subject(vector: &Vector) -> Subject {
    let (graph, params) = (Arc::new(vector.graph.clone()), Arc::new(vector.params.clone()));
    Subject::new(graph, &vector.symbols, params, vector.inputs.clone()).unwrap()
}

fn by_reference(subject: &Subject) -> TensorSet {
    let graph = &subject.resolved;
    let empty: &[u8] = &[];
    let given: Vec<&[u8]> =
        (0..graph.tensors.len()).map(|slot| subject.given(slot as u16).map_or(empty, |bytes| bytes)).collect();
    let trace = semantics::run(graph, &given).unwrap();
    let temps = graph.slots_of(TensorKind::Temp);
    temps.into_iter().map(|slot| (slot, Arc::from(trace.tensors[usize::from(slot)].as_slice()))).collect()
}

fn by_backend(subject: &Subject, backend: &dyn Backend) -> TensorSet {
    let model = backend.load(Arc::clone(&subject.resolved), &subject.params).unwrap();
    model.run(&subject.inputs, Keep::Everything).unwrap().tensors
}

/// The adapter, or a loud word that there is none. `ASSAY_REQUIRE_GPU` makes that an error.
fn adapter() -> Option<WgpuBackend> {
    match WgpuBackend::open(WgpuOptions::default()) {
        Ok(backend) => Some(backend),
        Err(KernelError::NoAdapter { reason }) if std::env::var_os("ASSAY_REQUIRE_GPU").is_none() => {
            // Written past the test harness, which captures what the print macros write.
            let _ = writeln!(std::io::stderr(), "SKIPPED: no GPU adapter for its traces: {reason}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// What a challenger finds in a result that was committed to and signed like this.
fn found(subject: &Subject, hasher: &Hasher, own: &TensorSet, committed: &TensorSet, inside: &TensorSet) -> Finding {
    let graph = &subject.resolved;
    let boundary = hasher.boundary(graph, own).unwrap();
    let claimed = claimed(subject, hasher, committed);
    // The first segment that went wrong: with the traces of later ones, the earlier is asked for.
    let differing = (0..graph.segments.len() as u16).find_map(|segment| {
        let trace = segment_trace(graph, segment, own, hasher).unwrap();
        let signed = signed(subject, hasher, segment, inside);
        let sides = Own { boundary: &boundary.hashes, segment: Some(&trace), tensors: own };
        locate(graph, hasher, sides, &claimed, Some(&signed)).finding().cloned()
    });
    differing.expect("a lie that reaches a trace or the boundary is found")
}

fn claimed(subject: &Subject, hasher: &Hasher, tensors: &TensorSet) -> ClaimedBoundary {
    let root = hasher.boundary(&subject.resolved, tensors).unwrap().root;
    ClaimedBoundary::from_tensors(&subject.resolved, hasher, tensors.clone(), &root).unwrap()
}

fn signed(subject: &Subject, hasher: &Hasher, segment: u16, tensors: &TensorSet) -> ClaimedSegment {
    let root = hasher.segment_root(&subject.resolved, segment, tensors).unwrap();
    ClaimedSegment::from_tensors(&subject.resolved, hasher, segment, tensors.clone(), &root).unwrap()
}

#[test]
fn every_challenger_finds_the_same_lie_and_the_chain_says_the_truth() {
    let cpu = CpuBackend::new(CpuOptions { threads: 1, isa: None }).unwrap();
    let adapter = adapter();
    let hasher = Hasher::default();
    let mut machine = Machine::load();
    let mut convicted: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in 0..GRAPHS {
        let vector = random_vector(700_000 + seed);
        let subject = subject(&vector);
        let reference = by_reference(&subject);
        let mut challengers = vec![
            Challenger { name: "reference", tensors: reference.clone() },
            Challenger { name: "cpu", tensors: by_backend(&subject, &cpu) },
        ];
        if let Some(backend) = adapter.as_ref().filter(|_| seed < GRAPHS_ON_THE_ADAPTER) {
            challengers.push(Challenger { name: "wgpu", tensors: by_backend(&subject, backend) });
        }
        let prover = Prover::new(&subject, &hasher).unwrap();
        for kind in FaultKind::ALL {
            let Ok(faulty) = apply(&subject, &cpu, &reference, &Fault::new(kind)) else { continue };
            let name = format!("graph {seed}, {}", kind.name());
            let claimed = claimed(&subject, &hasher, &faulty.committed);
            let findings: Vec<Finding> = challengers
                .iter()
                .map(|one| found(&subject, &hasher, &one.tensors, &faulty.committed, &faulty.inside))
                .collect();
            for (challenger, finding) in challengers.iter().zip(&findings) {
                assert_eq!(finding, &findings[0], "{name}: {} finds something else", challenger.name);
            }
            let finding = &findings[0];
            let trace = signed(&subject, &hasher, finding.segment, &faulty.inside);
            let proof = prover.prove(finding, &claimed, Some(&trace), &reference).unwrap();
            let question = question_of_proof(&proof.bytes, &proof.pinned);
            let said = machine.ask(&question).unwrap().said;
            assert_eq!(Some(&said), answer(&question).as_ref(), "{name}: the chain says something else");
            assert_eq!(said[0], 1, "{name}: a fault");
            if let Evidence::Element { element, claimed, computed, .. } = finding.evidence {
                let tensor = &subject.resolved.tensors[usize::from(finding.slot)];
                let truth = tensor.dtype.read(&reference[&finding.slot], element as usize);
                assert_eq!(truth, Some(computed), "{name}: the truth is the scalar reference's");
                // kind, whether it uses the segment, kind of fault, op, slot, element, claimed, computed.
                let number = |at: usize| i64::from_le_bytes(said[at..at + 8].try_into().unwrap());
                assert_eq!((said[2], number(11), number(19)), (0, claimed, computed), "{name}");
            }
            // The same proof against an honest result convicts nobody.
            let honest = prover.pinned(
                &hasher.boundary(&subject.resolved, &reference).unwrap().root,
                Some((finding.segment, hasher.segment_root(&subject.resolved, finding.segment, &reference).unwrap())),
            );
            let said = machine.ask(&question_of_proof(&proof.bytes, &honest)).unwrap().said;
            assert_eq!(said[0], 0, "{name}: an honest result is convicted");
            *convicted.entry(kind.name()).or_default() += 1;
        }
    }
    for kind in FaultKind::ALL {
        assert!(convicted.get(kind.name()).is_some_and(|count| *count > 0), "{}: {convicted:?}", kind.name());
    }
    assert!(convicted.values().sum::<u32>() > 200, "{convicted:?}");
}
