//! What the builder refuses, and where it cuts.

use assay_models::builder::{
    Addition, BuildError, Convolution, GraphBuilder, Model, OpSpec, Operand, ProgramBuilder, Requantization,
    TensorHandle, Weights, Window, axis, fixed,
};
use referee::graph::{Dim, Dtype, MAX_TENSORS, OpKind};

fn one(graph: &mut GraphBuilder, name: &str, dtype: Dtype, shape: &[u32]) -> TensorHandle {
    let shape: Vec<Dim> = shape.iter().copied().map(Dim::Const).collect();
    graph.input(name, dtype, &shape).unwrap()
}

fn settings<'a>(bias: &'a [i32], multiplier: &'a [i32]) -> Requantization<'a> {
    Requantization { bias, multiplier, shift: 4, clamp: None, output: Dtype::I8 }
}

#[test]
fn full_lists_are_refused() {
    let mut graph = GraphBuilder::new();
    for symbol in 0..4 {
        graph.symbol(&format!("s{symbol}"), 1, 2).unwrap();
    }
    assert!(matches!(graph.symbol("s4", 1, 2), Err(BuildError::Limit { what: "symbols", most: 4, .. })));
    for tensor in 0..MAX_TENSORS {
        graph.input(&format!("t{tensor}"), Dtype::I8, &[Dim::Const(1)]).unwrap();
    }
    let refused = graph.input("last", Dtype::I8, &[Dim::Const(1)]);
    assert!(matches!(refused, Err(BuildError::Limit { what: "tensors", most: MAX_TENSORS, .. })));
}

#[test]
fn a_name_is_given_once() {
    let mut graph = GraphBuilder::new();
    one(&mut graph, "a", Dtype::I8, &[1]);
    let taken = BuildError::DuplicateName { name: "a".into() };
    assert_eq!(graph.input("a", Dtype::I8, &[Dim::Const(1)]), Err(taken.clone()));
    assert_eq!(graph.param("a", Dtype::I8, &[1], &[0]), Err(taken.clone()));
    graph.symbol("a", 1, 1).unwrap();
    assert_eq!(graph.symbol("a", 1, 1), Err(taken));
}

#[test]
fn params_must_fill_their_shape_and_fit_their_type() {
    let mut graph = GraphBuilder::new();
    let length = graph.param("p", Dtype::I8, &[2, 3], &[0; 5]);
    assert_eq!(length, Err(BuildError::Length { name: "p".into(), expected: 6, given: 5 }));
    let huge = graph.param("p", Dtype::I8, &[u32::MAX, u32::MAX, u32::MAX], &[0; 5]);
    assert_eq!(huge, Err(BuildError::Length { name: "p".into(), expected: u64::MAX, given: 5 }));
    for (dtype, value) in [(Dtype::I8, 128), (Dtype::U8, -1), (Dtype::I16, -32_769), (Dtype::I32, 1 << 31)] {
        let refused = graph.param("p", dtype, &[2], &[0, value]);
        assert_eq!(refused, Err(BuildError::Value { name: "p".into(), index: 1, value, dtype }));
        graph.param(&format!("{dtype:?}"), dtype, &[2], &[0, dtype.saturate(value)]).unwrap();
    }
}

#[test]
fn layers_refuse_what_does_not_fit() {
    let mut graph = GraphBuilder::new();
    let row = one(&mut graph, "row", Dtype::I8, &[2, 10]);
    let image = one(&mut graph, "image", Dtype::I8, &[1, 4, 4, 2]);
    let is_shape = |result: Result<TensorHandle, BuildError>| matches!(result, Err(BuildError::Shape { .. }));
    let is_length = |result: Result<TensorHandle, BuildError>| matches!(result, Err(BuildError::Length { .. }));

    let values = [1i8; 20];
    let weights = Weights { outputs: 2, inputs: 10, values: &values };
    assert!(is_shape(graph.linear("l1", &row, &Weights { inputs: 7, ..weights }, &settings(&[0; 2], &[1; 2]))));
    assert!(is_length(graph.linear(
        "l2",
        &row,
        &Weights { values: &values[1..], ..weights },
        &settings(&[0; 2], &[1; 2])
    )));
    assert!(is_length(graph.linear("l3", &row, &weights, &settings(&[0; 3], &[1; 2]))));
    assert!(is_length(graph.linear("l4", &row, &weights, &settings(&[0; 2], &[1; 1]))));

    let convolution = Convolution { filters: 1, window: Window::square(3), values: &values[..18] };
    assert!(is_shape(graph.conv2d("c1", &row, &convolution, &settings(&[0], &[1]))));
    for window in [Window::square(5), Window::square(0), Window::square(3).stride(0)] {
        let convolution = Convolution { window, ..convolution };
        assert!(is_shape(graph.conv2d("c2", &image, &convolution, &settings(&[0], &[1]))), "{window:?}");
    }
    assert!(is_length(graph.conv2d("c3", &image, &Convolution { filters: 2, ..convolution }, &settings(&[0], &[1]))));
    assert!(is_shape(graph.max_pool("p1", &row, &Window::square(2))));
    assert!(is_shape(graph.average_pool("p2", &image, &Window::square(6))));

    let wide = one(&mut graph, "wide", Dtype::I16, &[2, 300]);
    assert!(is_shape(graph.arg_max("a1", &wide, Dtype::U8)));
    let flat = one(&mut graph, "flat", Dtype::I8, &[10]);
    assert!(is_shape(graph.arg_max("a2", &flat, Dtype::U8)));
    assert!(is_shape(graph.lookup("t1", &wide, Dtype::I8, &[0; 256])));
    assert!(is_length(graph.lookup("t2", &row, Dtype::I8, &[0; 255])));
    let addition = Addition { multipliers: [1, 1], shift: 1, output: Dtype::I8 };
    assert!(is_shape(graph.add("s1", &row, &flat, &addition)));
    assert!(matches!(Operand::heads(&row, 3, &[0, 1, 2]), Err(BuildError::Shape { .. })));
    assert!(matches!(Operand::heads(&row, 0, &[0, 1, 2]), Err(BuildError::Shape { .. })));
}

#[test]
fn shifts_must_be_those_of_the_machine() {
    let mut graph = GraphBuilder::new();
    let row = one(&mut graph, "row", Dtype::I8, &[1, 2]);
    for (index, shift) in [0u8, 64].into_iter().enumerate() {
        let weights = Weights { outputs: 1, inputs: 2, values: &[1, 1] };
        let requantization = Requantization { shift, ..settings(&[0], &[1]) };
        let refused = graph.linear(&format!("l{index}"), &row, &weights, &requantization);
        assert!(matches!(refused, Err(BuildError::Quantisation { .. })), "{refused:?}");
        let addition = Addition { multipliers: [1, 1], shift, output: Dtype::I8 };
        assert!(matches!(graph.add("sum", &row, &row, &addition), Err(BuildError::Quantisation { .. })));
    }
}

#[test]
fn views_that_no_graph_can_hold_are_refused() {
    let mut graph = GraphBuilder::new();
    let matrix = one(&mut graph, "matrix", Dtype::I8, &[4, 4]);
    let axes = [Dim::Const(2), Dim::Const(2)];
    let refused = [
        Operand::along(&matrix, &[0]),
        Operand::along(&matrix, &[0, 1, 1]),
        Operand::new(&matrix, [axis(0) * (1 << 40), axis(1)]),
        Operand::new(&matrix, [axis(0), fixed(1 << 31)]),
        Operand::new(&matrix, [axis(300), fixed(0)]),
        Operand::along(&matrix, &[0, 1]).gathered(2),
    ];
    for operand in refused {
        let result = graph.copy("copy", &axes, &operand);
        assert!(matches!(result, Err(BuildError::Coordinate { .. })), "{operand:?}: {result:?}");
    }
}

#[test]
fn tensors_of_another_builder_are_refused() {
    let mut other = GraphBuilder::new();
    let foreign = one(&mut other, "foreign", Dtype::I8, &[3]);
    let mut graph = GraphBuilder::new();
    let refused = graph.copy("copy", &[Dim::Const(3)], &Operand::elementwise(&foreign));
    assert_eq!(refused, Err(BuildError::Foreign { name: "copy".into(), what: "tensor" }));
    one(&mut graph, "own", Dtype::U8, &[3]);
    assert!(graph.copy("copy", &[Dim::Const(3)], &Operand::elementwise(&foreign)).is_err());
}

#[test]
fn a_broken_rule_names_the_op_of_the_builder() {
    let mut graph = GraphBuilder::new();
    let matrix = one(&mut graph, "matrix", Dtype::I8, &[1024, 64]);
    // A column sum reads one leaf for every eight rows: more than a proof can carry.
    let mut prologue = ProgramBuilder::map();
    let value = prologue.load(0);
    let (mut epilogue, sum) = ProgramBuilder::epilogue();
    epilogue.store(0, sum);
    let spec = OpSpec {
        name: "columns",
        kind: OpKind::Sum,
        outputs: &[("columns", Dtype::I32)],
        output_axes: &[Dim::Const(64)],
        reduction_axes: &[Dim::Const(1024)],
        operands: &[Operand::along(&matrix, &[1, 0])],
        prologue: Some(prologue.finish_lanes("columns", &[value]).unwrap()),
        program: epilogue.finish("columns").unwrap(),
    };
    let outputs = graph.op(spec).unwrap();
    graph.output(&outputs[0]);
    match graph.build() {
        Err(BuildError::Refused { name, error }) => {
            assert_eq!(name, "columns");
            assert!(error.reason.contains("leaves"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_begin_with_their_codes() {
    let shape = BuildError::Shape { name: "x".into(), reason: "y".into() };
    assert!(shape.to_string().starts_with("M0105 x: y"));
    let taken = BuildError::DuplicateName { name: "x".into() };
    assert!(taken.to_string().starts_with("M0102 the name x is taken;"));
}

/// A chain of linear layers on one row: (inputs, outputs) of each follow from the widths.
fn chain(widths: &[u32], cut: impl FnOnce(&mut GraphBuilder)) -> Model {
    let mut graph = GraphBuilder::new();
    let mut values = one(&mut graph, "input", Dtype::I8, &[1, widths[0]]);
    for (index, width) in widths.windows(2).enumerate() {
        let [inputs, outputs] = [width[0], width[1]];
        let matrix = vec![1i8; (inputs * outputs) as usize];
        let bias = vec![0; outputs as usize];
        let multiplier = vec![1; outputs as usize];
        let weights = Weights { outputs, inputs, values: &matrix };
        values = graph.linear(&format!("l{index}"), &values, &weights, &settings(&bias, &multiplier)).unwrap();
    }
    graph.output(&values);
    cut(&mut graph);
    graph.build().unwrap()
}

#[test]
fn cuts_follow_work_for_each_byte_that_crosses() {
    // Each element of a layer costs its inputs and the 6 instructions of the epilogue, and is one byte.
    let widths = [100, 50, 50, 4, 4];
    assert_eq!(chain(&widths, |graph| graph.cut_by_cost(106)).graph.cuts, [1, 3]);
    assert_eq!(chain(&widths, |graph| graph.cut_by_cost(107)).graph.cuts, [2]);
    assert_eq!(chain(&widths, |graph| graph.cut_by_cost(163)).graph.cuts, [3]);
    assert!(chain(&widths, |graph| graph.cut_by_cost(1 << 40)).graph.cuts.is_empty());
}

#[test]
fn cuts_at_the_ends_are_dropped_and_doubles_are_one() {
    let mut graph = GraphBuilder::new();
    graph.cut();
    let input = one(&mut graph, "input", Dtype::I8, &[4]);
    let a = graph.copy("a", &[Dim::Const(4)], &Operand::elementwise(&input)).unwrap();
    graph.cut();
    graph.cut();
    let b = graph.copy("b", &[Dim::Const(4)], &Operand::elementwise(&a)).unwrap();
    graph.cut();
    graph.output(&b);
    assert_eq!(graph.build().unwrap().graph.cuts, [1]);
}

#[test]
fn equal_programs_are_shared() {
    let mut graph = GraphBuilder::new();
    let input = one(&mut graph, "input", Dtype::I8, &[4]);
    let a = graph.copy("a", &[Dim::Const(4)], &Operand::elementwise(&input)).unwrap();
    let b = graph.copy("b", &[Dim::Const(4)], &Operand::elementwise(&a)).unwrap();
    graph.output(&b);
    assert_eq!(graph.build().unwrap().graph.programs.len(), 1);
}
