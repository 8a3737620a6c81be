//! Elements of Maps that loop: a wrong one convicts, a right one convicts nobody, and the longest loop fits a transaction.
//!
//! Units of the whole transaction go to standard output (`-- --nocapture`).

// The figures are printed next to what they are asserted to be.
#![allow(clippy::print_stdout)]

use assay::AssayError;
use assay::events::{FaultProved, ProofOutcome};
use assay::state::Fault;
use assay::state_machine::JobState;
use program_tests::{Case, Outcome, Refusal, Trial};
use referee::graph::{
    Dim, Dtype, Graph, Instruction as I, MAX_COMPUTE_UNITS, Op, OpKind, OutOfBounds, Program, Tensor, TensorKind, Term,
    View,
};
use referee::proof::Source;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_sdk::pubkey::Pubkey;

const SIDE: u32 = 16;
const OUTPUT: u16 = 1;

/// A Map over a square of numbers, loaded into register 0.
fn map(constants: &[i64], code: &[I]) -> Graph {
    let dims = vec![Dim::Const(SIDE); 2];
    let tensor = |dtype, kind| Tensor { dtype, kind, shape: dims.clone() };
    let terms = (0..2).map(|axis| Term { source_axis: axis, iteration_axis: axis, coefficient: 1 }).collect();
    let view = View {
        slot: 0,
        as_shape: dims.clone(),
        offsets: vec![0, 0],
        terms,
        out_of_bounds: OutOfBounds::Clamp,
        indirect: None,
    };
    let load = [I::Load { d: 0, operand: 0 }];
    Graph {
        symbols: vec![],
        tensors: vec![tensor(Dtype::I8, TensorKind::Input), tensor(Dtype::I16, TensorKind::Temp)],
        programs: vec![Program {
            constants: constants.to_vec(),
            code: load.iter().chain(code).copied().chain([I::Store { output: 0, a: 5 }]).collect(),
        }],
        ops: vec![Op {
            kind: OpKind::Map,
            outputs: vec![OUTPUT],
            output_axes: dims,
            reduction_axes: vec![],
            operands: vec![view],
            prologue: None,
            program: 0,
        }],
        cuts: vec![],
        outputs: vec![OUTPUT],
    }
}

/// How many of 200 turns the point stays within 2 of the origin under `z = z^2 + c`, in steps of 2^-12: column and row give `c`,
/// the input shifts it.
fn escape() -> Graph {
    // 1: re c, 2: im c, 3: re z, 4: im z, 5: turns.
    let constants = [512, -6_144, -4_096, 1, 16 << 20];
    let code = [
        I::Constant { d: 8, index: 0 },
        I::Index { d: 1, axis: 1 },
        I::Mul { d: 1, a: 1, b: 8 },
        I::Constant { d: 9, index: 1 },
        I::Add { d: 1, a: 1, b: 9 },
        I::Add { d: 1, a: 1, b: 0 },
        I::Index { d: 2, axis: 0 },
        I::Mul { d: 2, a: 2, b: 8 },
        I::Constant { d: 9, index: 2 },
        I::Add { d: 2, a: 2, b: 9 },
        I::Constant { d: 10, index: 3 },
        I::Constant { d: 11, index: 4 },
        I::Loop { turns: 200 },
        I::Mul { d: 6, a: 3, b: 3 },
        I::Mul { d: 7, a: 4, b: 4 },
        I::Add { d: 12, a: 6, b: 7 },
        I::Less { d: 12, a: 12, b: 11 },
        I::BreakIfZero { a: 12 },
        I::Mul { d: 4, a: 3, b: 4 },
        I::RoundShift { d: 4, a: 4, shift: 11 },
        I::Add { d: 4, a: 4, b: 2 },
        I::Sub { d: 3, a: 6, b: 7 },
        I::RoundShift { d: 3, a: 3, shift: 12 },
        I::Add { d: 3, a: 3, b: 1 },
        I::Add { d: 5, a: 5, b: 10 },
        I::End,
    ];
    map(&constants, &code)
}

/// A loop of as many turns as one element may take, of these instructions.
fn longest(body: &[I]) -> Graph {
    let graph = |turns: u16| {
        let code: Vec<I> = [I::Constant { d: 1, index: 0 }, I::Loop { turns }].iter().chain(body).copied().collect();
        map(&[i64::MAX], &[&code[..], &[I::End]].concat())
    };
    (1..5_000).rev().map(graph).find(|graph| graph.check().is_ok()).expect("a loop that fits")
}

fn case(graph: &Graph, wrong: Option<usize>) -> Case {
    let input: Vec<u8> = (0..SIDE * SIDE).map(|at| (at * 37 % 251) as u8).collect();
    Case::of(graph, &[&input], |committed, traced| {
        for tensors in [committed, traced] {
            if let Some(element) = wrong {
                tensors[usize::from(OUTPUT)][2 * element] ^= 1;
            }
        }
    })
}

/// Proves an element of the output with all the units that a transaction may have.
pub(crate) fn prove(trial: &mut Trial, challenger: Pubkey, element: u32) -> Result<Outcome, Refusal> {
    let proof = trial.case.element_proof(0, trial.case.output(), element, Source::Boundary);
    let buffer = trial.world.upload(challenger, u64::from(element) + 1, &proof);
    let call = trial.world.prove(challenger, &trial.job, buffer, None);
    trial.world.transact(&[ComputeBudgetInstruction::set_compute_unit_limit(1_400_000), call.instruction()])
}

/// Convicts the node of a case whose output is wrong in this element; the units of the whole transaction.
pub(crate) fn convicts(case: Case, what: &str, element: u32) -> u64 {
    let mut trial = Trial::new(case);
    let output = trial.case.output();
    let challenger = trial.challenge();
    let outcome = prove(&mut trial, challenger, element).unwrap_or_else(|refusal| panic!("{what}: {refusal:#?}"));
    let event: FaultProved = outcome.event();
    let found = (event.outcome, event.fault, event.slot, event.element);
    assert_eq!(found, (ProofOutcome::Convicted, Fault::WrongElement, output, element), "{what}");
    assert_eq!(trial.world.read_job(&trial.job).state, JobState::Convicted);
    let modelled = trial.case.resolved.costs()[0].compute_units;
    println!("CU prove[{what}] {}, the model says {modelled} for the referee", outcome.compute_units);
    outcome.compute_units
}

#[test]
fn a_wrong_element_of_a_loop_convicts() {
    let graph = escape();
    let case = case(&graph, None);
    let turns: Vec<i64> = (0..256).map(|at| Dtype::I16.read(&case.right[1], at).unwrap()).collect();
    let (inside, outside) = (turns.iter().position(|turns| *turns == 200), turns.iter().position(|turns| *turns < 3));
    let later = turns.iter().position(|turns| (3..200).contains(turns));
    for (what, element) in [("never left", inside), ("left early", outside), ("left later", later)] {
        let element = element.expect(what);
        let units = convicts(self::case(&graph, Some(element)), what, element as u32);
        assert!(units < 150_000, "{what}: {units}");
    }
}

#[test]
fn a_right_element_of_a_loop_convicts_nobody() {
    let graph = escape();
    let mut trial = Trial::new(case(&graph, Some(77)));
    let challenger = trial.challenge();
    for element in [0, 76, 78, 255] {
        let refusal = prove(&mut trial, challenger, element).unwrap_err();
        assert_eq!(refusal.why, AssayError::ProofRejected.into(), "element {element}: {:#?}", refusal.logs);
    }
    assert!(prove(&mut trial, challenger, 77).is_ok());
}

#[test]
fn the_longest_loops_fit_a_transaction() {
    let bodies: [(&str, &[I]); 4] = [
        ("ADD to the last step", &[I::Add { d: 5, a: 5, b: 0 }]),
        ("ISQRT to the last unit", &[I::SquareRoot { d: 5, a: 1 }]),
        ("LDX to the last unit", &[I::Load { d: 5, operand: 0 }]),
        ("DIVU to the last step", &[I::DivideUnsigned { d: 5, a: 1, b: 0 }, I::DivideUnsigned { d: 5, a: 1, b: 5 }]),
    ];
    for (what, body) in bodies {
        let units = convicts(case(&longest(body), Some(100)), what, 100);
        assert!(units <= u64::from(MAX_COMPUTE_UNITS) + 60_000, "{what}: {units}");
    }
}
