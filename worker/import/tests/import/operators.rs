//! Each operator in a model of its own.

use crate::support::{agree, bounds, floats, ints, names, positive, with_x};
use Length::{Known, Symbol};
use assay_import::float::{Tensor, execute};
use assay_import::onnx::builder::{Attribute, Length, ModelBuilder};
use assay_import::onnx::proto::{TensorProto, data_type};
use assay_import::{ImportError, ImportOptions, import_model};

fn text(text: &'static str) -> Attribute {
    Attribute::Text(text)
}

/// One operator on `x [2, 3, 4]`, with constants behind it.
fn unary(opset: i64, operator: &str, constants: &[Tensor], attributes: &[(&str, Attribute)], input: &Tensor) {
    let shape: Vec<Length<'_>> = input.shape.iter().map(|&length| Known(length as u32)).collect();
    let (mut model, x) = with_x(opset, &shape);
    let constants: Vec<String> = constants.iter().map(|tensor| model.constant(tensor)).collect();
    let inputs: Vec<&str> = std::iter::once(x.as_str()).chain(constants.iter().map(String::as_str)).collect();
    let y = model.node(operator, &inputs, attributes);
    model.output(&y);
    agree(&model.finish(), &[], std::slice::from_ref(input));
}

#[test]
fn activations() {
    let x = floats(&[2, 3, 4], 1);
    for operator in
        ["Relu", "Sigmoid", "Tanh", "Softplus", "HardSwish", "Erf", "Exp", "Abs", "Neg", "Floor", "Ceil", "Sin", "Cos"]
    {
        unary(17, operator, &[], &[], &x);
    }
    for operator in ["Sqrt", "Log", "Reciprocal"] {
        unary(17, operator, &[], &[], &positive(&[2, 3, 4], 2));
    }
    unary(17, "LeakyRelu", &[], &[("alpha", Attribute::Float(0.2))], &x);
    unary(17, "Elu", &[], &[("alpha", Attribute::Float(0.7))], &x);
    unary(17, "HardSigmoid", &[], &[], &x);
    unary(17, "Clip", &[Tensor::floats(&[], vec![-0.5]), Tensor::floats(&[], vec![1.0])], &[], &x);
    unary(17, "Pow", &[Tensor::floats(&[], vec![2.0])], &[], &x);
    unary(20, "Gelu", &[], &[], &x);
    unary(20, "Gelu", &[], &[("approximate", text("tanh"))], &x);
}

#[test]
fn arithmetic_broadcasts() {
    let x = floats(&[2, 3, 4], 3);
    for operator in ["Add", "Sub", "Mul", "Div", "Min", "Max"] {
        for shape in [&[4][..], &[3, 1], &[1, 1, 4], &[]] {
            unary(17, operator, &[positive(shape, 4)], &[], &x);
        }
    }
}

#[test]
fn products() {
    unary(17, "MatMul", &[floats(&[4, 5], 5)], &[], &floats(&[2, 3, 4], 6));
    unary(
        17,
        "Gemm",
        &[floats(&[5, 4], 7), floats(&[5], 8)],
        &[("transB", Attribute::Int(1)), ("alpha", Attribute::Float(0.5))],
        &floats(&[3, 4], 9),
    );
    unary(
        17,
        "Gemm",
        &[floats(&[4, 5], 7), floats(&[3, 5], 8)],
        &[("beta", Attribute::Float(2.0))],
        &floats(&[3, 4], 9),
    );

    let mut model = ModelBuilder::new(17);
    let a = model.input("a", data_type::FLOAT, &[Known(2), Known(3), Known(4), Known(5)]);
    let b = model.input("b", data_type::FLOAT, &[Known(2), Known(3), Known(5), Known(6)]);
    let c = model.node("MatMul", &[&a, &b], &[]);
    model.output(&c);
    agree(&model.finish(), &[], &[floats(&[2, 3, 4, 5], 10), floats(&[2, 3, 5, 6], 11)]);
}

#[test]
fn a_constant_on_the_left_is_a_linear_layer() {
    let (mut model, x) = with_x(17, &[Known(2), Known(4), Known(5)]);
    let left = model.constant(&floats(&[3, 4], 12));
    let y = model.node("MatMul", &[&left, &x], &[]);
    model.output(&y);
    let graph = agree(&model.finish(), &[], &[floats(&[2, 4, 5], 13)]);
    assert_eq!(names(&graph), ["Transpose", "Linear", "Transpose"]);
}

#[test]
fn convolutions() {
    let bias = floats(&[6], 20);
    // one axis
    let settings = [("strides", ints(&[2])), ("pads", ints(&[2, 1])), ("dilations", ints(&[2]))];
    unary(17, "Conv", &[floats(&[6, 4, 3], 21), bias.clone()], &settings, &floats(&[2, 4, 17], 22));
    // two axes, grouped, depthwise
    let settings = [("strides", ints(&[2, 1])), ("pads", ints(&[1, 0, 1, 2]))];
    unary(17, "Conv", &[floats(&[6, 4, 3, 3], 23), bias.clone()], &settings, &floats(&[2, 4, 9, 8], 24));
    let groups = [("group", Attribute::Int(2)), ("pads", ints(&[1, 1, 1, 1]))];
    unary(17, "Conv", &[floats(&[6, 2, 3, 3], 25), bias], &groups, &floats(&[2, 4, 6, 5], 26));
    let depthwise = [("group", Attribute::Int(4)), ("auto_pad", text("SAME_UPPER"))];
    unary(17, "Conv", &[floats(&[4, 1, 3, 3], 27)], &depthwise, &floats(&[1, 4, 6, 5], 28));
}

#[test]
fn pools() {
    let x = floats(&[2, 3, 9, 8], 30);
    let settings = |extra: Vec<(&'static str, Attribute)>| {
        let mut all = vec![("kernel_shape", ints(&[3, 2])), ("strides", ints(&[2, 2])), ("pads", ints(&[1, 0, 1, 0]))];
        all.extend(extra);
        all
    };
    unary(17, "MaxPool", &[], &settings(vec![]), &x);
    unary(17, "AveragePool", &[], &settings(vec![]), &x);
    unary(17, "AveragePool", &[], &settings(vec![("count_include_pad", Attribute::Int(1))]), &x);
    unary(
        17,
        "MaxPool",
        &[],
        &[("kernel_shape", ints(&[2, 2])), ("strides", ints(&[2, 2])), ("ceil_mode", Attribute::Int(1))],
        &x,
    );
    unary(17, "GlobalAveragePool", &[], &[], &x);
    unary(17, "GlobalMaxPool", &[], &[], &floats(&[2, 3, 9], 31));
}

#[test]
fn norms_softmax_and_reductions() {
    let x = floats(&[2, 3, 4], 40);
    unary(17, "LayerNormalization", &[floats(&[4], 41), floats(&[4], 42)], &[("epsilon", Attribute::Float(1e-3))], &x);
    unary(
        17,
        "BatchNormalization",
        &[floats(&[3], 43), floats(&[3], 44), floats(&[3], 45), positive(&[3], 46)],
        &[],
        &x,
    );
    unary(17, "Softmax", &[], &[("axis", Attribute::Int(1))], &x);
    unary(11, "Softmax", &[], &[("axis", Attribute::Int(2))], &x);
    unary(17, "LogSoftmax", &[], &[], &x);
    for operator in ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2"] {
        unary(13, operator, &[], &[("axes", ints(&[1])), ("keepdims", Attribute::Int(0))], &x);
        unary(13, operator, &[], &[("axes", ints(&[-1, 0]))], &x);
    }
    unary(13, "ReduceSum", &[Tensor::integers(&[2], vec![0, 2])], &[], &x);
    unary(18, "ReduceMean", &[Tensor::integers(&[1], vec![2])], &[], &x);
    unary(13, "ArgMax", &[], &[("axis", Attribute::Int(2)), ("keepdims", Attribute::Int(0))], &x);
}

#[test]
fn norms_of_instances() {
    let (mut model, x) = with_x(17, &[Symbol("batch"), Known(6), Known(5), Known(4)]);
    let (scale, bias) = (model.constant(&floats(&[6], 60)), model.constant(&floats(&[6], 61)));
    let y = model.node("InstanceNormalization", &[&x, &scale, &bias], &[("epsilon", Attribute::Float(1e-3))]);
    model.output(&y);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[3, 6, 5, 4], 62)]);
    assert_eq!(names(&graph), ["Reshape", "LayerNorm", "Reshape", "Mul", "Add"]);

    // Groups of channels, as exporters write them.
    let (mut model, x) = with_x(17, &[Symbol("batch"), Known(6), Known(5), Known(4)]);
    let (grouped, whole) = (model.integers(&[0, 2, -1]), model.integers(&[0, 6, 5, 4]));
    let (ones, zeros) = (Tensor::floats(&[2], vec![1.0; 2]), Tensor::floats(&[2], vec![0.0; 2]));
    let (ones, zeros) = (model.constant(&ones), model.constant(&zeros));
    let y = model.node("Reshape", &[&x, &grouped], &[]);
    let y = model.node("InstanceNormalization", &[&y, &ones, &zeros], &[]);
    let y = model.node("Reshape", &[&y, &whole], &[]);
    let scale = model.constant(&floats(&[6, 1, 1], 60));
    let y = model.node("Mul", &[&y, &scale], &[]);
    model.output(&y);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[3, 6, 5, 4], 62)]);
    assert_eq!(names(&graph), ["Reshape", "LayerNorm", "Reshape", "Mul"]);
}

#[test]
fn choices_and_comparisons() {
    for operator in ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"] {
        let (mut model, x) = with_x(17, &[Known(2), Known(3), Known(4)]);
        let (bounds, others) = (model.constant(&floats(&[3, 1], 63)), model.constant(&floats(&[4], 64)));
        let compared = model.node(operator, &[&x, &bounds], &[]);
        let y = model.node("Where", &[&compared, &x, &others], &[]);
        model.output(&y);
        let graph = agree(&model.finish(), &[], &[floats(&[2, 3, 4], 65)]);
        assert_eq!(names(&graph), ["Compare", "Where"], "{operator}");
    }
}

#[test]
fn resizes_by_whole_factors() {
    for (coordinates, rounding) in [("asymmetric", "floor"), ("half_pixel", "round_prefer_floor")] {
        let settings = [
            ("mode", text("nearest")),
            ("coordinate_transformation_mode", text(coordinates)),
            ("nearest_mode", text(rounding)),
        ];
        let (mut model, x) = with_x(13, &[Symbol("batch"), Known(3), Known(4), Known(5)]);
        let scales = model.constant(&Tensor::floats(&[4], vec![1.0, 1.0, 3.0, 2.0]));
        let y = model.node("Resize", &[&x, "", &scales], &settings);
        model.output(&y);
        agree(&model.finish(), &["batch=1..4"], &[floats(&[2, 3, 4, 5], 66)]);
        let (mut model, x) = with_x(13, &[Known(2), Known(3), Known(4), Known(5)]);
        let sizes = model.integers(&[2, 3, 8, 20]);
        let y = model.node("Resize", &[&x, "", "", &sizes], &settings);
        model.output(&y);
        agree(&model.finish(), &[], &[floats(&[2, 3, 4, 5], 67)]);
    }
}

#[test]
fn transposed_convolutions() {
    let groups = [
        ("group", Attribute::Int(2)),
        ("strides", ints(&[2, 3])),
        ("pads", ints(&[1, 0, 0, 2])),
        ("output_padding", ints(&[1, 2])),
    ];
    unary(17, "ConvTranspose", &[floats(&[6, 4, 3, 2], 68), floats(&[8], 69)], &groups, &floats(&[2, 6, 5, 4], 70));
    unary(17, "ConvTranspose", &[floats(&[6, 4, 3], 71)], &[("dilations", ints(&[2]))], &floats(&[2, 6, 7], 72));
    // a kernel within a stride, and pads beyond the kernel
    unary(17, "ConvTranspose", &[floats(&[4, 3, 1], 73)], &[("strides", ints(&[3]))], &floats(&[2, 4, 5], 74));
    let beyond = [("strides", ints(&[2])), ("pads", ints(&[2, 1]))];
    unary(17, "ConvTranspose", &[floats(&[4, 3, 2], 75)], &beyond, &floats(&[2, 4, 6], 76));
}

#[test]
fn the_greatest_k() {
    let (mut model, x) = with_x(17, &[Known(3), Known(7)]);
    let k = model.integers(&[3]);
    let outputs = model.nodes("TopK", &[&x, &k], &[], 2);
    outputs.iter().for_each(|output| model.output(output));
    agree(&model.finish(), &[], &[floats(&[3, 7], 47)]);
}

#[test]
fn movements() {
    let x = floats(&[2, 3, 4], 50);
    let list = |values: &[i64]| Tensor::integers(&[values.len()], values.to_vec());
    unary(17, "Reshape", &[list(&[0, -1])], &[], &x);
    unary(17, "Flatten", &[], &[("axis", Attribute::Int(2))], &x);
    unary(17, "Transpose", &[], &[("perm", ints(&[2, 0, 1]))], &x);
    unary(17, "Unsqueeze", &[list(&[0, -1])], &[], &x);
    unary(17, "Squeeze", &[list(&[1])], &[], &floats(&[2, 1, 4], 51));
    unary(17, "Slice", &[list(&[1, -3]), list(&[3, 9]), list(&[1, 2]), list(&[1, 2])], &[], &x);
    unary(17, "Slice", &[list(&[-1]), list(&[i64::MIN + 1]), list(&[2]), list(&[-1])], &[], &x);
    unary(17, "Pad", &[list(&[0, 1, 0, 1, 0, 2]), Tensor::floats(&[], vec![0.5])], &[], &x);
    unary(17, "Expand", &[list(&[5, 2, 3, 4])], &[], &x);
    unary(17, "Tile", &[list(&[1, 2, 1])], &[], &x);
    unary(17, "Concat", &[floats(&[2, 5, 4], 52)], &[("axis", Attribute::Int(1))], &x);
    unary(17, "Gather", &[list(&[2, 0])], &[("axis", Attribute::Int(1))], &x);
    unary(17, "Gather", &[Tensor::integers(&[], vec![-1])], &[("axis", Attribute::Int(2))], &x);
    unary(17, "Identity", &[], &[], &x);
}

#[test]
fn parts_of_a_split_are_slices() {
    let (mut model, x) = with_x(17, &[Symbol("batch"), Known(7)]);
    let lengths = model.integers(&[3, 4]);
    let parts = model.nodes("Split", &[&x, &lengths], &[("axis", Attribute::Int(1))], 2);
    parts.iter().for_each(|part| model.output(part));
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[3, 7], 53)]);
    assert_eq!(names(&graph), ["Slice", "Slice"]);
}

#[test]
fn rows_are_looked_up() {
    let mut model = ModelBuilder::new(17);
    let ids = model.input("ids", data_type::INT64, &[Symbol("batch"), Known(3)]);
    let table = model.constant(&floats(&[5, 4], 54));
    let rows = model.node("Gather", &[&table, &ids], &[]);
    model.output(&rows);
    let graph = agree(&model.finish(), &["batch=1..4"], &[Tensor::integers(&[2, 3], vec![0, 4, 1, 3, 3, 2])]);
    assert_eq!(names(&graph), ["Embedding"]);
}

#[test]
fn shapes_are_computed_away() {
    let (mut model, x) = with_x(17, &[Symbol("batch"), Symbol("tokens"), Known(6)]);
    let shape = model.node("Shape", &[&x], &[]);
    let (zero, one) = (model.integers(&[0]), model.integers(&[1]));
    let (batch, tokens) = (model.node("Gather", &[&shape, &zero], &[]), model.node("Gather", &[&shape, &one], &[]));
    let (two, three) = (model.integers(&[2]), model.integers(&[3]));
    let target = model.node("Concat", &[&batch, &tokens, &two, &three], &[("axis", Attribute::Int(0))]);
    let target = model.node("Cast", &[&target], &[("to", Attribute::Int(7))]);
    let split = model.node("Reshape", &[&x, &target], &[]);
    let turned = model.node("Transpose", &[&split], &[("perm", ints(&[0, 2, 1, 3]))]);
    model.output(&turned);
    let graph = agree(&model.finish(), &["batch=1..4", "tokens=1..16"], &[floats(&[2, 5, 6], 55)]);
    assert_eq!(names(&graph), ["Reshape", "Transpose"]);
}

/// A constant of 8 bits.
fn bytes(name: &str, shape: &[i64], data_type: i32, data: Vec<u8>) -> TensorProto {
    TensorProto { dims: shape.to_vec(), data_type, name: name.to_owned(), raw_data: Some(data), ..Default::default() }
}

#[test]
fn quantised_models_keep_their_scales() {
    let (mut model, x) = with_x(13, &[Symbol("batch"), Known(4)]);
    let scale = model.number(0.05);
    let zero = model.raw_constant(bytes("zero", &[], data_type::UINT8, vec![128]));
    let quantised = model.node("QuantizeLinear", &[&x, &scale, &zero], &[]);
    let x = model.node("DequantizeLinear", &[&quantised, &scale, &zero], &[]);
    let weight =
        model.raw_constant(bytes("weight", &[4, 3], data_type::INT8, (0..12u8).map(|n| n.wrapping_mul(41)).collect()));
    let scales = model.constant(&Tensor::floats(&[3], vec![0.1, 0.02, 0.5]));
    let zeros = model.raw_constant(bytes("zeros", &[3], data_type::INT8, vec![0, 0, 0]));
    let weight = model.node("DequantizeLinear", &[&weight, &scales, &zeros], &[("axis", Attribute::Int(1))]);
    let y = model.node("MatMul", &[&x, &weight], &[]);
    model.output(&y);
    let graph = agree(&model.finish(), &["batch=1..4"], &[floats(&[2, 4], 56)]);
    assert_eq!(names(&graph), ["Requantise", "Linear"]);
    let weight = graph.value(graph.nodes[1].inputs[1]).own_scale.clone().unwrap();
    assert_eq!((weight.scales, weight.axis), (vec![0.1, 0.02, 0.5], Some(1)));
    let input = graph.value(graph.nodes[0].outputs[0]).own_scale.clone().unwrap();
    assert_eq!((input.scales, input.zero_points, input.low, input.high), (vec![0.05], vec![128], 0, 255));
}

fn refusal(model: ModelBuilder, symbols: &[&str]) -> ImportError {
    let options = ImportOptions { symbols: bounds(symbols), drop_final_softmax: false };
    import_model(&model.finish(), &options).unwrap_err()
}

#[test]
fn what_is_not_supported_is_named_with_its_remedy() {
    let (mut model, x) = with_x(17, &[Known(1), Known(4), Known(4)]);
    let y = model.node("LSTM", &[&x, &x, &x], &[]);
    model.output(&y);
    let error = refusal(model, &[]);
    assert_eq!(error.code(), "I0112");
    let message = error.to_string();
    assert!(message.contains("LSTM") && message.contains("LSTM_1") && message.contains("unroll"), "{message}");

    // Ids as numbers to compute with.
    let (mut model, x) = with_x(17, &[Known(4)]);
    let ids = model.input("ids", data_type::INT64, &[Known(4)]);
    let numbers = model.node("Cast", &[&ids], &[("to", Attribute::Int(1))]);
    let y = model.node("Mul", &[&x, &numbers], &[]);
    model.output(&y);
    let error = refusal(model, &[]);
    assert_eq!(error.code(), "I0112");
    assert!(error.to_string().contains("take floats as inputs"), "{error}");

    // Resizes that are none by whole factors, or not to the nearest element.
    for (factor, mode) in [(1.5, "nearest"), (2.0, "linear")] {
        let (mut model, x) = with_x(17, &[Known(2), Known(4)]);
        let scales = model.constant(&Tensor::floats(&[2], vec![1.0, factor]));
        let y = model.node("Resize", &[&x, "", &scales], &[("mode", text(mode))]);
        model.output(&y);
        assert_eq!(refusal(model, &[]).code(), "I0112", "{factor} {mode}");
    }
    // Lengths that a transposed convolution needs and does not have.
    let (mut model, x) = with_x(17, &[Known(1), Known(4), Symbol("length")]);
    let weight = model.constant(&floats(&[4, 3, 2], 59));
    let y = model.node("ConvTranspose", &[&x, &weight], &[("strides", ints(&[2]))]);
    model.output(&y);
    assert_eq!(refusal(model, &["length=4..8"]).code(), "I0112");
}

#[test]
fn symbols_need_bounds_that_hold() {
    let model = || {
        let (mut model, x) = with_x(17, &[Symbol("batch"), Known(4)]);
        let y = model.node("Relu", &[&x], &[]);
        model.output(&y);
        model
    };
    assert_eq!(refusal(model(), &[]).code(), "I0120");
    assert_eq!(refusal(model(), &["batch=1..4", "tokens=1..4"]).code(), "I0121");
    for text in ["batch", "batch=0..4", "batch=5..4", "batch=x"] {
        assert_eq!(text.parse::<assay_import::SymbolBounds>().unwrap_err().code(), "I0121", "{text}");
    }
    let options = ImportOptions { symbols: bounds(&["batch=2..4"]), drop_final_softmax: false };
    let graph = import_model(&model().finish(), &options).unwrap();
    for rows in [1, 5] {
        let error = execute(&graph, &[floats(&[rows, 4], 58)], &mut |_, _| {}).unwrap_err();
        assert_eq!(error.code(), "I0140", "{rows} rows");
    }
    assert!(execute(&graph, &[floats(&[3, 4], 58)], &mut |_, _| {}).is_ok());
}
