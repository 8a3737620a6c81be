//! The longest loops that the checks of graphs admit, judged on-chain: the verdicts of native code, within what the model of costs
//! says and within a transaction.
//!
//! The table goes to standard output (`-- --nocapture`): what a turn runs, turns, steps, units by the model, units measured.

// The table is what this test is for, next to the verdicts.
#![allow(clippy::print_stdout)]

#[path = "../../../programs/referee/tests/common/mod.rs"]
mod common;

use common::{Court, Draw, along, random_values, run_graph, single, table, tensor};
use referee::graph::{
    Dtype, Graph, Instruction as I, MAX_COMPUTE_UNITS, MAX_STEPS, OpKind, OutOfBounds, Program, TensorKind, View,
};
use toolchain_program::verdicts::{answer, question_of_proof};
use toolchain_tests::Machine;

/// The Map's output.
const OUTPUT: u16 = 5;
/// A transaction may take 1,400,000; what opens challenges, reads accounts and pays takes part of it.
const MOST_OF_A_TRANSACTION: u64 = 700_000;

/// A Map over 5 elements of 5 operands: one that runs along, one that pads on two axes, two tables, of one leaf and of 16, and one
/// of six axes. Registers 1 to 3, 10 and 11 hold constants, register 0 what was loaded, register 9 stays 0.
fn map(loops: &[I]) -> Graph {
    let tensors = vec![
        tensor(Dtype::I32, TensorKind::Input, &[5]),
        tensor(Dtype::I16, TensorKind::Param, &[2, 3]),
        tensor(Dtype::U8, TensorKind::Param, &[256]),
        tensor(Dtype::U8, TensorKind::Param, &[8192]),
        tensor(Dtype::I8, TensorKind::Input, &[2, 1, 3, 2, 4, 5]),
    ];
    let mut graph = single(OpKind::Map, tensors, &[Dtype::I32], &[5], &[]);
    let padded = View { out_of_bounds: OutOfBounds::Pad(-3), ..along(1, &[2, 3], &[Some(0), Some(0)]) };
    let six_axes = along(4, &[2, 1, 3, 2, 4, 5], &[None, None, None, None, None, Some(0)]);
    graph.ops[0].operands = vec![along(0, &[5], &[Some(0)]), padded, table(2, 256), table(3, 8192), six_axes];
    let constants = vec![0x0123_4567_89ab_cdef, 7, i64::MAX, 3 * 1024, 8191];
    let loads = [I::Load { d: 0, operand: 0 }, I::Load { d: 4, operand: 1 }, I::Gather { d: 5, operand: 2, a: 0 }];
    let places = [1, 2, 3, 10, 11];
    let loads = (0..).zip(places).map(|(index, d)| I::Constant { d, index }).chain(loads);
    let stores = [I::Add { d: 0, a: 0, b: 4 }, I::Add { d: 0, a: 0, b: 5 }, I::Store { output: 0, a: 0 }];
    let code = loads.chain(loops.iter().copied()).chain(stores).collect();
    graph.programs[0] = Program { constants, code };
    graph
}

/// The greatest number of turns with which the graph passes its checks.
fn longest(graph: impl Fn(u16) -> Graph) -> (u16, Graph) {
    let fits = |turns: u16| graph(turns).check().is_ok();
    let (mut least, mut most) = (1, 2 * MAX_STEPS as u16);
    assert!(fits(least) && !fits(most), "{:?}", graph(least).check());
    while most - least > 1 {
        let middle = least + (most - least) / 2;
        if fits(middle) { least = middle } else { most = middle }
    }
    (least, graph(least))
}

/// Judges every element, right and changed, and gives the most units that a verdict took.
fn judge(machine: &mut Machine, graph: &Graph, what: &str) -> u64 {
    let resolved = graph.resolve(&[]).unwrap();
    let trace = run_graph(&resolved, &random_values(&mut Draw::new(what.len() as u64), &resolved)).tensors;
    let mut most = 0;
    for element in 0..5 {
        let mut changed = trace.clone();
        changed[usize::from(OUTPUT)][4 * element as usize] ^= 1;
        for (tensors, fault) in [(&trace, 0), (&changed, 1)] {
            let court = Court::new(graph, &resolved, tensors, 0);
            let proof = court.proof(OUTPUT, element, court.source(OUTPUT)).unwrap();
            let question = question_of_proof(&proof, &court.pinned());
            let said = machine.ask(&question).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(Some(&said.said), answer(&question).as_ref(), "{what}: SBPF and native differ");
            assert_eq!(said.said[0], fault, "{what}, element {element}");
            most = most.max(said.compute_units);
        }
    }
    most
}

#[test]
fn the_longest_loops_take_what_the_model_says_and_fit_a_transaction() {
    let (d, a, b) = (0, 0, 1);
    let bodies: Vec<(&str, Vec<I>)> = vec![
        ("nothing", vec![]),
        ("ADD", vec![I::Add { d, a, b }]),
        ("100 ADD", vec![I::Add { d, a, b }; 100]),
        ("100 MUL", vec![I::Mul { d, a, b }; 100]),
        ("100 SUB", vec![I::Sub { d, a, b }; 100]),
        ("100 AND", vec![I::And { d, a, b }; 100]),
        ("100 OR", vec![I::Or { d, a, b }; 100]),
        ("100 XOR", vec![I::Xor { d, a, b }; 100]),
        ("100 SHR", vec![I::ShiftRight { d, a, b: 2 }; 100]),
        ("100 SAR", vec![I::ShiftArithmetic { d, a, b: 2 }; 100]),
        ("100 MAX", vec![I::Max { d, a: 1, b: 0 }; 100]),
        ("100 LT", vec![I::Less { d, a: 1, b: 0 }; 100]),
        ("100 EQ", vec![I::Equal { d, a: 1, b: 1 }; 100]),
        ("100 SHL", vec![I::ShiftLeft { d, a, b: 2 }; 100]),
        ("100 RSHR", vec![I::RoundShift { d, a: 1, shift: 9 }; 100]),
        ("100 MIN", vec![I::Min { d, a, b: 3 }; 100]),
        ("100 LTU", vec![I::LessUnsigned { d, a, b }; 100]),
        ("100 SEL", vec![I::Select { d, c: 2, a, b }; 100]),
        ("100 DIVU", vec![I::DivideUnsigned { d, a: 1, b: 2 }; 100]),
        ("100 ISQRT", vec![I::SquareRoot { d, a: 3 }; 100]),
        ("100 CLZ", vec![I::LeadingZeros { d, a: 2 }; 100]),
        ("100 LDC", vec![I::Constant { d, index: 0 }; 100]),
        ("100 IDX", vec![I::Index { d, axis: 0 }; 100]),
        ("100 DIM", vec![I::Length { d, axis: 0 }; 100]),
        ("100 LDX", vec![I::Load { d: 6, operand: 0 }; 100]),
        ("100 LDX, padded", vec![I::Load { d: 6, operand: 1 }; 100]),
        ("100 LDG", vec![I::Gather { d: 6, operand: 2, a: 0 }; 100]),
        ("100 LDX of six axes", vec![I::Load { d: 6, operand: 4 }; 100]),
        ("30 LDG, each from another leaf", {
            let step = [I::Add { d: 8, a: 8, b: 10 }, I::And { d: 8, a: 8, b: 11 }];
            step.into_iter().chain([I::Gather { d: 6, operand: 3, a: 8 }]).collect::<Vec<_>>().repeat(30)
        }),
        ("100 BRZ not taken", vec![I::BreakIfZero { a: 1 }; 100]),
        ("an inner loop of 1 turn left over 100 ADD", {
            let left = [I::Loop { turns: 1 }, I::BreakIfZero { a: 9 }];
            left.into_iter().chain([I::Add { d, a, b }; 100]).chain([I::End]).collect()
        }),
        ("100 ADD, then an inner loop left at once", {
            let left = [I::Loop { turns: 1 }, I::BreakIfZero { a: 9 }, I::End];
            std::iter::repeat_n(I::Add { d, a, b }, 100).chain(left).collect()
        }),
        ("40 inner loops of nothing", [I::Loop { turns: 1 }, I::End].repeat(40)),
    ];
    let mut machine = Machine::load();
    let (mut dearest, mut beyond) = (0, Vec::new());
    println!("\nLOOP | turns | steps | modelled | measured");
    for (what, body) in bodies {
        let graph = |turns: u16| {
            let code: Vec<I> = [I::Loop { turns }].into_iter().chain(body.iter().copied()).chain([I::End]).collect();
            map(&code)
        };
        let (turns, graph) = longest(graph);
        let resolved = graph.resolve(&[]).unwrap();
        let (steps, modelled) = (resolved.steps(&resolved.ops[0]), resolved.costs()[0].compute_units);
        let measured = judge(&mut machine, &graph, what);
        println!("LOOP {what} | {turns} | {steps} | {modelled} | {measured}");
        if measured > modelled.into() {
            beyond.push(format!("{what}: {measured} units, the model says {modelled}"));
        }
        // The last turn that fits is the last before one of both limits.
        let turn = steps / u64::from(turns) + 1;
        assert!(
            steps + turn > MAX_STEPS.into() || u64::from(modelled) + 600 * turn > MAX_COMPUTE_UNITS.into(),
            "{what}: {steps} steps and {modelled} units leave room for another turn"
        );
        dearest = dearest.max(measured);
    }
    assert!(beyond.is_empty(), "{beyond:#?}");
    assert!(dearest <= MOST_OF_A_TRANSACTION, "{dearest}");
    assert!(dearest > 150_000, "{dearest} units: the longest loops are short");
}

#[test]
fn a_loop_that_is_left_at_another_turn_by_every_element_is_judged_element_by_element() {
    // Counts down from the element's input, of which 5 bits are kept.
    let code = [
        I::Constant { d: 6, index: 1 },
        I::And { d: 6, a: 0, b: 6 },
        I::Loop { turns: 30 },
        I::BreakIfZero { a: 6 },
        I::LessUnsigned { d: 7, a: 9, b: 2 },
        I::Sub { d: 6, a: 6, b: 7 },
        I::Loop { turns: 3 },
        I::Mul { d: 0, a: 0, b: 1 },
        I::BreakIfZero { a: 0 },
        I::ShiftRight { d: 0, a: 0, b: 2 },
        I::End,
        I::End,
    ];
    let units = judge(&mut Machine::load(), &map(&code), "left anywhere");
    println!("LOOP left anywhere | 30 x 3 | | | {units}");
}
