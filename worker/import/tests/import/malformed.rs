//! Files that are not what they say: an error with a code, never a panic.

use crate::support::{bounds, floats, ints, with_x};
use Length::{Known, Symbol};
use assay_import::onnx::builder::{Attribute, Length, ModelBuilder};
use assay_import::onnx::proto::{StringStringEntryProto, TensorProto, data_type};
use assay_import::{ImportError, ImportOptions, import_onnx};
use proptest::prelude::*;
use prost::Message;

fn options() -> ImportOptions {
    ImportOptions { symbols: bounds(&["batch=1..4"]), drop_final_softmax: true }
}

/// A model with many kinds of operators.
fn sample() -> ModelBuilder {
    let (mut model, x) = with_x(13, &[Symbol("batch"), Known(4), Known(9)]);
    let weight = model.constant(&floats(&[6, 2, 3], 1));
    let x = model.node("Conv", &[&x, &weight], &[("group", Attribute::Int(2)), ("pads", ints(&[1, 1]))]);
    let x = model.node("MaxPool", &[&x], &[("kernel_shape", ints(&[2])), ("strides", ints(&[2]))]);
    let shape = model.integers(&[0, -1]);
    let x = model.node("Reshape", &[&x, &shape], &[]);
    let weight = model.constant(&floats(&[24, 6], 2));
    let x = model.node("MatMul", &[&x, &weight], &[]);
    let lists: Vec<String> = [[0], [6], [1], [2]].iter().map(|list| model.integers(list)).collect();
    let x = model.node("Slice", &[&x, &lists[0], &lists[1], &lists[2], &lists[3]], &[]);
    let pads = model.integers(&[0, 1, 0, 1]);
    let x = model.node("Pad", &[&x, &pads], &[]);
    let x = model.node("Softmax", &[&x], &[("axis", Attribute::Int(1))]);
    model.output(&x);
    model
}

fn code(bytes: &[u8]) -> &'static str {
    import_onnx(bytes, &options()).unwrap_err().code()
}

#[test]
fn the_sample_is_sound() {
    import_onnx(&sample().finish().encode_to_vec(), &options()).unwrap();
}

#[test]
fn what_is_no_model_is_refused() {
    assert_eq!(code(b"this is not a model"), "I0101");
    assert_eq!(code(&[]), "I0101");
    let bytes = sample().finish().encode_to_vec();
    assert_eq!(code(&bytes[..bytes.len() / 2]), "I0101");
    for opset in [10, 22] {
        let (mut model, x) = with_x(opset, &[Symbol("batch")]);
        model.output(&x);
        assert_eq!(code(&model.finish().encode_to_vec()), "I0102");
    }
}

#[test]
fn external_data_are_refused_by_name() {
    let mut model = sample();
    model.raw_constant(TensorProto {
        name: String::from("far"),
        data_type: data_type::FLOAT,
        data_location: 1,
        external_data: vec![StringStringEntryProto {
            key: String::from("location"),
            value: String::from("weights.bin"),
        }],
        ..Default::default()
    });
    let error = import_onnx(&model.finish().encode_to_vec(), &options()).unwrap_err();
    assert_eq!(error.code(), "I0103");
    assert!(error.to_string().contains("far") && error.to_string().contains("weights.bin"), "{error}");
}

#[test]
fn a_constant_must_hold_what_its_shape_says() {
    for dims in [vec![3], vec![1 << 40], vec![-1], vec![1 << 31, 1 << 31, 1 << 31], vec![1; 20]] {
        let mut model = sample();
        let raw_data = Some(vec![0; 8]);
        let data_type = data_type::FLOAT;
        model.raw_constant(TensorProto { name: String::from("odd"), dims, data_type, raw_data, ..Default::default() });
        assert_eq!(code(&model.finish().encode_to_vec()), "I0104");
    }
}

#[test]
fn a_value_must_be_computed_before_it_is_read() {
    let mut model = sample();
    let y = model.node("Relu", &["nowhere"], &[]);
    model.output(&y);
    assert_eq!(code(&model.finish().encode_to_vec()), "I0110");
}

#[test]
fn sizes_are_bounded_before_anything_is_reserved() {
    let (mut model, x) = with_x(17, &[Symbol("batch")]);
    let shape = model.integers(&[1 << 20, 1 << 20, 1]);
    let y = model.node("Expand", &[&x, &shape], &[]);
    model.output(&y);
    assert_eq!(code(&model.finish().encode_to_vec()), "I0106");
    let (mut model, _) = with_x(17, &[Symbol("batch")]);
    let shape = model.integers(&[1 << 14, 1 << 14]);
    let y = model.node("ConstantOfShape", &[&shape], &[]);
    model.output(&y);
    assert_eq!(code(&model.finish().encode_to_vec()), "I0106");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn changed_bytes_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = sample().finish().encode_to_vec();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let result: Result<_, ImportError> = import_onnx(&bytes, &options());
        if let Err(error) = result {
            prop_assert!(error.to_string().starts_with(error.code()));
        }
    }

    /// Attributes and lists of integers with extreme values, in a file that is otherwise sound.
    #[test]
    fn odd_numbers_never_panic(node in 0usize..7, attribute in 0usize..2, constant in 0usize..10, value in prop_oneof![any::<i64>(), -3i64..40]) {
        let mut model = sample().finish();
        let graph = model.graph.as_mut().unwrap();
        if let Some(found) = graph.node[node].attribute.get_mut(attribute) {
            found.i = found.i.map(|_| value);
            found.ints.iter_mut().for_each(|number| *number = value);
        }
        if let Some(found) = graph.initializer.get_mut(constant).filter(|found| found.data_type == data_type::INT64) {
            let count = found.raw_data.as_ref().unwrap().len() / 8;
            found.raw_data = Some((0..count).flat_map(|_| value.to_le_bytes()).collect());
        }
        let _ = import_onnx(&model.encode_to_vec(), &options());
    }
}
