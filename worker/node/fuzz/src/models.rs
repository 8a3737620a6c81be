//! Small models in ONNX: one of each way in which exporters write shapes, constants and layers.

use assay_import::float::Tensor;
use assay_import::onnx::builder::{Attribute, Length, ModelBuilder};
use assay_import::onnx::proto::{ModelProto, data_type};

const FLOAT: i32 = data_type::FLOAT;
const INT64: i32 = data_type::INT64;

fn ramp(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    Tensor::floats(shape, (0..count).map(|index| index as f32 / 8.0 - 1.0).collect())
}

/// A name and a model.
pub fn all() -> Vec<(&'static str, ModelProto)> {
    vec![
        ("linear", linear()),
        ("convolution", convolution()),
        ("attention", attention()),
        ("shapes", shapes()),
        ("constants", constants()),
        ("quantised", quantised()),
        ("lookup", lookup()),
        ("resize", resize()),
    ]
}

fn linear() -> ModelProto {
    let mut model = ModelBuilder::new(17);
    let x = model.input("x", FLOAT, &[Length::Symbol("batch"), Length::Known(3)]);
    let (weights, bias) = (model.constant(&ramp(&[3, 4])), model.constant(&ramp(&[4])));
    let product = model.node("MatMul", &[&x, &weights], &[]);
    let sum = model.node("Add", &[&product, &bias], &[]);
    let hidden = model.node("Relu", &[&sum], &[]);
    let second = model.constant(&ramp(&[2, 4]));
    let scores =
        model.node("Gemm", &[&hidden, &second], &[("transB", Attribute::Int(1)), ("alpha", Attribute::Float(0.5))]);
    let probabilities = model.node("Softmax", &[&scores], &[("axis", Attribute::Int(-1))]);
    model.output(&probabilities);
    model.finish()
}

fn convolution() -> ModelProto {
    let mut model = ModelBuilder::new(13);
    let x = model.input("x", FLOAT, &[Length::Symbol("batch"), Length::Known(2), Length::Known(6), Length::Known(6)]);
    let weights = model.constant(&ramp(&[2, 1, 3, 3]));
    let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
    let settings = [("group", Attribute::Int(2)), ("pads", ints(&[1, 1, 1, 1])), ("strides", ints(&[2, 2]))];
    let convolved = model.node("Conv", &[&x, &weights], &settings);
    let windows = [("kernel_shape", ints(&[2, 2])), ("strides", ints(&[1, 1]))];
    let pooled = model.node("MaxPool", &[&convolved], &windows);
    let mean = model.node("GlobalAveragePool", &[&pooled], &[]);
    let flat = model.node("Flatten", &[&mean], &[("axis", Attribute::Int(1))]);
    let kernel = model.constant(&ramp(&[2, 1, 2, 2]));
    let wide = model.node("ConvTranspose", &[&pooled, &kernel], &[("strides", ints(&[2, 2]))]);
    model.output(&flat);
    model.output(&wide);
    model.finish()
}

fn attention() -> ModelProto {
    let mut model = ModelBuilder::new(17);
    let x = model.input("x", FLOAT, &[Length::Symbol("batch"), Length::Symbol("tokens"), Length::Known(4)]);
    let split = model.integers(&[0, 0, 2, 2]);
    let heads = model.node("Reshape", &[&x, &split], &[]);
    let order = |axes: &[i64]| [("perm", Attribute::Ints(axes.to_vec()))];
    let queries = model.node("Transpose", &[&heads], &order(&[0, 2, 1, 3]));
    let keys = model.node("Transpose", &[&heads], &order(&[0, 2, 3, 1]));
    let scores = model.node("MatMul", &[&queries, &keys], &[]);
    let scale = model.number(0.7);
    let scaled = model.node("Mul", &[&scores, &scale], &[]);
    let weights = model.node("Softmax", &[&scaled], &[("axis", Attribute::Int(-1))]);
    let mixed = model.node("MatMul", &[&weights, &queries], &[]);
    let back = model.node("Transpose", &[&mixed], &order(&[0, 2, 1, 3]));
    let joined = model.integers(&[0, 0, 4]);
    let joined = model.node("Reshape", &[&back, &joined], &[]);
    let (gain, bias) = (model.constant(&ramp(&[4])), model.constant(&ramp(&[4])));
    let normal = model.node("LayerNormalization", &[&joined, &gain, &bias], &[("epsilon", Attribute::Float(1e-5))]);
    let mean =
        model.node("ReduceMean", &[&normal], &[("axes", Attribute::Ints(vec![1])), ("keepdims", Attribute::Int(0))]);
    model.output(&mean);
    model.finish()
}

fn shapes() -> ModelProto {
    let mut model = ModelBuilder::new(14);
    let x = model.input("x", FLOAT, &[Length::Symbol("batch"), Length::Known(6)]);
    let shape = model.node("Shape", &[&x], &[]);
    let first = model.integers(&[0]);
    let rows = model.node("Gather", &[&shape, &first], &[("axis", Attribute::Int(0))]);
    let (two, three, rest) = (model.integers(&[2]), model.integers(&[3]), model.integers(&[-1]));
    let wanted = model.node("Concat", &[&rows, &two, &three], &[("axis", Attribute::Int(0))]);
    let folded = model.node("Reshape", &[&x, &wanted], &[]);
    let (start, end, axis, step) =
        (model.integers(&[0]), model.integers(&[2]), model.integers(&[2]), model.integers(&[1]));
    let part = model.node("Slice", &[&folded, &start, &end, &axis, &step], &[]);
    let twice = model.node("Mul", &[&rows, &two], &[]);
    let halves = model.node("Div", &[&twice, &two], &[]);
    let flat = model.node("Concat", &[&halves, &rest], &[("axis", Attribute::Int(0))]);
    let flat = model.node("Reshape", &[&part, &flat], &[]);
    let padding = model.integers(&[0, 1, 0, 1]);
    let padded = model.node("Pad", &[&flat, &padding], &[]);
    model.output(&padded);
    model.finish()
}

fn constants() -> ModelProto {
    let mut model = ModelBuilder::new(13);
    let x = model.input("x", FLOAT, &[Length::Known(2), Length::Known(4)]);
    let length = model.integers(&[2, 4]);
    let value = ("value", Attribute::Tensor(Tensor::floats(&[1], vec![0.5])));
    let filled = model.node("ConstantOfShape", &[&length], &[value]);
    let (from, to, by) = (scalar(&mut model, 0), scalar(&mut model, 4), scalar(&mut model, 1));
    let steps = model.node("Range", &[&from, &to, &by], &[]);
    let steps = model.node("Cast", &[&steps], &[("to", Attribute::Int(i64::from(FLOAT)))]);
    let wide = model.node("Expand", &[&steps, &length], &[]);
    let repeats = model.integers(&[1, 2]);
    let narrow = model.constant(&ramp(&[2, 2]));
    let tiled = model.node("Tile", &[&narrow, &repeats], &[]);
    let condition = model.node("Greater", &[&wide, &tiled], &[]);
    let chosen = model.node("Where", &[&condition, &filled, &wide], &[]);
    let sum = model.node("Add", &[&x, &chosen], &[]);
    model.output(&sum);
    model.finish()
}

fn scalar(model: &mut ModelBuilder, value: i64) -> String {
    model.constant(&Tensor::integers(&[], vec![value]))
}

fn quantised() -> ModelProto {
    let mut model = ModelBuilder::new(19);
    let x = model.input("x", FLOAT, &[Length::Symbol("batch"), Length::Known(3)]);
    let (scale, zero) = (model.number(0.1), model.raw_constant(zero_point()));
    let rounded = model.node("QuantizeLinear", &[&x, &scale, &zero], &[]);
    let back = model.node("DequantizeLinear", &[&rounded, &scale, &zero], &[]);
    let bounds = (model.number(-1.0), model.number(1.0));
    let clipped = model.node("Clip", &[&back, &bounds.0, &bounds.1], &[]);
    let curved = model.node("Sigmoid", &[&clipped], &[]);
    model.output(&curved);
    model.finish()
}

fn zero_point() -> assay_import::onnx::proto::TensorProto {
    assay_import::onnx::proto::TensorProto {
        data_type: data_type::UINT8,
        name: String::from("zero"),
        raw_data: Some(vec![128]),
        ..Default::default()
    }
}

fn lookup() -> ModelProto {
    let mut model = ModelBuilder::new(17);
    let ids = model.input("ids", INT64, &[Length::Symbol("batch"), Length::Symbol("tokens")]);
    let table = model.constant(&ramp(&[8, 4]));
    let rows = model.node("Gather", &[&table, &ids], &[("axis", Attribute::Int(0))]);
    let axis = model.integers(&[1]);
    let sum = model.node("ReduceSum", &[&rows, &axis], &[("keepdims", Attribute::Int(0))]);
    let best = model.node("ArgMax", &[&sum], &[("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(0))]);
    model.output(&sum);
    model.output(&best);
    model.finish()
}

fn resize() -> ModelProto {
    let mut model = ModelBuilder::new(13);
    let x = model.input("x", FLOAT, &[Length::Known(1), Length::Known(1), Length::Known(2), Length::Known(2)]);
    let scales = model.constant(&Tensor::floats(&[4], vec![1.0, 1.0, 2.0, 2.0]));
    let settings = [
        ("mode", Attribute::Text("nearest")),
        ("coordinate_transformation_mode", Attribute::Text("asymmetric")),
        ("nearest_mode", Attribute::Text("floor")),
    ];
    let larger = model.node("Resize", &[&x, "", &scales], &settings);
    let parts = model.nodes("Split", &[&larger], &[("axis", Attribute::Int(2))], 2);
    let joined = model.node("Concat", &[&parts[1], &parts[0]], &[("axis", Attribute::Int(3))]);
    model.output(&joined);
    model.finish()
}
