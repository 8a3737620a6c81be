//! Checking by random weights: every lie is suspected, no honest trace is, and what weaker checks let pass is refused.

use crate::bench::Bench;
use assay_audit::depth::{Freivalds, Suspicion, Verdict};
use assay_audit::fault::{Fault, FaultKind};
use assay_kernels::TensorSet;
use assay_kernels::audit::{Advice, Coverage, Secret, advice};
use assay_kernels::conformance::{Level, Vector, random_vector, vectors};
use referee::graph::{
    Dim, Dtype, Graph, Instruction, Op, OpKind, OutOfBounds, Program, Tensor, TensorKind, Term, View,
};
use std::sync::Arc;

fn sums(bench: &Bench, segment: u16, tensors: &TensorSet) -> Advice {
    let subject = &bench.subject;
    let tensor = |slot| tensors.get(&slot).or_else(|| subject.given(slot).ok());
    advice(&bench.backend, &subject.resolved, segment, tensor).unwrap()
}

#[test]
fn honest_traces_pass_and_every_fault_is_suspected_at_its_op() {
    let backend = Bench::backend();
    let (mut contractions, mut passed, mut suspected) = (0, 0, 0);
    for vector in vectors(Level::Full).into_iter().chain((50_000..50_400).map(random_vector)) {
        let Some(bench) = Bench::new(&vector, &backend) else { continue };
        let graph = &bench.subject.resolved;
        let secret = Secret::new([vector.name.len() as u8; 32]);
        // Every contraction, whatever its views are like: windows, padding, clamps, batches, turned axes.
        let auditor = Freivalds::new(&bench.subject, &secret, Coverage::Every).unwrap();
        contractions += auditor.contractions().count();
        let claimed = bench.claim(&bench.honest);
        for segment in 0..graph.segments.len() as u16 {
            let checker = auditor.segment(&backend, segment).unwrap();
            let trace = bench.claim_segment(segment, &bench.honest);
            let verdict =
                checker.check(&bench.hasher, &claimed, &trace, &sums(&bench, segment, &bench.honest)).unwrap();
            assert_eq!(verdict, Verdict::Passes, "{}, segment {segment}", vector.name);
            passed += 1;
        }
        for kind in FaultKind::ALL {
            let Ok(faulty) = bench.fault(&Fault::new(kind)) else { continue };
            let segment = graph.segment_of(faulty.op);
            let checker = auditor.segment(&backend, segment).unwrap();
            let (claimed, trace) = (bench.claim(&faulty.committed), bench.claim_segment(segment, &faulty.inside));
            // The advice that goes with the operands, and the advice that would give the lie's own sums.
            let advice = sums(&bench, segment, &faulty.inside);
            let verdict = checker.check(&bench.hasher, &claimed, &trace, &advice).unwrap();
            let Verdict::Suspect { op, suspicion } = verdict else { panic!("{}: {}", vector.name, kind.name()) };
            assert_eq!(op, faulty.op, "{}: {}: {suspicion:?}", vector.name, kind.name());
            suspected += 1;
        }
    }
    assert!(contractions > 300 && passed > 600 && suspected > 1000, "{contractions} {passed} {suspected}");
}

#[test]
fn any_wrong_sum_is_refused_whatever_it_is_off_by() {
    let backend = Bench::backend();
    let mut refused = 0;
    for vector in vectors(Level::Full) {
        let Some(bench) = Bench::new(&vector, &backend) else { continue };
        let graph = &bench.subject.resolved;
        let auditor = Freivalds::new(&bench.subject, &Secret::new([3; 32]), Coverage::Every).unwrap();
        let checked: Vec<u16> = auditor.contractions().collect();
        for op in checked {
            let segment = graph.segment_of(op);
            let checker = auditor.segment(&backend, segment).unwrap();
            let honest = sums(&bench, segment, &bench.honest);
            assert_eq!(checker.wrong_advice(&bench.honest, &honest).unwrap(), None);
            let elements = honest[&op].len() / 4;
            for element in [0, elements / 2, elements - 1] {
                // Off by one; by what a check modulo 2^31 - 1 cannot see; by what one modulo 2^32 sees half of the time.
                for off in [1i32, -1, i32::MAX, i32::MIN, 1 << 30] {
                    let mut wrong = honest[&op].to_vec();
                    let at = &mut wrong[4 * element..4 * element + 4];
                    let sum = i32::from_le_bytes(at.try_into().unwrap()).wrapping_add(off);
                    at.copy_from_slice(&sum.to_le_bytes());
                    let mut advice = honest.clone();
                    advice.insert(op, Arc::from(wrong));
                    assert_eq!(checker.wrong_advice(&bench.honest, &advice).unwrap(), Some(op), "{}", vector.name);
                    refused += 1;
                }
            }
            let mut short = honest.clone();
            short.insert(op, honest[&op][4..].into());
            assert_eq!(checker.wrong_advice(&bench.honest, &short).unwrap(), Some(op));
            short.remove(&op);
            let verdict = checker.judge(&bench.honest, &short, &graph.segment_slots(segment)).unwrap();
            assert_eq!(verdict, Verdict::Suspect { op, suspicion: Suspicion::Advice });
        }
    }
    assert!(refused > 300, "{refused} lies");
}

/// Freivalds' check of a square product with one vector of 32-bit weights, modulo `modulus`: what ours must not be.
fn weak(size: usize, left: &[u8], right: &[u8], sums: &[i32], modulus: i128, weights: &[u32]) -> bool {
    let product = |row: &[u8], other: &[i128]| -> i128 {
        row.iter().zip(other).map(|(byte, value)| i128::from(*byte as i8) * value).sum::<i128>()
    };
    // Column k of the right side weighed: rows of both sides run along k.
    let weighed: Vec<i128> = (0..size)
        .map(|k| {
            (0..size).map(|n| i128::from(right[n * size + k] as i8) * i128::from(weights[n])).sum::<i128>() % modulus
        })
        .collect();
    (0..size).all(|row| {
        let given = product(&left[row * size..(row + 1) * size], &weighed);
        let claimed: i128 = (0..size).map(|n| i128::from(sums[row * size + n]) * i128::from(weights[n])).sum();
        (given - claimed) % modulus == 0
    })
}

#[test]
fn lies_that_weaker_checks_accept_are_refused() {
    let backend = Bench::backend();
    let bench = vectors(Level::Full).iter().find_map(|vector| {
        let bench = Bench::new(vector, &backend)?;
        let op = bench.subject.resolved.ops.iter().find(|op| op.kind == OpKind::Contract)?;
        let auditor = Freivalds::new(&bench.subject, &Secret::new([0; 32]), Coverage::Worthwhile).ok()?;
        let wide = op.output_dims.iter().product::<u32>() >= 1024 && auditor.contractions().next() == Some(0);
        drop(auditor);
        wide.then_some(bench)
    });
    let bench = bench.expect("a contraction that is worth checking");
    let size = 48;
    let bytes = |seed: u32| -> Vec<u8> {
        (0..(size * size) as u32).map(|at| (at.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8).collect()
    };
    let (left, right) = (bytes(1), bytes(2));
    let sum = |row: usize, n: usize| -> i32 {
        (0..size).map(|k| i32::from(left[row * size + k] as i8) * i32::from(right[n * size + k] as i8)).sum()
    };
    let honest: Vec<i32> = (0..size * size).map(|at| sum(at / size, at % size)).collect();
    let weights = |seed: u32| -> Vec<u32> {
        (0..size as u32)
            .map(|at| (at + 1).wrapping_mul(0x9e37_79b9).wrapping_add(seed.wrapping_mul(0x85eb_ca6b)))
            .collect()
    };
    let lie = |off: i32| {
        let mut sums = honest.clone();
        sums[size + 3] = sums[size + 3].wrapping_add(off);
        sums
    };
    let (mersenne, word) = ((1i128 << 31) - 1, 1i128 << 32);
    let accepted = |off: i32, modulus: i128| {
        (0..64).filter(|seed| weak(size, &left, &right, &lie(off), modulus, &weights(*seed))).count()
    };
    assert_eq!(accepted(0, mersenne), 64);
    assert_eq!(accepted(1, mersenne), 0);
    assert_eq!(accepted(i32::MAX, mersenne), 64, "a multiple of the prime is zero modulo it");
    let half = accepted(i32::MIN, word);
    assert!((16..=48).contains(&half), "an even weight hides 2^31 modulo 2^32: {half} of 64");

    let graph = &bench.subject.resolved;
    let true_sums = sums(&bench, graph.segment_of(0), &bench.honest);
    for seed in 0..64u8 {
        let auditor = Freivalds::new(&bench.subject, &Secret::new([seed; 32]), Coverage::Worthwhile).unwrap();
        let checker = auditor.segment(&backend, graph.segment_of(0)).unwrap();
        for off in [i32::MAX, i32::MIN] {
            let mut wrong = true_sums[&0].to_vec();
            let value = i32::from_le_bytes(wrong[..4].try_into().unwrap()).wrapping_add(off);
            wrong[..4].copy_from_slice(&value.to_le_bytes());
            let mut advice = true_sums.clone();
            advice.insert(0, wrong.into());
            assert_eq!(checker.wrong_advice(&bench.honest, &advice).unwrap(), Some(0), "secret {seed}, off by {off}");
        }
    }
}

/// One contraction of bytes at the ends of their range: `rows` by 40, 8 deep.
pub(crate) fn extreme_product(rows: u32) -> Bench {
    let tensor =
        |dtype, kind, dims: &[u32]| Tensor { dtype, kind, shape: dims.iter().map(|dim| Dim::Const(*dim)).collect() };
    let view = |slot, dims: &[u32], axis| View {
        slot,
        as_shape: dims.iter().map(|dim| Dim::Const(*dim)).collect(),
        offsets: vec![0, 0],
        terms: vec![
            Term { source_axis: 0, iteration_axis: axis, coefficient: 1 },
            Term { source_axis: 1, iteration_axis: 2, coefficient: 1 },
        ],
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    };
    let graph = Graph {
        symbols: Vec::new(),
        tensors: vec![
            tensor(Dtype::U8, TensorKind::Input, &[rows, 8]),
            tensor(Dtype::I8, TensorKind::Input, &[40, 8]),
            tensor(Dtype::I32, TensorKind::Temp, &[rows, 40]),
        ],
        programs: vec![Program { constants: Vec::new(), code: vec![Instruction::Store { output: 0, a: 0 }] }],
        ops: vec![Op {
            kind: OpKind::Contract,
            outputs: vec![2],
            output_axes: vec![Dim::Const(rows), Dim::Const(40)],
            reduction_axes: vec![Dim::Const(8)],
            operands: vec![view(0, &[rows, 8], 0), view(1, &[40, 8], 1)],
            prologue: None,
            program: 0,
        }],
        cuts: Vec::new(),
        outputs: vec![2],
    };
    let inputs = TensorSet::from([(0, vec![255; 8 * rows as usize].into()), (1, vec![0x80; 320].into())]);
    let vector =
        Vector { name: "extremes".into(), graph, symbols: vec![], stretch: None, inputs, params: TensorSet::new() };
    Bench::new(&vector, &Bench::backend()).unwrap()
}

#[test]
fn more_rows_than_32_bits_can_sum_are_exact() {
    for rows in [65_535, 65_536, 65_537, 140_000] {
        let bench = extreme_product(rows);
        let auditor = Freivalds::new(&bench.subject, &Secret::new([9; 32]), Coverage::Every).unwrap();
        let checker = auditor.segment(&bench.backend, 0).unwrap();
        let honest = Advice::from([(0, bench.honest[&2].clone())]);
        assert_eq!(checker.wrong_advice(&bench.honest, &honest).unwrap(), None, "{rows} rows");
        for element in [0, 40 * 65_000, 40 * rows as usize - 1] {
            let mut wrong = bench.honest[&2].to_vec();
            wrong[4 * element] ^= 1;
            let wrong = Advice::from([(0, wrong.into())]);
            assert_eq!(checker.wrong_advice(&bench.honest, &wrong).unwrap(), Some(0), "{rows} rows, {element}");
        }
    }
}
