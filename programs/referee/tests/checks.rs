//! Every rule refuses a graph that breaks it alone: each case is a sound graph with one change.

mod common;

use common::{Draw, along, dims, linear, random_graph, single, table, tensor};
use referee::graph::{
    Dim, Dtype, Graph, Instruction as I, OpKind, OutOfBounds, Program, RULES, Site, Symbol, TensorKind, Term,
};
use std::collections::BTreeSet;

/// Two segments: a linear layer of `[B, 32]` rows, then the row's greatest value by ArgMax, looked up in a table.
///
/// Tensors: 0 input, 1 weights, 2 scales, 3 layer (i8), 4 table, 5 index (u8), 6 value (i16).
/// Programs: 0 the layer's epilogue, 1 the prologue, 2 the epilogue of ArgMax. Symbol 0 is B.
fn sound() -> Graph {
    let mut graph = linear(4, 8, 32);
    graph.symbols = vec![Symbol { min: 1, max: 64 }];
    graph.tensors[0].shape[0] = Dim::Symbol(0);
    graph.tensors[3].shape[0] = Dim::Symbol(0);
    graph.ops[0].output_axes[0] = Dim::Symbol(0);
    graph.ops[0].operands[0].as_shape[0] = Dim::Symbol(0);
    graph.tensors.push(tensor(Dtype::I16, TensorKind::Param, &[256]));
    graph.tensors.push(referee::graph::Tensor {
        dtype: Dtype::U8,
        kind: TensorKind::Temp,
        shape: vec![Dim::Symbol(0)],
    });
    graph.tensors.push(referee::graph::Tensor {
        dtype: Dtype::I16,
        kind: TensorKind::Temp,
        shape: vec![Dim::Symbol(0)],
    });
    graph.programs.push(Program { constants: vec![], code: vec![I::Load { d: 0, operand: 0 }] });
    graph.programs.push(Program {
        constants: vec![128],
        code: vec![
            I::Store { output: 0, a: 0 },
            I::Constant { d: 2, index: 0 },
            I::Add { d: 1, a: 1, b: 2 },
            I::Gather { d: 1, operand: 1, a: 1 },
            I::Store { output: 1, a: 1 },
        ],
    });
    let mut rows = along(3, &[1, 8], &[Some(0), Some(1)]);
    rows.as_shape[0] = Dim::Symbol(0);
    graph.ops.push(referee::graph::Op {
        kind: OpKind::ArgMax,
        outputs: vec![5, 6],
        output_axes: vec![Dim::Symbol(0)],
        reduction_axes: dims(&[8]),
        operands: vec![rows, table(4, 256)],
        prologue: Some(1),
        program: 2,
    });
    graph.cuts = vec![1];
    graph.outputs = vec![6, 5];
    graph
}

/// A Sum of `[rows]` numbers over the innermost axis, by a prologue of one load.
fn sum(rows: u32, length: u32) -> Graph {
    let mut graph = single(
        OpKind::Sum,
        vec![tensor(Dtype::I8, TensorKind::Input, &[rows, length])],
        &[Dtype::I32],
        &[rows],
        &[length],
    );
    graph.ops[0].operands = vec![along(0, &[rows, length], &[Some(0), Some(1)])];
    graph
}

fn contract(pair: (Dtype, Dtype), length: u32) -> Graph {
    let tensors = vec![tensor(pair.0, TensorKind::Input, &[1]), tensor(pair.1, TensorKind::Param, &[1])];
    let mut graph = single(OpKind::Contract, tensors, &[Dtype::I32], &[1], &[length]);
    graph.ops[0].operands = vec![along(0, &[1], &[None]), along(1, &[1], &[None])];
    graph
}

fn changed(change: impl FnOnce(&mut Graph)) -> Graph {
    let mut graph = sound();
    change(&mut graph);
    graph
}

/// A graph that breaks one rule, the rule's code, and where the fault must be found.
fn broken() -> Vec<(&'static str, Site, Graph)> {
    let instruction = |op, program, at| Site::Instruction { op, program, at };
    let term = |source_axis, iteration_axis, coefficient| Term { source_axis, iteration_axis, coefficient };
    vec![
        ("G0101", Site::Graph, changed(|g| g.symbols = vec![Symbol { min: 1, max: 1 }; 5])),
        ("G0101", Site::Graph, changed(|g| g.tensors.resize(4097, g.tensors[0].clone()))),
        ("G0101", Site::Graph, changed(|g| g.programs.resize(4097, g.programs[0].clone()))),
        ("G0101", Site::Graph, changed(|g| g.ops.resize(4097, g.ops[0].clone()))),
        ("G0101", Site::Graph, changed(|g| g.cuts = (1..1025).collect())),
        ("G0101", Site::Graph, changed(|g| g.outputs = (0..17).collect())),
        ("G0101", Site::Tensor(0), changed(|g| g.tensors[0].shape = dims(&[1; 7]))),
        ("G0101", Site::Program(0), changed(|g| g.programs[0].constants = vec![0; 33])),
        ("G0101", Site::Program(1), changed(|g| g.programs[1].code = vec![I::Load { d: 0, operand: 0 }; 129])),
        ("G0101", Site::Op(1), changed(|g| g.ops[1].outputs = vec![5; 5])),
        ("G0101", Site::Op(1), changed(|g| g.ops[1].output_axes = dims(&[1; 6]))),
        ("G0101", Site::Op(1), changed(|g| g.ops[1].reduction_axes = dims(&[1; 4]))),
        ("G0101", Site::Op(1), changed(|g| g.ops[1].operands = vec![table(4, 256); 7])),
        ("G0101", Site::Operand(1, 1), changed(|g| g.ops[1].operands[1].as_shape = dims(&[1; 7]))),
        ("G0101", Site::Operand(1, 1), changed(|g| g.ops[1].operands[1].offsets = vec![0; 7])),
        ("G0101", Site::Operand(1, 0), changed(|g| g.ops[1].operands[0].terms = vec![term(0, 0, 1); 11])),
        ("G0102", Site::Graph, enormous()),
        ("G0103", Site::Graph, changed(|g| g.outputs.clear())),
        ("G0103", Site::Graph, changed(|g| (g.ops.clear(), g.cuts.clear()).0)),
        ("G0104", Site::Graph, changed(|g| g.symbols[0].min = 0)),
        ("G0104", Site::Graph, changed(|g| g.symbols[0].min = 65)),
        ("G0105", Site::Graph, changed(|g| g.symbols.push(Symbol { min: 1, max: 2 }))),
        ("G0106", Site::Tensor(4), changed(|g| g.tensors[4].shape[0] = Dim::Symbol(1))),
        ("G0106", Site::Op(1), changed(|g| g.ops[1].reduction_axes[0] = Dim::Symbol(1))),
        ("G0107", Site::Graph, changed(|g| g.cuts = vec![0])),
        ("G0107", Site::Graph, changed(|g| g.cuts = vec![1, 1])),
        ("G0107", Site::Graph, changed(|g| g.cuts = vec![2])),
        ("G0108", Site::Graph, changed(|g| g.outputs = vec![0])),
        ("G0108", Site::Graph, changed(|g| g.outputs = vec![7])),
        ("G0108", Site::Graph, changed(|g| g.outputs = vec![6, 6])),
        ("G0109", Site::Tensor(4), changed(|g| g.tensors[4].shape.clear())),
        ("G0109", Site::Tensor(4), changed(|g| g.tensors[4].shape = dims(&[256, 0]))),
        ("G0110", Site::Tensor(7), changed(|g| g.tensors.push(tensor(Dtype::I8, TensorKind::Temp, &[1])))),
        ("G0110", Site::Op(1), changed(|g| g.ops[1].outputs[1] = 5)),
        ("G0110", Site::Op(1), changed(|g| g.ops[1].outputs[1] = 3)),
        ("G0110", Site::Op(1), changed(|g| g.ops[1].outputs[1] = 4)),
        ("G0110", Site::Op(1), changed(|g| g.ops[1].outputs[1] = 7)),
        ("G0111", Site::Tensor(6), changed(|g| g.tensors[6].shape = dims(&[64]))),
        ("G0112", Site::Program(3), changed(|g| g.programs.push(g.programs[0].clone()))),
        ("G0113", Site::Op(1), changed(|g| g.ops[1].program = 3)),
        ("G0113", Site::Op(1), changed(|g| g.ops[1].prologue = Some(3))),
        ("G0114", Site::Op(1), changed(|g| g.ops[1].prologue = None)),
        ("G0114", Site::Op(0), changed(|g| g.ops[0].prologue = Some(1))),
        ("G0115", Site::Op(1), changed(|g| g.ops[1].output_axes.clear())),
        ("G0115", Site::Op(1), changed(|g| g.ops[1].reduction_axes[0] = Dim::Const(0))),
        ("G0116", Site::Op(1), changed(|g| g.ops[1].kind = OpKind::Map)),
        ("G0117", Site::Op(1), changed(|g| g.ops[1].outputs.clear())),
        ("G0117", Site::Op(1), changed(|g| g.ops[1].operands = vec![table(4, 256); 6])),
        ("G0120", Site::Operand(1, 1), changed(|g| g.ops[1].operands[1].slot = 7)),
        ("G0121", Site::Operand(1, 0), changed(|g| g.ops[1].operands[0].slot = 5)),
        (
            "G0121",
            Site::Operand(0, 0),
            changed(|g| {
                g.ops.swap(0, 1);
            }),
        ),
        ("G0122", Site::Operand(1, 1), changed(|g| g.ops[1].operands[1].as_shape = dims(&[255]))),
        ("G0122", Site::Operand(1, 0), changed(|g| g.ops[1].operands[0].as_shape = dims(&[64, 8]))),
        ("G0122", Site::Operand(1, 0), {
            let mut graph = sound();
            // A second symbol with the same bounds: as many elements only by chance.
            graph.symbols.push(Symbol { min: 1, max: 64 });
            graph.tensors.push(referee::graph::Tensor { shape: vec![Dim::Symbol(1)], ..graph.tensors[4].clone() });
            graph.ops[1].operands[0].as_shape[0] = Dim::Symbol(1);
            graph
        }),
        ("G0123", Site::Operand(1, 1), changed(|g| g.ops[1].operands[1].offsets = vec![0, 0])),
        ("G0124", Site::OperandAxis(1, 0, 1), changed(|g| g.ops[1].operands[0].terms[1].coefficient = 0)),
        ("G0124", Site::OperandAxis(1, 0, 0), changed(|g| g.ops[1].operands[0].terms.reverse())),
        (
            "G0124",
            Site::OperandAxis(1, 0, 1),
            changed(|g| {
                g.ops[1].operands[0].terms.push(term(1, 1, 1));
            }),
        ),
        ("G0125", Site::OperandAxis(1, 0, 2), changed(|g| g.ops[1].operands[0].terms[1].source_axis = 2)),
        ("G0125", Site::OperandAxis(1, 0, 1), changed(|g| g.ops[1].operands[0].terms[1].iteration_axis = 2)),
        ("G0126", Site::OperandAxis(1, 1, 1), changed(|g| g.ops[1].operands[1].indirect = Some(1))),
        ("G0126", Site::OperandAxis(1, 1, 0), changed(|g| g.ops[1].operands[1].offsets[0] = 1)),
        ("G0126", Site::OperandAxis(1, 1, 0), changed(|g| g.ops[1].operands[1].terms = vec![term(0, 0, 1)])),
        ("G0127", Site::OperandAxis(0, 0, 0), far_reaching()),
        ("G0130", Site::Op(0), changed(|g| g.ops[0].operands.truncate(1))),
        ("G0130", Site::Op(0), changed(|g| g.tensors[0].dtype = Dtype::I16)),
        ("G0130", Site::Op(0), changed(|g| (g.tensors[0].dtype, g.tensors[1].dtype) = (Dtype::U8, Dtype::U8))),
        ("G0131", Site::Operand(0, 1), changed(|g| g.ops[0].operands[1].out_of_bounds = OutOfBounds::Pad(1))),
        ("G0131", Site::Operand(0, 0), changed(|g| g.ops[0].operands[0].out_of_bounds = OutOfBounds::Pad(-1))),
        (
            "G0132",
            Site::Operand(0, 1),
            changed(|g| {
                g.ops[0].operands[1].terms.remove(0);
                g.ops[0].operands[1].indirect = Some(0);
            }),
        ),
        ("G0133", Site::Op(0), contract((Dtype::I8, Dtype::I8), 131_072)),
        ("G0133", Site::Op(0), contract((Dtype::U8, Dtype::I8), 65_794)),
        ("G0133", Site::Op(0), contract((Dtype::I8, Dtype::U8), 65_794)),
        ("G0134", Site::OperandAxis(0, 2, 0), changed(|g| g.ops[0].operands[2].terms[0].iteration_axis = 2)),
        (
            "G0134",
            Site::OperandAxis(1, 0, 1),
            changed(|g| {
                g.programs[2].code.insert(0, I::Load { d: 3, operand: 0 });
            }),
        ),
        (
            "G0134",
            Site::OperandAxis(0, 4, 0),
            changed(|g| {
                // Though no program reads it.
                g.ops[0].operands.push(along(1, &[8, 32], &[Some(2), None]));
            }),
        ),
        ("G0140", instruction(1, 1, 0), changed(|g| g.programs[1].code[0] = I::Load { d: 16, operand: 0 })),
        ("G0140", instruction(0, 0, 1), changed(|g| g.programs[0].code[1] = I::Add { d: 0, a: 0, b: 16 })),
        ("G0141", instruction(1, 2, 1), changed(|g| g.programs[2].constants.clear())),
        ("G0142", instruction(0, 0, 4), changed(|g| g.programs[0].code[4] = I::RoundShift { d: 0, a: 0, shift: 0 })),
        ("G0142", instruction(0, 0, 4), changed(|g| g.programs[0].code[4] = I::RoundShift { d: 0, a: 0, shift: 64 })),
        ("G0143", instruction(1, 1, 1), changed(|g| g.programs[1].code.push(I::Store { output: 0, a: 0 }))),
        ("G0144", Site::Op(1), changed(|g| g.programs[2].code.truncate(4))),
        ("G0144", Site::Op(1), changed(|g| g.programs[2].code[4] = I::Store { output: 0, a: 1 })),
        ("G0144", instruction(1, 2, 4), changed(|g| g.programs[2].code[4] = I::Store { output: 2, a: 1 })),
        ("G0145", instruction(1, 1, 0), changed(|g| g.programs[1].code[0] = I::Load { d: 0, operand: 2 })),
        ("G0146", instruction(1, 1, 0), changed(|g| g.programs[1].code.insert(0, I::Index { d: 1, axis: 2 }))),
        ("G0146", instruction(1, 2, 0), changed(|g| g.programs[2].code.insert(0, I::Index { d: 3, axis: 1 }))),
        ("G0146", instruction(1, 2, 0), changed(|g| g.programs[2].code.insert(0, I::Length { d: 3, axis: 2 }))),
        ("G0147", instruction(1, 2, 3), changed(|g| g.programs[2].code[3] = I::Load { d: 1, operand: 1 })),
        ("G0147", instruction(1, 1, 0), changed(|g| g.programs[1].code[0] = I::Gather { d: 0, operand: 0, a: 0 })),
        ("G0152", Site::Tensor(0), sum(1 << 20, 1 << 11)),
        ("G0152", Site::Tensor(0), changed(|g| g.symbols[0].max = u32::MAX)),
        ("G0153", Site::Op(0), changed(|g| g.ops[0].reduction_axes = dims(&[1 << 16, 1 << 15]))),
        ("G0160", Site::Op(0), sum(1, 8192)),
        ("G0161", Site::Operand(0, 0), {
            let mut graph = sum(600, 600);
            graph.ops[0].operands[0] = along(0, &[600, 600], &[Some(1), Some(0)]);
            graph
        }),
        ("G0162", Site::Operand(0, 0), linear(4, 4, 8000)),
        ("G0160", Site::Op(0), looped(|code| code[1] = I::Loop { turns: 2730 })),
        ("G0162", Site::Operand(0, 0), {
            let mut graph = takes(256, 256);
            graph.programs[0].code.truncate(1);
            graph.programs[0].code.insert(0, I::Loop { turns: 21 });
            graph.programs[0].code.extend([I::End, I::Store { output: 0, a: 0 }]);
            graph
        }),
        ("G0163", Site::Op(0), sum(1, 4000)),
        (
            "G0163",
            Site::Op(0),
            looped(|code| {
                code[1] = I::Loop { turns: 900 };
                code[3] = I::SquareRoot { d: 0, a: 0 };
            }),
        ),
        ("G0170", instruction(0, 0, 1), looped(|code| code[1] = I::Loop { turns: 0 })),
        ("G0171", instruction(0, 0, 6), looped(|code| code.push(I::Loop { turns: 1 }))),
        ("G0171", instruction(0, 0, 6), looped(|code| code.push(I::End))),
        (
            "G0172",
            instruction(0, 0, 4),
            looped(|code| {
                code.splice(3..3, [I::Loop { turns: 1 }, I::Loop { turns: 1 }, I::End, I::End]);
            }),
        ),
        ("G0173", instruction(0, 0, 6), looped(|code| code.push(I::BreakIfZero { a: 0 }))),
        (
            "G0174",
            instruction(0, 0, 10),
            changed(|g| {
                g.programs[0].code.extend([I::Loop { turns: 1 }, I::End]);
            }),
        ),
        (
            "G0174",
            instruction(1, 1, 0),
            changed(|g| {
                g.programs[1].code.splice(0..0, [I::Loop { turns: 1 }, I::End]);
            }),
        ),
        ("G0175", instruction(0, 0, 4), looped(|code| code.swap(4, 5))),
    ]
}

/// A Map that counts down from 9, at most three times.
fn looped(change: impl FnOnce(&mut Vec<I>)) -> Graph {
    let mut graph = single(OpKind::Map, vec![], &[Dtype::I32], &[4], &[]);
    graph.programs[0] = Program {
        constants: vec![9],
        code: vec![
            I::Constant { d: 0, index: 0 },
            I::Loop { turns: 3 },
            I::BreakIfZero { a: 0 },
            I::Sub { d: 0, a: 0, b: 1 },
            I::End,
            I::Store { output: 0, a: 0 },
        ],
    };
    change(&mut graph.programs[0].code);
    graph
}

/// Under every bound but that of the file.
fn enormous() -> Graph {
    let mut graph = sound();
    let mut wide_table = along(4, &[1, 1, 1, 1, 1, 256], &[None; 6]);
    wide_table.indirect = Some(5);
    let map = |program: u16, slot: u16| referee::graph::Op {
        kind: OpKind::Map,
        outputs: vec![slot],
        output_axes: vec![Dim::Symbol(0)],
        reduction_axes: vec![],
        operands: vec![wide_table.clone(); 6],
        prologue: None,
        program,
    };
    for _ in 0..4000 {
        let slot = graph.tensors.len() as u16;
        graph.tensors.push(graph.tensors[5].clone());
        graph.ops.push(map(graph.programs.len() as u16, slot));
        let mut code = vec![I::Gather { d: 0, operand: 5, a: 0 }; 127];
        code.push(I::Store { output: 0, a: 0 });
        graph.programs.push(Program { constants: vec![7; 32], code });
    }
    graph
}

/// A coordinate of -2^31 x (2^31 - 2).
fn far_reaching() -> Graph {
    let tensors = vec![tensor(Dtype::I8, TensorKind::Input, &[4])];
    let mut graph = single(OpKind::Map, tensors, &[Dtype::I8], &[(1 << 31) - 1], &[]);
    let mut view = along(0, &[4], &[Some(0)]);
    view.terms[0].coefficient = i32::MIN;
    graph.ops[0].operands = vec![view];
    graph.programs[0].code.insert(0, I::Load { d: 0, operand: 0 });
    graph
}

#[test]
fn the_sound_graph_passes() {
    let report = sound().check().unwrap();
    assert_eq!(report.lints, vec![], "not even a lint");
    assert_eq!(report.costs.len(), 2);
    assert!(sound().resolve(&[7]).is_ok());
    for graph in [
        contract((Dtype::I8, Dtype::I8), 1),
        sum(4, 64),
        changed(|g| g.cuts.clear()),
        changed(|g| g.ops[0].operands[1].out_of_bounds = OutOfBounds::Pad(0)),
        changed(|g| g.tensors[0].dtype = Dtype::U8),
        changed(|g| g.tensors[1].dtype = Dtype::U8),
        looped(|_| ()),
        looped(|code| drop(code.splice(3..3, [I::Loop { turns: 2 }, I::BreakIfZero { a: 1 }, I::End]))),
        // 1 + 1 + 3 x 2,729 + 1 steps are 8,190.
        looped(|code| code[1] = I::Loop { turns: 2729 }),
    ] {
        graph.check().unwrap();
    }
}

#[test]
fn every_rule_refuses_a_graph_that_breaks_it_alone() {
    for (code, site, graph) in broken() {
        let Err(error) = graph.check() else { panic!("{code} at {site} is not refused") };
        assert_eq!((error.code, error.site), (code, site), "{error}");
        assert!(!error.reason.is_empty() && !error.fix.is_empty());
        let shown = error.to_string();
        assert!(shown.starts_with(code) && shown.contains(error.fix) && shown.contains(&error.reason), "{shown}");
        let resolved = graph.resolve(&graph.symbols.iter().map(|symbol| symbol.max).collect::<Vec<_>>());
        assert_eq!(resolved.unwrap_err().code, code, "resolving refuses it too");
    }
}

#[test]
fn values_of_symbols_are_checked() {
    let code = |symbols: &[u32]| sound().resolve(symbols).unwrap_err().code;
    assert_eq!(code(&[]), "G0150");
    assert_eq!(code(&[1, 1]), "G0150");
    assert_eq!(code(&[0]), "G0151");
    assert_eq!(code(&[65]), "G0151");
    assert!(sound().resolve(&[1]).is_ok() && sound().resolve(&[64]).is_ok());
}

#[test]
fn lints_name_what_could_be_better() {
    let lint = |graph: Graph| graph.check().unwrap().lints;
    let found = |graph: Graph, code: &str, site: Site| {
        let lints = lint(graph);
        assert!(lints.iter().any(|lint| lint.code == code && lint.site == site), "{code} at {site} in {lints:?}");
    };
    let mut strided = sum(8, 8);
    strided.ops[0].operands[0] = along(0, &[8, 8], &[Some(1), Some(0)]);
    found(strided, "G0201", Site::Operand(0, 0));

    let mut wrapping = sum(8, 8);
    wrapping.programs[0] = Program {
        constants: vec![i64::MAX],
        code: vec![I::Constant { d: 1, index: 0 }, I::Mul { d: 0, a: 0, b: 1 }, I::Store { output: 0, a: 0 }],
    };
    found(wrapping.clone(), "G0202", Site::Instruction { op: 0, program: 0, at: 1 });
    wrapping.programs[1] = wrapping.programs[0].clone();
    wrapping.programs[1].code[2] = I::LeadingZeros { d: 1, a: 1 };
    wrapping.programs[1].code.insert(0, I::Load { d: 0, operand: 0 });
    found(wrapping.clone(), "G0202", Site::Instruction { op: 0, program: 1, at: 2 });
    found(wrapping, "G0202", Site::Op(0));

    let large = [1 << 14, (1 << 13) + 1];
    let mut big = single(OpKind::Map, vec![tensor(Dtype::I8, TensorKind::Input, &large)], &[Dtype::I8], &[2], &[]);
    big.ops[0].operands = vec![along(0, &large, &[Some(0), None])];
    big.programs[0].code.insert(0, I::Load { d: 0, operand: 0 });
    found(big, "G0203", Site::Tensor(0));

    found(changed(|g| g.outputs = vec![6]), "G0204", Site::Tensor(5));
    found(changed(|g| g.programs[2].code[3] = I::LeadingZeros { d: 1, a: 1 }), "G0205", Site::Operand(1, 1));
}

#[test]
fn every_code_is_tested_and_every_code_is_unique() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    let unique: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(unique.len(), codes.len());
    assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "in order");
    let mut tested: BTreeSet<&str> = broken().iter().map(|(code, _, _)| *code).collect();
    // By the tests of symbols and lints above, and beside the check of uids.
    tested.extend(["G0150", "G0151", "G0154", "G0201", "G0202", "G0203", "G0204", "G0205"]);
    assert_eq!(unique, tested);
}

#[test]
fn the_bounds_of_a_contraction_are_the_last_that_cannot_wrap() {
    let extremes = |a: Dtype, b: Dtype| {
        let product = |x: i64, y: i64| x * y;
        let ((a_low, a_high), (b_low, b_high)) = (a.range(), b.range());
        let all = [product(a_low, b_low), product(a_low, b_high), product(a_high, b_low), product(a_high, b_high)];
        (*all.iter().min().unwrap(), *all.iter().max().unwrap())
    };
    for (pair, most) in [((Dtype::I8, Dtype::I8), 131_071i64), ((Dtype::U8, Dtype::I8), 65_793)] {
        let (least, greatest) = extremes(pair.0, pair.1);
        let fits = |length: i64| least * length >= i32::MIN.into() && greatest * length <= i32::MAX.into();
        assert!(fits(most) && !fits(most + 1), "{pair:?}");
        // At the bound it is no longer this rule that refuses.
        assert_ne!(contract(pair, most as u32).check().unwrap_err().code, "G0133");
    }
}

/// Takes 21 elements of a table of 1024 rows whose length is a symbol. A leaf holds 400 bytes of rows of 200, 512 of rows
/// of 256 and 300 of rows of 300.
fn takes(min: u32, max: u32) -> Graph {
    let mut graph =
        single(OpKind::Map, vec![tensor(Dtype::I8, TensorKind::Param, &[1024, 1])], &[Dtype::I8], &[4], &[]);
    graph.symbols = vec![Symbol { min, max }];
    graph.tensors[0].shape[1] = Dim::Symbol(0);
    let mut view = along(0, &[1024, 1], &[None, None]);
    view.as_shape[1] = Dim::Symbol(0);
    view.indirect = Some(0);
    graph.ops[0].operands = vec![view];
    graph.programs[0].code.splice(0..0, vec![I::Gather { d: 0, operand: 0, a: 0 }; 21]);
    graph
}

#[test]
fn every_corner_is_checked_and_what_lies_between_when_a_job_asks_for_it() {
    assert_eq!(takes(256, 300).check().unwrap_err().code, "G0162", "at the least value alone");
    assert_eq!(takes(200, 256).check().unwrap_err().code, "G0162", "at the greatest value alone");
    let graph = takes(200, 300);
    let report = graph.check().unwrap();
    assert!(graph.resolve(&[200]).is_ok() && graph.resolve(&[300]).is_ok());
    assert_eq!(graph.resolve(&[256]).unwrap_err().code, "G0162");
    // The report has the dearest of both corners.
    let cost = |value: u32| graph.resolve(&[value]).unwrap().costs()[0];
    assert_eq!(report.costs, [cost(200).max(cost(300))]);
    assert_ne!(cost(200), cost(300));
}

#[test]
fn small_graphs_are_refereeable_at_every_value_of_their_symbols() {
    for seed in 0..200 {
        let (graph, _) = random_graph(&mut Draw::new(seed));
        for value in graph.symbols.first().map_or(0..1, |symbol| symbol.min..symbol.max + 1) {
            let mut symbols: Vec<u32> = graph.symbols.iter().map(|symbol| symbol.min).collect();
            if let Some(first) = symbols.first_mut() {
                *first = value;
            }
            graph.resolve(&symbols).unwrap_or_else(|error| panic!("seed {seed}, {symbols:?}: {error}"));
        }
    }
}
